"""Clips as coordinates instead of pixels: what a control is told of the clips that a video model must see.

Only pixels enter a model of video. A twin of it that is told the coordinates shows how much of its error comes from
seeing, and how much from understanding motion.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float32, Float64
from pydantic import Field
from torch import Tensor

from marey.core.config import strict
from marey.core.errors import UserError
from marey.data.clips import WAYS, Batch, Batches
from marey.world.scenes import Scenes

Points = Float64[np.ndarray, "n T 3"]
OnePixel = Float32[Tensor, "n 3 T 1 1"]  # a clip of one pixel with a channel for each coordinate

_RANGE, _MOST = 0.98, 0.99


@strict
@dataclass(frozen=True)
class OfTracks:
    """All that one frame shows of the disc: its place and its apparent radius in the first camera, pixels."""

    kind: Literal["tracks"] = "tracks"
    names: ClassVar[tuple[str, ...]] = ("u", "v", "radius")
    unit: ClassVar[str] = "px"

    def points(self, scenes: Scenes) -> Points:
        """Of the first body of each scene."""
        return np.concatenate([scenes.track, scenes.apparent_radius[..., None]], axis=-1)

    def seen(self, points: Points, _scenes: Scenes) -> Float64[np.ndarray, "n T 2"]:
        """Where the points lie in the pictures of their scenes, pixels."""
        return points[..., :2]

    def turned(self, points: Points, scenes: Scenes, way: int) -> Points:
        """The coordinates of the clips that `augment` makes in this way."""
        half = scenes.camera.size / 2
        plane = _in_the_plane(points[..., :2] - half, way) + half
        return _in_time(np.concatenate([plane, points[..., 2:]], axis=-1), way)


@strict
@dataclass(frozen=True)
class OfTrajectories:
    """Positions in the world, metres: what no single camera shows, and without any camera."""

    kind: Literal["trajectories"] = "trajectories"
    names: ClassVar[tuple[str, ...]] = ("x", "y", "z")
    unit: ClassVar[str] = "m"

    def points(self, scenes: Scenes) -> Points:
        """Of the first body of each scene."""
        return scenes.trajectory

    def seen(self, points: Points, scenes: Scenes) -> Float64[np.ndarray, "n T 2"]:
        """Where the first camera of each scene sees the points, pixels; NaN behind it."""
        return scenes.camera.project(points[:, None])[:, 0, 0]

    def turned(self, points: Points, scenes: Scenes, way: int) -> Points:
        """The trajectories that the same cameras would see as the clips that `augment` makes in this way."""
        camera = scenes.camera
        local = camera.to_camera(points[:, None])[:, 0]
        local = np.concatenate([_in_the_plane(local[..., :2], way), local[..., 2:]], axis=-1)
        return _in_time(local @ camera.rotation[:, 0] + camera.position[:, 0, None], way)


Of = Annotated[OfTracks | OfTrajectories, Field(discriminator="kind")]


@dataclass(frozen=True)
class Scale:
    """A range for each coordinate, in its unit, which becomes the middle 98 % of [-1, 1].

    The rest is room for clips that go a little further than those of training; beyond it a coordinate is moved to the
    border. The very ends are not used: where FSQ has a thousand levels, it rounds them out of its own range.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        if not np.isfinite([*self.low, *self.high]).all():
            raise UserError(
                f"coordinates from {self.low} to {self.high} are not all numbers; keep bodies before the camera"
            )

    def video(self, points: Points) -> OnePixel:
        """The points as clips of one pixel."""
        number = (_RANGE * (2 * (points - self.low) / self._span - 1)).clip(-_MOST, _MOST).astype(np.float32)
        return torch.from_numpy(number).movedim(-1, 1)[..., None, None].contiguous()

    def points(self, video: OnePixel) -> Points:
        """The inverse of `video`, within the border."""
        number = video[..., 0, 0].movedim(1, -1).cpu().double().numpy()
        return self.low + (number / _RANGE + 1) / 2 * self._span

    def level(self, levels: tuple[int, ...]) -> tuple[float, ...]:
        """How far apart the levels of a quantizer of `video` are, in the coordinates' unit."""
        return tuple((self._span / (2 * _RANGE) / (np.array(levels) // 2)).tolist())

    @property
    def _span(self) -> Float64[np.ndarray, "F"]:
        """Of each range; a coordinate that never changes gets one unit."""
        span = np.array(self.high) - self.low
        return np.where(span > 0, span, 1.0)


class CoordinateBatches:
    """The training batches of a video model as coordinates: the same clips in the same order and in the same ways.

    `coordinates(step, device)` is a pure function of the spec, the seed and the step. The coordinates of every clip in
    all its ways are kept (about 1.5 KB); their range is the scale.
    """

    def __init__(self, batches: Batches, of: OfTracks | OfTrajectories):
        self._batches, scenes = batches, batches.scenes
        points = of.points(scenes)
        views = [of.turned(points, scenes, way) for way in range(WAYS if batches.augmented else 1)]
        low, high = (np.array([extreme(each, axis=(0, 1)) for each in views]) for extreme in (np.min, np.max))
        self.scale = Scale(tuple(low.min(axis=0).tolist()), tuple(high.max(axis=0).tolist()))
        self._views = torch.stack([self.scale.video(each) for each in views], dim=1)
        self._law = torch.from_numpy(scenes.law)

    def __call__(self, step: int, device: torch.device) -> Batch:
        rows = torch.from_numpy(self._batches.rows(step))
        video = self._views[rows, torch.from_numpy(self._batches.ways(step))]
        return Batch(video.to(device), self._law[rows].to(device))


def _in_the_plane(plane: Float64[np.ndarray, "n T 2"], way: int) -> Float64[np.ndarray, "n T 2"]:
    """Places about the middle of the picture, mirrored on its diagonal (bit 1), left to right (2), top to bottom (4).

    The same symmetries, in the same order, as those of `augment`.
    """
    if way & 1:
        plane = plane[..., ::-1]
    return plane * np.where([way & 2, way & 4], -1.0, 1.0)


def _in_time(points: Points, way: int) -> Points:
    """Played backwards, or not (bit 8)."""
    return points[:, ::-1] if way & 8 else points
