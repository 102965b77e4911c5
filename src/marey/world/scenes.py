"""A batch of scenes: everything that is true about n clips before a pixel is drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from marey.core.errors import UserError
from marey.world.camera import Camera
from marey.world.laws import positions
from marey.world.look import Picture


@dataclass(frozen=True)
class Scenes:
    """n scenes of T frames: M bodies seen by K cameras. The trajectories are the clean truth; each follows from a law,
    its parameters and the frame of reference it lives in.

    names: the laws of this world; a label is an index into them. laws: each body's label, -1 where a scene has fewer
    bodies. times: seconds. parameters: those of the law, padded with NaN. origins, axes: the law's own frame in the
    world (its x, y, z directions are the columns of `axes`). radii: apparent, pixels. picture: colours and all else
    that the pixels show.

    Names in the singular are those of the first body in the first camera: the subject of the clip.
    """

    names: tuple[str, ...]
    laws: Int64[np.ndarray, "n M"]
    times: Float64[np.ndarray, "n T"]
    parameters: Float64[np.ndarray, "n M P"]
    origins: Float64[np.ndarray, "n M 3"]
    axes: Float64[np.ndarray, "n M 3 3"]
    camera: Camera
    radii: Float64[np.ndarray, "n K M T"]
    picture: Picture

    def __len__(self) -> int:
        return len(self.laws)

    @property
    def trajectories(self) -> Float64[np.ndarray, "n M T 3"]:
        """Positions in the world, metres: origin + axes @ law(parameters, t). NaN for bodies that are not there."""
        bodies, (frames, most) = self.laws.size, (self.times.shape[1], self.parameters.shape[2])
        times = np.repeat(self.times, self.laws.shape[1], axis=0)
        local = positions(self.names, self.laws.ravel(), self.parameters.reshape(bodies, most), times)
        local = local.reshape(*self.laws.shape, frames, 3)
        return local @ self.axes.transpose(0, 1, 3, 2) + self.origins[:, :, None]

    @property
    def tracks(self) -> Float64[np.ndarray, "n K M T 2"]:
        """Images of the trajectories, pixels; NaN behind the camera."""
        return self.camera.project(self.trajectories)

    @property
    def whole(self) -> Bool[np.ndarray, "n K M T"]:
        """Whether the whole disc lies inside the frame and before the camera: whether its place can be measured."""
        half = self.camera.size / 2
        return np.abs(self.tracks - half).max(axis=-1) <= half - self.radii  # NaN compares as False

    @property
    def seen(self) -> Bool[np.ndarray, "n K M T"]:
        """Whether any of the disc lies inside the frame and before the camera: whether it leaves a mark on the pixels,
        unless something in front of it covers it.
        """
        beyond = self.tracks - self.tracks.clip(0, self.camera.size)
        return np.linalg.norm(beyond, axis=-1) < self.radii  # NaN compares as False

    @property
    def law(self) -> Int64[np.ndarray, "n"]:
        return self.laws[:, 0]

    @property
    def trajectory(self) -> Float64[np.ndarray, "n T 3"]:
        return self.trajectories[:, 0]

    @property
    def track(self) -> Float64[np.ndarray, "n T 2"]:
        return self.tracks[:, 0, 0]

    @property
    def apparent_radius(self) -> Float64[np.ndarray, "n T"]:
        return self.radii[:, 0, 0]

    def take(self, rows: np.ndarray) -> "Scenes":
        """The scenes at the given rows (indices or a mask), in that order."""
        return _map(lambda arrays: arrays[0][rows], [self])

    @classmethod
    def join(cls, parts: Sequence["Scenes"]) -> "Scenes":
        """Several batches as one."""
        return _map(np.concatenate, parts)


def check_clip(frames: int, size: int, fewest: int = 2) -> None:
    """A UserError unless clips of `frames` frames of size x size pixels can show a motion."""
    if frames < fewest:
        raise UserError(f"frames={frames} is too few; a motion of this world needs at least {fewest}")
    if not 16 <= size <= 1024:
        raise UserError(f"size={size} is out of range; choose 16 to 1024 pixels")


Accept = Callable[[Scenes], Bool[np.ndarray, "n"]]  # which scenes are wanted; the others are drawn again


def _map(function: Any, parts: Sequence[Any]) -> Any:
    """Apply `function` to the list of each array field of several records, and rebuild the record."""
    values = {}
    for field in fields(parts[0]):
        column = [getattr(part, field.name) for part in parts]
        if is_dataclass(column[0]):
            values[field.name] = _map(function, column)
        elif isinstance(column[0], np.ndarray):
            values[field.name] = function(column)
    return replace(parts[0], **values)
