"""A fitted motion in its law's own terms: origin, axes and parameters as in `marey.world.laws`, and their errors.

Of numbers that say the same, one is chosen: speeds, radii and rates of turning are not negative, the phase of a circle,
a helix and a spiral is 0 (their axes hold it), a parabola's origin is its vertex.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from marey.judge.law.motion import Motion, State
from marey.judge.law.motions import Form

_TINY = 1e-12
_STEP = 1e-5  # of a central difference

_POWERS = {  # of length and of time in the unit that a parameter's name ends with
    "_m_s2": (1, -2),
    "_m_s": (1, -1),
    "_m_rad": (1, 0),
    "_rad_s": (0, -1),
    "_1_s": (0, -1),
    "_rad": (0, 0),
    "_m": (1, 0),
    "_s": (0, 1),
}


@dataclass(frozen=True)
class Frame:
    """n motions under one law: position = origin + axes @ law(parameters, t)."""

    origins: Float64[np.ndarray, "n 3"]
    axes: Float64[np.ndarray, "n 3 3"]
    parameters: Float64[np.ndarray, "n P"]


def unit_powers(parameter: str) -> tuple[int, int]:
    """Powers of length and of time in a parameter's unit; (0, 0) for plain numbers."""
    return next((powers for ending, powers in _POWERS.items() if parameter.endswith(ending)), (0, 0))


def frame(name: str, motion: Motion | Form, state: State) -> Frame:
    """The frames of n fitted states."""
    if isinstance(motion, Form):
        return Frame(state[:, :3], state[:, 3:12].reshape(-1, 3, 3), motion.parameters(state[:, 12:]))
    return _BASE[name](state)


def slopes(name: str, motion: Motion | Form, state: State) -> Float64[np.ndarray, "n P F"]:
    """Derivatives of the law's parameters by a small step of `motion.moved`: central differences."""
    out = []
    for i in range(motion.free):
        step = np.zeros((len(state), motion.free))
        step[:, i] = _STEP
        ahead, behind = (frame(name, motion, motion.moved(state, sign * step)).parameters for sign in (1, -1))
        out.append((ahead - behind) / (2 * _STEP))
    return np.stack(out, axis=-1)


def _linear(state: State) -> Frame:
    velocity = state[:, 3:6]
    return Frame(state[:, :3], axes_of(velocity, np.zeros_like(velocity)), _size(velocity))


def _circular(state: State) -> Frame:
    parameters = np.column_stack([state[:, 12:14], np.zeros(len(state))])
    return Frame(state[:, :3], state[:, 3:12].reshape(-1, 3, 3), parameters)


def _helical(state: State) -> Frame:
    circle = _circular(state)
    return Frame(circle.origins, circle.axes, np.column_stack([circle.parameters, state[:, 14]]))


def _parabolic(state: State) -> Frame:
    place, velocity, acceleration = state[:, :3], state[:, 3:6], 2 * state[:, 6:9]
    size = _size(acceleration)
    vertex = -(velocity * acceleration).sum(axis=1, keepdims=True) / (size**2).clip(_TINY)
    there = velocity + vertex * acceleration
    origin = place + vertex * velocity + vertex**2 / 2 * acceleration
    axes = axes_of(acceleration, there)[..., [1, 0, 2]] * [1, 1, -1]
    return Frame(origin, axes, np.concatenate([_size(there), size, vertex], axis=1))


def _accelerated(state: State) -> Frame:
    place, velocity, acceleration = state[:, :3], state[:, 3:6], 2 * state[:, 6:9]
    axes = axes_of(velocity, acceleration)
    along, across = ((acceleration * axes[..., k]).sum(axis=1) for k in (0, 1))
    angle = np.arctan2(across, along)[:, None]
    return Frame(place, axes, np.concatenate([_size(velocity), _size(acceleration), angle], axis=1))


_BASE: dict[str, Callable[[State], Frame]] = {
    "linear": _linear,
    "circular": _circular,
    "helical": _helical,
    "parabolic": _parabolic,
    "accelerated": _accelerated,
}


def _size(vector: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 1"]:
    return np.linalg.norm(vector, axis=1, keepdims=True)


def axes_of(first: Float64[np.ndarray, "n 3"], second: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3 3"]:
    """x along `first`, y towards `second`; where that is missing, any across."""
    x = first / _size(first).clip(_TINY)
    y = second + np.eye(3)[np.abs(x).argmin(axis=1)] * 1e-9 * (_size(second) + 1e-3)
    y = y - (y * x).sum(axis=1, keepdims=True) * x
    y = y / _size(y).clip(_TINY**2)
    return np.stack([x, y, np.cross(x, y)], axis=-1)
