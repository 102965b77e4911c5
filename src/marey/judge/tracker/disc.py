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
    lone: share in one exposure. under: what lies below the disc. veil: share of it that nearer bodies let through;
    glare: their own light.
    """

    share: Float64[np.ndarray, "H W"]
    slope: Float64[np.ndarray, "H W 3"]
    paint: Float64[np.ndarray, "H W C"]
    lone: Float64[np.ndarray, "H W"]
    under: Float64[np.ndarray, "H W C"]
    veil: Float64[np.ndarray, "H W"]
    glare: Float64[np.ndarray, "H W C"]


@njit(cache=True, nogil=True, error_model="numpy")
def canvas(height: int, width: int, channels: int) -> Canvas:
    """A fresh canvas."""
    return Canvas(
        np.zeros((height, width)),
        np.zeros((height, width, 3)),
        np.zeros((height, width, channels)),
        np.zeros((height, width)),
        np.zeros((height, width, channels)),
        np.ones((height, width)),
        np.zeros((height, width, channels)),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def around(u: float, v: float, reach: float, height: int, width: int) -> Box:
    """The box of whole pixels within `reach` of a place, inside the frame; it may be empty."""
    top, end = max(0, int(np.floor(v - reach))), min(height, int(np.ceil(v + reach)))
    left, right = max(0, int(np.floor(u - reach))), min(width, int(np.ceil(u + reach)))
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
        on.lone[top:end, left:right] = 0
        _cover(u, v, radius, 1.0 / exposures, box, on.lone, on.slope)
        _paint(u, v, radius, colour, box, on)


@njit(cache=True, nogil=True, error_model="numpy")
def _cover(
    u: float,
    v: float,
    radius: float,
    part: float,
    box: Box,
    share: Float64[np.ndarray, "H W"],
    slope: Float64[np.ndarray, "H W 3"],
) -> None:
    """Add a part of a disc's coverage, and of its derivatives."""
    top, end, left, right = box
    weight = part / _LINES
    for row in range(max(top, int(np.floor(v - radius))), min(end, int(np.floor(v + radius)) + 1)):
        for line in range(_LINES):
            y = row + (line + 0.5) / _LINES - v
            inside = radius * radius - y * y
            if inside <= 0:
                continue
            half = np.sqrt(inside)
            first, last = u - half, u + half
            begin, finish = int(np.floor(first)), int(np.floor(last))
            for x in range(max(begin, left), min(finish, right - 1) + 1):
                share[row, x] += weight * (min(last, x + 1) - max(first, x))
            down, out = weight * y / max(half, _GRAZING), weight * radius / max(half, _GRAZING)
            if left <= begin < right:
                slope[row, begin, 0] -= weight
                slope[row, begin, 1] += down
                slope[row, begin, 2] += out
            if left <= finish < right:
                slope[row, finish, 0] += weight
                slope[row, finish, 1] += down
                slope[row, finish, 2] += out


@njit(cache=True, nogil=True, error_model="numpy")
def _paint(u: float, v: float, radius: float, colour: Float64[np.ndarray, "F C"], box: Box, on: Canvas) -> None:
    """Add what one exposure covers to share and paint."""
    top, end, left, right = box
    flat = len(colour) == 1
    forms = np.ones(len(colour))
    for row in range(top, end):
        for x in range(left, right):
            share = on.lone[row, x]
            if share <= 0:
                continue
            on.share[row, x] += share
            if not flat:
                shape((x + 0.5 - u) / radius, (row + 0.5 - v) / radius, forms)
            for c in range(colour.shape[1]):
                light = 0.0
                for f in range(len(forms)):
                    light += forms[f] * colour[f, c]
                on.paint[row, x, c] += share * light


@njit(cache=True, nogil=True, error_model="numpy")
def shape(x: float, y: float, forms: Float64[np.ndarray, "F"]) -> None:
    """The forms of a colour at a point of the unit disc; points outside are moved to its border."""
    forms[0] = 1
    if len(forms) == 1:
        return
    beyond = max(1.0, np.hypot(x, y))
    x, y = x / beyond, y / beyond
    forms[1], forms[2] = x, y
    forms[3] = np.sqrt(max(0.0, 1 - x * x - y * y))
    forms[4], forms[5], forms[6] = x * x, x * y, y * y
