"""What stands out from the paper: connected pixels, before anybody knows which body they belong to."""

# mypy: disable-error-code="arg-type,assignment,call-overload,operator,return-value"
# numba has its own types; mypy knows the bodies of its functions only as numpy scalars.

import numpy as np
from jaxtyping import Float64, Int64
from numba import njit

X, Y, AREA, PLATEAU, COLOUR = range(5)  # columns of a blob; its colour takes all from the last

_MOST = 12  # blobs in a frame, the largest ones
_FEWEST = 3  # pixels


@njit(cache=True, nogil=True)
def find_blobs(
    frames: Float64[np.ndarray, "T H W C"], paper: Float64[np.ndarray, "H W C"], faint: float, least: float
) -> Float64[np.ndarray, "T Q X"]:
    """Of each frame: place, area, contrast and colour of what stands out, the largest first; NaN where there is less.

    faint: grey levels by which a pixel must differ from the paper. least: by which three pixels of a blob must, so that
    a stray pixel is none.
    """
    count, height, width, channels = frames.shape
    out = np.full((count, _MOST, COLOUR + channels), np.nan)
    strength, done = np.empty((height, width)), np.empty((height, width), np.bool_)
    stack, blob = np.empty((height * width, 2), np.int64), np.empty(COLOUR + channels)
    for t in range(count):
        for row in range(height):
            for x in range(width):
                most = 0.0
                for c in range(channels):
                    most = max(most, abs(frames[t, row, x, c] - paper[row, x, c]))
                strength[row, x], done[row, x] = most, most < faint
        for row in range(height):
            for x in range(width):
                if not done[row, x]:
                    size = _collect(row, x, done, stack)
                    if size >= _FEWEST:
                        _measure(stack[:size], strength, frames[t], blob)
                        if blob[PLATEAU] >= least:
                            _insert(blob, out[t])
    return out


@njit(cache=True, nogil=True)
def _collect(row: int, x: int, done: np.ndarray, stack: Int64[np.ndarray, "P 2"]) -> int:
    """Put all pixels that hang together with this one, corners included, on the stack; returns their number."""
    stack[0] = row, x
    done[row, x] = True
    size, at = 1, 0
    while at < size:
        row, x = stack[at]
        at += 1
        for y in range(max(0, row - 1), min(done.shape[0], row + 2)):
            for z in range(max(0, x - 1), min(done.shape[1], x + 2)):
                if not done[y, z]:
                    done[y, z] = True
                    stack[size] = y, z
                    size += 1
    return size


@njit(cache=True, nogil=True)
def _measure(
    pixels: Int64[np.ndarray, "P 2"],
    strength: Float64[np.ndarray, "H W"],
    frame: Float64[np.ndarray, "H W C"],
    blob: Float64[np.ndarray, "X"],
) -> None:
    """Its contrast is that of its third strongest pixel; pixels count by their share of it."""
    levels = np.array([strength[pixel[0], pixel[1]] for pixel in pixels])
    plateau = np.sort(levels)[-_FEWEST]
    blob[:] = 0
    many = 0
    for i in range(len(pixels)):
        row, x = pixels[i]
        share = min(1.0, levels[i] / plateau)
        blob[X], blob[Y] = blob[X] + share * (x + 0.5), blob[Y] + share * (row + 0.5)
        blob[AREA] += share
        if share >= 0.8:
            blob[COLOUR:] += frame[row, x]
            many += 1
    blob[X], blob[Y], blob[PLATEAU] = blob[X] / blob[AREA], blob[Y] / blob[AREA], plateau
    blob[COLOUR:] /= many


@njit(cache=True, nogil=True)
def _insert(blob: Float64[np.ndarray, "X"], out: Float64[np.ndarray, "Q X"]) -> None:
    """Keep the largest, in their order."""
    place = len(out)
    while place > 0 and not out[place - 1, AREA] >= blob[AREA]:
        place -= 1
    for i in range(len(out) - 1, place, -1):
        out[i] = out[i - 1]
    if place < len(out):
        out[place] = blob
