"""Parallel decoding (MaskGIT, arXiv 2202.04200; MAGVIT): in a fixed number of passes, each of which guesses all that is
hidden and keeps some of it.

Which guesses are kept is not a matter of confidence by default. The surest values are the dullest ones, and kept first
they make every motion small; so frames are taken in random order. MaskGIT's own order is there to compare.
"""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from marey.core.errors import UserError
from marey.core.numbers import real_number, whole_number
from marey.dynamics.autoregressive import Autoregressive, fill_in_turn
from marey.dynamics.guidance import Guidance, Sampler
from marey.dynamics.segments import gumbel
from marey.dynamics.sequence import Sequence
from marey.dynamics.transformer import Dynamics

_FIRST_FRAMES = 5  # they decide what clip this becomes
_PASSES = 12
_MOST_IN_TURN = 30  # digits that get a pass each


@dataclass(frozen=True)
class ByFrame:
    """Frame after frame in random order, the digits of the first frames few at a time; then some polishing."""


@dataclass(frozen=True)
class ByConfidence:
    """The surest guesses first; after a share s of the steps, cos(s pi / 2) of what was hidden still is (MaskGIT).

    choice_temperature: of the noise on the confidence, which fades to nothing; at 0 the surest are kept and no others.
    """

    choice_temperature: float = 4.5

    def __post_init__(self) -> None:
        real_number(self.choice_temperature, "choice_temperature", 0)


Order = ByFrame | ByConfidence


@torch.inference_mode()
def fill(
    model: Dynamics | Autoregressive,
    sequence: Sequence,
    steps: int | None = None,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
    guidance: Guidance | None = None,
    order: Order | None = None,
) -> Int64[Tensor, "B E"]:
    """Values of every element after `steps` passes of the model; those known in `sequence` stay as they are.

    steps: 12 unless said; but numbers (digits that are ordinal) are drawn in a pass for each digit of the first frames
    and some more, if these digits are few, and the likeliest numbers (temperature 0) are all read in one pass, for
    another one would take guesses for facts: what is shown, and no guess, says how a motion goes on.
    temperature: of the values drawn; at 0 all are the likeliest. guidance: towards the class, if any. order: `ByFrame`
    unless said. An autoregressive model has its own order, and takes a pass for each element instead of `steps`.
    """
    temperature = real_number(temperature, "temperature", 0)
    if steps is None:
        by_frame = not isinstance(order, ByConfidence) and model.layout.ordinal
        steps = _passes(model, sequence, temperature) if by_frame else _PASSES
    steps = whole_number(steps, "steps", 1)
    if isinstance(model, Autoregressive):
        if guidance is not None and guidance.weight > 0:
            raise UserError(f"guidance={guidance.weight}: only a parallel model can be guided; leave it at 0")
        return fill_in_turn(model, sequence, temperature, generator)
    if isinstance(order, ByConfidence):
        return _fill_surest(Sampler(model, temperature, generator, guidance), sequence, steps, order)
    if temperature == 0:
        generator = torch.Generator().manual_seed(0)
    return _fill_frames(Sampler(model, temperature, generator, guidance), sequence, steps)


def _passes(model: Dynamics | Autoregressive, sequence: Sequence, temperature: float) -> int:
    """For numbers, by frames: see `fill`."""
    if temperature == 0:
        return 1
    hidden = int((~sequence.known[:, model.layout.slice("video")]).sum(dim=1).max())
    first = min(hidden, _first_digits(model))
    return max(1, math.ceil(first * 6 / 5)) if first <= _MOST_IN_TURN else _PASSES


def _first_digits(model: Dynamics | Autoregressive) -> int:
    """Digits of as many frames as are drawn with care."""
    return _FIRST_FRAMES * model.layout.segments[-1].elements // model.layout.grid[0]


def _fill_frames(sampler: Sampler, sequence: Sequence, steps: int) -> Int64[Tensor, "B E"]:
    """The digits of the first frames are drawn few at a time, because those of one place must agree (a pass draws each
    for itself); the other frames follow in larger groups. In the last passes half of the frames are hidden again and
    take the likeliest values beside the other half: the clip comes to agree with itself. At temperature 0 the order is
    always the same.
    """
    hidden = ~sequence.known
    asked = sequence
    model, cold = sampler.model, sampler.temperature == 0
    careful, polishing = (0, steps // 3) if cold else (steps * 5 // 6, steps // 12)
    filling = steps - polishing
    rank, *halves = (_order(model, hidden, sampler.generator, alike=cold) for _ in range(1 + polishing))
    likeliest = replace(sampler, temperature=0.0)
    for step in range(1, filling + 1):
        values = sampler.draw(sequence)
        kept = hidden & (rank < _due(model, hidden, step, careful, filling)[:, None]) | sequence.known
        sequence = _keep(sequence, values, kept)
    for half in halves:
        again = hidden & (half < (hidden.sum(dim=1, keepdim=True) + 1) // 2)
        holes = replace(sequence, known=~again, condition=asked.condition & again)
        shown = torch.where(again, asked.values, sequence.values)
        values = likeliest.draw(replace(holes, values=shown))
        sequence = replace(sequence, values=torch.where(again, values, sequence.values))
    return sequence.values


def _fill_surest(sampler: Sampler, sequence: Sequence, steps: int, order: ByConfidence) -> Int64[Tensor, "B E"]:
    total = (~sequence.known).sum(dim=1, keepdim=True)
    for step in range(1, steps + 1):
        made = sampler.guess(sequence)
        noise = order.choice_temperature * (1 - step / steps) * gumbel(made.confidence, sampler.generator)
        sure = (made.confidence + noise).masked_fill(sequence.known, -torch.inf)
        left = (total * math.cos(math.pi / 2 * step / steps)).floor().long() if step < steps else 0
        due = (~sequence.known).sum(dim=1, keepdim=True) - left
        rank = sure.argsort(dim=1, descending=True).argsort(dim=1)
        sequence = _keep(sequence, made.values, sequence.known | (rank < due))
    return sequence.values


def _keep(sequence: Sequence, values: Int64[Tensor, "B E"], kept: Bool[Tensor, "B E"]) -> Sequence:
    """The sequence with `values` wherever something is kept that was not known before."""
    values = torch.where(kept & ~sequence.known, values, sequence.values)
    return replace(sequence, values=values, known=kept, condition=sequence.condition & ~kept)


def _due(model: Dynamics, hidden: Bool[Tensor, "B E"], step: int, careful: int, filling: int) -> Int64[Tensor, "B"]:
    """How many elements are filled after a step: the first frames' evenly over the careful steps, then the others'."""
    total = hidden.sum(dim=1)
    if step == filling:
        return total
    first = total.clamp(max=_first_digits(model) if careful else 0)
    if step <= careful:
        return (first * step / careful).ceil().long()
    return (first + (total - first) * (step - careful) / (filling - careful)).ceil().long()


def _order(
    model: Dynamics, hidden: Bool[Tensor, "B E"], generator: torch.Generator | None, alike: bool
) -> Int64[Tensor, "B E"]:
    """Places of the hidden elements in a random order: frame after frame, the digits of a frame in random order too.

    alike: whether all rows have the same order.
    """
    frames, video = model.layout.grid[0], model.layout.slice("video")
    rows = 1 if alike else len(hidden)
    key: Float[Tensor, "r E"] = torch.rand(rows, hidden.shape[1], generator=generator)
    turn = torch.rand(rows, frames, generator=generator).argsort(dim=1)
    key[:, video] += turn.repeat_interleave((video.stop - video.start) // frames, dim=1)
    key = key.to(hidden.device) + 2 * frames * ~hidden
    return key.argsort(dim=1).argsort(dim=1)
