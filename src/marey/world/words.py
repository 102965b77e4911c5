"""The words of a sample: its equation and its description, in that sample's own numbers."""

import zlib
from collections.abc import Callable

import numpy as np

from marey.world.laws import LAW_NAMES
from marey.world.scenes import Scenes

Term = tuple[np.ndarray, str]  # (direction in the law's own frame times size, function of t)

_TINY = 1e-9  # metres: smaller terms are left out
_TOWARDS = ("right", "lower right", "bottom", "lower left", "left", "upper left", "top", "upper right")


def equations(scenes: Scenes) -> list[str]:
    """`x(t) = ...; y(t) = ...; z(t) = ...` of each scene: world coordinates in metres, t in seconds.

    The right-hand sides are plain arithmetic with sin and cos, in enough digits to give the trajectory to 1e-6 m.
    """
    return [_equation(scenes, i) for i in range(len(scenes))]


def descriptions(scenes: Scenes) -> list[str]:
    """A sentence in English about each scene, true of its own numbers; its form is a function of the numbers too."""
    tracks, texts = scenes.track, []
    for i in range(len(scenes)):
        facts = {"towards": _towards(tracks[i]), "seconds": f"{_seconds(scenes, i):.2f}"}
        facts |= _FACTS[LAW_NAMES[scenes.law[i]]](scenes, i)
        forms = _FORMS[LAW_NAMES[scenes.law[i]]]
        texts.append(forms[zlib.crc32(scenes.parameters[i, 0].tobytes()) % len(forms)].format(**facts))
    return texts


def _equation(scenes: Scenes, i: int) -> str:
    terms = _TERMS[LAW_NAMES[scenes.law[i]]](*scenes.parameters[i, 0])
    sides = []
    for axis in range(3):
        parts = [(scenes.origins[i, 0, axis], ""), *((scenes.axes[i, 0, axis] @ size, term) for size, term in terms)]
        sides.append(_sum([(value, term) for value, term in parts if abs(value) > _TINY]))
    return "; ".join(f"{name}(t) = {side}" for name, side in zip("xyz", sides, strict=True))


def _sum(parts: list[tuple[float, str]]) -> str:
    """Numbers times terms, as one reads them: `1.5 - 0.25*t`."""
    text = ""
    for value, term in parts:
        size = _number(abs(value))
        factor = term if term and size == "1" else f"{size}*{term}" if term else size
        sign = ("-" if value < 0 else "") if not text else (" - " if value < 0 else " + ")
        text += sign + factor
    return text or "0"


def _number(value: float) -> str:
    return f"{value:.10g}"


def _along(axis: int, size: float) -> np.ndarray:
    return size * np.eye(3)[axis]


def _linear_terms(speed: float, *_: float) -> list[Term]:
    return [(_along(0, speed), "t")]


def _circular_terms(radius: float, turning: float, phase: float, *_: float) -> list[Term]:
    angle = _sum([(value, term) for value, term in ((turning, "t"), (phase, "")) if value])
    return [(_along(0, radius), f"cos({angle})"), (_along(1, radius), f"sin({angle})")]


def _helical_terms(radius: float, turning: float, phase: float, climb: float) -> list[Term]:
    return [*_circular_terms(radius, turning, phase), (_along(2, climb), "t")]


def _parabolic_terms(speed: float, acceleration: float, vertex: float, *_: float) -> list[Term]:
    since = "t" if abs(vertex) < _TINY else f"(t {'-' if vertex > 0 else '+'} {_number(abs(vertex))})"
    return [(_along(0, speed), since), (_along(1, acceleration / 2), f"{since}**2")]


_TERMS: dict[str, Callable[..., list[Term]]] = {
    "linear": _linear_terms,
    "circular": _circular_terms,
    "helical": _helical_terms,
    "parabolic": _parabolic_terms,
}


def _linear_facts(scenes: Scenes, i: int) -> dict[str, str]:
    speed = abs(scenes.parameters[i, 0, 0])
    return {"speed": f"{speed:.2f}", "distance": f"{speed * _seconds(scenes, i):.2f}"}


def _circular_facts(scenes: Scenes, i: int) -> dict[str, str]:
    radius, turning = scenes.parameters[i, 0, :2]
    sight = scenes.origins[i, 0] - scenes.camera.position[i, 0]
    clockwise = (
        turning * (scenes.axes[i, 0, :, 2] @ sight) > 0
    )  # right and down the image, z points away from the viewer
    return {
        "radius": f"{radius:.2f}",
        "turns": f"{abs(turning) * _seconds(scenes, i) / (2 * np.pi):.2f}",
        "rate": f"{np.degrees(abs(turning)):.0f}",
        "sense": "clockwise" if clockwise else "anticlockwise",
    }


def _helical_facts(scenes: Scenes, i: int) -> dict[str, str]:
    turning, climb = scenes.parameters[i, 0, [1, 3]]
    return _circular_facts(scenes, i) | {
        "climb": f"{abs(climb):.2f}",
        "rise": f"{abs(climb) * _seconds(scenes, i):.2f}",
        "hand": "right" if turning * climb > 0 else "left",  # the axes of every scene are right-handed
    }


def _parabolic_facts(scenes: Scenes, i: int) -> dict[str, str]:
    speed, acceleration, vertex = scenes.parameters[i, 0, :3]
    return {
        "speed": f"{abs(speed):.2f}",
        "acceleration": f"{abs(acceleration):.2f}",
        "share": f"{100 * (vertex - scenes.times[i, 0]) / _seconds(scenes, i):.0f}",
        "after": f"{vertex - scenes.times[i, 0]:.2f}",
    }


def _towards(track: np.ndarray) -> str:
    """Where in the picture the disc ends, seen from where it starts."""
    right, down = track[-1] - track[0]
    return _TOWARDS[round(float(np.arctan2(down, right)) / (np.pi / 4)) % 8]


def _seconds(scenes: Scenes, i: int) -> float:
    return float(scenes.times[i, -1] - scenes.times[i, 0])


_FACTS = {
    "linear": _linear_facts,
    "circular": _circular_facts,
    "helical": _helical_facts,
    "parabolic": _parabolic_facts,
}

_FORMS = {
    "linear": (
        "A disc moves in a straight line towards the {towards} of the picture at {speed} m/s.",
        "In {seconds} s a disc covers {distance} m on a straight line; in the picture it heads for the {towards}.",
        "Straight and steady, {speed} m/s: a disc on its way to the {towards} of the picture.",
    ),
    "circular": (
        "A disc goes round a circle of radius {radius} m, {sense} as seen by the camera, {turns} turns in {seconds} s.",
        "Seen by the camera, a disc circles {sense} at {rate} degrees per second, {radius} m from the centre.",
        "{turns} turns {sense} in the picture, on a circle with a radius of {radius} m.",
    ),
    "helical": (
        "A disc winds along a {hand}-handed helix of radius {radius} m, {turns} turns while it advances {rise} m.",
        "A {hand}-handed helix: {rate} degrees per second at {radius} m from the axis, and {climb} m/s along it.",
        "In {seconds} s a disc makes {turns} turns of a {hand}-handed helix with a radius of {radius} m.",
    ),
    "parabolic": (
        "A disc follows a parabola: {speed} m/s across, {acceleration} m/s^2 along its axis.",
        "A disc is accelerated by {acceleration} m/s^2 at right angles to its steady {speed} m/s; "
        "it passes the vertex {share} % of the way through the clip.",
        "On a parabola, a disc passes the vertex after {after} s at {speed} m/s.",
    ),
}
