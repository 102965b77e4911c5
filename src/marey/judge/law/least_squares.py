"""Levenberg-Marquardt for many small clips at once: a motion seen through the pinhole camera.

A ball of radius 1 at (X, Y, Z) is seen at (f X / Z, f Y / Z) from the middle of the frame with radius f / Z. Its
own radius is the unit of length, because a single camera cannot tell a small near ball from a large far one.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from marey.judge.law.motion import Motion, State
from marey.judge.law.motions import Form

_DECREASE = 1e-7  # relative; a clip is done when its cost falls by less


@dataclass(frozen=True)
class Sightings:
    """seen: (u, v, radius), pixels from the middle. weight: 1 / sigma, 0 for lost frames. focal: pixels."""

    seen: Float64[np.ndarray, "n T 3"]
    weight: Float64[np.ndarray, "n T 3"]
    focal: Float64[np.ndarray, "n"]

    def __len__(self) -> int:
        return len(self.seen)

    def take(self, rows: np.ndarray) -> "Sightings":
        """The sightings at the given rows."""
        return Sightings(self.seen[rows], self.weight[rows], self.focal[rows])


def project(points: Float64[np.ndarray, "n T 3"], focal: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n T 3"]:
    """(u, v, radius) of unit balls; NaN behind the camera."""
    depth = np.where(points[..., 2:] > 0, points[..., 2:], np.nan)
    return focal[:, None, None] * np.concatenate([points[..., :2], np.ones_like(depth)], axis=-1) / depth


def residuals(
    motion: Motion | Form, state: State, t: Float64[np.ndarray, "T"], sightings: Sightings
) -> Float64[np.ndarray, "n T 3"]:
    """Seen minus predicted, over sigma; 0 for lost frames."""
    return (sightings.seen - project(motion.points(state, t), sightings.focal)) * sightings.weight


def jacobian(
    motion: Motion | Form, state: State, t: Float64[np.ndarray, "T"], sightings: Sightings
) -> Float64[np.ndarray, "n T 3 P"]:
    """Derivatives of the *predicted* sightings over sigma: minus those of `residuals`."""
    points, slope = motion.points(state, t), motion.jacobian(state, t)
    depth = points[..., 2, None, None]
    image = np.concatenate([slope[..., :2, :], 0 * slope[..., :1, :]], axis=-2)
    homogeneous = np.concatenate([points[..., :2], np.ones_like(points[..., :1])], axis=-1)[..., None]
    by_depth = homogeneous / depth * slope[..., 2:, :]
    return sightings.focal[:, None, None, None] / depth * (image - by_depth) * sightings.weight[..., None]


def minimise(
    motion: Motion | Form, start: State, t: Float64[np.ndarray, "T"], sightings: Sightings, steps: int
) -> tuple[State, Float64[np.ndarray, "n"]]:
    """States of least squared residuals (at most `steps` steps from `start`) and the sums of squares reached.

    A start behind the camera keeps an infinite cost. Damping follows Marquardt: scaled by the diagonal, a tenth after
    a step that helped and ten times after one that did not.
    """
    state = start.copy()
    cost = _cost(residuals(motion, state, t, sightings))
    damping = np.full(len(state), 1e-3)
    active = np.flatnonzero(np.isfinite(cost))
    for _ in range(steps):
        if not len(active):
            break
        some = sightings.take(active)
        step = _step(motion, state[active], t, some, damping[active])
        trial = motion.moved(state[active], step)
        new = _cost(residuals(motion, trial, t, some))
        better = new < cost[active]
        done = better & (cost[active] - new <= _DECREASE * cost[active] + 1e-12)
        done |= ~better & (damping[active] > 1e6)
        damping[active] = np.where(better, damping[active] * 0.1, damping[active] * 10).clip(1e-9)
        state[active[better]], cost[active[better]] = trial[better], new[better]
        active = active[~done]
    return state, cost


def _step(
    motion: Motion | Form,
    state: State,
    t: Float64[np.ndarray, "T"],
    sightings: Sightings,
    damping: Float64[np.ndarray, "n"],
) -> Float64[np.ndarray, "n P"]:
    slope = jacobian(motion, state, t, sightings).reshape(len(state), -1, motion.free)
    error = residuals(motion, state, t, sightings).reshape(len(state), -1, 1)
    normal = slope.transpose(0, 2, 1) @ slope
    diagonal = np.einsum("npp->np", normal)
    diagonal += damping[:, None] * diagonal + 1e-9  # writes into `normal`: einsum gives a view
    return np.linalg.solve(normal, slope.transpose(0, 2, 1) @ error)[..., 0]


def _cost(residual: Float64[np.ndarray, "n T 3"]) -> Float64[np.ndarray, "n"]:
    cost = (residual**2).sum(axis=(1, 2))
    return np.where(np.isfinite(cost), cost, np.inf)
