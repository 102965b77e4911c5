"""Facts about bodies, measured on their trajectories in fine steps of time: what descriptions have to say."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from marey.world.laws import LAWS
from marey.world.scenes import Scenes

FINE = 4001  # times at which the truth is looked at


@dataclass(frozen=True)
class Motion:
    """One body of one scene at many times: its trajectory in its law's frame, and its track."""

    t: np.ndarray
    place: np.ndarray  # in the law's own frame
    track: np.ndarray
    radii: np.ndarray
    parameters: np.ndarray
    number: int

    @property
    def seconds(self) -> float:
        return float(np.ptp(self.t))

    @property
    def velocity(self) -> np.ndarray:
        return np.diff(self.place, axis=0) / np.diff(self.t)[:, None]

    @property
    def speed(self) -> np.ndarray:
        return np.linalg.norm(self.velocity, axis=-1)

    @property
    def angle(self) -> np.ndarray:
        return np.unwrap(np.arctan2(self.place[:, 1], self.place[:, 0]))


def motion(scenes: Scenes, i: int, m: int) -> Motion:
    one = scenes.take(np.array([i]))
    times = np.linspace(one.times[0, 0], one.times[0, -1], FINE)
    fine = replace(one, times=times[None], radii=np.ones((*one.radii.shape[:3], FINE)))
    local = (fine.trajectories[0, m] - one.origins[0, m]) @ one.axes[0, m]
    return Motion(times, local, fine.tracks[0, 0, m], one.radii[0, 0, m], one.parameters[0, m], m + 1)


def shared(own: Motion) -> dict[str, float]:
    return {"seconds": own.seconds, "across": 2 * own.radii.mean(), "name": own.number}


def _linear(own: Motion) -> dict[str, float]:
    distance = float(np.linalg.norm(own.place[-1] - own.place[0]))
    return {"speed": distance / own.seconds, "distance": distance}


def _circular(own: Motion) -> dict[str, float]:
    angle, climb = np.abs(np.diff(own.angle)).sum(), abs(own.place[-1, 2] - own.place[0, 2])
    return {
        "radius": np.hypot(*own.place[0, :2]),
        "turns": angle / (2 * np.pi),
        "rate": np.degrees(angle) / own.seconds,
        "climb": climb / own.seconds,
        "rise": climb,
    }


def _parabolic(own: Motion) -> dict[str, float]:
    acceleration = np.diff(own.velocity, axis=0).mean(axis=0) / (own.t[1] - own.t[0])
    size = np.linalg.norm(acceleration)
    start = own.velocity[0] - acceleration * (own.t[1] - own.t[0]) / 2
    after = -(start @ acceleration) / size**2
    return {
        "acceleration": float(size),
        "speed": float(np.linalg.norm(start + after * acceleration)),
        "after": float(after),
        "share": 100 * float(after) / own.seconds,
    }


def _accelerated(own: Motion) -> dict[str, float]:
    acceleration = np.linalg.norm(np.diff(own.velocity, axis=0).mean(axis=0)) / (own.t[1] - own.t[0])
    return {"acceleration": float(acceleration), "before": own.speed[0], "later": own.speed[-1]}


def _sinusoidal(own: Motion) -> dict[str, float]:
    """The swing is fitted by y'' = -w^2 y."""
    speed, periods = own.velocity[0, 0], _periods(own, 1)
    y, slope = own.place[1:-1, 1], (own.place[2:, 1] - own.place[:-2, 1]) / (own.t[2] - own.t[0])
    swing = 2 * np.pi * periods / own.seconds
    return {
        "speed": abs(speed),
        "distance": abs(own.place[-1, 0] - own.place[0, 0]),
        "amplitude": np.sqrt(y**2 + (slope / swing) ** 2).mean(),
        "swings": periods,
        "length": abs(speed) * own.seconds / periods,
    }


def _periods(own: Motion, axis: int) -> float:
    """Periods of the harmonic motion along an axis, from its own second differences."""
    y, step = own.place[:, axis], own.t[1] - own.t[0]
    square = -((y[2:] - 2 * y[1:-1] + y[:-2]) @ y[1:-1]) / (y[1:-1] @ y[1:-1]) / step**2
    return float(np.sqrt(square)) * own.seconds / (2 * np.pi)


def _spiral(own: Motion) -> dict[str, float]:
    radius = np.hypot(own.place[:, 0], own.place[:, 1])
    angle = np.abs(np.diff(own.angle)).sum()
    return {
        "first": radius[0],
        "last": radius[-1],
        "turns": angle / (2 * np.pi),
        "rate": np.degrees(angle) / own.seconds,
    }


def _lissajous(own: Motion) -> dict[str, float]:
    swings, others = _periods(own, 0), _periods(own, 1)
    sizes = []
    for axis, periods in ((0, swings), (1, others)):
        slope = (own.place[2:, axis] - own.place[:-2, axis]) / (own.t[2] - own.t[0])
        sizes.append(np.sqrt(own.place[1:-1, axis] ** 2 + (slope * own.seconds / (2 * np.pi * periods)) ** 2).mean())
    return {"swings": swings, "others": others, "wide": sizes[0], "high": sizes[1]}


def _damped(own: Motion) -> dict[str, float]:
    """y'' = -2 d y' - (w^2 + d^2) y, by least squares."""
    step, y = own.t[1] - own.t[0], own.place[:, 1]
    slope, bend = (y[2:] - y[:-2]) / (2 * step), (y[2:] - 2 * y[1:-1] + y[:-2]) / step**2
    (a, b), *_ = np.linalg.lstsq(np.stack([slope, y[1:-1]], axis=-1), bend, rcond=None)
    decay, swing = -a / 2, np.sqrt(-b - a**2 / 4)
    size = np.hypot(y[1:-1], (slope + decay * y[1:-1]) / swing)
    return {
        "first": size[0],
        "last": size[-1],
        "kept": 100 * np.exp(-decay * own.seconds),
        "half": np.log(2) / decay,
        "swings": swing * own.seconds / (2 * np.pi),
        "speed": abs(own.velocity[0, 0]),
    }


def _bouncing(own: Motion) -> dict[str, float]:
    jumps = np.diff(own.velocity[:, 1])
    hits = np.flatnonzero(jumps > jumps.max() / 20) if jumps.max() > 0 else np.array([], int)
    groups = np.split(hits, np.flatnonzero(np.diff(hits) > 2) + 1) if len(hits) else []
    gravity = -np.median(np.diff(own.velocity[:, 1])) / (own.t[1] - own.t[0])
    height = (own.place[1:, 1] + own.place[:-1, 1]) / 2
    energy = own.velocity[:, 1] ** 2 / 2 + gravity * height
    kept = [np.sqrt(energy[group[-1] + 2] / energy[group[0] - 1]) for group in groups]
    return {
        "bounces": len(groups),
        "kept": 100 * kept[0] if kept else np.nan,
        "acceleration": gravity,
        "speed": abs(own.velocity[0, 0]),
    }


def _orbit(own: Motion) -> dict[str, float]:
    """From Newton's law: energy and angular momentum of a mass found from its pull."""
    step = own.t[1] - own.t[0]
    place, velocity = own.place[1:-1], (own.place[2:] - own.place[:-2]) / (2 * step)
    pull = (own.place[2:] - 2 * place + own.place[:-2]) / step**2
    distance = np.linalg.norm(place, axis=-1)
    mass = (-(pull * place).sum(axis=-1) * distance).mean()
    axis = 1 / (2 / distance - (velocity**2).sum(axis=-1) / mass).mean()
    momentum = np.cross(place, velocity)[:, 2].mean()
    eccentricity = np.sqrt(1 - momentum**2 / (mass * axis))
    period = 2 * np.pi * np.sqrt(axis**3 / mass)
    return {
        "near": axis * (1 - eccentricity),
        "far": axis * (1 + eccentricity),
        "length": 2 * axis,
        "eccentricity": eccentricity,
        "period": period,
        "part": 100 * own.seconds / period,
    }


def _walk(own: Motion) -> dict[str, float]:
    turns = np.linalg.norm(np.diff(own.velocity, axis=0), axis=-1)
    corners = np.flatnonzero(turns > 1e-6)
    moments = own.t[1:-1][corners]
    gaps = np.diff(moments[np.concatenate([[True], np.diff(moments) > 0.01])])
    speed = np.median(own.speed)
    return {
        "knot": np.median(gaps),
        "speed": speed,
        "step": speed * np.median(gaps),
        "distance": speed * own.seconds,
    }


def _collision(own: Motion) -> dict[str, float]:
    turns = np.linalg.norm(np.diff(own.velocity, axis=0), axis=-1)
    return {
        "before": own.speed[0],
        "later": own.speed[-1],
        "kick": float(np.linalg.norm(own.velocity[-1] - own.velocity[0])),
        "after": own.t[1:-1][turns > turns.max() / 100].mean() - own.t[0],
    }


TRUTHS: dict[str, Callable[[Motion], dict[str, float]]] = {
    "linear": _linear,
    "circular": _circular,
    "helical": _circular,
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
assert tuple(TRUTHS) == tuple(law.name for law in LAWS)
