"""More motions than were drawn: where codes are straight lines in a place, arithmetic moves and magnifies a clip."""

from dataclasses import dataclass

import torch
from torch import Tensor

from marey.core.config import strict
from marey.core.errors import UserError
from marey.recipes.sequences import Digits

_RIM = 0.99  # of the range of a digit, [-1, 1]


@strict
@dataclass(frozen=True)
class Scatter:
    """An augmentation of tokens. Each digit is a number in [-1, 1]; over the frames of a clip it becomes

        mean + b + exp(a) * (number - mean)

    with a uniform in [-stretch, stretch], one for all digits of a clip, and b uniform in [-shift, shift], one for each
    digit; less of both where the clip would leave the range. It must be true of the world that a motion moved, and with
    `stretch` a motion magnified, is a motion. Sizes and colours are moved as places are.
    """

    shift: float = 0.0
    stretch: float = 0.0

    def __post_init__(self) -> None:
        for name, most in (("shift", 2.0), ("stretch", 3.0)):
            if not 0 <= getattr(self, name) <= most:
                raise UserError(f"scatter.{name}={getattr(self, name)} is out of range; choose 0 to {most}")

    def __call__(self, digits: Digits, levels: Tensor) -> Digits:
        """Other clips for these, by torch's own random numbers. levels: vocabulary of each digit."""
        number = (digits + 0.5) / levels * 2 - 1
        mean = number.mean(dim=1, keepdim=True)
        offset = number - mean
        span = (offset.amax(dim=1, keepdim=True) - offset.amin(dim=1, keepdim=True)).flatten(1).amax(dim=1)
        scale = torch.exp(self.stretch * (2 * torch.rand(len(digits)) - 1)).to(mean)
        scale = torch.minimum(scale, 2 * _RIM / span.clamp(min=1e-6))
        moved = scale.view(-1, *[1] * (digits.ndim - 1)) * offset
        middle = mean + self.shift * (2 * torch.rand(mean.shape) - 1).to(mean)
        low, high = -_RIM - moved.amin(dim=1, keepdim=True), _RIM - moved.amax(dim=1, keepdim=True)
        moved = moved + torch.minimum(torch.maximum(middle, low), high)
        return ((moved + 1) / 2 * levels).floor().clamp(min=0).minimum(levels - 1).long()
