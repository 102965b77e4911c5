"""The four base laws fitted to one clip after the other, compiled: Levenberg-Marquardt from several starts.

The same states, steps and residuals as in `motion.py` and `least_squares.py`, which are its plain twin: a line and a
parabola are c_0 + c_1 t (+ c_2 t^2), a circle and a helix centre + R (radius cos wt, radius sin wt, climb t). Lengths
are in ball radii, times in frames from the middle of the clip, angles in radians, images in pixels from the middle.
"""

# mypy: disable-error-code="arg-type,assignment,call-overload,operator,return-value"
# numba has its own types; mypy knows the bodies of its functions only as numpy scalars.

import numpy as np
from jaxtyping import Float64
from numba import njit

from marey.judge.law_linear import factor, relax, substitute

LINE, CIRCLE, HELIX, PARABOLA = range(4)  # their labels in `BASE_LAWS`
FREE = (6, 8, 9, 9)  # numbers that are fitted
MOST = 9
STATE = 15  # numbers of a circle's and a helix's state, the longest

_LEAST_RADIUS = 1e-3
_DECREASE = 1e-7  # relative; a fit is done when its cost falls by less
_STEPS, _FIRST = 40, 3  # of a fit; of each start before the best ones are chosen
_TRIED, _KEPT = 6, 3  # starts that are tried, and of them finished


@njit(cache=True, nogil=True, error_model="numpy")
def fit_clips(
    t: Float64[np.ndarray, "T"],
    seen: Float64[np.ndarray, "n T 3"],
    weight: Float64[np.ndarray, "n T 3"],
    focal: Float64[np.ndarray, "n"],
    turning: Float64[np.ndarray, "G"],
    states: Float64[np.ndarray, "n 4 15"],
    costs: Float64[np.ndarray, "n 4"],
    normals: Float64[np.ndarray, "n 4 9 9"],
) -> None:
    """Fit all four laws to n clips; see `Sightings` for seen, weight and focal.

    turning: radians a frame; the first and the last are the bounds of a turn, and fits start from those between. Filled
    in: states; costs, the sums of squared residuals over sigma, infinite where no fit was found; normals, J^T J there.
    """
    basis, found = np.ones((len(t), 4)), np.empty((4, 3))
    tried, tried_costs = np.empty((2 * len(turning) + 1, STATE)), np.empty(2 * len(turning) + 1)
    work = np.empty((4 * MOST + 8, MOST))
    for i in range(len(seen)):
        for law in range(4):
            if law == LINE or law == PARABOLA:
                count = _polynomial_start(law, t, seen[i], weight[i], focal[i], basis, found, tried)
            else:
                count = _turn_starts(law, t, seen[i], weight[i], focal[i], turning, basis, found, tried)
                if law == HELIX:
                    tried[count] = states[i, CIRCLE]
                    count += 1
            for k in range(count):
                tried_costs[k] = _assemble(law, tried[k], t, seen[i], weight[i], focal[i], work, 0, False)
            slowest, fastest = turning[0], turning[-1]
            best = _search(
                law, t, seen[i], weight[i], focal[i], slowest, fastest, tried[:count], tried_costs[:count], work
            )
            states[i, law] = tried[best]
            costs[i, law] = _assemble(law, tried[best], t, seen[i], weight[i], focal[i], work, 0, True)
            for p in range(MOST):
                for q in range(MOST):
                    inside = p < FREE[law] and q < FREE[law]
                    normals[i, law, p, q] = work[max(p, q), min(p, q)] if inside else (1.0 if p == q else 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _search(
    law: int,
    t: Float64[np.ndarray, "T"],
    seen: Float64[np.ndarray, "T 3"],
    weight: Float64[np.ndarray, "T 3"],
    focal: float,
    slowest: float,
    fastest: float,
    tried: Float64[np.ndarray, "S 15"],
    costs: Float64[np.ndarray, "S"],
    work: Float64[np.ndarray, "W 9"],
) -> int:
    """The number of the best start, which then holds the fitted state."""
    if len(tried) > 1:
        for turn in range(_TRIED):
            least = turn
            for k in range(turn + 1, len(tried)):
                if costs[k] < costs[least]:
                    least = k
            _swap(tried, costs, turn, least)
            costs[turn] = _descend(law, tried[turn], t, seen, weight, focal, slowest, fastest, _FIRST, work)
        costs[_TRIED:] = np.inf
    for turn in range(min(_KEPT, len(tried))):
        least = turn
        for k in range(turn + 1, min(_TRIED, len(tried))):
            if costs[k] < costs[least]:
                least = k
        _swap(tried, costs, turn, least)
        costs[turn] = _descend(law, tried[turn], t, seen, weight, focal, slowest, fastest, _STEPS, work)
    return np.argmin(costs)


@njit(cache=True, nogil=True, error_model="numpy")
def _swap(states: Float64[np.ndarray, "S 15"], costs: Float64[np.ndarray, "S"], i: int, j: int) -> None:
    for k in range(STATE):
        states[i, k], states[j, k] = states[j, k], states[i, k]
    costs[i], costs[j] = costs[j], costs[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _polynomial_start(
    law: int,
    t: Float64[np.ndarray, "T"],
    seen: Float64[np.ndarray, "T 3"],
    weight: Float64[np.ndarray, "T 3"],
    focal: float,
    basis: Float64[np.ndarray, "T 4"],
    found: Float64[np.ndarray, "4 3"],
    starts: Float64[np.ndarray, "S 15"],
) -> int:
    count = 2 if law == LINE else 3
    for i in range(len(t)):
        basis[i, 1], basis[i, 2] = t[i], t[i] * t[i]
    relax(basis[:, :count], seen, weight, focal, found)
    starts[0] = 0
    for k in range(count):
        starts[0, 3 * k : 3 * k + 3] = found[k]
    return 1


@njit(cache=True, nogil=True, error_model="numpy")
def _turn_starts(
    law: int,
    t: Float64[np.ndarray, "T"],
    seen: Float64[np.ndarray, "T 3"],
    weight: Float64[np.ndarray, "T 3"],
    focal: float,
    turning: Float64[np.ndarray, "G"],
    basis: Float64[np.ndarray, "T 4"],
    found: Float64[np.ndarray, "4 3"],
    starts: Float64[np.ndarray, "S 15"],
) -> int:
    """An ellipse in the image is a tilted circle in two ways, mirror images in depth: both are starts."""
    count, columns = 0, 4 if law == HELIX else 3
    for w in turning[1:-1]:
        for i in range(len(t)):
            basis[i, 1], basis[i, 2], basis[i, 3] = np.cos(w * t[i]), np.sin(w * t[i]), t[i]
        found[3] = 0
        relax(basis[:, :columns], seen, weight, focal, found)
        for mirror in (-1.0, 1.0):
            _tilted(found, w, mirror, starts[count])
            count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _tilted(found: Float64[np.ndarray, "4 3"], w: float, mirror: float, state: Float64[np.ndarray, "15"]) -> None:
    """The turn whose image is centre + a cos wt + b sin wt + drift t: depths that make a and b equally long and at
    right angles, (a_z + i b_z)^2 = |b|^2 - |a|^2 - 2 i a.b over the image's two coordinates.
    """
    a, b = found[1].copy(), found[2].copy()
    square = complex(b[0] * b[0] + b[1] * b[1] - a[0] * a[0] - a[1] * a[1], -2 * (a[0] * b[0] + a[1] * b[1]))
    root = np.sqrt(square)
    a[2], b[2] = mirror * root.real, mirror * root.imag
    long = max(np.sqrt((a * a).sum()), _LEAST_RADIUS)
    a, b = a / long, b / max(np.sqrt((b * b).sum()), 1e-9)
    normal = np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
    flat = max(normal[0] * normal[0] + normal[1] * normal[1], 0.05)
    drift = found[3]
    state[:3] = found[0]
    for k in range(3):
        state[3 + 3 * k], state[4 + 3 * k], state[5 + 3 * k] = a[k], b[k], normal[k]
    state[12], state[13] = long, w
    state[14] = (drift[0] * normal[0] + drift[1] * normal[1]) / flat


@njit(cache=True, nogil=True, error_model="numpy")
def _descend(
    law: int,
    state: Float64[np.ndarray, "15"],
    t: Float64[np.ndarray, "T"],
    seen: Float64[np.ndarray, "T 3"],
    weight: Float64[np.ndarray, "T 3"],
    focal: float,
    slowest: float,
    fastest: float,
    steps: int,
    work: Float64[np.ndarray, "W 9"],
) -> float:
    """Move `state` down to a minimum, by Marquardt's damping; returns the cost there.

    work: normal matrices of the state and of the trial (9 rows each), their sides, the damped matrix and the step.
    """
    free, now, damping = FREE[law], 0, 1e-3
    cost = _assemble(law, state, t, seen, weight, focal, work, now, True)
    if not np.isfinite(cost):
        return np.inf
    trial, damped, step = np.empty(STATE), work[2 * MOST : 3 * MOST], work[4 * MOST]
    for _ in range(steps):
        normal, side = work[now * MOST : (now + 1) * MOST], work[3 * MOST + now]
        for p in range(free):
            step[p] = side[p]
            for q in range(p + 1):
                damped[p, q] = normal[p, q]
            damped[p, p] += damping * normal[p, p] + 1e-9
        if factor(damped, free):
            substitute(damped, step, free)
            _move(law, state, step, slowest, fastest, trial)
            new = _assemble(law, trial, t, seen, weight, focal, work, 1 - now, True)
        else:
            new = np.inf
        if new < cost:
            done = cost - new <= _DECREASE * cost + 1e-12
            cost, now, damping = new, 1 - now, max(damping * 0.1, 1e-9)
            state[:] = trial
            if done:
                break
        else:
            damping *= 10
            if damping > 1e6:
                break
    return cost


@njit(cache=True, nogil=True, error_model="numpy")
def _move(
    law: int,
    state: Float64[np.ndarray, "15"],
    step: Float64[np.ndarray, "9"],
    slowest: float,
    fastest: float,
    out: Float64[np.ndarray, "15"],
) -> None:
    """The state after a step: see `Polynomial.moved` and `Turn.moved`."""
    out[:] = state
    if law == LINE or law == PARABOLA:
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
    out[12] = max(state[12] + step[6], _LEAST_RADIUS)
    out[13] = min(max(state[13] + step[7], slowest), fastest)
    if law == HELIX:
        out[14] += step[8]
    else:
        out[14] = 0.0


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _assemble(
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
    turns, free = law == CIRCLE or law == HELIX, FREE[law]
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


