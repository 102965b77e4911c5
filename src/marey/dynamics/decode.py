"""Parallel decoding (MaskGIT, arXiv 2202.04200; MAGVIT): in a fixed number of passes, each of which guesses all that is
hidden and keeps some of it.

Which guesses are kept is not a matter of confidence here. The surest values are the dullest ones, and kept first they
make every motion small; so frames are taken in random order.
"""

from dataclasses import replace

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from marey.core.errors import UserError
from marey.dynamics.sequence import Sequence
from marey.dynamics.transformer import Dynamics

_FIRST_FRAMES = 3  # they decide what clip this becomes


@torch.inference_mode()
def fill(
    model: Dynamics,
    sequence: Sequence,
    steps: int = 12,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
) -> Int64[Tensor, "B E"]:
    """Values of every element after `steps` passes of the model; those known in `sequence` stay as they are.

    The digits of the first frames are drawn few at a time, because those of one place must agree (a pass draws each for
    itself); the other frames follow in larger groups. In the last passes half of the frames are hidden again and take
    the likeliest values beside the other half: the clip comes to agree with itself. At temperature 0 all values are the
    likeliest, and the order is always the same.
    """
    if steps < 1 or temperature < 0:
        raise UserError(f"steps={steps}, temperature={temperature}: give at least one step, a temperature of 0 or more")
    hidden = ~sequence.known
    asked = sequence
    careful = steps * 3 // 4 if temperature > 0 else 0
    polishing = steps // 12 if temperature > 0 else steps // 3
    filling = steps - polishing
    if temperature == 0:
        generator = torch.Generator().manual_seed(0)
    rank, *halves = (_order(model, hidden, generator, alike=temperature == 0) for _ in range(1 + polishing))
    for step in range(1, filling + 1):
        values = model.draw(sequence, temperature, generator)
        kept = hidden & (rank < _due(model, hidden, step, careful, filling)[:, None]) | sequence.known
        values = torch.where(kept & ~sequence.known, values, sequence.values)
        sequence = replace(sequence, values=values, known=kept, condition=sequence.condition & ~kept)
    for half in halves:
        again = hidden & (half < (hidden.sum(dim=1, keepdim=True) + 1) // 2)
        holes = replace(sequence, known=~again, condition=asked.condition & again)
        shown = torch.where(again, asked.values, sequence.values)
        values = model.draw(replace(holes, values=shown), 0.0, generator)
        sequence = replace(sequence, values=torch.where(again, values, sequence.values))
    return sequence.values


def _due(model: Dynamics, hidden: Bool[Tensor, "B E"], step: int, careful: int, filling: int) -> Int64[Tensor, "B"]:
    """How many elements are filled after a step: the first frames' evenly over the careful steps, then the others'."""
    total = hidden.sum(dim=1)
    if step == filling:
        return total
    frames = model.layout.grid[0]
    first = (total * min(1.0, _FIRST_FRAMES / frames)).ceil() if careful else torch.zeros_like(total, dtype=torch.float)
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
    key = torch.rand(rows, hidden.shape[1], generator=generator)
    turn = torch.rand(rows, frames, generator=generator).argsort(dim=1)
    key[:, video] += turn.repeat_interleave((video.stop - video.start) // frames, dim=1)
    key = key.to(hidden.device) + 2 * frames * ~hidden
    return key.argsort(dim=1).argsort(dim=1)
