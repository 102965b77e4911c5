"""The fit of any law: every point of its grid is a start, the best ones are finished.

For the laws beyond the base ones this is how they are fitted; for the base laws it is the plain twin of the compiled
`law_kernel`.
"""

import numpy as np
from jaxtyping import Float64

from marey.judge.law.forms import STARTS
from marey.judge.law.least_squares import Sightings, jacobian, minimise, residuals
from marey.judge.law.linear import relax_clips
from marey.judge.law.motion import Motion, Polynomial, State, Turn, turn_state
from marey.judge.law.motions import Form

_KEPT = 4  # starts that are worth finishing


def search(
    motion: Motion | Form, t: Float64[np.ndarray, "T"], sightings: Sightings
) -> tuple[State, Float64[np.ndarray, "n"]]:
    """The best state of each clip and its sum of squares, infinite where no start was in front of the camera."""
    n, starts, costs = len(sightings), [], []
    for start in all_starts(motion, t, sightings):
        square = (residuals(motion, start, t, sightings) ** 2).sum(axis=(1, 2))
        starts.append(start)
        costs.append(np.where(np.isfinite(square), square, np.inf))
        if len(starts) > _KEPT:
            starts, costs = _best(starts, costs)
    tried = [minimise(motion, start, t, sightings, steps=40) for start in starts]
    cost = np.stack([each for _, each in tried])
    best = cost.argmin(axis=0)
    return np.stack([state for state, _ in tried])[best, np.arange(n)], cost[best, np.arange(n)]


def normal_matrix(
    motion: Motion | Form, state: State, t: Float64[np.ndarray, "T"], sightings: Sightings
) -> Float64[np.ndarray, "n P P"]:
    """J^T J at the states."""
    slope = jacobian(motion, state, t, sightings).reshape(len(state), -1, motion.free)
    return slope.transpose(0, 2, 1) @ slope


def all_starts(motion: Motion | Form, t: Float64[np.ndarray, "T"], sightings: Sightings) -> list[State]:
    """A state of each clip for every point of the motion's grid, in both mirror images where it has any."""
    if isinstance(motion, Polynomial):
        powers = t[:, None] ** np.arange(motion.degree + 1)
        return [_relaxed(powers, sightings).reshape(len(sightings), -1)]
    states = []
    if isinstance(motion, Turn):
        for turning in motion.starts:
            basis = [np.ones_like(t), np.cos(turning * t), np.sin(turning * t), t][: 4 if motion.climbs else 3]
            vectors = _relaxed(np.column_stack(basis), sightings)
            for mirrored in _mirrored(vectors):
                drift = mirrored[:, 3] if motion.climbs else 0 * mirrored[:, 0]
                states.append(turn_state(mirrored[:, 0], mirrored[:, 1], mirrored[:, 2], drift, turning))
        return states
    start = STARTS[motion.name]
    for values in start.grid(len(t) - 1):
        vectors = _relaxed(start.basis(values, t), sightings)
        states += [
            motion.moved(start.state(values, each), np.zeros((len(each), motion.free))) for each in _mirrored(vectors)
        ]
    return states


def _mirrored(vectors: Float64[np.ndarray, "n K 3"]) -> list[Float64[np.ndarray, "n K 3"]]:
    """Seen from afar, a motion and its mirror image in depth look the same."""
    flips = np.ones((2, vectors.shape[1], 3))
    flips[1, 1:, 2] = -1
    return [vectors * flip for flip in flips]


def _relaxed(basis: Float64[np.ndarray, "T K"], sightings: Sightings) -> Float64[np.ndarray, "n K 3"]:
    found = np.zeros((len(sightings), basis.shape[1], 3))
    relax_clips(np.ascontiguousarray(basis), sightings.seen, sightings.weight, sightings.focal, found)
    return found


def _best(starts: list[State], costs: list[Float64[np.ndarray, "n"]]) -> tuple[list[State], list[np.ndarray]]:
    """For each clip the best ones alone."""
    cost = np.stack(costs)
    order = np.argsort(cost, axis=0)[:_KEPT]
    rows = np.arange(cost.shape[1])
    return list(np.stack(starts)[order, rows]), list(cost[order, rows])
