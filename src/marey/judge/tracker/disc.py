"""The disc that the tracker lays over the pixels: coverage, derivatives, paint, smeared while a shutter is open.

On each of 16 lines to a pixel row a disc is a span between two roots, as the renderer draws it; here in real numbers,
so that its borders have derivatives.
"""

# mypy: disable-error-code="arg-type,assignment,call-overload,operator,return-value"
# numba has its own types; mypy knows the bodies of its functions only as numpy scalars.

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numba import njit

FORMS = 7  # of a body's colour: 1, x, y, z, x^2, xy, y^2 with (x, y, z) on the unit sphere that faces the camera

_LINES = 16  # to a pixel row
_EXPOSURES = 5  # of a smeared disc
_STILL = 0.15  # pixels: a smear shorter than this is none
_GRAZING = 0.2  # pixels: half chords below this have a steeper border than any fit needs

Box = tuple[int, int, int, int]  # first row, end, first column, end


class Canvas(NamedTuple):
    """Memory that the kernels reuse, as large as a frame; only what lies in the box at hand has a meaning.

    share: of each pixel that the disc covers. slope: its derivatives by u, v and radius. paint: share times colour.
    under: what lies below the disc. veil: share of it that nearer bodies let through; glare: their own light.
    forms: of a colour at one place. half, steep, lone, counts, ends: of one row, see `_cover`.
    """

    share: Float64[np.ndarray, "H W"]
    slope: Float64[np.ndarray, "H W 3"]
    paint: Float64[np.ndarray, "H W C"]
    under: Float64[np.ndarray, "H W C"]
    veil: Float64[np.ndarray, "H W"]
    glare: Float64[np.ndarray, "H W C"]
    forms: Float64[np.ndarray, "F"]
    half: Float64[np.ndarray, "L"]
    steep: Float64[np.ndarray, "L"]
    lone: Float64[np.ndarray, "X"]
    counts: Float64[np.ndarray, "X"]
    ends: Float64[np.ndarray, "X"]


@njit(cache=True, nogil=True, error_model="numpy")
def canvas(height: int, width: int, channels: int) -> Canvas:
    """A fresh canvas."""
    return Canvas(
        np.zeros((height, width)),
        np.zeros((height, width, 3)),
        np.zeros((height, width, channels)),
        np.zeros((height, width, channels)),
        np.ones((height, width)),
        np.zeros((height, width, channels)),
        np.zeros(FORMS),
        np.zeros(_LINES),
        np.zeros(_LINES),
        np.zeros(width + 1),
        np.zeros(width + 1),
        np.zeros(width + 1),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def around(u: float, v: float, reach: float, height: int, width: int) -> Box:
    """The box of whole pixels within `reach` of a place, inside the frame; it may be empty."""
    top, end = min(height, max(0, int(np.floor(v - reach)))), min(height, int(np.ceil(v + reach)))
    left, right = min(width, max(0, int(np.floor(u - reach)))), min(width, int(np.ceil(u + reach)))
    return top, max(top, end), left, max(left, right)


@njit(cache=True, nogil=True, error_model="numpy")
def stamp(
    disc: Float64[np.ndarray, "3"],
    smear: Float64[np.ndarray, "2"],
    colour: Float64[np.ndarray, "F C"],
    box: Box,
    on: Canvas,
) -> None:
    """Fill share, slope and paint in the box. smear: how far the disc moves while the shutter is open, pixels."""
    top, end, left, right = box
    on.share[top:end, left:right] = 0
    on.slope[top:end, left:right] = 0
    on.paint[top:end, left:right] = 0
    exposures = _EXPOSURES if np.hypot(smear[0], smear[1]) > _STILL else 1
    for exposure in range(exposures):
        when = (exposure + 0.5) / exposures - 0.5
        u, v, radius = disc[0] + when * smear[0], disc[1] + when * smear[1], disc[2]
        for row in range(max(top, int(np.floor(v - radius))), min(end, int(np.floor(v + radius)) + 1)):
            first, last = _cover(u, v, radius, row, 1.0 / exposures, left, right, on)
            _paint(u, v, radius, row, first, last, colour, on)


@njit(cache=True, nogil=True, error_model="numpy")
def _cover(
    u: float, v: float, radius: float, row: int, part: float, left: int, right: int, on: Canvas
) -> tuple[int, int]:
    """Part of a disc's coverage of the pixels of a row into `lone`, and of its derivatives onto `slope`; returns the
    first pixel that it touches, and the end.

    Of each line, the pixels at its ends are covered in part and those between whole: lines are counted where they begin
    to cover whole pixels and where they end, so that sums from left to right give the coverage.
    """
    weight, low, high = part / _LINES, right, left
    for line in range(_LINES):  # alone, so that it is compiled for several lines at once
        y = row + (line + 0.5) / _LINES - v
        on.half[line] = np.sqrt(max(radius * radius - y * y, 0.0))
        on.steep[line] = weight / max(on.half[line], _GRAZING)
    for x in range(left, right + 1):
        on.ends[x] = on.counts[x] = 0
    for line in range(_LINES):
        begin, finish = int(np.floor(u - on.half[line])), int(np.floor(u + on.half[line]))
        if on.half[line] == 0 or begin >= right or finish < left:
            continue
        low, high = min(low, max(begin, left)), max(high, min(finish + 1, right))
        on.counts[max(begin + 1, left)] += 1
        on.counts[min(finish, right)] -= 1
        down, out = on.steep[line] * (row + (line + 0.5) / _LINES - v), on.steep[line] * radius
        if begin >= left:
            on.ends[begin] += begin + 1 - (u - on.half[line])
            on.slope[row, begin, 0] -= weight
            on.slope[row, begin, 1] += down
            on.slope[row, begin, 2] += out
        if finish < right:
            on.ends[finish] += u + on.half[line] - finish
            on.slope[row, finish, 0] += weight
            on.slope[row, finish, 1] += down
            on.slope[row, finish, 2] += out
    whole = 0.0
    for x in range(low, high):
        whole += on.counts[x]
        on.lone[x] = weight * (whole + on.ends[x])
    return low, high


@njit(cache=True, nogil=True, error_model="numpy")
def _paint(
    u: float, v: float, radius: float, row: int, first: int, last: int, colour: Float64[np.ndarray, "F C"], on: Canvas
) -> None:
    """Add what one exposure covers of a row to share and paint."""
    for x in range(first, last):
        on.share[row, x] += on.lone[x]
        if len(colour) == 1:
            for c in range(colour.shape[1]):
                on.paint[row, x, c] += on.lone[x] * colour[0, c]
            continue
        shape((x + 0.5 - u) / radius, (row + 0.5 - v) / radius, on.forms)
        for c in range(colour.shape[1]):
            light = 0.0
            for f in range(FORMS):
                light += on.forms[f] * colour[f, c]
            on.paint[row, x, c] += on.lone[x] * light


@njit(cache=True, nogil=True, error_model="numpy")
def shape(x: float, y: float, forms: Float64[np.ndarray, "F"]) -> None:
    """The forms of a colour at a point of the unit disc; points outside are moved to its border."""
    forms[0] = 1
    if len(forms) == 1:
        return
    beyond = np.sqrt(max(1.0, x * x + y * y))
    x, y = x / beyond, y / beyond
    forms[1], forms[2] = x, y
    forms[3] = np.sqrt(max(0.0, 1 - x * x - y * y))
    forms[4], forms[5], forms[6] = x * x, x * y, y * y
