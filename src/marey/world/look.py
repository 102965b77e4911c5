"""What the pixels show beside the motion: the factors of the look, and the picture drawn from them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from marey.core.config import strict
from marey.core.seeds import uniforms

_STREAM = 4 << 32  # of random numbers


@dataclass(frozen=True)
class Picture:
    """Of n clips, in whole numbers: with the canonical discs it decides every pixel.

    ink: colour of each body. paper: colour of the background.
    """

    ink: UInt8[np.ndarray, "n M C"]
    paper: UInt8[np.ndarray, "n C"]


@strict
@dataclass(frozen=True)
class Look:
    """Ranges of the look's factors. coloured: with 3 channels each body has a colour of its own; else it is black."""

    coloured: bool = True

    def paint(self, seed: int, index: Int64[np.ndarray, "n"], bodies: int, channels: int) -> Picture:
        """Pictures of the given indices, each a pure function of (self, seed, its index)."""
        ink = np.zeros((len(index), bodies, channels), np.uint8)
        if self.coloured and channels == 3:
            ink = _dark_colours(uniforms(seed, _STREAM, index, 3 * bodies).reshape(len(index), bodies, 3))
        return Picture(ink, np.full((len(index), channels), 255, np.uint8))


def _dark_colours(u: Float64[np.ndarray, "n M 3"]) -> UInt8[np.ndarray, "n M 3"]:
    """Colours that stand out from white paper: the brightest channel is at most 200, the darkest under 56."""
    return np.minimum(200 * u, 200 * u - 200 * u.min(axis=-1, keepdims=True) + 55).astype(np.uint8)
