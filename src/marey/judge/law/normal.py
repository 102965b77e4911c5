"""What a step of a fit needs, compiled: the state after it, its cost, and the normal equations there.

See `law_kernel` for states and units.
"""

# mypy: disable-error-code="arg-type,assignment,call-overload,operator,return-value"
# numba has its own types; mypy knows the bodies of its functions only as numpy scalars.

import numpy as np
from jaxtyping import Float64
from numba import njit

LINE, CIRCLE, HELIX, PARABOLA = range(4)  # their labels in `BASE_LAWS`
FREE = (6, 8, 9, 9)  # numbers that are fitted
MOST = 9
STATE = 15  # numbers of a circle's and a helix's state, the longest

LEAST_RADIUS = 1e-3


@njit(cache=True, nogil=True, error_model="numpy")
def move(
    law: int,
    state: Float64[np.ndarray, "15"],
    step: Float64[np.ndarray, "9"],
    slowest: float,
    fastest: float,
    out: Float64[np.ndarray, "15"],
) -> None:
    """The state after a step: see `Polynomial.moved` and `Turn.moved`."""
    out[:] = state
    if law in (LINE, PARABOLA):
        for p in range(FREE[law]):
            out[p] += step[p]
        return
    for p in range(3):
        out[p] += step[p]
    x, y, z = step[3], step[4], step[5]
    angle = np.sqrt(x * x + y * y + z * z)
    first = np.sin(angle) / angle if angle > 1e-8 else 1.0
    second = (1 - np.cos(angle)) / (angle * angle) if angle > 1e-4 else 0.5
    for p in range(3, 12, 3):  # rows of R (1 + first W + second W^2), W the cross product with (x, y, z)
        a, b, c = state[p], state[p + 1], state[p + 2]
        one = (b * z - c * y, c * x - a * z, a * y - b * x)
        two = (one[1] * z - one[2] * y, one[2] * x - one[0] * z, one[0] * y - one[1] * x)
        for k in range(3):
            out[p + k] = state[p + k] + first * one[k] + second * two[k]
    out[12] = max(state[12] + step[6], LEAST_RADIUS)
    out[13] = min(max(state[13] + step[7], slowest), fastest)
    if law == HELIX:
        out[14] += step[8]
    else:
        out[14] = 0.0


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def assemble(
    law: int,
    state: Float64[np.ndarray, "15"],
    t: Float64[np.ndarray, "T"],
    seen: Float64[np.ndarray, "T 3"],
    weight: Float64[np.ndarray, "T 3"],
    focal: float,
    work: Float64[np.ndarray, "W 9"],
    slot: int,
    slopes: bool,
) -> float:
    """The cost of a state, infinite behind the camera; with `slopes` also J^T J (its lower triangle) and J^T e."""
    turns, free = law in (CIRCLE, HELIX), FREE[law]
    normal, side, row = work[slot * MOST : (slot + 1) * MOST], work[3 * MOST + slot], work[4 * MOST + 1 : 4 * MOST + 4]
    if slopes:
        normal[:free, :free] = 0
        side[:free] = 0
    cost = 0.0
    for i in range(len(t)):
        s = t[i]
        if turns:
            cosine, sine = np.cos(state[13] * s), np.sin(state[13] * s)
            x, y, z = state[12] * cosine, state[12] * sine, (state[14] if law == HELIX else 0.0) * s
            across = state[0] + state[3] * x + state[4] * y + state[5] * z
            down = state[1] + state[6] * x + state[7] * y + state[8] * z
            depth = state[2] + state[9] * x + state[10] * y + state[11] * z
        else:
            across = state[0] + s * (state[3] + s * state[6])
            down = state[1] + s * (state[4] + s * state[7])
            depth = state[2] + s * (state[5] + s * state[8])
            cosine = sine = x = y = z = 0.0
        if not depth > 0:
            return np.inf
        scale = focal / depth
        across, down = across / depth, down / depth
        errors = (
            (seen[i, 0] - focal * across) * weight[i, 0],
            (seen[i, 1] - focal * down) * weight[i, 1],
            (seen[i, 2] - scale) * weight[i, 2],
        )
        cost += errors[0] * errors[0] + errors[1] * errors[1] + errors[2] * errors[2]
        if not slopes:
            continue
        row[0, 0], row[0, 1], row[0, 2] = scale * weight[i, 0], 0.0, -scale * across * weight[i, 0]
        row[1, 0], row[1, 1], row[1, 2] = 0.0, scale * weight[i, 1], -scale * down * weight[i, 1]
        row[2, 0], row[2, 1], row[2, 2] = 0.0, 0.0, -scale / depth * weight[i, 2]
        for k in range(3):
            if turns:
                a = row[k, 0] * state[3] + row[k, 1] * state[6] + row[k, 2] * state[9]
                b = row[k, 0] * state[4] + row[k, 1] * state[7] + row[k, 2] * state[10]
                c = row[k, 0] * state[5] + row[k, 1] * state[8] + row[k, 2] * state[11]
                row[k, 3], row[k, 4], row[k, 5] = y * c - z * b, z * a - x * c, x * b - y * a
                row[k, 6], row[k, 7], row[k, 8] = cosine * a + sine * b, s * row[k, 5], s * c
            else:
                for p in range(3):
                    row[k, 3 + p], row[k, 6 + p] = s * row[k, p], s * s * row[k, p]
            for p in range(free):
                value = row[k, p]
                side[p] += value * errors[k]
                for q in range(p + 1):
                    normal[p, q] += value * row[k, q]
    return cost if np.isfinite(cost) else np.inf
