"""Where the fit of a law begins: for each law a grid of the numbers that are not linear in it.

With those given, every law is a sum of known functions of time times vectors; the vectors follow from a linear system
(`law_linear.relax`), and from them the law's frame and its other numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float64

from marey.judge.law import motions as motions
from marey.judge.law.frames import axes_of
from marey.judge.law.motion import State
from marey.judge.law.motions import Form

Vectors = Float64[np.ndarray, "n K 3"]
Values = tuple[float, ...]  # one point of the grid
Span = tuple[float, float]  # of a clip of T frames: its number of intervals

_LEAST = 1e-9
_SWINGS, _TURNS, _SLOW, _ORBITS = (390, 440, 490, 540, 590), (350, 420, 490, 570), (170, 240, 310, 380), (230, 290, 350)
_RATIOS = (2, 3, 1.5, 4 / 3)  # of a Lissajous figure's frequencies


@dataclass(frozen=True)
class Start:
    """grid: from the length of the clip (frames) to the values to try. basis: functions of time, as columns. state:
    from values and vectors to a state of `form`.
    """

    form: Form
    grid: Callable[[float], list[Values]]
    basis: Callable[[Values, Float64[np.ndarray, "T"]], Float64[np.ndarray, "T K"]]
    state: Callable[[Values, Vectors], State]


def _principal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The direction in which a and b are longest."""
    left, _, _ = np.linalg.svd(np.stack([a, b], axis=-1), full_matrices=False)
    return left[..., 0]


def _along(vectors: np.ndarray, direction: np.ndarray) -> np.ndarray:
    return (vectors * direction).sum(axis=-1)


def _joined(centre: np.ndarray, axes: np.ndarray, *free: np.ndarray) -> State:
    return np.column_stack([centre, axes.reshape(len(centre), 9), *free])


def _across_its_way(vectors: Vectors) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Axes, speed, and how much of the cosine and the sine there is along y."""
    y = _principal(vectors[:, 2], vectors[:, 3])
    axes = axes_of(y, vectors[:, 1])[..., [1, 0, 2]] * [1, 1, -1]
    return axes, _along(vectors[:, 1], axes[..., 0]), _along(vectors[:, 2], y), _along(vectors[:, 3], y)


def _waves(t: np.ndarray, *turning: float) -> list[np.ndarray]:
    return [wave(w * t) for w in turning for wave in (np.cos, np.sin)]


def _sinusoidal(values: Values, vectors: Vectors) -> State:
    axes, speed, cosine, sine = _across_its_way(vectors)
    swing = np.full(len(vectors), values[0])
    return _joined(vectors[:, 0], axes, speed, np.hypot(cosine, sine), swing, np.arctan2(cosine, sine))


def _damped(values: Values, vectors: Vectors) -> State:
    axes, speed, cosine, sine = _across_its_way(vectors)
    swing, decay = (np.full(len(vectors), value) for value in values)
    return _joined(vectors[:, 0], axes, speed, np.hypot(cosine, sine), decay, swing, np.arctan2(-sine, cosine))


def _spiral(values: Values, vectors: Vectors) -> State:
    """From r0 x, r0 y, b w x and b w y."""
    axes = axes_of(vectors[:, 1], vectors[:, 2])
    size = (_along(vectors[:, 1], axes[..., 0]) + _along(vectors[:, 2], axes[..., 1])) / 2
    growth = (_along(vectors[:, 3], axes[..., 0]) + _along(vectors[:, 4], axes[..., 1])) / 2 / values[0]
    return _joined(vectors[:, 0], axes, size, growth, np.full(len(vectors), values[0]))


def _lissajous(values: Values, vectors: Vectors) -> State:
    """The fast swing is along y; the slow one is an ellipse in the plane across it, whose longer axis is x."""
    y = _principal(vectors[:, 3], vectors[:, 4])
    slow = vectors[:, 1:3] - _along(vectors[:, 1:3], y[:, None])[..., None] * y[:, None]
    left, size, right = np.linalg.svd(slow.transpose(0, 2, 1), full_matrices=False)
    axes = axes_of(y, left[..., 0])[..., [1, 0, 2]] * [1, 1, -1]
    cosine, sine = right[:, 0, 0], right[:, 0, 1]  # x = size (cosine cos wt + sine sin wt)
    phase = np.arctan2(cosine, sine)
    deep = _along(slow[:, 0], axes[..., 2]) * np.cos(phase) - _along(slow[:, 1], axes[..., 2]) * np.sin(phase)
    up = [_along(vectors[:, k], y) for k in (3, 4)]
    swings = [np.full(len(vectors), value) for value in values]
    return _joined(vectors[:, 0], axes, size[:, 0], np.hypot(*up), deep, *swings, phase, np.arctan2(*up))


def _flights(values: Values, t: Float64[np.ndarray, "T"]) -> Float64[np.ndarray, "T"]:
    """Height of a ball that bounces under a gravity of 1."""
    contact, flight, restitution = values
    return motions.BOUNCING.points(
        np.array([[0, 0, 0, *np.eye(3).ravel(), 0, flight, 1, contact, restitution]], float), t
    )[0, :, 1]


def _bouncing(values: Values, vectors: Vectors) -> State:
    contact, flight, restitution = (np.full(len(vectors), value) for value in values)
    axes = axes_of(vectors[:, 2], vectors[:, 1])[..., [1, 0, 2]] * [1, 1, -1]
    speed, gravity = _along(vectors[:, 1], axes[..., 0]), np.linalg.norm(vectors[:, 2], axis=-1)
    return _joined(vectors[:, 0], axes, speed, flight, gravity, contact, restitution)


def _anomaly(values: Values, t: Float64[np.ndarray, "T"]) -> Float64[np.ndarray, "T K"]:
    """cos E - e and sin E."""
    turning, eccentricity, phase = values
    place = np.array([[0, 0, 0, *np.eye(3).ravel(), 1, eccentricity, turning, phase]], float)
    x, y = motions.ORBIT.points(place, t)[0, :, :2].T
    return np.column_stack([x, y / np.sqrt(1 - eccentricity**2)])


def _orbit(values: Values, vectors: Vectors) -> State:
    turning, eccentricity, phase = (np.full(len(vectors), value) for value in values)
    axes = axes_of(vectors[:, 1], vectors[:, 2])
    size = _along(vectors[:, 1], axes[..., 0])
    return _joined(vectors[:, 0], axes, size, eccentricity, turning, phase)


def _collision(values: Values, vectors: Vectors) -> State:
    """x points against the impulse."""
    axes = axes_of(vectors[:, 1] - vectors[:, 2], vectors[:, 1] + vectors[:, 2])
    before, after = (_along(vectors[:, k], axes[..., 0]) for k in (1, 2))
    across = _along(vectors[:, 1] + vectors[:, 2], axes[..., 1]) / 2
    return _joined(vectors[:, 0], axes, before, after, np.full(len(vectors), values[0]), across)


def _rates(degrees: tuple[int, ...], *others: tuple[float, ...]) -> Callable[[float], list[Values]]:
    """Angular speeds from degrees over the clip, times other numbers as they are."""
    return lambda length: [tuple(each) for each in product(np.radians(degrees) / length, *others)]


def _stack(*columns: np.ndarray) -> Float64[np.ndarray, "T K"]:
    return np.column_stack([np.ones_like(columns[0]), *columns])


def _shrinking(values: Values, t: Float64[np.ndarray, "T"]) -> Float64[np.ndarray, "T K"]:
    swing, decay = values
    return _stack(t, *(np.exp(-decay * t) * wave for wave in _waves(t, swing)))


STARTS: dict[str, Start] = {
    "sinusoidal": Start(motions.SINUSOIDAL, _rates(_SWINGS), lambda v, t: _stack(t, *_waves(t, v[0])), _sinusoidal),
    "spiral": Start(
        motions.SPIRAL,
        _rates(_TURNS),
        lambda v, t: _stack(*_waves(t, v[0]), *(t * wave for wave in _waves(t, v[0]))),
        _spiral,
    ),
    "lissajous": Start(
        motions.LISSAJOUS,
        lambda length: [(w, w * ratio) for w in np.radians(_SLOW) / length for ratio in _RATIOS],
        lambda v, t: _stack(*_waves(t, *v)),
        _lissajous,
    ),
    "damped": Start(
        motions.DAMPED,
        lambda length: [(w, d / length) for w in np.radians(_SWINGS) / length for d in (1.2, 2.0)],
        _shrinking,
        _damped,
    ),
    "bouncing": Start(
        motions.BOUNCING,
        lambda length: [
            ((contact - 0.5) * length, flight * length, e)
            for contact, flight, e in product((0.17, 0.22, 0.27, 0.32), (0.41, 0.45, 0.49), (0.73, 0.8, 0.87))
        ],
        lambda v, t: _stack(t, _flights(v, t)),
        _bouncing,
    ),
    "orbit": Start(
        motions.ORBIT,
        _rates(_ORBITS, (0.25, 0.42), tuple(np.radians(np.arange(0, 360, 45)))),
        lambda v, t: _stack(*_anomaly(v, t).T),
        _orbit,
    ),
    "collision": Start(
        motions.COLLISION,
        lambda length: [(share * length,) for share in np.linspace(-0.2, 0.2, 9)],
        lambda v, t: _stack((t - v[0]).clip(max=0), (t - v[0]).clip(min=0)),
        _collision,
    ),
}
