"""The world `phyworld`: one ball in uniform motion, one thrown, or two that collide, in a plane of 10 m x 10 m.

After Kang et al., "How Far is Video Generation from World Model: A Physical Law Perspective" (ICML 2025, arXiv
2411.02385). From their published programs (github.com/phyworld/phyworld, id_ood_data): 32 frames 0.1 s apart, balls red
(left, or alone) and blue on white, seen from the side without perspective; uniform motion and throws go to the right
and start horizontally; start positions leave three quarters of the clip in view where the plane is wide enough, later
the ball may leave it; gravity 2.5 m/s^2; collisions are central and elastic between discs of equal density, at least a
quarter of the clip from either end. In the paper a model is shown three frames and predicts the others.

What differs: radii and speeds are drawn from ranges instead of grids; collisions have the ranges of the other two
motions (theirs: radii 0.5 to 1.5 m, and 0.3 to 0.4 or 1.7 to 2.0 m out of distribution); positions follow the laws
exactly instead of a stepwise simulator; frames are 64 instead of 256 pixels wide unless `size` says otherwise.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float64, Int64

from marey.core.config import strict
from marey.core.errors import UserError
from marey.core.seeds import uniforms
from marey.world.camera import Camera, look_at
from marey.world.factors import Intervals
from marey.world.look import Look, Picture
from marey.world.redraw import redraw
from marey.world.rig import Rig
from marey.world.scenes import Accept, Scenes, check_clip

Balls = Float64[np.ndarray, "n M"]

WIDTH = 10.0  # of the plane, metres

_DISTANCE = 100.0  # of the camera, metres; the motion keeps to a plane that faces it, so that no perspective shows
_GRAVITY = 2.5  # m/s^2
_MARGIN = 0.5  # metres, above and below
_IN_VIEW = 0.75  # of the clip, where the plane is wide enough
_APART = 0.25  # of the clip, between a collision and either end
_LAWS = {"uniform": "linear", "parabola": "parabolic", "collision": "collision"}
_BALLS = np.array([[255, 0, 0], [0, 0, 255]], np.uint8)  # RGB


@strict
@dataclass(frozen=True)
class PhyWorld:
    """Radii in metres, speeds in m/s, at the first frame. A scene takes the radii of all its balls from `radius` or,
    every other time, from `radius_beyond`, and its speeds likewise: `seen` and `unseen` of a spec choose among them.

    look: a coloured one keeps the balls of RGB clips red and blue; else they are black.
    """

    kind: Literal["phyworld"] = "phyworld"
    motion: Literal["uniform", "parabola", "collision"] = "uniform"
    frames: int = 32
    size: int = 64
    channels: Literal[1, 3] = 3
    fps: float = 10.0
    radius: Intervals = ((0.7, 1.4),)
    speed: Intervals = ((1.0, 4.0),)
    radius_beyond: Intervals = ((0.3, 0.6), (1.5, 2.0))
    speed_beyond: Intervals = ((0.0, 0.8), (4.5, 6.0))
    look: Look = Look()  # noqa: RUF009 (frozen)
    rig: Rig = Rig()  # noqa: RUF009 (frozen)

    def __post_init__(self) -> None:
        if self.motion not in _LAWS:
            raise UserError(f"world.motion={self.motion!r} is unknown; the motions are {', '.join(_LAWS)}")
        for name, least, most in (("radius", 0.01, WIDTH / 4), ("speed", 0.0, 100.0)):
            for field in (name, f"{name}_beyond"):
                _check_intervals(field, getattr(self, field), least, most)
        check_clip(self.frames, self.size, fewest=4)
        if not self.fps > 0:
            raise UserError(f"world.fps={self.fps} is not above 0; give frames per second")
        self.rig.check(_DISTANCE / WIDTH)

    @property
    def laws(self) -> tuple[str, ...]:
        """Names of the laws of its scenes, in the order of their labels."""
        return (_LAWS[self.motion],)

    def sample(
        self,
        seed: int,
        index: Int64[np.ndarray, "n"],
        accept: Accept | None = None,
        laws: tuple[str, ...] | None = None,  # noqa: ARG002 (there is only one)
    ) -> Scenes:
        """Scenes of the given indices, each a pure function of (self, seed, its index, accept); all have one law.

        Scenes whose balls do not start whole, whose collision comes too early or too late, or that are not accepted are
        drawn again, from the next stream of random numbers; see `redraw` for its errors.
        """

        def propose(draw: int, some: Int64[np.ndarray, "n"]) -> Scenes:
            return self._propose(seed, draw, some)

        return redraw(propose, index, self._fits, accept, "reduce world.radius or world.speed, or raise world.fps")

    def _propose(self, seed: int, draw: int, index: Int64[np.ndarray, "n"]) -> Scenes:
        u = uniforms(seed, draw, index, 12)
        n, bodies = len(index), 2 if self.motion == "collision" else 1
        radius = _drawn(u[:, 0], u[:, 1 : 1 + bodies], self.radius, self.radius_beyond)
        speed = _drawn(u[:, 3], u[:, 4 : 4 + bodies], self.speed, self.speed_beyond)
        parameters, across = (self._collide if bodies == 2 else self._move)(radius, speed, u[:, 6:8])
        first = self._camera(n)
        camera = self.rig.place(seed, index, first, np.broadcast_to([WIDTH / 2, 0.0, WIDTH / 2], (n, 3)))
        height = np.repeat(self._height(radius.max(axis=1), u[:, 8])[:, None], bodies, axis=1)
        scenes = Scenes(
            names=self.laws,
            laws=np.zeros((n, bodies), np.int64),
            times=np.broadcast_to(np.arange(self.frames) / self.fps, (n, self.frames)),
            parameters=parameters,
            origins=np.stack([across, 0 * across, height], axis=-1),
            axes=np.repeat(first.rotation.transpose(0, 1, 3, 2), bodies, axis=1),  # y downwards, as gravity points
            camera=camera,
            radii=np.zeros((n, self.rig.cameras, bodies, self.frames)),
            picture=self._paint(seed, index, bodies),
        )
        return replace(scenes, radii=camera.radii(radius, scenes.trajectories))

    @property
    def _seconds(self) -> float:
        return (self.frames - 1) / self.fps

    def _move(self, radius: Balls, speed: Balls, u: Float64[np.ndarray, "n 2"]) -> tuple[np.ndarray, Balls]:
        """Parameters of one ball, and where it starts: from the left border to the last place that keeps it in view."""
        last = np.maximum(WIDTH - radius - _IN_VIEW * self._seconds * speed, radius + _MARGIN)
        start = radius + (last - radius) * u[:, :1]
        if self.motion == "uniform":
            return speed[..., None], start
        return np.stack([speed, np.full_like(speed, _GRAVITY), np.zeros_like(speed)], axis=-1), start

    def _collide(self, radius: Balls, speed: Balls, u: Float64[np.ndarray, "n 2"]) -> tuple[np.ndarray, Balls]:
        """Parameters of two balls, and where they touch; a contact time of NaN where both cannot start in view.

        Elastic and central: v1' = ((m1 - m2) v1 + 2 m2 v2) / (m1 + m2), and so for the other; m is the area.
        """
        (left, right), mass = radius.T, radius**2
        v = speed * [1, -1]
        other, theirs = mass[:, ::-1], v[:, ::-1]
        after = ((mass - other) * v + 2 * other * theirs) / (mass + other)
        room = WIDTH - 2 * (left + right)
        first = _APART * self._seconds
        last = np.minimum(self._seconds - first, room / np.maximum(speed.sum(axis=1), 1e-9))
        contact = np.where(first <= last, first + (last - first) * u[:, 0], np.nan)
        start = left + (room - contact * speed.sum(axis=1)) * u[:, 1]
        touch = start + contact * speed[:, 0]
        parameters = np.stack([v, after, np.repeat(contact[:, None], 2, axis=1), 0 * v], axis=-1)
        return parameters, np.stack([touch, touch + left + right], axis=1)

    def _height(self, radius: Float64[np.ndarray, "n"], u: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n"]:
        """Of the balls above the lower border at the start, metres; a throw starts within a metre of the top."""
        top = WIDTH - _MARGIN - radius
        bottom = top - 1 if self.motion == "parabola" else radius + _MARGIN
        return bottom + (top - bottom) * u

    def _camera(self, n: int) -> Camera:
        """One that sees exactly the plane 0 <= x, z <= 10 m, at y = 0, where all balls are."""
        middle = np.broadcast_to([WIDTH / 2, 0.0, WIDTH / 2], (n, 1, 3))
        position = middle - [0.0, _DISTANCE, 0.0]
        return Camera(self.size, np.full((n, 1), self.size * _DISTANCE / WIDTH), look_at(position, middle), position)

    def _paint(self, seed: int, index: Int64[np.ndarray, "n"], bodies: int) -> Picture:
        picture = self.look.paint(seed, index, bodies, self.channels)
        if self.channels == 1 or not self.look.coloured:
            return picture
        return replace(picture, ink=np.broadcast_to(_BALLS[:bodies], picture.ink.shape))

    def _fits(self, scenes: Scenes) -> Bool[np.ndarray, "n"]:
        """Balls are whole in the first quarter of the clip; a contact time of NaN leaves no place to be whole at."""
        return np.asarray(scenes.whole[:, 0, :, : -(-self.frames // 4)].all(axis=(1, 2)))


def _drawn(beyond: Float64[np.ndarray, "n"], u: Balls, within: Intervals, without: Intervals) -> Balls:
    """Values uniform over one set of intervals, or over the other where `beyond` is in the upper half of [0, 1)."""
    return np.where(beyond[:, None] < 0.5, _uniform(u, within), _uniform(u, without or within))


def _uniform(u: Balls, intervals: Intervals) -> Balls:
    """Values uniform over intervals laid end to end."""
    low, high = np.array(intervals).T
    ends = np.cumsum(high - low)
    place = u * ends[-1]
    which = np.searchsorted(ends, place, side="right").clip(max=len(ends) - 1)
    return high[which] - (ends[which] - place)


def _check_intervals(field: str, intervals: Intervals, least: float, most: float) -> None:
    if not intervals and not field.endswith("_beyond"):
        raise UserError(f"world.{field} is empty; give at least one (low, high)")
    for low, high in intervals:
        if low > high:
            raise UserError(f"world.{field}={(low, high)} is reversed; give (low, high)")
        if not least <= low <= high <= most:
            raise UserError(f"world.{field}={(low, high)} is out of range; choose {least:g} to {most:g}")
