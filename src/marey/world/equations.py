"""The equation of a sample: each body's trajectory as a formula in that sample's own numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.special import jv, jvp

from marey.world.laws import law_named
from marey.world.scenes import Scenes

Term = tuple[np.ndarray, str]  # (direction in the law's own frame times size, function of t; none for a constant)

_TINY = 1e-9  # metres: smaller terms are left out
_MOST_TERMS = 60  # of an orbit's series; 40 reach 1e-8 of its size for an eccentricity of 0.5


@dataclass(frozen=True)
class Clip:
    """The first and the last time of a clip, seconds; a formula needs to hold between them only."""

    start: float
    end: float


def equations(scenes: Scenes) -> list[str]:
    """`x(t) = ...; y(t) = ...; z(t) = ...` of each scene: world coordinates in metres, t in seconds.

    Scenes of several bodies number them: `x1(t) = ...; y1(t) = ...; z1(t) = ...; x2(t) = ...`. The right-hand sides are
    plain arithmetic with sin, cos, exp, Min, Max and Piecewise, as sympy reads it, in enough digits to give the
    trajectory to 1e-6 m within the time of the clip.
    """
    texts = []
    for i, labels in enumerate(scenes.laws.tolist()):
        bodies = [m for m, label in enumerate(labels) if label >= 0]
        clip, parts = Clip(float(scenes.times[i, 0]), float(scenes.times[i, -1])), []
        for m in bodies:
            name = scenes.names[labels[m]]
            sides = right_hand_sides(name, scenes.parameters[i, m], scenes.origins[i, m], scenes.axes[i, m], clip)
            number = m + 1 if len(bodies) > 1 else ""
            parts += [f"{name}{number}(t) = {side}" for name, side in zip("xyz", sides, strict=True)]
        texts.append("; ".join(parts))
    return texts


def right_hand_sides(
    name: str,
    parameters: Float64[np.ndarray, "P"],
    origin: Float64[np.ndarray, "3"],
    axes: Float64[np.ndarray, "3 3"],
    clip: Clip,
) -> list[str]:
    """The three world coordinates of one body under the law of that name, as functions of t; see `equations`."""
    terms = _TERMS[name](clip, *parameters[: len(law_named(name).parameters)].tolist())
    return _sides(origin, axes, terms)


def _sides(origin: np.ndarray, axes: np.ndarray, terms: list[Term]) -> list[str]:
    """Right-hand sides of the three world coordinates."""
    for size, term in terms:
        if not term:
            origin = origin + axes @ size
    moving = [(size, term) for size, term in terms if term]
    sides = []
    for axis in range(3):
        parts = [(origin[axis], ""), *((axes[axis] @ size, term) for size, term in moving)]
        sides.append(_sum([(value, term) for value, term in parts if abs(value) > _TINY]))
    return sides


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


def _since(moment: float) -> str:
    """The time since a moment, as a factor."""
    return "t" if abs(moment) < _TINY else f"({_sum([(1, 't'), (-moment, '')])})"


def _angle(turning: float, phase: float) -> str:
    return _sum([(value, term) for value, term in ((turning, "t"), (phase, "")) if value])


def _linear(_: Clip, speed: float) -> list[Term]:
    return [(_along(0, speed), "t")]


def _circular(_: Clip, radius: float, turning: float, phase: float) -> list[Term]:
    angle = _angle(turning, phase)
    return [(_along(0, radius), f"cos({angle})"), (_along(1, radius), f"sin({angle})")]


def _helical(clip: Clip, radius: float, turning: float, phase: float, climb: float) -> list[Term]:
    return [*_circular(clip, radius, turning, phase), (_along(2, climb), "t")]


def _parabolic(_: Clip, speed: float, acceleration: float, vertex: float) -> list[Term]:
    since = _since(vertex)
    return [(_along(0, speed), since), (_along(1, acceleration / 2), f"{since}**2")]


def _accelerated(_: Clip, speed: float, acceleration: float, angle: float) -> list[Term]:
    way = np.array([np.cos(angle), np.sin(angle), 0])
    return [(_along(0, speed), "t"), (acceleration / 2 * way, "t**2")]


def _sinusoidal(_: Clip, speed: float, amplitude: float, swing: float, phase: float) -> list[Term]:
    return [(_along(0, speed), "t"), (_along(1, amplitude), f"sin({_angle(swing, phase)})")]


def _spiral(_: Clip, radius: float, growth: float, turning: float, phase: float) -> list[Term]:
    angle, reach = _angle(turning, phase), _sum([(radius, ""), (growth * turning, "t")])
    return [(_along(0, 1), f"({reach})*cos({angle})"), (_along(1, 1), f"({reach})*sin({angle})")]


def _lissajous(_: Clip, *parameters: float) -> list[Term]:
    each = zip(range(3), parameters[:3], parameters[3:6], parameters[6:], strict=True)
    return [(_along(axis, amplitude), f"sin({_angle(swing, phase)})") for axis, amplitude, swing, phase in each]


def _damped(_: Clip, speed: float, amplitude: float, decay: float, swing: float, phase: float) -> list[Term]:
    shrinking = f"exp({_sum([(-decay, 't')])})*cos({_angle(swing, phase)})"
    return [(_along(0, speed), "t"), (_along(1, amplitude), shrinking)]


def _bouncing(
    clip: Clip, speed: float, impact: float, gravity: float, contact: float, restitution: float
) -> list[Term]:
    """One parabola after the other; a flight that is too low to see is none."""
    flight = 2 * impact / gravity
    start = contact - flight
    pieces = [f"(0, t < {_number(start)})"] if start > clip.start else []
    while start < clip.end and gravity / 8 * flight**2 > _TINY:
        end = start + flight
        if end > clip.start:
            pieces.append(f"({_since(start)}*({_sum([(end, ''), (-1, 't')])}), t < {_number(end)})")
        start, flight = end, flight * restitution
    height = f"Piecewise({', '.join([*pieces, '(0, True)'])})"
    return [(_along(0, speed), "t"), (_along(1, gravity / 2 if pieces else 0), height)]


def _orbit(_: Clip, axis: float, eccentricity: float, turning: float, phase: float) -> list[Term]:
    """The Fourier series of the ellipse in the mean anomaly M (Kepler's equation solved by Bessel functions).

    cos E = -e/2 + sum of 2/k J_k'(k e) cos(k M), sin E = 2/e sum of J_k(k e) / k sin(k M), for k = 1, 2, ...
    """
    k, e = np.arange(1, _MOST_TERMS + 1), max(eccentricity, _TINY)
    cosines = axis * 2 / k * jvp(k, k * e)
    sines = axis * np.sqrt(1 - e**2) * 2 / e * jv(k, k * e) / k
    terms: list[Term] = [(_along(0, -1.5 * axis * e), "")]
    for i in range(_MOST_TERMS):
        angle = _angle((i + 1) * turning, (i + 1) * phase)
        terms += [(_along(0, cosines[i]), f"cos({angle})"), (_along(1, sines[i]), f"sin({angle})")]
    return terms


def _walk(clip: Clip, seed: float, step: float, knot: float) -> list[Term]:
    """From the first knot, each step in its own time: a ramp from 0 to 1."""
    first, last = int(np.floor(clip.start / knot)), int(np.ceil(clip.end / knot))
    times = np.arange(first, max(last, first + 1) + 1) * knot
    knots = law_named("walk").position(np.array([[seed, step, knot]]), times)[0]
    ramps = [f"Min(1, Max(0, {_sum([(1 / knot, 't'), (-k, '')])}))" for k in range(first, first + len(times) - 1)]
    return [(knots[0], ""), *zip(np.diff(knots, axis=0), ramps, strict=True)]


def _collision(_: Clip, before: float, after: float, contact: float, across: float) -> list[Term]:
    since = _since(contact)
    return [(_along(0, before), f"Min(0, {since})"), (_along(0, after), f"Max(0, {since})"), (_along(1, across), since)]


_TERMS: dict[str, Callable[..., list[Term]]] = {
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
