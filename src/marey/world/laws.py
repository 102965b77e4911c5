"""Laws of motion: functions of time that make trajectories. One function and one row each.

A law lives in its own frame (metres, seconds); a scene turns and moves that frame into the world. A label is an index
into the names of the laws that a world has.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from marey.core.errors import UserError
from marey.core.seeds import uniforms

Times = Float64[np.ndarray, "... T"]  # the same for all samples (T), or each sample's own (n T)
Parameters = Float64[np.ndarray, "n P"]
Positions = Float64[np.ndarray, "n T 3"]

_WALKS = 7 << 32  # stream of random numbers
_STILL = 1e-9  # seconds: a flight as short as this is none
_NEWTON = 6  # steps; 4 reach 1e-15 for eccentricities up to 0.5


@dataclass(frozen=True)
class Law:
    """One law of motion: its name, the names of its parameters (with units) and its position at given times.

    A parameter whose name has `_m` in it is a length, or a length per time: it grows when a scene does.
    """

    name: str
    parameters: tuple[str, ...]
    position: Callable[[Parameters, Times], Positions]


def _columns(parameters: Parameters, count: int) -> list[np.ndarray]:
    return [parameters[:, i : i + 1] for i in range(count)]


def _linear(parameters: Parameters, t: Times) -> Positions:
    """(v t, 0, 0)."""
    x = parameters[:, :1] * t
    return np.stack([x, 0 * x, 0 * x], axis=-1)


def _circular(parameters: Parameters, t: Times) -> Positions:
    """(r cos(w t + p), r sin(w t + p), 0)."""
    radius, turning, phase = _columns(parameters, 3)
    angle = turning * t + phase
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), 0 * angle], axis=-1)


def _helical(parameters: Parameters, t: Times) -> Positions:
    """(r cos(w t + p), r sin(w t + p), c t)."""
    position = _circular(parameters, t)
    position[..., 2] = parameters[:, 3:4] * t
    return position


def _parabolic(parameters: Parameters, t: Times) -> Positions:
    """(v s, a s^2 / 2, 0), where s = t - t0 is the time since the vertex."""
    speed, acceleration, vertex = _columns(parameters, 3)
    s = t - vertex
    return np.stack([speed * s, acceleration * s**2 / 2, 0 * s], axis=-1)


def _accelerated(parameters: Parameters, t: Times) -> Positions:
    """(v t + a cos(q) t^2 / 2, a sin(q) t^2 / 2, 0): at t = 0 it moves along x; the acceleration is at an angle q."""
    speed, acceleration, angle = _columns(parameters, 3)
    square = acceleration * t**2 / 2
    return np.stack([speed * t + square * np.cos(angle), square * np.sin(angle), 0 * square], axis=-1)


def _sinusoidal(parameters: Parameters, t: Times) -> Positions:
    """(v t, A sin(w t + p), 0)."""
    speed, amplitude, swing, phase = _columns(parameters, 4)
    y = amplitude * np.sin(swing * t + phase)
    return np.stack([speed * t, y, 0 * y], axis=-1)


def _spiral(parameters: Parameters, t: Times) -> Positions:
    """(r cos(w t + p), r sin(w t + p), 0) with r = r0 + b w t: Archimedes' spiral."""
    radius, growth, turning, phase = _columns(parameters, 4)
    radius = radius + growth * turning * t
    angle = turning * t + phase
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), 0 * angle], axis=-1)


def _lissajous(parameters: Parameters, t: Times) -> Positions:
    """A sin(w t + p) along each of the three axes, with an A, w and p for each; A is 0 along axes that are not used."""
    amplitude, swing, phase = parameters[:, None, :3], parameters[:, None, 3:6], parameters[:, None, 6:9]
    return amplitude * np.sin(swing * np.broadcast_to(t, (len(parameters), t.shape[-1]))[..., None] + phase)


def _damped(parameters: Parameters, t: Times) -> Positions:
    """(v t, A exp(-d t) cos(w t + p), 0); it stays where it is if v is 0. A is the amplitude at t = 0."""
    speed, amplitude, decay, swing, phase = _columns(parameters, 5)
    y = amplitude * np.exp(-decay * t) * np.cos(swing * t + phase)
    return np.stack([speed * t, y, 0 * y], axis=-1)


def _bouncing(parameters: Parameters, t: Times) -> Positions:
    """(v t, max(0, g (t - t_k) (t_k+1 - t) / 2 for each flight k), 0): a throw that bounces on the floor y = 0.

    The first flight ends at the time of contact t_1 with the speed of impact u and lasts 2 u / g; each further one is
    shorter by the restitution, at most 1. Before and after all flights it slides on the floor.
    """
    speed, impact, gravity, contact, restitution = _columns(parameters, 5)
    flight = 2 * impact / gravity
    start, height = contact - flight, np.zeros_like(speed * t)
    while ((start < t) & (flight > 0)).any():
        height = np.maximum(height, gravity / 2 * (t - start) * (start + flight - t))
        start, flight = start + flight, flight * restitution
        flight = np.where(flight > _STILL, flight, 0)
    return np.stack([speed * t, height, 0 * height], axis=-1)


def _orbit(parameters: Parameters, t: Times) -> Positions:
    """(a (cos E - e), a sqrt(1 - e^2) sin E, 0) with E - e sin E = n t + p (Kepler): an ellipse about its focus.

    n is the mean motion, 2 pi over the period; p is the mean anomaly at t = 0, both from the nearest point.
    """
    axis, eccentricity, turning, phase = _columns(parameters, 4)
    mean = turning * t + phase
    anomaly = mean + eccentricity * np.sin(mean)
    for _ in range(_NEWTON):
        error = anomaly - eccentricity * np.sin(anomaly) - mean
        anomaly = anomaly - error / (1 - eccentricity * np.cos(anomaly))
    x = axis * (np.cos(anomaly) - eccentricity)
    return np.stack([x, axis * np.sqrt(1 - eccentricity**2) * np.sin(anomaly), 0 * x], axis=-1)


def _walk(parameters: Parameters, t: Times) -> Positions:
    """No law, for control: a straight step of one length from each knot to the next, each in a new random direction.

    Knot k is at time k h, for whole numbers k, and knot 0 at the origin. The directions are uniform over the sphere and
    a function of the seed, a whole number below 2^53: of the random numbers (z, angle) number 2 k for the step from
    knot k to k + 1 >= 1, and number 2 k + 1 for the step from knot -k to -k - 1.
    """
    seed, step, knot = _columns(parameters, 3)
    t = np.broadcast_to(t, (len(seed), t.shape[-1]))
    steps = 1 + int(np.abs(t / knot).max(initial=0))
    u = uniforms(0, _WALKS, seed[:, 0].astype(np.int64), 4 * steps).reshape(-1, steps, 2, 2)
    across, angle = 2 * np.sqrt(u[..., 0] * (1 - u[..., 0])), 2 * np.pi * u[..., 1]
    ways = np.stack([across * np.cos(angle), across * np.sin(angle), 2 * u[..., 0] - 1], axis=-1)
    position = np.zeros((*t.shape, 3))
    for k in range(steps):
        for sign, way in ((1, ways[:, k, 0]), (-1, ways[:, k, 1])):
            position += step[..., None] * (sign * t / knot - k).clip(0, 1)[..., None] * way[:, None]
    return position


def _collision(parameters: Parameters, t: Times) -> Positions:
    """(v s before and v' s after, c s, 0), where s = t - t0 is the time since the contact.

    x is the line through the centres of the two bodies at the contact: the impulse acts along it, so that the speed c
    across it stays. Two bodies collide when both have the same t0 and x, and masses that keep momentum and energy.
    """
    before, after, contact, across = _columns(parameters, 4)
    s = t - contact
    return np.stack([before * s.clip(max=0) + after * s.clip(min=0), across * s, 0 * s], axis=-1)


LAWS = (
    Law("linear", ("speed_m_s",), _linear),
    Law("circular", ("radius_m", "turning_rad_s", "phase_rad"), _circular),
    Law("helical", ("radius_m", "turning_rad_s", "phase_rad", "climb_m_s"), _helical),
    Law("parabolic", ("speed_m_s", "acceleration_m_s2", "vertex_s"), _parabolic),
    Law("accelerated", ("speed_m_s", "acceleration_m_s2", "angle_rad"), _accelerated),
    Law("sinusoidal", ("speed_m_s", "amplitude_m", "swing_rad_s", "phase_rad"), _sinusoidal),
    Law("spiral", ("radius_m", "growth_m_rad", "turning_rad_s", "phase_rad"), _spiral),
    Law(
        "lissajous",
        tuple(f"{axis}_{name}" for name in ("amplitude_m", "swing_rad_s", "phase_rad") for axis in "xyz"),
        _lissajous,
    ),
    Law("damped", ("speed_m_s", "amplitude_m", "decay_1_s", "swing_rad_s", "phase_rad"), _damped),
    Law("bouncing", ("speed_m_s", "impact_m_s", "gravity_m_s2", "contact_s", "restitution"), _bouncing),
    Law("orbit", ("semi_major_axis_m", "eccentricity", "turning_rad_s", "phase_rad"), _orbit),
    Law("walk", ("seed", "step_m", "knot_s"), _walk),
    Law("collision", ("before_m_s", "after_m_s", "contact_s", "across_m_s"), _collision),
)
LAW_NAMES = tuple(law.name for law in LAWS)
BASE_LAWS = LAW_NAMES[:4]


def law_index(law: int | str, names: tuple[str, ...] = LAW_NAMES) -> int:
    """The label of a law given by name or by label; a UserError lists the laws there are."""
    if law in names:
        return names.index(str(law))
    if isinstance(law, (int, np.integer)) and 0 <= law < len(names):
        return int(law)
    raise UserError(f"law={law!r} is unknown; the laws are {', '.join(names)} (or 0 to {len(names) - 1})")


def law_named(name: str) -> Law:
    """The law of that name; see `law_index` for the error."""
    return LAWS[law_index(name)]


def positions(names: tuple[str, ...], law: Int64[np.ndarray, "n"], parameters: Parameters, t: Times) -> Positions:
    """Position of each sample under its own law, an index into `names`, in that law's frame, metres; NaN for -1."""
    t = np.broadcast_to(t, (len(law), t.shape[-1]))
    position = np.full((*t.shape, 3), np.nan)
    for label, name in enumerate(names):
        rows, own = law == label, law_named(name)
        assert parameters.shape[1] >= len(own.parameters), f"{name} needs {own.parameters}"
        position[rows] = own.position(parameters[rows], t[rows])
    return position


def most_parameters(names: tuple[str, ...]) -> int:
    """Number of parameters of the law that has most."""
    return max(len(law_named(name).parameters) for name in names)


def metric_parameters(names: tuple[str, ...] = BASE_LAWS) -> Bool[np.ndarray, "laws P"]:
    """Which parameters of which law are lengths, or lengths per time: those that grow when a scene does."""
    metric = np.zeros((len(names), most_parameters(names)), bool)
    for row, name in zip(metric, names, strict=True):
        own = law_named(name).parameters
        row[: len(own)] = ["_m" in parameter for parameter in own]
    return metric
