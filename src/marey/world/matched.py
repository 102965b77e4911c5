"""The world `matched`: four laws whose clips share every trivial fact, so that only the motion tells them apart.

Phase, direction, sense, turns, speed, position, size and camera pose are random. Sizes are drawn through
sqrt(net displacement x path length) in the image: a line's two lengths are equal and a circle's are not, so drawn
through either one, the other would give the class away.
"""

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float64, Int64

from marey.core.config import strict
from marey.core.errors import UserError
from marey.core.seeds import uniforms
from marey.world.camera import Camera, about, random_rotations
from marey.world.laws import BASE_LAWS, metric_parameters, positions
from marey.world.look import Look
from marey.world.redraw import laws_in_turn, redraw
from marey.world.rig import Rig
from marey.world.scenes import Accept, Scenes, check_clip

Range = tuple[float, float]
Uniform = Float64[np.ndarray, "n U"]


@strict
@dataclass(frozen=True)
class MatchedWorld:
    """Ranges of the factors. Angles are in degrees; extent and radius in widths of the frame; distance in metres."""

    kind: Literal["matched"] = "matched"
    frames: int = 8
    size: int = 32
    channels: Literal[1, 3] = 1
    fps: float = 8.0
    extent: Range = (0.12, 0.4)  # sqrt(net displacement * path length) in the image, log-uniform
    turn: Range = (26.0, 36.0)  # turning of circles and helices from one frame to the next
    most_turn: float = 290.0  # over the whole clip
    climb: Range = (2.8, 4.0)  # of a helix over the clip, in its radii
    bend: Range = (1.3, 2.2)  # height of a parabola's arm over half its width
    vertex: Range = (0.35, 0.65)  # when a parabola passes its vertex, as a share of the clip
    tilt: Range = (0.0, 35.0)  # between the line of sight and the normal of the plane of motion
    helix_tilt: Range = (55.0, 80.0)  # between the line of sight and a helix's axis
    radius: Range = (0.06, 0.09)  # apparent radius of the disc in the middle of the clip
    distance: Range = (9.0, 12.0)
    focal: float = 1.25  # in widths of the frame: a field of view of 44 degrees
    most_step: float = 0.2  # of the frame, between two frames
    look: Look = Look()  # noqa: RUF009 (frozen)
    rig: Rig = Rig()  # noqa: RUF009 (frozen)

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, tuple) and not value[0] <= value[1]:
                raise UserError(f"world.{field.name}={value} is reversed; give (low, high)")
        if not self.distance[0] > 0:
            raise UserError(f"world.distance={self.distance} puts the camera inside the scene; give metres above 0")
        check_clip(self.frames, self.size)
        self.rig.check(self.focal)

    @property
    def laws(self) -> tuple[str, ...]:
        """Names of the laws of its scenes, in the order of their labels."""
        return BASE_LAWS

    def sample(
        self,
        seed: int,
        index: Int64[np.ndarray, "n"],
        accept: Accept | None = None,
        laws: tuple[str, ...] | None = None,
    ) -> Scenes:
        """Scenes of the given indices, each a pure function of (self, seed, its index, accept, laws).

        The laws (by default all four) take turns by index. Scenes that leave the frame, move too fast or are not
        accepted are drawn again, from the next stream of random numbers; see `redraw` for its errors.
        """

        def propose(draw: int, some: Int64[np.ndarray, "n"]) -> Scenes:
            return self._propose(seed, draw, some, laws_in_turn(BASE_LAWS, some, laws))

        return redraw(propose, index, self._fits, accept, "reduce world.extent or world.radius")

    def _propose(self, seed: int, draw: int, index: Int64[np.ndarray, "n"], law: Int64[np.ndarray, "n"]) -> Scenes:
        """Lay the motion out in the camera's view, size and place it there, then move camera and motion together."""
        u = uniforms(seed, draw, index, 24)
        t = (np.arange(self.frames) - (self.frames - 1) / 2) / self.fps
        distance, focal = _between(u[:, 0], self.distance), np.full(len(law), self.focal * self.size)
        metres = distance / focal  # per pixel, in the middle of the scene
        radius = _between(u[:, 1], self.radius) * self.size
        axes = self._axes(law, u[:, [2, 3, 4, 23]])
        parameters = self._shape(law, t, u[:, 5:11])
        flat = (positions(BASE_LAWS, law, parameters, t) @ axes.transpose(0, 2, 1))[..., :2]
        net = np.linalg.norm(flat[:, -1] - flat[:, 0], axis=-1)
        path = np.linalg.norm(np.diff(flat, axis=1), axis=-1).sum(axis=1)
        extent = np.exp(_between(u[:, 11], np.log(self.extent))) * self.size
        scale = extent * metres / np.sqrt(net * path)
        parameters = parameters * np.where(metric_parameters()[law], scale[:, None], 1)

        motion = positions(BASE_LAWS, law, parameters, t) @ axes.transpose(0, 2, 1)
        low, high = motion.min(axis=1), motion.max(axis=1)
        room = self.size * metres[:, None] - 2 * (radius * metres)[:, None] - (high - low)[:, :2]
        middle = (u[:, 12:14] - 0.5) * room.clip(0) - (low + high)[:, :2] / 2
        origin = np.column_stack([middle, distance - motion[..., 2].mean(axis=1)])
        depth = (motion + origin[:, None])[..., 2].clip(1e-6)

        rotation, target = random_rotations(u[:, 14:17]), 2 * u[:, 17:20] - 1
        position = target - distance[:, None] * rotation[:, 2]
        camera = Camera(self.size, focal[:, None], rotation[:, None], position[:, None])
        cameras = self.rig.place(seed, index, camera, target)
        radii = cameras.radii((radius * metres)[:, None], camera.to_world((motion + origin[:, None])[:, None]))
        radii[:, 0, 0] = (radius * distance)[:, None] / depth  # the same, but for roundings that could change a byte
        return Scenes(
            names=self.laws,
            laws=law[:, None],
            times=np.broadcast_to(t, (len(law), self.frames)),
            parameters=parameters[:, None],
            origins=camera.to_world(origin[:, None, None])[:, 0],
            axes=(rotation.transpose(0, 2, 1) @ axes)[:, None],
            camera=cameras,
            radii=radii,
            picture=self.look.paint(seed, index, 1, self.channels),
        )

    def _shape(self, law: Int64[np.ndarray, "n"], t: Float64[np.ndarray, "T"], u: Uniform) -> np.ndarray:
        """Parameters of each scene's law at unit size."""
        n, seconds = len(law), t[-1] - t[0]
        most = min(self.turn[1], self.most_turn / (self.frames - 1))
        least = self.turn[0] * most / self.turn[1]  # long clips turn more slowly, in the same proportion
        turning = np.radians(_between(u[:, 0], (least, most))) * self.fps
        turning *= np.where(u[:, 1] < 0.5, -1, 1)
        phase = 2 * np.pi * u[:, 2]
        one, none = np.ones(n), np.full(n, np.nan)
        speed = one / seconds  # a line or the arms of a parabola are one unit wide
        acceleration = 4 * _between(u[:, 3], self.bend) / seconds**2
        vertex = (_between(u[:, 4], self.vertex) - 0.5) * seconds
        climb = _between(u[:, 5], self.climb) / seconds
        rows = {
            "linear": [speed, none, none, none],
            "circular": [one, turning, phase, none],
            "helical": [one, turning, phase, climb],
            "parabolic": [speed, acceleration, vertex, none],
        }
        return np.array([rows[name] for name in BASE_LAWS])[law, :, np.arange(n)]

    def _axes(self, law: Int64[np.ndarray, "n"], u: Uniform) -> Float64[np.ndarray, "n 3 3"]:
        """Directions of the law's own frame as the camera sees them: turned, tilted out of the image, spun in it."""
        helix = law == BASE_LAWS.index("helical")
        tilt = np.radians(np.where(helix, _between(u[:, 0], self.helix_tilt), _between(u[:, 0], self.tilt)))
        tilt = np.where(u[:, 3] < 0.5, tilt, np.pi - tilt)  # as often towards the camera as away from it
        return about(2, 2 * np.pi * u[:, 1]) @ about(0, tilt) @ about(2, 2 * np.pi * u[:, 2])

    def _fits(self, scenes: Scenes) -> Bool[np.ndarray, "n"]:
        step = np.linalg.norm(np.diff(scenes.track, axis=1), axis=-1).max(axis=1)
        return scenes.whole[:, 0, 0].all(axis=1) & (step <= self.most_step * self.size)


def _between(u: np.ndarray, bounds: Range | np.ndarray) -> np.ndarray:
    return bounds[0] + (bounds[1] - bounds[0]) * u
