"""Factors: numbers that tell scenes apart, and regions of them, from which splits are made."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float64

from marey.core.config import strict
from marey.core.errors import UserError
from marey.world.laws import law_index, law_named, positions
from marey.world.scenes import Scenes

Values = Float64[np.ndarray, "n M"]
Intervals = tuple[tuple[float, float], ...]

_INSTANT = 1e-4  # seconds, to either side of the first frame


@strict
@dataclass(frozen=True)
class Region:
    """For each of some factors the values that lie inside; factors that are left empty are free.

    law: names. All others: closed intervals (low, high), of which one must hold the value; see `FACTORS` for units. A
    body lies inside when all its factors do.
    """

    law: tuple[str, ...] = ()
    speed: Intervals = ()
    radius: Intervals = ()
    turns: Intervals = ()
    direction: Intervals = ()
    extent: Intervals = ()
    across: Intervals = ()
    down: Intervals = ()
    bodies: Intervals = ()

    def __post_init__(self) -> None:
        for name in self.law:
            law_index(name)  # a UserError if there is none
        for factor in self.bounded:
            for low, high in () if factor == "law" else getattr(self, factor):
                if not low <= high:
                    raise UserError(f"{factor}={(low, high)} is reversed; give (low, high)")

    @property
    def bounded(self) -> tuple[str, ...]:
        """Names of the factors that are not free."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name))

    def inside(self, scenes: Scenes) -> Bool[np.ndarray, "n M"]:
        """Which bodies lie inside; False for those that are not there."""
        there = scenes.laws >= 0
        for factor in self.bounded:
            there &= self._law(scenes) if factor == "law" else self._between(factor, scenes)
        return there

    def holds(self, scenes: Scenes) -> Bool[np.ndarray, "n"]:
        """Whether every body of a scene lies inside."""
        return np.asarray((self.inside(scenes) | (scenes.laws < 0)).all(axis=1))

    def touches(self, scenes: Scenes) -> Bool[np.ndarray, "n"]:
        """Whether any body of a scene lies inside."""
        return np.asarray(self.inside(scenes).any(axis=1))

    def _law(self, scenes: Scenes) -> Bool[np.ndarray, "n M"]:
        return np.isin(scenes.laws, [label for label, name in enumerate(scenes.names) if name in self.law])

    def _between(self, factor: str, scenes: Scenes) -> Bool[np.ndarray, "n M"]:
        values = FACTORS[factor](scenes)
        return np.any([(low <= values) & (values <= high) for low, high in getattr(self, factor)], axis=0)


def _speed(scenes: Scenes) -> Values:
    """Speed in the world at the first frame, m/s."""
    (n, bodies), most = scenes.laws.shape, scenes.parameters.shape[2]
    times = np.repeat(scenes.times[:, :1] + [-_INSTANT, _INSTANT], bodies, axis=0)
    local = positions(scenes.names, scenes.laws.ravel(), scenes.parameters.reshape(n * bodies, most), times)
    return (np.linalg.norm(local[:, 1] - local[:, 0], axis=-1) / (2 * _INSTANT)).reshape(n, bodies)


def _radius(scenes: Scenes) -> Values:
    """Radius of the body, metres: the apparent one of the first frame in the first camera, at the body's depth."""
    starts = scenes.trajectories[:, :, 0]
    depth = scenes.camera.to_camera(starts[:, None])[:, 0, :, 2]
    return scenes.radii[:, 0, :, 0] * depth / scenes.camera.focal[:, :1]


def _turns(scenes: Scenes) -> Values:
    """Turns about the axis over the clip, without sign; 0 for laws that do not turn."""
    turning = np.zeros(scenes.laws.shape)
    for label, name in enumerate(scenes.names):
        names = law_named(name).parameters
        if "turning_rad_s" in names:
            turning = np.where(scenes.laws == label, scenes.parameters[..., names.index("turning_rad_s")], turning)
    return np.abs(turning) * (scenes.times[:, -1:] - scenes.times[:, :1]) / (2 * np.pi)


def _direction(scenes: Scenes) -> Values:
    """From the first position in the image to the last, degrees in [0, 360): 0 is right, 90 is up."""
    way = scenes.tracks[:, 0, :, -1] - scenes.tracks[:, 0, :, 0]
    return np.degrees(np.arctan2(-way[..., 1], way[..., 0])) % 360


def _extent(scenes: Scenes) -> Values:
    """Longer side of the box around the track in the first camera, widths of the frame."""
    track = scenes.tracks[:, 0]
    return (track.max(axis=2) - track.min(axis=2)).max(axis=-1) / scenes.camera.size


def _across(scenes: Scenes) -> Values:
    """Mean position from the left border in the first camera, widths of the frame."""
    return scenes.tracks[:, 0, ..., 0].mean(axis=-1) / scenes.camera.size


def _down(scenes: Scenes) -> Values:
    """Mean position from the upper border in the first camera, widths of the frame."""
    return scenes.tracks[:, 0, ..., 1].mean(axis=-1) / scenes.camera.size


def _bodies(scenes: Scenes) -> Values:
    """How many bodies the scene has."""
    return np.broadcast_to((scenes.laws >= 0).sum(axis=1, keepdims=True).astype(float), scenes.laws.shape)


FACTORS: dict[str, Callable[[Scenes], Values]] = {
    "speed": _speed,
    "radius": _radius,
    "turns": _turns,
    "direction": _direction,
    "extent": _extent,
    "across": _across,
    "down": _down,
    "bodies": _bodies,
}
