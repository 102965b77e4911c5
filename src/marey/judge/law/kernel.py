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

from marey.judge.law.linear import factor, relax, substitute
from marey.judge.law.normal import CIRCLE, FREE, HELIX, LEAST_RADIUS, LINE, MOST, PARABOLA, STATE, assemble, move

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
            if law in (LINE, PARABOLA):
                count = _polynomial_start(law, t, seen[i], weight[i], focal[i], basis, found, tried)
            else:
                count = _turn_starts(law, t, seen[i], weight[i], focal[i], turning, basis, found, tried)
                if law == HELIX:
                    tried[count] = states[i, CIRCLE]
                    count += 1
            for k in range(count):
                tried_costs[k] = assemble(law, tried[k], t, seen[i], weight[i], focal[i], work, 0, False)
            slowest, fastest = turning[0], turning[-1]
            best = _search(
                law, t, seen[i], weight[i], focal[i], slowest, fastest, tried[:count], tried_costs[:count], work
            )
            states[i, law] = tried[best]
            costs[i, law] = assemble(law, tried[best], t, seen[i], weight[i], focal[i], work, 0, True)
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
    long = max(np.sqrt((a * a).sum()), LEAST_RADIUS)
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
    cost = assemble(law, state, t, seen, weight, focal, work, now, True)
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
            move(law, state, step, slowest, fastest, trial)
            new = assemble(law, trial, t, seen, weight, focal, work, 1 - now, True)
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
