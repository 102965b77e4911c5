"""Shapes of motions: parameters of each law at some size, such that a clip shows what is peculiar to the law.

One function and one row per law. A world scales what it gets to the extent that it wants.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from marey.world.laws import LAW_NAMES, most_parameters

Uniform = Float64[np.ndarray, "n U"]
Columns = list[np.ndarray | float]  # one for each parameter

NUMBERS = 10  # random ones that a shape takes

_MOST_TURN = 40.0  # degrees from one frame to the next, so that it is seen which way round
_RATIOS = np.array([[1, 2], [1, 3], [2, 3], [3, 4]])  # of a Lissajous figure's frequencies


@dataclass(frozen=True)
class Clock:
    """A clip's number of frames and its length; the times of its frames are centred at 0."""

    frames: int
    seconds: float

    def turning(self, u: np.ndarray, low: float, high: float) -> np.ndarray:
        """Angular speeds, rad/s: low to high degrees over the clip; less, in proportion, if it has few frames."""
        slower = min(1, _MOST_TURN * (self.frames - 1) / high)
        return np.radians(between(u, low, high)) * slower / self.seconds


def between(u: np.ndarray, low: float, high: float) -> np.ndarray:
    """Numbers uniform over [low, high) from such over [0, 1)."""
    return low + (high - low) * u


def draw_shapes(
    names: tuple[str, ...], law: Int64[np.ndarray, "n"], u: Uniform, clock: Clock
) -> Float64[np.ndarray, "n P"]:
    """Parameters of each body's law, an index into `names`, from its own random numbers; NaN where law is -1."""
    parameters = np.full((len(law), most_parameters(names)), np.nan)
    for label, name in enumerate(names):
        rows = law == label
        columns = np.broadcast_arrays(*_SHAPES[name](u[rows].T, clock), np.zeros(rows.sum()))[:-1]
        parameters[rows, : len(columns)] = np.stack(columns, axis=-1)
    return parameters


def _sign(u: np.ndarray) -> np.ndarray:
    return np.where(u < 0.5, -1.0, 1.0)


def _linear(_: np.ndarray, clock: Clock) -> Columns:
    return [1 / clock.seconds]


def _circular(u: np.ndarray, clock: Clock) -> Columns:
    return [1.0, _sign(u[0]) * clock.turning(u[1], 180, 330), 2 * np.pi * u[2]]


def _helical(u: np.ndarray, clock: Clock) -> Columns:
    return [*_circular(u, clock), between(u[3], 2.8, 4) / clock.seconds]


def _parabolic(u: np.ndarray, clock: Clock) -> Columns:
    """The arm's height is 1.3 to 2.2 of half its width; the vertex is well inside the clip."""
    acceleration = 4 * between(u[0], 1.3, 2.2) / clock.seconds**2
    return [1 / clock.seconds, acceleration, between(u[1], -0.15, 0.15) * clock.seconds]


def _accelerated(u: np.ndarray, clock: Clock) -> Columns:
    """The vertex, where a body is slowest, is outside the clip: that is what tells it from a parabola here."""
    angle = _sign(u[0]) * np.radians(between(u[1], 0, 60))
    vertex = between(u[2], 1.1, 2) * clock.seconds / 2  # from the middle of the clip
    acceleration = np.cos(angle) / (vertex * clock.seconds)
    return [1 / clock.seconds, acceleration, np.where(u[3] < 0.5, angle, np.pi - angle)]


def _sinusoidal(u: np.ndarray, clock: Clock) -> Columns:
    speed = between(u[0], 2.5, 5) / clock.seconds
    return [speed, 1.0, clock.turning(u[1], 400, 580), 2 * np.pi * u[2]]


def _spiral(u: np.ndarray, clock: Clock) -> Columns:
    """Between a radius of 1 and one of 0.25 to 0.5, outwards or inwards."""
    inner, turning = between(u[0], 0.25, 0.5), _sign(u[1]) * clock.turning(u[2], 360, 560)
    growth = (1 - inner) / (turning * clock.seconds)
    return [(1 + inner) / 2, _sign(u[3]) * growth, turning, 2 * np.pi * u[4]]


def _lissajous(u: np.ndarray, clock: Clock) -> Columns:
    """In a plane, or every other time in space."""
    ratio = _RATIOS[(len(_RATIOS) * u[0]).astype(int)].T
    swings = clock.turning(u[1], 360, 560) * ratio / ratio.max(axis=0)
    depth = np.where(u[2] < 0.5, 0, between(u[3], 0.3, 0.6))
    phases = 2 * np.pi * u[4:7]
    return [1.0, between(u[7], 0.6, 1), depth, *swings, swings.min(axis=0), *phases]


def _damped(u: np.ndarray, clock: Clock) -> Columns:
    """It travels, or every other time stays; 0.1 to 0.35 of the swing is left at the end."""
    speed = np.where(u[0] < 0.5, 0, between(u[1], 2, 4)) / clock.seconds
    decay = -np.log(between(u[2], 0.1, 0.35)) / clock.seconds
    return [speed, 1.0, decay, clock.turning(u[3], 400, 580), 2 * np.pi * u[4]]


def _bouncing(u: np.ndarray, clock: Clock) -> Columns:
    """It falls, and bounces at least twice where there are frames enough."""
    flight, height = between(u[0], 0.4, 0.5) * clock.seconds, between(u[1], 0.5, 1.2)
    gravity = 8 * height / flight**2
    contact = clock.seconds * (between(u[2], 0.15, 0.35) - 0.5)
    speed = between(u[3], 0.6, 1.6) / clock.seconds
    return [speed, gravity * flight / 2, gravity, contact, between(u[4], 0.7, 0.9)]


def _orbit(u: np.ndarray, clock: Clock) -> Columns:
    """Eccentric enough not to be a circle."""
    turning = _sign(u[0]) * clock.turning(u[1], 240, 340)
    return [1.0, between(u[2], 0.2, 0.5), turning, 2 * np.pi * u[3]]


def _walk(u: np.ndarray, clock: Clock) -> Columns:
    """Eight steps a clip, as far as it has frames for them."""
    knot = clock.seconds / min(8, clock.frames - 1)
    return [np.floor(u[0] * 2.0**53), 1.0, knot]


def _collision(u: np.ndarray, clock: Clock) -> Columns:
    """For a body that hits a wall; `collide` makes two bodies meet."""
    contact = between(u[0], -0.15, 0.15) * clock.seconds
    speed = 1 / clock.seconds
    return [speed, -speed, contact, between(u[1], -0.8, 0.8) * speed]


_SHAPES: dict[str, Callable[[np.ndarray, Clock], Columns]] = {
    "linear": _linear,
    "circular": _circular,
    "helical": _helical,
    "parabolic": _parabolic,
    "accelerated": _accelerated,
    "sinusoidal": _sinusoidal,
    "spiral": _spiral,
    "lissajous": _lissajous,
    "damped": _damped,
    "bouncing": _bouncing,
    "orbit": _orbit,
    "walk": _walk,
    "collision": _collision,
}
assert tuple(_SHAPES) == LAW_NAMES


def collide(masses: Float64[np.ndarray, "n 2"], u: Uniform, clock: Clock) -> Float64[np.ndarray, "n 2 4"]:
    """Parameters of two bodies that meet about the middle of the clip: an elastic collision, at any angle.

    x points from the first to the second. Along x the velocities relative to the centre of mass are reversed; across it
    they stay. Momentum and energy are conserved.
    """
    contact = between(u[:, 0], -0.15, 0.15) * clock.seconds
    drift, slide, across = (between(u[:, i], -1, 1) for i in (1, 2, 3))
    share = masses[:, ::-1] / masses.sum(axis=1, keepdims=True) * [1, -1]  # of the relative velocity, which is 1
    along, beside = 0.4 * drift[:, None], 0.4 * slide[:, None] + 0.8 * across[:, None] * share
    columns = [(along + share) / clock.seconds, (along - share) / clock.seconds]
    return np.stack([*columns, np.repeat(contact[:, None], 2, axis=1), beside / clock.seconds], axis=-1)
