"""Clips and tracks as they travel between page and server: the page keeps them, the server keeps nothing."""

import base64
import binascii
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64, UInt8

from marey.core.config import strict
from marey.core.errors import UserError

MOST_FRAMES, LARGEST = 64, 256  # of a clip; pixels of a side

Clip = UInt8[np.ndarray, "T S S C"]
Place = tuple[float, float]
Places = tuple[Place | None, ...]  # of a disc, pixels, frame by frame; None where there is none


@strict
@dataclass(frozen=True)
class Film:
    """A clip of `frames` frames of size x size pixels. pixels: base64 of its bytes, uint8 T S S C."""

    frames: int
    size: int
    channels: Literal[1, 3]
    pixels: str

    def __post_init__(self) -> None:
        if not 2 <= self.frames <= MOST_FRAMES:
            raise UserError(f"film.frames={self.frames} is out of range; give 2 to {MOST_FRAMES} frames")
        if not 8 <= self.size <= LARGEST:
            raise UserError(f"film.size={self.size} is out of range; give 8 to {LARGEST} pixels")

    @classmethod
    def of(cls, clip: Clip) -> "Film":
        """The clip, packed."""
        frames, size, _, channels = clip.shape
        assert channels in (1, 3)
        text = base64.b64encode(np.ascontiguousarray(clip).tobytes()).decode("ascii")
        return cls(frames, size, 1 if channels == 1 else 3, text)

    @property
    def clip(self) -> Clip:
        """The clip, unpacked; pixels that are not as many as they should be are a UserError."""
        shape = (self.frames, self.size, self.size, self.channels)
        try:
            content = base64.b64decode(self.pixels, validate=True)
        except (binascii.Error, ValueError):
            raise UserError("film.pixels is not base64; send the bytes of uint8 T S S C in base64") from None
        if len(content) != np.prod(shape):
            raise UserError(f"film.pixels holds {len(content)} bytes; a clip of shape {shape} has {np.prod(shape)}")
        return np.frombuffer(content, np.uint8).reshape(shape).copy()


def places(track: Float64[np.ndarray, "T 2"]) -> Places:
    """A track for the page, to a thousandth of a pixel."""
    return tuple(
        (round(float(x), 3), round(float(y), 3)) if np.isfinite(x) and np.isfinite(y) else None for x, y in track
    )
