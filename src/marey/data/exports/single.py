"""One clip as one file, from Python: for a slide, a page, a message."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor

from marey.core.errors import UserError
from marey.core.files import write_atomically
from marey.data.clips import as_clips
from marey.data.exports.moving import write_moving
from marey.data.exports.mp4 import write_film

Clip = UInt8[np.ndarray, "T H W C"]
_WRITERS: dict[str, Callable[[Path, Clip, float], None]] = {
    ".gif": partial(write_moving, kind="gif"),
    ".webp": partial(write_moving, kind="webp"),
    ".mp4": write_film,
}


def save_clip(clip: Clip | Float[Tensor, "C T H W"], path: str | Path, rate: float = 8.0, zoom: int = 1) -> Path:
    """Write one clip as a moving picture, in the format that the path's ending names: .gif, .webp or .mp4.

    clip: uint8 frames, or one video as models see it, in [-1, 1]; of 1 or 3 channels. rate: frames per second. zoom:
    each pixel becomes a square of so many. A .webp keeps every pixel, a .gif 256 colours a frame, and an .mp4 is lossy,
    wants even sides and `pip install 'marey[formats]'`. A file that is there is replaced, when the new one is whole.
    """
    path = Path(path)
    if path.suffix not in _WRITERS:
        raise UserError(f"{path} ends in {path.suffix or 'nothing'!r}; the endings are {', '.join(_WRITERS)}")
    if not 0 < rate <= 50:
        raise UserError(f"rate={rate} frames per second is out of range; choose more than 0 and at most 50")
    if zoom < 1:
        raise UserError(f"zoom={zoom} is out of range; choose at least 1")
    frames = as_clips(clip[None])[0] if isinstance(clip, Tensor) else clip
    if 0 in frames.shape or frames.shape[-1] not in (1, 3):
        raise UserError(f"clip has shape {frames.shape}; give frames T H W C, of 1 or 3 channels")
    frames = frames.repeat(zoom, axis=1).repeat(zoom, axis=2)
    if path.suffix == ".mp4" and (frames.shape[1] % 2 or frames.shape[2] % 2):
        size = f"{frames.shape[1]} x {frames.shape[2]}"
        raise UserError(f"{path}: mp4 halves the colours, so {size} must be even; try zoom=2")
    write_atomically(path, lambda file: _WRITERS[path.suffix](file, frames, rate))
    return path
