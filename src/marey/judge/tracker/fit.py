"""Discs are laid over the pixels by least squares, in place and radius.

Levenberg-Marquardt, one body at a time, the others as they stand. Where pixels that a disc should cover show what is
behind it (an occluder in front, a body that is not whole), their error is bounded: what is missing does not pull, what
is there does.
"""

# mypy: disable-error-code="arg-type,assignment,call-overload,operator,return-value"
# numba has its own types; mypy knows the bodies of its functions only as numpy scalars.

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numba import njit

from marey.judge.tracker.disc import Box, Canvas, around, stamp

_MARGIN = 2.5  # pixels around a disc that its fit looks at
_ROUNDS = 12
_SETTLED = 2e-4  # pixels
_FARTHEST = 1.5  # pixels in one step
_LEAST = 0.5  # radius, pixels
_MISSING = 0.4  # of the contrast: errors are bounded by this where a body is missing


@njit(cache=True, nogil=True, error_model="numpy")
def overlap(a: Float64[np.ndarray, "3"], b: Float64[np.ndarray, "3"], apart: float) -> bool:
    """Whether two discs are less than `apart` pixels from touching; NaN touches nothing."""
    return np.hypot(a[0] - b[0], a[1] - b[1]) < a[2] + b[2] + apart


@njit(cache=True, nogil=True, error_model="numpy")
def surround(
    body: int,
    discs: Float64[np.ndarray, "M 3"],
    smears: Float64[np.ndarray, "M 2"],
    colours: Float64[np.ndarray, "M F C"],
    ranks: Int64[np.ndarray, "M"],
    paper: Float64[np.ndarray, "H W C"],
    shut: Bool[np.ndarray, "H W"],
    box: Box,
    on: Canvas,
) -> None:
    """What the other bodies put below and above one of them, in the box. ranks: the higher, the nearer. shut: pixels
    that show no body.
    """
    top, end, left, right = box
    on.under[top:end, left:right] = paper[top:end, left:right]
    on.veil[top:end, left:right] = np.where(shut[top:end, left:right], 0.0, 1.0)
    on.glare[top:end, left:right] = 0
    for rank in range(len(discs)):
        for other in range(len(discs)):
            if other == body or ranks[other] != rank or not np.isfinite(discs[other, 2]):
                continue
            reach = discs[other, 2] + np.hypot(smears[other, 0], smears[other, 1]) + 1
            there = around(discs[other, 0], discs[other, 1], reach, len(paper), paper.shape[1])
            part = (max(top, there[0]), min(end, there[1]), max(left, there[2]), min(right, there[3]))
            if part[0] < part[1] and part[2] < part[3]:
                stamp(discs[other], smears[other], colours[other], part, on)
                _lay(part, rank > ranks[body], on)


@njit(cache=True, nogil=True, error_model="numpy")
def _lay(part: Box, nearer: bool, on: Canvas) -> None:
    """Lay the disc that has just been stamped over what is below, or over what is above."""
    for row in range(part[0], part[1]):
        for x in range(part[2], part[3]):
            clear = 1 - on.share[row, x]
            if nearer:
                on.veil[row, x] *= clear
            for c in range(on.paint.shape[2]):
                if nearer:
                    on.glare[row, x, c] = on.glare[row, x, c] * clear + on.paint[row, x, c]
                else:
                    on.under[row, x, c] = on.under[row, x, c] * clear + on.paint[row, x, c]


@njit(cache=True, nogil=True, error_model="numpy")
def misfit(
    frame: Float64[np.ndarray, "H W C"],
    disc: Float64[np.ndarray, "3"],
    smear: Float64[np.ndarray, "2"],
    colour: Float64[np.ndarray, "F C"],
    bounded: bool,
    box: Box,
    on: Canvas,
    normal: Float64[np.ndarray, "3 4"],
) -> float:
    """Sum of squared errors in the box; `normal` gets the matrix of the normal equations and their right side."""
    stamp(disc, smear, colour, box, on)
    normal[:] = 0
    cost = 0.0
    channels = frame.shape[2]
    for row in range(box[0], box[1]):
        for x in range(box[2], box[3]):
            share, veil = on.share[row, x], on.veil[row, x]
            if veil == 0:
                continue
            square, strength, along = 0.0, 0.0, 0.0
            for c in range(channels):
                body = on.paint[row, x, c] / share if share > 1e-9 else colour[0, c]
                below = on.under[row, x, c]
                seen = veil * (below * (1 - share) + on.paint[row, x, c]) + on.glare[row, x, c]
                error, reach = frame[row, x, c] - seen, veil * (body - below)
                square, strength, along = square + error * error, strength + reach * reach, along + error * reach
            if bounded and along < -_MISSING * strength:
                cost += min(square, _MISSING**2 * strength)
                continue
            cost += square
            for i in range(3):
                slope = on.slope[row, x, i]
                normal[i, 3] += slope * along
                for j in range(3):
                    normal[i, j] += slope * on.slope[row, x, j] * strength
    return cost


@njit(cache=True, nogil=True, error_model="numpy")
def settle(
    frame: Float64[np.ndarray, "H W C"],
    disc: Float64[np.ndarray, "3"],
    smear: Float64[np.ndarray, "2"],
    colour: Float64[np.ndarray, "F C"],
    usual: float,
    weight: float,
    bounded: bool,
    box: Box,
    on: Canvas,
) -> float:
    """Move one disc to where it fits best in the box, and return its cost.

    usual, weight: a radius to hold to, and how much: weight (radius - usual)^2 is added to the cost.
    """
    normal, trial = np.zeros((3, 4)), np.empty(3)
    damping, again = 1e-3, np.zeros((3, 4))
    cost = misfit(frame, disc, smear, colour, bounded, box, on, normal) + weight * (disc[2] - usual) ** 2
    for _ in range(_ROUNDS):
        normal[2, 2] += weight
        normal[2, 3] += weight * (usual - disc[2])
        improved, longest, shorter = False, 0.0, 1.0
        while not improved and damping < 1e4:
            step = _solve(normal, damping)
            longest = max(abs(step[0]), abs(step[1]), abs(step[2]))
            shorter = min(1.0, _FARTHEST / max(longest, 1e-12))
            for i in range(3):
                trial[i] = disc[i] + shorter * step[i]
            trial[2] = max(trial[2], _LEAST)
            new = misfit(frame, trial, smear, colour, bounded, box, on, again) + weight * (trial[2] - usual) ** 2
            improved = new <= cost
            damping = max(damping / 8, 1e-9) if improved else damping * 8
            if not improved and longest * shorter < _SETTLED:
                return cost
        if not improved:
            break
        disc[:], normal[:], cost = trial, again, new
        if longest * shorter < _SETTLED:
            break
    return cost


@njit(cache=True, nogil=True, error_model="numpy")
def _solve(normal: Float64[np.ndarray, "3 4"], damping: float) -> tuple[float, float, float]:
    """The damped normal equations, by Cramer's rule."""
    more = 1 + damping
    a, b, c = normal[0, 0] * more + 1e-9, normal[1, 1] * more + 1e-9, normal[2, 2] * more + 1e-9
    d, e, f = normal[0, 1], normal[0, 2], normal[1, 2]
    p, q, s = normal[0, 3], normal[1, 3], normal[2, 3]
    bc, dc, df = b * c - f * f, d * c - f * e, d * f - b * e
    det = a * bc - d * dc + e * df
    return (
        (p * bc - d * (q * c - f * s) + e * (q * f - b * s)) / det,
        (a * (q * c - f * s) - p * dc + e * (d * s - q * e)) / det,
        (a * (b * s - q * f) - d * (d * s - q * e) + p * df) / det,
    )


@njit(cache=True, nogil=True, error_model="numpy")
def settle_all(
    frame: Float64[np.ndarray, "H W C"],
    paper: Float64[np.ndarray, "H W C"],
    shut: Bool[np.ndarray, "H W"],
    discs: Float64[np.ndarray, "M 3"],
    smears: Float64[np.ndarray, "M 2"],
    colours: Float64[np.ndarray, "M F C"],
    ranks: Int64[np.ndarray, "M"],
    usual: Float64[np.ndarray, "M"],
    weights: Float64[np.ndarray, "M"],
    bounded: bool,
    on: Canvas,
) -> float:
    """Settle every disc of a frame that is not NaN, again where discs overlap; the sum of their costs."""
    total = 0.0
    crowded = False
    for i in range(len(discs)):
        for j in range(i):
            crowded |= overlap(discs[i], discs[j], _MARGIN)
    for _ in range(6 if crowded else 2):
        total, moved = 0.0, 0.0
        for body in range(len(discs)):
            if not np.isfinite(discs[body, 2]):
                continue
            before = discs[body].copy()
            reach = before[2] + np.hypot(smears[body, 0], smears[body, 1]) / 2 + _MARGIN
            box = around(before[0], before[1], reach, frame.shape[0], frame.shape[1])
            surround(body, discs, smears, colours, ranks, paper, shut, box, on)
            total += settle(
                frame, discs[body], smears[body], colours[body], usual[body], weights[body], bounded, box, on
            )  # fmt: skip
            moved = max(moved, np.abs(discs[body] - before).max())
        if moved < (0.01 if crowded else 1.0):
            break
    return total
