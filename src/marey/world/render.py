"""The renderer: anti-aliased discs by integer arithmetic, so that the same numbers give the same bytes anywhere.

Centres and radii are rounded to 1/256 pixel. Each pixel row is cut into 16 lines; on each line the disc is the span
between two exact integer roots, and a pixel's coverage is the sum of its parts of the 16 spans.
"""

import numpy as np
from jaxtyping import Float64, Int32, UInt8
from numba import njit

from marey.core.errors import UserError
from marey.world.scenes import Scenes

GRID = 256  # positions per pixel
LINES = 16  # lines per pixel row
_FULL = GRID * LINES


def quantized(scenes: Scenes) -> Int32[np.ndarray, "n T 3"]:
    """Canonical discs (u, v, radius) in 1/256 pixel: all that the pixels depend on, beside the colours."""
    discs = np.concatenate([scenes.track, scenes.apparent_radius[..., None]], axis=-1)
    return np.rint(discs * GRID).astype(np.int32)


def render(scenes: Scenes, out: UInt8[np.ndarray, "n T H W C"] | None = None) -> UInt8[np.ndarray, "n T H W C"]:
    """Draw the clips of `scenes`, into `out` when given (a reused buffer is many times faster than fresh memory)."""
    size = scenes.camera.size
    picture = scenes.picture
    shape = (len(scenes), scenes.times.shape[1], size, size, picture.paper.shape[1])
    if out is None:
        out = np.empty(shape, np.uint8)
    elif out.shape != shape or out.dtype != np.uint8:
        raise UserError(f"out has shape {out.shape} and type {out.dtype}; these scenes need uint8 {shape}")
    draw_discs(quantized(scenes), picture.ink[:, 0], picture.paper, out)
    return out


@njit(cache=True, nogil=True)
def draw_discs(
    discs: Int32[np.ndarray, "n T 3"],
    ink: UInt8[np.ndarray, "n C"],
    paper: UInt8[np.ndarray, "n C"],
    out: UInt8[np.ndarray, "n T H W C"],
) -> None:
    """The compiled kernel; `draw_discs_plainly` is its twin in plain numpy."""
    clips, frames, height, width, channels = out.shape
    coverage = np.zeros(width, np.int64)
    for n in range(clips):
        for c in range(channels):
            out[n, ..., c] = paper[n, c]
        for t in range(frames):
            u, v, radius = np.int64(discs[n, t, 0]), np.int64(discs[n, t, 1]), np.int64(discs[n, t, 2])
            top, bottom = int((v - radius) // GRID), int((v + radius) // GRID)
            for row in range(max(0, top), min(height, bottom + 1)):
                first, last = _cover_row(row, u, v, radius, coverage)
                for column in range(first, last + 1):
                    share = coverage[column]
                    coverage[column] = 0
                    for c in range(channels):
                        mixed = share * ink[n, c] + (_FULL - share) * paper[n, c]
                        out[n, t, row, column, c] = (mixed + _FULL // 2) // _FULL


@njit(cache=True, nogil=True, inline="always")
def _cover_row(row, u, v, radius, coverage):  # type: ignore[no-untyped-def]
    """Add up one pixel row's spans in `coverage` (0 to 4096 per column); return the columns touched."""
    width = len(coverage)
    first, last = width, -1
    for line in range(LINES):
        # twice the distance from the line's middle, to stay in integers
        offset = 2 * (row * GRID - v) + (2 * line + 1) * GRID // LINES
        inside = 4 * radius * radius - offset * offset
        if inside <= 0:
            continue
        half = np.int64(np.sqrt(np.float64(inside)))
        half -= half * half > inside
        half += (half + 1) * (half + 1) <= inside
        left, right = max(2 * u - half, 0), min(2 * u + half, 2 * GRID * width)
        for column in range(left // (2 * GRID), (right - 1) // (2 * GRID) + 1):
            start, stop = max(left, 2 * GRID * column), min(right, 2 * GRID * (column + 1))
            coverage[column] += stop - start
            first, last = min(first, column), max(last, column)
    for column in range(first, last + 1):
        coverage[column] = (coverage[column] + 1) // 2
    return first, last


def draw_discs_plainly(
    discs: Int32[np.ndarray, "n T 3"],
    ink: UInt8[np.ndarray, "n C"],
    paper: UInt8[np.ndarray, "n C"],
    out: UInt8[np.ndarray, "n T H W C"],
) -> None:
    """What `draw_discs` computes, written for reading: every line against every column at once."""
    height, width = out.shape[2:4]
    u, v, radius = (discs.astype(np.int64)[..., i, None, None] for i in range(3))
    lines = 2 * GRID * np.arange(height)[:, None] + (2 * np.arange(LINES) + 1) * GRID // LINES
    inside = 4 * radius**2 - (lines - 2 * v) ** 2
    half = np.floor(np.sqrt(inside.clip(0).astype(np.float64))).astype(np.int64)
    half -= half * half > inside.clip(0)
    columns = 2 * GRID * np.arange(width)
    left, right = (2 * u - half)[..., None], (2 * u + half)[..., None]
    spans = (np.minimum(right, columns + 2 * GRID) - np.maximum(left, columns)).clip(0)
    share = (spans.sum(axis=-2)[..., None] + 1) // 2
    mixed = share * ink[:, None, None, None].astype(np.int64) + (_FULL - share) * paper[:, None, None, None]
    out[:] = (mixed + _FULL // 2) // _FULL


def trajectory_discs(track: Float64[np.ndarray, "T 2"], radius: float) -> Int32[np.ndarray, "1 T 3"]:
    """Canonical discs of one free track with a constant radius, pixels."""
    return np.rint(np.column_stack([track, np.full(len(track), radius)]) * GRID).astype(np.int32)[None]
