"""Any law of the world as a motion that can be fitted: position = centre + R law(parameters, t).

The law itself is the world's (`marey.world.laws`), so that what is fitted is what is rendered. A rotation about the
law's own axis and its phase say the same: of such pairs one stays fixed, and a `Form` says which numbers are free.
Lengths are in ball radii and times in frames from the middle of the clip.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from marey.judge.law.motion import State, Step, rotations
from marey.world.laws import law_named

Free = Float64[np.ndarray, "n F"]
Own = Float64[np.ndarray, "n P"]

_STEP = 1e-6  # of a central difference, relative


@dataclass(frozen=True)
class Form:
    """The numbers of a law that are free, within bounds, and the law's own parameters from them."""

    name: str
    low: tuple[float, ...]
    high: tuple[float, ...]
    parameters: Callable[[Free], Own]

    @property
    def free(self) -> int:
        """How many numbers are fitted: centre, rotation and the law's."""
        return 6 + len(self.low)

    def points(self, state: State, t: Float64[np.ndarray, "T"]) -> Float64[np.ndarray, "n T 3"]:
        """Positions in camera coordinates, ball radii."""
        return state[:, None, :3] + self._local(state[:, 12:], t) @ _rotation(state).transpose(0, 2, 1)

    def jacobian(self, state: State, t: Float64[np.ndarray, "T"]) -> Float64[np.ndarray, "n T 3 P"]:
        """Derivatives of `points` by a small step of `moved`; those by the law's own numbers are differences."""
        local = self._local(state[:, 12:], t)
        x, y, z = np.moveaxis(local, -1, 0)
        zero = 0 * x
        columns = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
        own = [np.stack(column, axis=-1) for column in columns]
        own += list(np.moveaxis(self.slopes(state, lambda free: self._local(free, t)), -1, 0))
        turned = np.einsum("nij,ntjp->ntip", _rotation(state), np.stack(own, axis=-1))
        centre = np.broadcast_to(np.eye(3), (*local.shape[:2], 3, 3))
        return np.concatenate([centre, turned], axis=-1)

    def moved(self, state: State, step: Step) -> State:
        """The state after a step: centre (3), a small rotation of R in its own axes (3), the law's numbers."""
        new = state.copy()
        new[:, :3] += step[:, :3]
        new[:, 3:12] = (_rotation(state) @ rotations(step[:, 3:6])).reshape(-1, 9)
        new[:, 12:] = (state[:, 12:] + step[:, 6:]).clip(self.low, self.high)
        return new

    def slopes(self, state: State, function: Callable[[Free], np.ndarray]) -> np.ndarray:
        """Central differences of a function of the law's own numbers; the last axis is theirs."""
        free, out = state[:, 12:], []
        for i in range(free.shape[1]):
            step = np.zeros_like(free)
            step[:, i] = _STEP * (1 + np.abs(free[:, i]))
            change = function(free + step) - function(free - step)
            out.append(change / (2 * step[:, i]).reshape(-1, *[1] * (change.ndim - 1)))
        return np.stack(out, axis=-1)

    def _local(self, free: Free, t: Float64[np.ndarray, "T"]) -> Float64[np.ndarray, "n T 3"]:
        return law_named(self.name).position(self.parameters(free), t)


def _rotation(state: State) -> Float64[np.ndarray, "n 3 3"]:
    return state[:, 3:12].reshape(-1, 3, 3)


def _as_they_are(free: Free) -> Own:
    return free


def _without_phase(free: Free) -> Own:
    return np.column_stack([free, np.zeros(len(free))])


def _lissajous(free: Free) -> Own:
    """x and z swing together, a quarter apart: any ellipse in their plane, along its own axes."""
    x, y, z, slow, fast, phase, other = free.T
    return np.stack([x, y, z, slow, fast, slow, phase, other, phase + np.pi / 2], axis=-1)


def _bouncing(free: Free) -> Own:
    """From the length of the first flight instead of the speed of impact."""
    speed, flight, gravity, contact, restitution = free.T
    return np.stack([speed, gravity * flight / 2, gravity, contact, restitution], axis=-1)


_ANY = np.inf
SINUSOIDAL = Form("sinusoidal", (0, 0, 1e-3, -_ANY), (_ANY, _ANY, 3, _ANY), _as_they_are)
SPIRAL = Form("spiral", (1e-3, -_ANY, 1e-3), (_ANY, _ANY, 3), _without_phase)
LISSAJOUS = Form("lissajous", (0, 0, -_ANY, 1e-3, 1e-3, -_ANY, -_ANY), (_ANY, _ANY, _ANY, 3, 3, _ANY, _ANY), _lissajous)
DAMPED = Form("damped", (0, 0, 0, 1e-3, -_ANY), (_ANY, _ANY, 1, 3, _ANY), _as_they_are)
BOUNCING = Form("bouncing", (0, 2, 1e-6, -50, 0.3), (_ANY, _ANY, _ANY, 50, 0.95), _bouncing)  # few flights are summed
ORBIT = Form("orbit", (1e-3, 0, 1e-3, -_ANY), (_ANY, 0.6, 3, _ANY), _as_they_are)
COLLISION = Form("collision", (-_ANY, -_ANY, -_ANY, 0), (_ANY, _ANY, _ANY, _ANY), _as_they_are)
