"""The video of an autoregressive model: elements drawn one after another, frame by frame, cell by cell, digit by digit.

Element i is drawn from what came out at place i, where the element before went in.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from marey.dynamics.segments import Digits, Mask, Names, Polynomials, Values
from marey.dynamics.sequence import Segment
from marey.train.precision import in_full

Inputs = Float[Tensor, "B _ D"]  # of some elements, in turn
Ends = Float[Tensor, "B n F D"]  # what came out at the place of each element


class NamesInTurn(Names):
    """Names: the one before goes in by a table."""

    def __init__(self, segment: Segment, width: int):
        super().__init__(Segment(segment.name, (), segment.levels, segment.ordinal), width)

    def prospects(self, values: Values, _known: Mask) -> Polynomials:
        """Names have none."""
        return torch.zeros(*values.shape, 4, device=values.device)

    def prospects_of_frame(self, _frame: int, values: Values, known: Mask) -> Polynomials:
        return self.prospects(values, known)

    def follow(self, values: Values, _trends: Polynomials, part: slice) -> Inputs:
        """What goes in at some of the places."""
        rows = (values + self.rows).flatten(1)
        first = torch.full_like(rows[:, :1], self.levels[0])  # the first digit's row for hidden
        return self.table(torch.cat([first, rows[:, :-1]], dim=1)[:, part])

    def nats_in_turn(self, ends: Ends, _trends: Polynomials, targets: Values) -> Float[Tensor, "B n F"]:
        reads = (self.read(ends[:, :, f]).split(self.levels, dim=-1)[f] for f in range(len(self.levels)))
        each = (F.cross_entropy(read.mT, targets[..., f], reduction="none") for f, read in enumerate(reads))
        return torch.stack(list(each), dim=-1)

    def draw_in_turn(
        self, end: Float[Tensor, "B D"], _trends: Float[Tensor, "B F 4"], digit: int, temperature: float,
        generator: torch.Generator | None,
    ) -> Int64[Tensor, "B"]:  # fmt: skip
        return self.draw(end[:, None], None, temperature, generator)[:, 0, digit]


class DigitsInTurn(Digits):
    """Digits as numbers, around polynomials through what is known and all frames before: where it would go on to."""

    ahead: Tensor

    def __init__(self, segment: Segment, width: int):
        super().__init__(segment, width)
        digits, waves = len(segment.levels), len(self.rates)
        self.enter = nn.Linear(digits * (9 + 2 * waves), width)
        cells = segment.length // self.frames
        self.register_buffer("ahead", torch.arange(self.frames).repeat_interleave(cells)[:, None], persistent=False)

    def prospects(self, values: Values, known: Mask) -> Polynomials:
        """At each frame by what is known and the frames before it. known: as shown to the model, in any frame."""
        cells = values.shape[1] // self.frames
        each = (self.prospects_of_frame(t, values, known) for t in range(self.frames))
        return torch.cat([trends[:, t * cells : (t + 1) * cells] for t, trends in enumerate(each)], dim=1)

    @in_full
    def prospects_of_frame(self, frame: int, values: Values, known: Mask) -> Polynomials:
        """Of all places, but meant for those of one frame."""
        return self.trends(values, known | (self.ahead < frame)).polynomials

    @in_full
    def follow(self, values: Values, trends: Polynomials, part: slice) -> Inputs:
        """What goes in at some of the places: the element before, how far it was from its trends, and one's own."""
        number, trends = self._numbers(values).flatten(1), trends.flatten(1, 2)
        before, expected = F.pad(number, (1, 0))[:, :-1][:, part], F.pad(trends, (0, 0, 1, 0))[:, :-1][:, part]
        own = trends[:, part]
        angles = before[..., None] * self.rates
        features = [before[..., None], torch.sin(angles), torch.cos(angles), 4 * (before[..., None] - expected)]
        features += [own[..., :1], 4 * (own[..., 1:] - own[..., :1])]
        digit = (torch.arange(number.shape[1], device=number.device) % len(self.levels))[part]
        slots = F.one_hot(digit, len(self.levels)).to(number)  # each digit has weights of its own
        return self.enter(torch.einsum("bnk,nf->bnfk", torch.cat(features, dim=-1), slots).flatten(2))

    @in_full
    def nats_in_turn(self, ends: Ends, trends: Polynomials, targets: Values) -> Float[Tensor, "B n F"]:
        read = self.read(ends).unflatten(-1, (len(self.levels), self.bells, -1))
        own = read.diagonal(dim1=2, dim2=3).permute(0, 1, 4, 2, 3)  # of each digit, what came out at its own place
        return -self._log_mass(self._bells(own, trends), targets[..., None])[..., 0]

    @in_full
    def draw_in_turn(
        self, end: Float[Tensor, "B D"], trends: Float[Tensor, "B F 4"], digit: int, temperature: float,
        generator: torch.Generator | None,
    ) -> Int64[Tensor, "B"]:  # fmt: skip
        read = self.read(end[:, None]).unflatten(-1, (len(self.levels), self.bells, -1))
        return self._drawn(self._bells(read, trends[:, None]), temperature, generator)[:, 0, digit]
