"""The compiled renderer of discs: the same whole numbers as in `plain.py`, arranged so that a compiler can vectorise.

A pixel row is cut into 16 lines. With h half a line's chord, the part of it left of x is clip(x, -h, h) + h, measured
from the centre; the sum over the lines at a column's two borders differs by what the column is covered. Coordinates
here are in 1/512 pixel, so that a line's middle is a whole number, and fit 32 bits.
"""

# mypy: disable-error-code="arg-type,assignment,call-overload,operator,return-value"
# numba has its own types; mypy knows the bodies of its functions only as numpy scalars.

import numpy as np
from jaxtyping import Int8, Int32, UInt8
from numba import njit

GRID = 256  # positions per pixel
LINES = 16  # lines per pixel row
FULL = GRID * LINES  # parts of a pixel
TINY = 5 * GRID // 4  # chords are rounded down, which takes 0.12 % / radius of a disc; up to this one, to nearest
FAR = 1 << 23  # in 1/256 pixel: discs that are larger or farther away are not drawn

_STEP = 2 * GRID  # between two columns
_BLOCK = 16  # columns that are computed at once
_SMALL = 8 * GRID  # up to this radius single precision is exact


# A slice handed to another function costs two atomic operations: rows are sliced where they are used.


@njit(cache=True, nogil=True, error_model="numpy")
def cover(
    u: int, v: int, radius: int, width: int, half: Int32[np.ndarray, "lines"], share: Int32[np.ndarray, "H block"]
) -> tuple[int, int, int, int]:
    """Share of each pixel in 1/4096 that a disc covers, in the disc's box: (first row, end, first column, columns).

    half: at least 16 H long. share: at least 32 columns wider than the frame; row y of the frame is its row y, the
    box's first column its column 0.
    """
    top, end = max(0, (v - radius) // GRID), min(share.shape[0], (v + radius) // GRID + 1)
    first, last = max(0, (u - radius) // GRID), min(width, (u + radius) // GRID + 1)
    if radius <= 0 or radius > FAR or abs(u) > FAR or abs(v) > FAR or top >= end or first >= last:
        return 0, 0, 0, 0
    columns = (last - first + _BLOCK) // _BLOCK * _BLOCK  # one border more than columns, in whole blocks
    first = max(0, min(first, width + 1 - columns))
    _half_chords(half, LINES * (end - top), radius, _STEP * top - 2 * v + GRID // LINES)
    start = _STEP * first - 2 * u
    for row in range(end - top):
        chord, line = half[LINES * row : LINES * (row + 1)], share[top + row, :columns]
        for column in range(columns):
            x = np.int32(start + _STEP * column)
            left = np.int32(0)
            for i in range(LINES):
                left = np.int32(left + min(max(x, np.int32(-chord[i])), chord[i]))
            line[column] = left
    for row in range(top, end):
        line = share[row]
        for column in range(columns - 1):
            line[column] = np.int32(line[column + 1] - line[column] + 1) >> 1
        line[columns - 1] = 0
    return top, end, first, min(columns, width - first)


@njit(cache=True, nogil=True, error_model="numpy")
def _half_chords(half: Int32[np.ndarray, "lines"], lines: int, radius: int, offset: int) -> None:
    """sqrt(4 radius^2 - offset^2) of each line, rounded down; the roots are exact, for the squares fit the mantissa."""
    if radius <= TINY:
        for i in range(lines):
            y = offset + 2 * GRID // LINES * i
            half[i] = (np.int32(np.sqrt(np.float64(4 * max(4 * radius * radius - y * y, 0)))) + 1) >> 1
    elif radius <= _SMALL:
        for i in range(lines):
            y = np.int32(offset + 2 * GRID // LINES * i)
            inside = max(np.int32(np.int32(4 * radius * radius) - np.int32(y * y)), np.int32(0))
            half[i] = np.int32(np.sqrt(np.float32(inside)))
    else:
        for i in range(lines):
            y = offset + 2 * GRID // LINES * i
            half[i] = np.int32(np.sqrt(np.float64(max(4 * radius * radius - y * y, 0))))


@njit(cache=True, nogil=True, error_model="numpy")
def blend(
    clip: UInt8[np.ndarray, "T H WC"],
    t: int,
    box: tuple[int, int, int, int],
    share: Int32[np.ndarray, "H block"],
    inks: UInt8[np.ndarray, "M C"],
    body: int,
) -> None:
    """Mix a body's ink into the pixels of a box of frame t by their shares, rounding to nearest."""
    top, end, first, count = box
    if inks.shape[1] == 1:
        grey = np.int32(inks[body, 0])
        for row in range(top, end):
            line, part = clip[t, row, first : first + count], share[row, :count]
            for x in range(count):
                line[x] = mixed(np.int32(line[x]), grey, part[x])
    else:
        red, green, blue = np.int32(inks[body, 0]), np.int32(inks[body, 1]), np.int32(inks[body, 2])
        for row in range(top, end):
            line, part = clip[t, row, 3 * first : 3 * (first + count)], share[row, :count]
            for x in range(count):
                line[3 * x] = mixed(np.int32(line[3 * x]), red, part[x])
                line[3 * x + 1] = mixed(np.int32(line[3 * x + 1]), green, part[x])
                line[3 * x + 2] = mixed(np.int32(line[3 * x + 2]), blue, part[x])


@njit(cache=True, nogil=True, inline="always")
def mixed(below: int, above: int, share: int) -> int:
    """(share * above + (FULL - share) * below) / FULL, rounded."""
    return np.uint8(np.int32(FULL * below + share * (above - below) + FULL // 2) >> 12)


@njit(cache=True, nogil=True, error_model="numpy")
def blend_lit(
    frame: UInt8[np.ndarray, "H WC"],
    box: tuple[int, int, int, int],
    share: Int32[np.ndarray, "H block"],
    ink: UInt8[np.ndarray, "C"],
    disc: tuple[int, int, int],
    shading: int,
    light: Int8[np.ndarray, "3"],
) -> None:
    """`blend` with an ink that turns white, by `shading` / 256 at most, as the sphere's surface faces the light."""
    top, end, first, count = box
    u, v, radius = 2 * disc[0], 2 * disc[1], 2 * disc[2]
    across, down, near = np.int64(light[0]), np.int64(light[1]), np.int64(light[2])
    for row in range(top, end):
        y = _STEP * row + GRID - v
        for column in range(count):
            x = _STEP * (first + column) + GRID - u
            z = np.int64(np.sqrt(np.float64(max(radius * radius - x * x - y * y, 0))))
            lit = min(max(across * x + down * y + near * z, 0), 127 * radius)
            white = shading * lit // (127 * radius)
            for c in range(len(ink)):
                colour = np.int32(ink[c] + ((255 - ink[c]) * white + 128) // 256)
                at = (first + column) * len(ink) + c
                frame[row, at] = mixed(np.int32(frame[row, at]), colour, share[row, column])
