"""More motions than were drawn: where codes are straight lines in a place, arithmetic moves and magnifies a clip."""

from dataclasses import dataclass, field

import torch
from jaxtyping import Bool
from torch import Tensor

from marey.core.config import LATER, strict
from marey.core.errors import UserError
from marey.recipes.sequences import Digits

_RIM = 0.99  # of the range of a digit, [-1, 1]


@dataclass(frozen=True)
class Scattered:
    """Digits of clips that nobody drew. holds: the frames in which they are what the motion would be."""

    digits: Digits
    holds: Bool[Tensor, "B t"]


@strict
@dataclass(frozen=True)
class Scatter:
    """An augmentation of tokens. Each digit is a number in [-1, 1]; over the frames of a clip it becomes

        mean + b + exp(a) * (number - mean) + c * (t + 1)

    with a uniform in [-stretch, stretch], one for all digits of a clip, and b in [-shift, shift] and c in
    [-drift, drift], one for each digit; t goes from -1 to 1 over the clip. Of a and b less is taken where the clip
    would leave the range; with c it may leave it, and holds no longer. It must be true of the world that a motion moved
    is a motion, with `stretch` a motion magnified, with `drift` one seen by an observer who moves. Sizes and colours
    are moved as places are.
    """

    shift: float = 0.0
    stretch: float = 0.0
    drift: float = field(default=0.0, metadata=LATER)

    def __post_init__(self) -> None:
        for name, most in (("shift", 2.0), ("stretch", 3.0), ("drift", 2.0)):
            if not 0 <= getattr(self, name) <= most:
                raise UserError(f"scatter.{name}={getattr(self, name)} is out of range; choose 0 to {most}")

    def __call__(self, digits: Digits, levels: Tensor, gone: Bool[Tensor, "B t"]) -> Scattered:
        """Other clips for these, by torch's own random numbers.

        levels: vocabulary of each digit. gone: frames whose codes say nothing of a place; they do not count. Half of
        the clips that have some stay as they are: how an object leaves is learned from these.
        """
        away = gone.view(*gone.shape, *[1] * (digits.ndim - 2))
        number = (digits + 0.5) / levels * 2 - 1
        mean = number.masked_fill(away, 0).sum(dim=1, keepdim=True) / (~away).sum(dim=1, keepdim=True).clamp(min=1)
        offset = (number - mean).masked_fill(away, 0)
        span = (offset.amax(dim=1, keepdim=True) - offset.amin(dim=1, keepdim=True)).flatten(1).amax(dim=1)
        scale = torch.exp(self.stretch * (2 * torch.rand(len(digits)) - 1)).to(mean)
        scale = torch.minimum(scale, 2 * _RIM / span.clamp(min=1e-6))
        moved = scale.view(-1, *[1] * (digits.ndim - 1)) * offset
        middle = mean + self.shift * (2 * torch.rand(mean.shape) - 1).to(mean)
        low, high = -_RIM - moved.amin(dim=1, keepdim=True), _RIM - moved.amax(dim=1, keepdim=True)
        moved = moved + torch.minimum(torch.maximum(middle, low), high)
        if self.drift:
            time = torch.linspace(0, 2, number.shape[1]).to(mean).view(-1, *[1] * (number.ndim - 2))
            moved = moved + self.drift * (2 * torch.rand(mean.shape) - 1).to(mean) * time
        holds = (moved.abs() <= 1).flatten(2).all(dim=2) & ~gone
        made = ((moved + 1) / 2 * levels).floor().clamp(min=0).minimum(levels - 1).long()
        if gone.any():
            stays = gone.any(dim=1) & (torch.rand(len(gone)) < 0.5)
            made[stays], holds[stays] = digits[stays], True
        return Scattered(made, holds)
