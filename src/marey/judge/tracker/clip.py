"""The fit of one clip: all its discs, the colours of its bodies, and what the pixels say for and against each disc."""

# mypy: disable-error-code="arg-type,assignment,call-overload,operator,return-value"
# numba has its own types; mypy knows the bodies of its functions only as numpy scalars.

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numba import njit

from marey.judge.tracker.disc import Canvas, around, canvas, shape, stamp
from marey.judge.tracker.fit import overlap, settle_all, surround

WHOLE, VEILED, MISSING = range(3)  # columns of evidence

_GONE = 0.4  # of the contrast: a pixel that lacks more of it does not show the body
_OFTEN = 2  # frames in which a shut pixel hides a body
_MOSTLY = 4  # ... and that many times as often as it seems to show one


class Layers(NamedTuple):
    """What a clip is taken for.

    shut: pixels that show no body, because something is always in front. discs: u, v, radius, pixels; NaN where there
    is none. smears: how far each moves while the shutter is open. colours: of each body in each frame, see
    `disc.FORMS`. ranks: the higher, the nearer.
    """

    frames: Float64[np.ndarray, "T H W C"]
    paper: Float64[np.ndarray, "H W C"]
    shut: Bool[np.ndarray, "H W"]
    discs: Float64[np.ndarray, "T M 3"]
    smears: Float64[np.ndarray, "T M 2"]
    colours: Float64[np.ndarray, "T M F C"]
    ranks: Int64[np.ndarray, "T M"]


@njit(cache=True, nogil=True, error_model="numpy")
def settle_frames(
    layers: Layers,
    chosen: Bool[np.ndarray, "T"],
    usual: Float64[np.ndarray, "T M"],
    weights: Float64[np.ndarray, "T M"],
    bounded: bool,
) -> Float64[np.ndarray, "T"]:
    """Move the discs of the chosen frames to where they fit best; the cost of each frame, 0 for the others.

    usual, weights: see `fit.settle`. bounded: whether errors are, where a body is missing.
    """
    frames, paper, shut, discs, smears, colours, ranks = layers
    on, cost = canvas(*paper.shape), np.zeros(len(frames))
    for t in range(len(frames)):
        if chosen[t]:
            cost[t] = settle_all(
                frames[t], paper, shut, discs[t], smears[t], colours[t], ranks[t], usual[t], weights[t], bounded, on
            )  # fmt: skip
    return cost


@njit(cache=True, nogil=True, error_model="numpy")
def crowded(discs: Float64[np.ndarray, "T M 3"]) -> Bool[np.ndarray, "T"]:
    """The frames in which discs overlap, or nearly."""
    out = np.zeros(len(discs), np.bool_)
    for t in range(len(discs)):
        for i in range(discs.shape[1]):
            for j in range(i):
                out[t] |= overlap(discs[t, i], discs[t, j], 1.0)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def colour_sums(
    layers: Layers, trusted: Bool[np.ndarray, "T M"], forms: int
) -> tuple[Float64[np.ndarray, "T M F F"], Float64[np.ndarray, "T M F C"]]:
    """The normal equations of each body's colour in each frame; zeros where it is not trusted."""
    frames, paper, shut, discs, smears, colours, ranks = layers
    count, bodies, channels = len(discs), discs.shape[1], paper.shape[2]
    matrix, right = np.zeros((count, bodies, forms, forms)), np.zeros((count, bodies, forms, channels))
    on, form = canvas(*paper.shape), np.ones(forms)
    for t in range(count):
        for body in range(bodies):
            if not trusted[t, body] or not np.isfinite(discs[t, body, 2]):
                continue
            disc, box = discs[t, body], _box(discs[t, body], smears[t, body], paper)
            surround(body, discs[t], smears[t], colours[t], ranks[t], paper, shut, box, on)
            stamp(disc, smears[t, body], colours[t, body], box, on)
            for row in range(box[0], box[1]):
                for x in range(box[2], box[3]):
                    share = on.share[row, x]
                    if share < 0.05 or on.veil[row, x] < 0.95 or _is_gone(layers, on, t, row, x):
                        continue
                    shape((x + 0.5 - disc[0]) / disc[2], (row + 0.5 - disc[1]) / disc[2], form)
                    for i in range(forms):
                        for j in range(forms):
                            matrix[t, body, i, j] += share * share * form[i] * form[j]
                        for c in range(channels):
                            own = frames[t, row, x, c] - on.under[row, x, c] * (1 - share)
                            right[t, body, i, c] += share * form[i] * own
    return matrix, right


@njit(cache=True, nogil=True, error_model="numpy")
def evidence(layers: Layers) -> Float64[np.ndarray, "T M 3"]:
    """Of each disc, in pixels: the area inside the frame, that behind nearer bodies and in shut pixels, and that of the
    rest which does not show the body.
    """
    _, paper, shut, discs, smears, colours, ranks = layers
    count, bodies = len(discs), discs.shape[1]
    out, on = np.full((count, bodies, 3), np.nan), canvas(*paper.shape)
    for t in range(count):
        for body in range(bodies):
            if not np.isfinite(discs[t, body, 2]):
                continue
            box = _box(discs[t, body], smears[t, body], paper)
            surround(body, discs[t], smears[t], colours[t], ranks[t], paper, shut, box, on)
            stamp(discs[t, body], smears[t, body], colours[t, body], box, on)
            whole, veiled, missing = 0.0, 0.0, 0.0
            for row in range(box[0], box[1]):
                for x in range(box[2], box[3]):
                    share, veil = on.share[row, x], on.veil[row, x]
                    whole, veiled = whole + share, veiled + share * (1 - veil)
                    if share > 0 and _is_gone(layers, on, t, row, x):
                        missing += share * veil
            out[t, body, WHOLE], out[t, body, VEILED], out[t, body, MISSING] = whole, veiled, missing
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def find_shut(layers: Layers) -> Bool[np.ndarray, "H W"]:
    """The pixels that never show a body, though discs cover them in several frames."""
    _, paper, shut, discs, smears, colours, ranks = layers
    on, gone, shown = canvas(*paper.shape), np.zeros(shut.shape), np.zeros(shut.shape)
    for t in range(len(discs)):
        for body in range(discs.shape[1]):
            if not np.isfinite(discs[t, body, 2]):
                continue
            box = _box(discs[t, body], smears[t, body], paper)
            surround(body, discs[t], smears[t], colours[t], ranks[t], paper, shut, box, on)
            stamp(discs[t, body], smears[t, body], colours[t, body], box, on)
            for row in range(box[0], box[1]):
                for x in range(box[2], box[3]):
                    if on.share[row, x] > 0.5 and on.veil[row, x] > 0.9:
                        if _is_gone(layers, on, t, row, x):
                            gone[row, x] += 1
                        else:
                            shown[row, x] += 1
    return shut | ((gone >= _OFTEN) & (gone >= _MOSTLY * shown))


@njit(cache=True, nogil=True, error_model="numpy")
def covered(layers: Layers, beyond: float) -> Bool[np.ndarray, "T H W"]:
    """The pixels within `beyond` pixels of a disc, smeared as it is."""
    discs, smears = layers.discs, layers.smears
    count, height, width, _ = layers.frames.shape
    out = np.zeros((count, height, width), np.bool_)
    for t in range(count):
        for body in range(discs.shape[1]):
            if not np.isfinite(discs[t, body, 2]):
                continue
            for part in (-0.5, -0.25, 0.0, 0.25, 0.5):
                u, v = discs[t, body, 0] + part * smears[t, body, 0], discs[t, body, 1] + part * smears[t, body, 1]
                reach = discs[t, body, 2] + beyond
                top, end, left, right = around(u, v, reach, height, width)
                for row in range(top, end):
                    for x in range(left, right):
                        out[t, row, x] |= np.hypot(x + 0.5 - u, row + 0.5 - v) < reach
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _box(
    disc: Float64[np.ndarray, "3"], smear: Float64[np.ndarray, "2"], paper: Float64[np.ndarray, "H W C"]
) -> tuple[int, int, int, int]:
    reach = disc[2] + np.hypot(smear[0], smear[1]) / 2 + 1
    return around(disc[0], disc[1], reach, paper.shape[0], paper.shape[1])


@njit(cache=True, nogil=True, error_model="numpy")
def _is_gone(layers: Layers, on: Canvas, t: int, row: int, x: int) -> bool:
    """Whether a pixel of the stamped disc shows what is behind it."""
    share, strength, along = on.share[row, x], 0.0, 0.0
    for c in range(layers.paper.shape[2]):
        body, below = on.paint[row, x, c] / max(share, 1e-9), on.under[row, x, c]
        seen = on.veil[row, x] * (below * (1 - share) + on.paint[row, x, c]) + on.glare[row, x, c]
        reach = on.veil[row, x] * (body - below)
        strength, along = strength + reach * reach, along + reach * (layers.frames[t, row, x, c] - seen)
    return along < -_GONE * strength
