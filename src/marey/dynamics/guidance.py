"""Classifier-free guidance (arXiv 2207.12598): away from what the model would say, were it not told the class."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from marey.core.errors import UserError
from marey.dynamics.segments import gumbel
from marey.dynamics.sequence import Sequence
from marey.dynamics.transformer import Dynamics, Guess

_ROWS = 64  # whose probabilities of all values are held at once: some 5 MB each for 24 digits of 1024 levels
_PLAUSIBLE = math.log(1e-3)  # of the likeliest value


@dataclass(frozen=True)
class Guidance:
    """weight w: log probabilities (1 + w) log p(x | class) - w log p(x), of values that are plausible by the first.

    task: of each clip, the label of the task under which its class is hidden (`without_class`).
    """

    weight: float
    task: Int64[Tensor, "B"]

    def __post_init__(self) -> None:
        if not 0 <= self.weight < math.inf:
            raise UserError(f"guidance={self.weight}: give 0 (none) or more")


@dataclass(frozen=True)
class Sampler:
    """How values are drawn from a model: at temperature 0 the likeliest; with guidance, towards the class."""

    model: Dynamics
    temperature: float
    generator: torch.Generator | None
    guidance: Guidance | None = None

    def draw(self, sequence: Sequence) -> Int64[Tensor, "B E"]:
        """A value for every element, each drawn for itself."""
        if self.guidance is None or self.guidance.weight == 0:
            return self.model.draw(sequence, self.temperature, self.generator)
        return self._guided(sequence, self.guidance).values

    def guess(self, sequence: Sequence) -> Guess:
        """The same, with how sure the model is of each."""
        if self.guidance is None or self.guidance.weight == 0:
            return self.model.guess(sequence, self.temperature, self.generator)
        return self._guided(sequence, self.guidance)

    def _guided(self, sequence: Sequence, guidance: Guidance) -> Guess:
        """Drawn from the probabilities of all values: the trick that draws without computing them knows no guidance."""
        drawn, sure = [], []
        for start in range(0, len(sequence.values), _ROWS):
            rows = slice(start, start + _ROWS)
            part = sequence.rows(rows)
            untold = self.model.layout.untold(part, guidance.task[rows])
            logits = guided(self.model.logits(part), self.model.logits(untold), guidance.weight)
            values = (logits + self.temperature * gumbel(logits, self.generator)).argmax(dim=-1)
            drawn.append(values)
            sure.append(logits.gather(-1, values[..., None])[..., 0])
        return Guess(torch.cat(drawn), torch.cat(sure))


def guided(
    told: Float[Tensor, "*shape V"], untold: Float[Tensor, "*shape V"], weight: float
) -> Float[Tensor, "*shape V"]:
    """Guided log probabilities from those with the class and those without it.

    A value that is not plausible with the class does not become so by being less plausible without: the tails of two
    distributions may have any ratio.
    """
    told, untold = told.log_softmax(dim=-1), untold.log_softmax(dim=-1)
    plausible = told >= told.amax(dim=-1, keepdim=True) + _PLAUSIBLE
    return torch.where(plausible, (1 + weight) * told - weight * untold, -torch.inf).log_softmax(dim=-1)
