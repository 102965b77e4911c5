"""The world `varied`: one to four bodies, each under a law of its own, seen from any side.

Phase, direction, sense, turns, speed, position, size and camera pose are random. The first body is the subject of the
clip. Bodies that collide are the first two: balls of one density, so that their masses go with the cubes of their
radii; the collision is elastic. Other bodies do not act on each other, and never share a place.
"""

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float64, Int64

from marey.core.config import strict
from marey.core.errors import UserError
from marey.core.seeds import uniforms
from marey.world.camera import Camera, about, random_rotations
from marey.world.laws import LAW_NAMES, law_index, metric_parameters, positions
from marey.world.look import Look
from marey.world.redraw import laws_in_turn, redraw
from marey.world.rig import Rig
from marey.world.scenes import Accept, Scenes, check_clip
from marey.world.shapes import NUMBERS, Clock, between, collide, draw_shapes

Range = tuple[float, float]
Uniform = Float64[np.ndarray, "n M U"]
Each = Float64[np.ndarray, "n M"]

_MOST_BODIES = 4
_BODY = 10 + NUMBERS  # random numbers
_RADIUS = 2  # which of them gives the radius
_SCENE = 8
_SLACK = 1.1  # perspective changes an extent by a few per cent
_TOUCH = 1e-6  # metres


@strict
@dataclass(frozen=True)
class VariedWorld:
    """Ranges of the factors. Angles are in degrees; extent and radius in widths of the frame; distance in metres.

    laws: they take turns by index for the first body; the others take any of them but collision. bodies: how many,
    (low, high); a collision has at least two.
    """

    kind: Literal["varied"] = "varied"
    frames: int = 16
    size: int = 64
    channels: Literal[1, 3] = 3
    fps: float = 8.0
    laws: tuple[str, ...] = LAW_NAMES
    bodies: tuple[int, int] = (1, 4)
    extent: Range = (0.15, 0.5)  # longer side of the box around the track in the image, log-uniform
    tilt: Range = (0.0, 35.0)  # between the line of sight and the normal of the plane of motion
    helix_tilt: Range = (55.0, 80.0)  # between the line of sight and a helix's axis
    radius: Range = (0.04, 0.08)  # apparent radius of the disc in the middle of its motion
    distance: Range = (9.0, 12.0)  # of each body from the camera, in the middle of its motion
    focal: float = 1.25  # in widths of the frame: a field of view of 44 degrees
    most_step: float = 0.2  # of the frame, between two frames
    look: Look = Look()  # noqa: RUF009 (frozen)
    rig: Rig = Rig()  # noqa: RUF009 (frozen)

    def __post_init__(self) -> None:
        for name in ("bodies", "extent", "tilt", "helix_tilt", "radius", "distance"):
            low, high = getattr(self, name)
            if not low <= high:
                raise UserError(f"world.{name}={(low, high)} is reversed; give (low, high)")
        for name in ("extent", "radius", "distance"):
            if not getattr(self, name)[0] > 0:
                raise UserError(f"world.{name}={getattr(self, name)} is not above 0; give (low, high) above 0")
        for name in ("fps", "focal", "most_step"):
            if not getattr(self, name) > 0:
                raise UserError(f"world.{name}={getattr(self, name)} is not above 0; give a number above 0")
        check_clip(self.frames, self.size)
        self._check_cast()
        self.rig.check(self.focal)

    def _check_cast(self) -> None:
        for name in self.laws:
            law_index(name)  # a UserError if there is none
        if not self.laws or len(set(self.laws)) < len(self.laws):
            raise UserError(f"world.laws={self.laws} is empty or repeats a law; give each law once")
        if not 1 <= self.bodies[0] <= self.bodies[1] <= _MOST_BODIES:
            raise UserError(f"world.bodies={self.bodies} is out of range; choose 1 to {_MOST_BODIES}")
        if "collision" in self.laws and self.bodies[1] < 2:
            raise UserError(f"world.bodies={self.bodies} is too few for a collision; raise it, or leave it out of laws")
        if self.laws == ("collision",) and self.bodies[1] > 2:
            raise UserError(f"world.bodies={self.bodies} is too many for a collision; add another law, or give (2, 2)")

    def sample(
        self,
        seed: int,
        index: Int64[np.ndarray, "n"],
        accept: Accept | None = None,
        laws: tuple[str, ...] | None = None,
    ) -> Scenes:
        """Scenes of the given indices, each a pure function of (self, seed, its index, accept, laws).

        laws: to choose from instead of all of this world's. Scenes with a body that leaves the frame, moves too fast,
        is in another's place or has another extent, and those that are not accepted, are drawn again, from the next
        stream of random numbers; see `redraw` for its errors.
        """

        def propose(draw: int, some: Int64[np.ndarray, "n"]) -> Scenes:
            first = laws_in_turn(self.laws, some, laws)
            return self._propose(seed, draw, some, first, laws or self.laws)

        return redraw(propose, index, self._fits, accept, "reduce world.extent, world.radius or world.bodies")

    def _propose(
        self, seed: int, draw: int, index: Int64[np.ndarray, "n"], first: Int64[np.ndarray, "n"], laws: tuple[str, ...]
    ) -> Scenes:
        """Lay each motion out in the camera's view, size and place it there, then move camera and motions together."""
        n, bodies = len(index), self.bodies[1]
        numbers = uniforms(seed, draw, index, _SCENE + _BODY * bodies)
        common, u = numbers[:, :_SCENE], numbers[:, _SCENE:].reshape(n, bodies, _BODY)
        label = self._cast(first, laws, common[:, 0], u[..., 0])
        u = self._with_pairs(label, u)
        distance = between(u[..., 1], *self.distance)
        width = distance / self.focal  # of the frame there, metres
        balls = between(u[..., _RADIUS], *self.radius) * width
        axes = self._axes(label, u)
        parameters, motion = self._shape(label, axes, balls, width, u)
        origins = self._place(label, motion, axes, balls, width, u)
        rotation, target = random_rotations(common[:, 1:4]), 2 * common[:, 4:7] - 1
        position = (target - distance[:, :1] * rotation[:, 2])[:, None]
        camera = Camera(self.size, np.full((n, 1), self.focal * self.size), rotation[:, None], position)
        scenes = Scenes(
            names=self.laws,
            laws=label,
            times=np.broadcast_to(self._times, (n, self.frames)),
            parameters=parameters,
            origins=camera.to_world(origins[:, None])[:, 0],
            axes=rotation.transpose(0, 2, 1)[:, None] @ axes,
            camera=self.rig.place(seed, index, camera, target),
            radii=np.zeros((n, self.rig.cameras, bodies, self.frames)),
            picture=self.look.paint(seed, index, bodies, self.channels),
        )
        return replace(scenes, radii=scenes.camera.radii(balls, scenes.trajectories))

    @property
    def _times(self) -> Float64[np.ndarray, "T"]:
        return (np.arange(self.frames) - (self.frames - 1) / 2) / self.fps

    def _cast(
        self, first: Int64[np.ndarray, "n"], laws: tuple[str, ...], u: Float64[np.ndarray, "n"], others: Each
    ) -> Int64[np.ndarray, "n M"]:
        """Each body's label: -1 for those that are not there."""
        free = [self.laws.index(name) for name in laws if name != "collision"]
        free = free or [label for label, name in enumerate(self.laws) if name != "collision"] or [-1]
        label = np.array(free)[(len(free) * others).astype(int)]
        label[:, 0] = first
        collide = self._collide(label)
        label[collide, 1:2] = label[collide, :1]
        count = np.floor(between(u, self.bodies[0], self.bodies[1] + 1)).astype(int)
        count = np.where(collide, count.clip(2), count)
        return np.where(np.arange(self.bodies[1]) < count[:, None], label, -1)

    def _collide(self, label: Int64[np.ndarray, "n M"]) -> Bool[np.ndarray, "n"]:
        """In which scenes the first two bodies collide."""
        return np.array([name == "collision" for name in self.laws])[label[:, 0]]

    def _with_pairs(self, label: Int64[np.ndarray, "n M"], u: Uniform) -> Uniform:
        """The same random numbers, but that two bodies that collide share all theirs except for the radius."""
        pairs, shared, u = self._collide(label), np.arange(_BODY) != _RADIUS, u.copy()
        u[pairs, 1:2] = np.where(shared, u[pairs, :1], u[pairs, 1:2])
        return u

    def _axes(self, label: Int64[np.ndarray, "n M"], u: Uniform) -> Float64[np.ndarray, "n M 3 3"]:
        """Directions of the law's own frame as the camera sees them: turned, tilted out of the image, spun in it."""
        helix = np.array([name == "helical" for name in self.laws])[label]
        tilt = np.radians(np.where(helix, between(u[..., 4], *self.helix_tilt), between(u[..., 4], *self.tilt)))
        tilt = np.where(u[..., 5] < 0.5, tilt, np.pi - tilt)  # as often towards the camera as away from it
        spin, turn = 2 * np.pi * u[..., 6].ravel(), 2 * np.pi * u[..., 7].ravel()
        return (about(2, spin) @ about(0, tilt.ravel()) @ about(2, turn)).reshape(*label.shape, 3, 3)

    def _shape(
        self,
        label: Int64[np.ndarray, "n M"],
        axes: Float64[np.ndarray, "n M 3 3"],
        balls: Each,
        width: Each,
        u: Uniform,
    ) -> tuple[Float64[np.ndarray, "n M P"], Float64[np.ndarray, "n M T 3"]]:
        """Parameters that give each motion its extent, and the motion in the camera's directions."""
        (n, bodies), clock = label.shape, Clock(self.frames, float(np.ptp(self._times)))
        shape = draw_shapes(self.laws, label.ravel(), u[..., -NUMBERS:].reshape(n * bodies, NUMBERS), clock)
        parameters, pairs = shape.reshape(n, bodies, shape.shape[1]), self._collide(label)
        if pairs.any():
            parameters[pairs, :2, :4] = collide(balls[pairs, :2] ** 3, u[pairs, 0, -NUMBERS:], clock)
        times = np.broadcast_to(self._times, (n * bodies, self.frames))
        local = positions(self.laws, label.ravel(), parameters.reshape(shape.shape), times)
        motion = local.reshape(n, bodies, self.frames, 3) @ axes.transpose(0, 1, 3, 2)
        box = np.ptp(motion[..., :2], axis=2).max(axis=-1)
        box[pairs, :2] = box[pairs, :2].max(axis=1, keepdims=True)
        scale = np.exp(between(u[..., 3], *np.log(self.extent))) * width / box
        parameters = parameters * np.where(metric_parameters(self.laws)[label], scale[..., None], 1)
        return parameters, motion * scale[..., None, None]

    def _place(
        self,
        label: Int64[np.ndarray, "n M"],
        motion: Float64[np.ndarray, "n M T 3"],
        axes: Float64[np.ndarray, "n M 3 3"],
        balls: Each,
        width: Each,
        u: Uniform,
    ) -> Float64[np.ndarray, "n M 3"]:
        """Origins of the motions in the camera's coordinates, where there is room for each body, or pair of them."""
        pairs, touch = self._collide(label), np.zeros((*label.shape, 3))
        touch[pairs, 1:2] = (axes[..., 0] * balls[:, :2].sum(axis=1)[:, None, None])[pairs, 1:2]
        motion = motion + touch[:, :, None]
        low, high = motion.min(axis=2) - balls[..., None], motion.max(axis=2) + balls[..., None]
        depth = motion[..., 2].mean(axis=2)
        low[pairs, :2] = low[pairs, :2].min(axis=1, keepdims=True)
        high[pairs, :2] = high[pairs, :2].max(axis=1, keepdims=True)
        depth[pairs, :2] = depth[pairs, :2].mean(axis=1, keepdims=True)
        room = width[..., None] - (high - low)[..., :2]
        across = (u[..., 8:10] - 0.5) * room.clip(0) - (low + high)[..., :2] / 2
        return np.concatenate([across, (width * self.focal - depth)[..., None]], axis=-1) + touch

    def _fits(self, scenes: Scenes) -> Bool[np.ndarray, "n"]:
        track = scenes.tracks[:, 0]
        step = np.linalg.norm(np.diff(track, axis=2), axis=-1).max(axis=2) / self.size
        box = np.ptp(track, axis=2).max(axis=-1) / self.size
        sized = (self.extent[0] / _SLACK <= box) & (box <= self.extent[1] * _SLACK)
        good = scenes.whole[:, 0].all(axis=2) & (step <= self.most_step) & sized
        return np.asarray((good | (scenes.laws < 0)).all(axis=1) & _apart(scenes))


def _apart(scenes: Scenes) -> Bool[np.ndarray, "n"]:
    """Whether no two bodies share a place in any frame; those that collide may touch."""
    points, apart = scenes.trajectories, np.ones(len(scenes), bool)
    depth = scenes.camera.to_camera(points[:, None, :, 0])[:, 0, :, 2]
    balls = scenes.radii[:, 0, :, 0] * depth / scenes.camera.focal[:, :1]
    for i, j in combinations(range(balls.shape[1]), 2):
        gap = np.linalg.norm(points[:, i] - points[:, j], axis=-1) - (balls[:, i] + balls[:, j])[:, None]
        apart &= ~(gap < -_TOUCH).any(axis=1)  # NaN, of a body that is not there, compares as False
    return apart
