"""Strips: clips above what a model made of them, for looking at a training while it runs."""

import numpy as np
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

from marey.data.clips import as_clips

_EDGE = 160  # grey level of the lines between frames


def strip(truth: Float[Tensor, "B C T H W"], made: Float[Tensor, "B C T H W"]) -> UInt8[np.ndarray, "H2 W2 3"]:
    """A row of frames for each true clip, and below it one of the frames that were made; pixels in [-1, 1]."""
    clips = np.stack([as_clips(truth), as_clips(made)], axis=1)
    if clips.shape[-1] == 1:
        clips = clips.repeat(3, axis=-1)
    framed = np.pad(clips, [(0, 0)] * 3 + [(0, 1), (0, 1), (0, 0)], constant_values=_EDGE)
    return np.ascontiguousarray(rearrange(framed, "n two t h w c -> (n two h) (t w) c"))
