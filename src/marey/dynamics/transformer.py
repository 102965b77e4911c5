"""The token transformer: bidirectional, pre-norm, trained to fill in what a mask hides."""

from dataclasses import dataclass, field, replace
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from marey.core.config import LATER, strict
from marey.core.errors import UserError
from marey.dynamics.segments import Digits, Names
from marey.dynamics.sequence import Layout, Sequence
from marey.dynamics.trunk import Block, Past
from marey.train import Loss


@strict
@dataclass(frozen=True)
class DynamicsConfig:
    """Shape of the transformer, and how it takes a code.

    vocabulary: in factors, one small softmax (or mixture) for each, or jointly, one softmax over the whole codebook.
    scaled: whether digits that are numbers are looked at in units of how far they move (see `Digits`).
    """

    width: int = 128
    depth: int = 4
    heads: int = 4
    vocabulary: Literal["factors", "joint"] = "factors"
    kind: Literal["parallel"] = "parallel"
    scaled: bool = field(default=False, metadata=LATER)

    def __post_init__(self) -> None:
        if min(self.width, self.depth, self.heads) < 1 or self.width % self.heads:
            raise UserError(f"dynamics.width={self.width} must be a positive multiple of dynamics.heads={self.heads}")

    def build(self, layout: Layout) -> "Dynamics":
        return Dynamics(self, layout)


@dataclass(frozen=True)
class Batch:
    """What the transformer learns from: sequences with holes, the true values, and which of them are asked.

    all_asked: the same of the whole batch that this is a part of; None if this is a whole one.
    """

    sequence: Sequence
    targets: Int64[Tensor, "B E"]
    asked: Bool[Tensor, "B E"]
    all_asked: Bool[Tensor, "A E"] | None = None

    def without(self, hidden: Bool[Tensor, "B E"]) -> "Batch":
        """The same, of which some elements are neither shown nor asked."""
        return replace(self, sequence=self.sequence.without(hidden), asked=self.asked & ~hidden)

    def as_part_of(self, whole: "Batch") -> "Batch":
        """The same sequences; their loss is now their part of the whole batch's (see `train.parts`)."""
        return replace(self, all_asked=whole.asked)

    def counts(self, layout: Layout) -> list[Float[Tensor, ""]]:
        """Over how many asked elements each segment's loss is a mean: of a part, its share of the whole batch's."""
        whole = self.asked if self.all_asked is None else self.all_asked
        return [part.sum().clamp(min=1) * (len(self.asked) / len(whole)) for part in layout.parts(whole)]


@dataclass(frozen=True)
class Guess:
    """A value for every element, and its log probability, nats."""

    values: Int64[Tensor, "B E"]
    confidence: Float[Tensor, "B E"]


class Dynamics(nn.Module):
    """Sequence to a distribution over every element. `forward(batch)` is the training loss."""

    def __init__(self, config: DynamicsConfig, layout: Layout, sees: Bool[Tensor, "P P"] | None = None):
        """sees: of all places, if there are more than the sequence has, which may look at which."""
        super().__init__()
        self.layout = layout
        self.segments = nn.ModuleList(
            Digits(s, config.width, scaled=config.scaled) if s.ordinal else Names(s, config.width)
            for s in layout.segments
        )
        self.told = nn.Linear(config.width, config.width, bias=False)
        nn.init.zeros_(self.told.weight)
        places = layout.length if sees is None else len(sees)
        self.place = nn.Parameter(0.5 * torch.randn(places, config.width))
        self.blocks = nn.ModuleList(Block(config.width, config.heads, places, sees) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width)

    def class_logits(self, sequence: Sequence) -> Float[Tensor, "B V"]:
        """Log probabilities (up to a constant) of the classes; the digits', many times as many, are not computed."""
        for part, (segment, tokens, trends) in zip(self.layout.segments, self._read(sequence), strict=True):
            if part.name == "class":
                return segment.logits(tokens, trends)[:, 0, 0]
        raise AssertionError("every layout has a class")

    def logits(self, sequence: Sequence) -> Float[Tensor, "B E V"]:
        """Log probabilities (up to a constant) of every element's values, -inf beyond its vocabulary."""
        parts = [segment.logits(tokens, trends).flatten(1, 2) for segment, tokens, trends in self._read(sequence)]
        return torch.cat(
            [F.pad(part, (0, self.layout.largest - part.shape[-1]), value=-torch.inf) for part in parts], 1
        )

    def draw(
        self, sequence: Sequence, temperature: float = 1.0, generator: torch.Generator | None = None
    ) -> Int64[Tensor, "B E"]:
        """A value for every element, each drawn for itself; at temperature 0 the likeliest."""
        parts = [segment.draw(*each, temperature, generator).flatten(1) for segment, *each in self._read(sequence)]
        return torch.cat(parts, dim=1)

    def guess(self, sequence: Sequence, temperature: float = 1.0, generator: torch.Generator | None = None) -> Guess:
        """The same, with how sure the model is of each."""
        drawn, sure = [], []
        for segment, *each in self._read(sequence):
            drawn.append(segment.draw(*each, temperature, generator))
            sure.append(-segment.nats(*each, drawn[-1]))
        return Guess(*(torch.cat([part.flatten(1) for part in parts], dim=1) for parts in (drawn, sure)))

    def forward(self, batch: Batch) -> Loss:
        """Mean cross-entropy, nats, of the elements asked: of each segment by itself, then summed.

        One class among dozens of digits would otherwise not be heard.
        """
        losses = {}
        asked, targets = self.layout.parts(batch.asked), self.layout.parts(batch.targets)
        for (segment, tokens, trends), wanted, target, count, part in zip(
            self._read(batch.sequence), asked, targets, batch.counts(self.layout), self.layout.segments, strict=True
        ):
            nats = segment.nats(tokens, trends, target) * wanted
            losses[part.name] = nats.sum() / count
        return Loss(torch.stack(list(losses.values())).sum(), {name: losses[name] for name in ("class", "video")})

    def _through(self, x: Float[Tensor, "B n D"], pasts: list[Past] | None = None) -> Float[Tensor, "B n D"]:
        """Through the trunk: tokens of the first places, or of those that follow `pasts`, one for each block."""
        start = pasts[0].length if pasts else 0
        x = x + self.place[start : start + x.shape[1]]
        for i, block in enumerate(self.blocks):
            x = block(x, pasts[i] if pasts else None)
        return self.norm(x)

    def _read(self, sequence: Sequence, pasts: list[Past] | None = None):  # type: ignore[no-untyped-def]
        """For each segment: itself, its tokens after the last block, and the trends of what is shown of it."""
        rows = [list(self.layout.parts(row)) for row in (sequence.values, sequence.known, sequence.condition)]
        each = list(zip(self.segments, *rows, strict=True))
        trends = [part.trends(values, known | condition) for part, values, known, condition in each]
        tokens = [part.embed(*row, trend) for (part, *row), trend in zip(each, trends, strict=True)]
        # Task and class are told to every token: one voice among many would be heard late.
        alone = [part.grid == () for part in self.layout.segments]
        told = self.told(torch.stack([token for token, one in zip(tokens, alone, strict=True) if one]).sum(dim=0))
        tokens = [token if one else token + told for token, one in zip(tokens, alone, strict=True)]
        x = self._through(torch.cat(tokens, dim=1), pasts)
        ends = x.split([part.length for part in self.layout.segments], dim=1)
        return zip(self.segments, ends, trends, strict=True)
