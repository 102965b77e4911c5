"""How much of each body cannot be seen: the renderer's own geometry, line by line, without its pixels."""

# mypy: disable-error-code="arg-type,assignment,call-overload,operator,return-value"
# numba has its own types; mypy knows the bodies of its functions only as numpy scalars.

import numpy as np
from jaxtyping import Int32, Int64
from numba import njit

from marey.world.kernels import FAR, FULL, GRID, LINES, TINY
from marey.world.look import Picture
from marey.world.plain import occluder_pixels


def hidden(
    discs: Int32[np.ndarray, "n K M F 4"], picture: Picture, height: int, width: int
) -> Int32[np.ndarray, "n K M T"]:
    """Share, in 1/4096, of each disc's part inside the frame that occluders or nearer bodies hide; 0 where no part is.

    discs: of `render.quantized`. The share is exact on the 16 lines of each pixel row, in the mean of the exposures.
    """
    n, cameras, bodies, moments = discs.shape[:4]
    frames = moments // picture.moments.shape[1]
    out = np.zeros((n, cameras, bodies, frames), np.int32)
    if bodies > 1 or picture.occluders.shape[1]:
        flat = discs.reshape(n * cameras, bodies, moments, 4)
        occluders = np.repeat(occluder_pixels(picture, height, width), cameras, axis=0)
        _hide(flat, occluders, height, width, out.reshape(n * cameras, bodies, frames))
    return out


@njit(cache=True, nogil=True)
def _hide(
    discs: Int32[np.ndarray, "n M F 4"],
    occluders: Int64[np.ndarray, "n O 4"],
    height: int,
    width: int,
    out: Int32[np.ndarray, "n M T"],
) -> None:
    exposures = discs.shape[2] // out.shape[2]
    spans = np.empty((discs.shape[1] + occluders.shape[1], 2), np.int64)
    for n in range(out.shape[0]):
        for body in range(out.shape[1]):
            for t in range(out.shape[2]):
                area, covered = 0, 0
                for moment in range(t * exposures, (t + 1) * exposures):
                    one = _areas(discs[n, :, moment], body, occluders[n], height, width, spans)
                    area, covered = area + one[0], covered + one[1]
                if area:
                    out[n, body, t] = FULL * covered // area


@njit(cache=True, nogil=True)
def _areas(
    discs: Int32[np.ndarray, "M 4"],
    body: int,
    occluders: Int64[np.ndarray, "O 4"],
    height: int,
    width: int,
    spans: Int64[np.ndarray, "X 2"],
) -> tuple[int, int]:
    """Area of a body inside the frame, and of its hidden part: sums of lengths on the lines, in 1/512 pixel."""
    area, covered = 0, 0
    v, radius = np.int64(discs[body, 1]), np.int64(discs[body, 2])
    for row in range(max(0, (v - radius) // GRID), min(height, (v + radius) // GRID + 1)):
        for line in range(LINES):
            y = 2 * GRID * row + (2 * line + 1) * GRID // LINES
            left, right = _chord(discs[body], y, width)
            if left >= right:
                continue
            count = 0
            for other in range(len(discs)):
                nearer = discs[other, 3] < discs[body, 3] or (discs[other, 3] == discs[body, 3] and other > body)
                if nearer:
                    spans[count] = _chord(discs[other], y, width)
                    count += 1
            for i in range(len(occluders)):
                if occluders[i, 1] <= row < occluders[i, 3]:
                    spans[count] = 2 * GRID * occluders[i, 0], 2 * GRID * occluders[i, 2]
                    count += 1
            area += right - left
            covered += _union(spans[:count], left, right)
    return area, covered


@njit(cache=True, nogil=True)
def _chord(disc: Int32[np.ndarray, "4"], y: int, width: int) -> tuple[int, int]:
    """Where a disc begins and ends on the line at y, inside the frame; empty if it does not meet it."""
    u, v, radius = np.int64(disc[0]), np.int64(disc[1]), np.int64(disc[2])
    inside = 4 * radius * radius - (y - 2 * v) ** 2
    if inside <= 0 or radius > FAR:
        return 0, 0
    if radius <= TINY:
        half = (np.int64(np.sqrt(np.float64(4 * inside))) + 1) >> 1
    else:
        half = np.int64(np.sqrt(np.float64(inside)))
    return max(2 * u - half, 0), min(2 * u + half, 2 * GRID * width)


@njit(cache=True, nogil=True)
def _union(spans: Int64[np.ndarray, "X 2"], left: int, right: int) -> int:
    """Length of the union of the spans between left and right."""
    length, reached = 0, left
    for _ in range(len(spans)):
        best = right  # the first point that is covered, from where we are; then the farthest end of a span over it
        for span in spans:
            if max(span[0], reached) < min(span[1], best):
                best = max(span[0], reached)
        end = best
        for span in spans:
            if span[0] <= best < span[1]:
                end = max(end, min(span[1], right))
        length += end - best
        reached = end
    return length
