"""Facts about bodies, in words and rounded numbers, for descriptions. One function and one row for each law."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from marey.world.scenes import Scenes

Facts = dict[str, str]

_TOWARDS = ("right", "lower right", "bottom", "lower left", "left", "upper left", "top", "upper right")
_STILL = 1e-3  # seconds: a flight as short as this is not counted
_TIMES = ("not once", "once", "twice", *(f"{count} times" for count in range(3, 10)), "many times")


@dataclass(frozen=True)
class Body:
    """Parameters of a body's law; when the clip starts and ends, seconds; the part of its way from the camera to the
    law's origin along the law's z axis, metres: from the side where it is above 0, left-handed turns look right-handed.
    """

    parameters: tuple[float, ...]
    start: float
    end: float
    facing: float

    @property
    def seconds(self) -> float:
        return self.end - self.start

    def turns(self, turning: float) -> float:
        return abs(turning) * self.seconds / (2 * np.pi)

    def sense(self, turning: float) -> str:
        """Right and down the image, z points away from the viewer."""
        return "clockwise" if turning * self.facing > 0 else "anticlockwise"


def towards(scenes: Scenes) -> list[list[str]]:
    """Where in the first camera's picture, by an ideal lens, each body ends, seen from where it starts."""
    ends = scenes.camera.to_camera(scenes.trajectories[:, :, [0, -1]].reshape(len(scenes), 1, -1, 3))[:, 0]
    ends = (ends[..., :2] / ends[..., 2:]).reshape(*scenes.laws.shape, 2, 2)
    right, down = np.moveaxis(ends[:, :, 1] - ends[:, :, 0], -1, 0)
    eighths = np.nan_to_num(np.arctan2(down, right)) / (np.pi / 4)
    return np.array(_TOWARDS, object)[np.rint(eighths).astype(int) % 8].tolist()


def _linear(body: Body) -> Facts:
    speed = abs(body.parameters[0])
    return {"speed": f"{speed:.2f}", "distance": f"{speed * body.seconds:.2f}"}


def _circular(body: Body) -> Facts:
    radius, turning = body.parameters[:2]
    return {
        "radius": f"{radius:.2f}",
        "turns": f"{body.turns(turning):.2f}",
        "rate": f"{np.degrees(abs(turning)):.0f}",
        "sense": body.sense(turning),
    }


def _helical(body: Body) -> Facts:
    _, turning, _, climb = body.parameters
    return _circular(body) | {
        "climb": f"{abs(climb):.2f}",
        "rise": f"{abs(climb) * body.seconds:.2f}",
        "hand": "right" if turning * climb > 0 else "left",  # the axes of every scene are right-handed
    }


def _parabolic(body: Body) -> Facts:
    speed, acceleration, vertex = body.parameters
    return {
        "speed": f"{abs(speed):.2f}",
        "acceleration": f"{abs(acceleration):.2f}",
        "share": f"{100 * (vertex - body.start) / body.seconds:.0f}",
        "after": f"{vertex - body.start:.2f}",
    }


def _accelerated(body: Body) -> Facts:
    speed, acceleration, angle = body.parameters
    along, beside = acceleration * np.cos(angle), acceleration * np.sin(angle)
    before, later = (np.hypot(speed + along * t, beside * t) for t in (body.start, body.end))
    return {
        "acceleration": f"{abs(acceleration):.2f}",
        "before": f"{before:.2f}",
        "later": f"{later:.2f}",
        "changes": "speeds up" if later > before else "slows down",
    }


def _sinusoidal(body: Body) -> Facts:
    speed, amplitude, swing, _ = body.parameters
    return {
        "speed": f"{abs(speed):.2f}",
        "distance": f"{abs(speed) * body.seconds:.2f}",
        "amplitude": f"{abs(amplitude):.2f}",
        "swings": f"{body.turns(swing):.2f}",
        "length": f"{abs(2 * np.pi * speed / swing):.2f}",
    }


def _spiral(body: Body) -> Facts:
    radius, growth, turning, _ = body.parameters
    first, last = (abs(radius + growth * turning * t) for t in (body.start, body.end))
    return {
        "first": f"{first:.2f}",
        "last": f"{last:.2f}",
        "turns": f"{body.turns(turning):.2f}",
        "rate": f"{np.degrees(abs(turning)):.0f}",
        "sense": body.sense(turning),
        "way": "outwards" if last > first else "inwards",
    }


def _lissajous(body: Body) -> Facts:
    wide, high, deep, swing, other = body.parameters[:5]
    return {
        "wide": f"{abs(wide):.2f}",
        "high": f"{abs(high):.2f}",
        "swings": f"{body.turns(swing):.2f}",
        "others": f"{body.turns(other):.2f}",
        "axes": "three" if deep else "two",
    }


def _damped(body: Body) -> Facts:
    speed, amplitude, decay, swing, _ = body.parameters
    first, last = (abs(amplitude) * np.exp(-decay * t) for t in (body.start, body.end))
    return {
        "first": f"{first:.2f}",
        "last": f"{last:.2f}",
        "kept": f"{100 * last / first:.0f}",
        "half": f"{np.log(2) / decay:.2f}",
        "swings": f"{body.turns(swing):.2f}",
        "where": f"across its way at {abs(speed):.2f} m/s" if speed else "on the spot",
    }


def _bouncing(body: Body) -> Facts:
    speed, impact, gravity, contact, restitution = body.parameters
    count, flight = 0, 2 * impact / gravity
    while contact <= body.end and flight > _STILL and count < len(_TIMES) - 1:
        count += contact >= body.start
        flight *= restitution
        contact += flight
    return {
        "bounces": _TIMES[count],
        "kept": f"{100 * restitution:.0f}",
        "acceleration": f"{gravity:.2f}",
        "speed": f"{abs(speed):.2f}",
    }


def _orbit(body: Body) -> Facts:
    axis, eccentricity, turning, _ = body.parameters
    return {
        "near": f"{axis * (1 - eccentricity):.2f}",
        "far": f"{axis * (1 + eccentricity):.2f}",
        "length": f"{2 * axis:.2f}",
        "eccentricity": f"{eccentricity:.2f}",
        "period": f"{2 * np.pi / abs(turning):.2f}",
        "share": f"{100 * body.turns(turning):.0f}",
        "sense": body.sense(turning),
    }


def _walk(body: Body) -> Facts:
    _, step, knot = body.parameters
    return {
        "step": f"{step:.2f}",
        "knot": f"{knot:.2f}",
        "speed": f"{step / knot:.2f}",
        "distance": f"{step / knot * body.seconds:.2f}",
    }


def _collision(body: Body) -> Facts:
    before, after, contact, across = body.parameters
    return {
        "before": f"{np.hypot(before, across):.2f}",
        "later": f"{np.hypot(after, across):.2f}",
        "kick": f"{abs(after - before):.2f}",
        "after": f"{contact - body.start:.2f}",
    }


FACTS: dict[str, Callable[[Body], Facts]] = {
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
