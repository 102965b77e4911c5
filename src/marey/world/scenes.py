"""A batch of scenes: everything that is true about n clips before a pixel is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8

from marey.world.camera import Camera
from marey.world.laws import positions


@dataclass(frozen=True)
class Scenes:
    """n scenes of T frames; the trajectory is the clean truth and follows from the law, its parameters and its frame.

    times: seconds. parameters: those of the law, padded with NaN. origin, axes: the law's own frame in the world (its
    x, y, z directions are the columns of `axes`). apparent_radius: pixels. ink, paper: colours of disc and background.
    """

    law: Int64[np.ndarray, "n"]
    times: Float64[np.ndarray, "n T"]
    parameters: Float64[np.ndarray, "n P"]
    origin: Float64[np.ndarray, "n 3"]
    axes: Float64[np.ndarray, "n 3 3"]
    camera: Camera
    apparent_radius: Float64[np.ndarray, "n T"]
    ink: UInt8[np.ndarray, "n C"]
    paper: UInt8[np.ndarray, "n C"]

    def __len__(self) -> int:
        return len(self.law)

    @property
    def trajectory(self) -> Float64[np.ndarray, "n T 3"]:
        """Positions in the world, metres: origin + axes @ law(parameters, t)."""
        local = positions(self.law, self.parameters, self.times)
        return local @ self.axes.transpose(0, 2, 1) + self.origin[:, None]

    @property
    def track(self) -> Float64[np.ndarray, "n T 2"]:
        """Image of the trajectory, pixels."""
        return self.camera.pixels(self.camera.to_camera(self.trajectory))

    @property
    def visible(self) -> Bool[np.ndarray, "n T"]:
        """Whether the whole disc lies inside the frame and before the camera."""
        half = self.camera.size / 2
        offset = np.abs(self.track - half).max(axis=-1)
        return offset <= half - self.apparent_radius  # NaN, behind the camera, compares as False

    def take(self, rows: np.ndarray) -> "Scenes":
        """The scenes at the given rows (indices or a mask), in that order."""
        return _map(lambda arrays: arrays[0][rows], [self])

    @classmethod
    def join(cls, parts: Sequence["Scenes"]) -> "Scenes":
        """Several batches as one."""
        return _map(np.concatenate, parts)


def _map(function: Any, parts: Sequence[Any]) -> Any:
    """Apply `function` to the list of each array field of several records, and rebuild the record."""
    values = {}
    for field in fields(parts[0]):
        column = [getattr(part, field.name) for part in parts]
        if isinstance(column[0], Camera):
            values[field.name] = _map(function, column)
        elif isinstance(column[0], np.ndarray):
            values[field.name] = function(column)
    return replace(parts[0], **values)
