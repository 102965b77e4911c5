"""Where the dot is: an intensity-centroid tracker, the inverse of the renderer to about a hundredth of a pixel.

No training and no knowledge of the truth: it reads pixels only, so that it treats rendered, decoded and generated
clips alike. A hard threshold on the dot's outline would move the centroid by up to a tenth of a pixel; here every
pixel of the dot counts by its contrast, and only what is too faint to belong to a dot is ignored.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, UInt8

from marey.metrics.pixels import contrast_map

CONTRAST = 200.0  # grey levels, in the strongest channel: the least that the worlds' inks have against their paper
_FAINT, _BODY = 0.02, 0.25  # of the expected contrast
_ROUNDS = 4  # of the windowed centroid; two settle a clean or noisy dot of usual size, more are for large ones
_CHUNK = 1 << 22  # pixels at a time, which bounds memory


@dataclass(frozen=True)
class Tracks:
    """track, radius: pixels, NaN where no dot was found; x right, y down, pixel [i, j] centred on (j + .5, i + .5)."""

    track: Float64[np.ndarray, "N T 2"]
    radius: Float64[np.ndarray, "N T"]
    found: Bool[np.ndarray, "N T"]

    def __len__(self) -> int:
        return len(self.track)

    def take(self, rows: np.ndarray) -> "Tracks":
        """The tracks at the given rows (indices or a mask)."""
        return Tracks(self.track[rows], self.radius[rows], self.found[rows])


def track_clips(clips: UInt8[np.ndarray, "N T H W C"], contrast: float | Float64[np.ndarray, "N"] = CONTRAST) -> Tracks:
    """Position and apparent radius of the dot in every frame.

    contrast: grey levels between dot and background that are expected; a dot without three pixels that have half of it
    counts as not found, so dots should have a radius of 1.2 px or more. The background is the clip's median colour.
    """
    n, frames, height, width, _ = clips.shape
    expected = np.broadcast_to(np.asarray(contrast, np.float64), (n,))
    at_once = max(1, _CHUNK // (frames * height * width))
    parts = [
        _track(clips[i : i + at_once], expected[i : i + at_once].repeat(frames)) for i in range(0, n, at_once)
    ] or [np.empty((0, 3))]
    found = np.concatenate(parts).reshape(n, frames, 3)
    return Tracks(found[..., :2], found[..., 2], np.isfinite(found[..., 2]))


def _track(clips: UInt8[np.ndarray, "N T H W C"], expected: Float64[np.ndarray, "F"]) -> Float64[np.ndarray, "F 3"]:
    """(x, y, radius) of every frame, NaN where there is no dot."""
    level = contrast_map(clips).reshape(len(expected), *clips.shape[2:4])
    peak_row, peak_column = _coarse(level)
    half = max(6, round(0.25 * max(level.shape[1:])))
    patch, x, y = _patches(_dot(level, expected[:, None, None]), peak_row, peak_column, half)
    reach = np.full(len(patch), 0.6 * half)
    centre = np.column_stack([peak_column + 0.5, peak_row + 0.5])
    for _ in range(_ROUNDS):
        across, down = (x - centre[:, :1]) ** 2, (y - centre[:, 1:]) ** 2
        weight = patch * (down[:, :, None] + across[:, None, :] <= reach[:, None, None] ** 2)
        total = weight.sum(axis=(1, 2), dtype=np.float64)
        full = _plateau(weight)
        safe = np.where(total > 0, total, 1)
        centre = np.column_stack([(weight.sum(axis=1) * x).sum(axis=1), (weight.sum(axis=2) * y).sum(axis=1)])
        centre = centre / safe[:, None]
        radius = np.sqrt(total / np.where(full > 0, full, 1) / np.pi)
        reach = 1.2 * radius + 1.5
    found = full >= expected / 2
    return np.where(found[:, None], np.column_stack([centre, radius]), np.nan)


def _dot(level: Float[np.ndarray, "F H W"], expected: Float64[np.ndarray, "F 1 1"]) -> Float[np.ndarray, "F H W"]:
    """The contrast map without the noise on empty paper: faint pixels count only where they touch a stronger one."""
    body = np.pad(level >= _BODY * expected, ((0, 0), (1, 1), (1, 1)))
    rows = body[:, :-2] | body[:, 1:-1] | body[:, 2:]
    near = rows[..., :-2] | rows[..., 1:-1] | rows[..., 2:]
    return np.where(near & (level >= _FAINT * expected), level, 0)


def _coarse(level: Float[np.ndarray, "F H W"]) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of the strongest 3 x 3 neighbourhood: a single bright pixel is not a dot."""
    padded = np.pad(level, ((0, 0), (1, 1), (1, 1)))
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    smooth = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    return np.unravel_index(smooth.reshape(len(level), -1).argmax(axis=1), level.shape[1:])


def _patches(
    level: Float[np.ndarray, "F H W"], row: np.ndarray, column: np.ndarray, half: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Square cut-outs about the peaks (zero outside the frame) with the pixel centres' x and y."""
    padded = np.pad(level, ((0, 0), (half, half), (half, half)))
    span = np.arange(2 * half + 1)
    index = np.arange(len(level))[:, None, None]
    patch = padded[index, (row[:, None] + span)[:, :, None], (column[:, None] + span)[:, None, :]]
    return patch, column[:, None] + span - half + 0.5, row[:, None] + span - half + 0.5


def _plateau(weight: Float[np.ndarray, "F K K"]) -> Float64[np.ndarray, "F"]:
    """Contrast of the dot itself: the third strongest pixel, which one or two stray pixels cannot raise."""
    flat = weight.reshape(len(weight), -1)
    return np.partition(flat, flat.shape[1] - 3, axis=1)[:, -3].astype(np.float64)
