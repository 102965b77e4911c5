"""The tracker's twin, written for reading: one disc of one colour on plain paper, by numpy and scipy alone."""

import numpy as np
from jaxtyping import Float64, UInt8
from scipy.optimize import least_squares

_LINES = 16  # to a pixel row
_MARGIN = 2.5  # pixels


def cover_plainly(disc: Float64[np.ndarray, "3"], height: int, width: int) -> Float64[np.ndarray, "H W"]:
    """Share of each pixel that a disc (u, v, radius) covers: on 16 lines to a row, the span between two roots."""
    u, v, radius = disc
    lines = np.arange(height)[:, None] + (np.arange(_LINES) + 0.5) / _LINES - v
    half = np.sqrt((radius**2 - lines**2).clip(0))[..., None]
    columns = np.arange(width)
    spans = np.minimum(u + half, columns + 1) - np.maximum(u - half, columns)
    return np.asarray(spans.clip(0).mean(axis=1))


def track_plainly(clip: UInt8[np.ndarray, "T H W C"]) -> Float64[np.ndarray, "T 3"]:
    """u, v and radius of the dot in every frame; NaN where nothing stands out from the paper."""
    paper = np.median(clip.reshape(-1, clip.shape[3]), axis=0)
    return np.stack([_one(frame - paper) for frame in clip.astype(np.float64)])


def _one(off: Float64[np.ndarray, "H W C"]) -> Float64[np.ndarray, "3"]:
    level = np.abs(off).max(axis=-1)
    dot = level > level.max() / 4
    if level.max() < 30:
        return np.full(3, np.nan)
    weight = level * dot / level.max()
    row, column = np.mgrid[: len(off), : off.shape[1]] + 0.5
    start = [(weight * column).sum() / weight.sum(), (weight * row).sum() / weight.sum(), np.sqrt(weight.sum() / np.pi)]
    near = np.maximum(np.abs(row - start[1]), np.abs(column - start[0])) < start[2] + _MARGIN
    ink = off[np.unravel_index(level.argmax(), level.shape)]

    def errors(numbers: Float64[np.ndarray, "P"]) -> Float64[np.ndarray, "E"]:
        share = cover_plainly(numbers[:3], len(off), off.shape[1])[..., None]
        return np.asarray((off - share * numbers[3:])[near].ravel())

    return np.asarray(least_squares(errors, [*start, *ink], method="lm").x[:3])
