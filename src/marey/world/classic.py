"""The world `classic`: the textbook laws under a fixed view, a black dot of constant size on white.

x = t; (cos t, sin t); (cos t, sin t, t); (t, t^2), with t over one turn and only the scale of each law drawn. Phase,
direction and view are the same in every clip, so trivial facts do give the class away: it is here for comparison.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int64

from marey.core.config import strict
from marey.core.errors import UserError
from marey.core.seeds import uniforms
from marey.world.camera import Camera, look_at
from marey.world.laws import BASE_LAWS
from marey.world.look import Look
from marey.world.redraw import laws_in_turn, redraw
from marey.world.rig import Rig
from marey.world.scenes import Accept, Scenes, check_clip

_POSITION = np.array([6.0, -10.0, 16.0])  # metres; far enough that every law at its largest scale is in view
_FOCAL = 1.7  # in widths of the frame


@strict
@dataclass(frozen=True)
class ClassicWorld:
    """Frames of `size` pixels, a dot of radius 5/64 of the width; a clip is one turn, at most 45 degrees a frame."""

    kind: Literal["classic"] = "classic"
    frames: int = 16
    size: int = 64
    channels: Literal[1, 3] = 1
    scale: tuple[float, float] = (0.7, 1.3)
    look: Look = Look(coloured=False)  # noqa: RUF009 (frozen)
    rig: Rig = Rig()  # noqa: RUF009 (frozen)

    def __post_init__(self) -> None:
        if not 0 < self.scale[0] <= self.scale[1]:
            raise UserError(f"world.scale={self.scale} is reversed or not above 0; give (low, high)")
        check_clip(self.frames, self.size)
        self.rig.check(_FOCAL)

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

        The laws (by default all four) take turns by index. Scenes that leave the frame or are not accepted are drawn
        again, from the next stream of random numbers; see `redraw` for its errors.
        """

        def propose(draw: int, some: Int64[np.ndarray, "n"]) -> Scenes:
            return self._propose(seed, draw, some, laws_in_turn(BASE_LAWS, some, laws))

        return redraw(propose, index, _fits, accept, "reduce world.scale")

    def _propose(self, seed: int, draw: int, index: Int64[np.ndarray, "n"], law: Int64[np.ndarray, "n"]) -> Scenes:
        n = len(index)
        scale = self.scale[0] + (self.scale[1] - self.scale[0]) * uniforms(seed, draw, index, 1)[:, 0]
        t = (np.arange(self.frames) - (self.frames - 1) / 2) * 2 * np.pi / max(self.frames, 8)
        one, zero, none = np.ones(n), np.zeros(n), np.full(n, np.nan)
        rows = {
            "linear": [scale, none, none, none],
            "circular": [scale, one, zero, none],
            "helical": [scale, one, zero, one],
            "parabolic": [one, 0.5 * scale, zero, none],
        }
        position = np.broadcast_to(_POSITION, (n, 1, 3))
        camera = Camera(self.size, np.full((n, 1), _FOCAL * self.size), look_at(position, 0 * position), position)
        return Scenes(
            names=self.laws,
            laws=law[:, None],
            times=np.broadcast_to(t, (n, self.frames)),
            parameters=np.array([rows[name] for name in BASE_LAWS])[law, :, np.arange(n)][:, None],
            origins=np.zeros((n, 1, 3)),
            axes=np.broadcast_to(np.eye(3), (n, 1, 3, 3)),
            camera=self.rig.place(seed, index, camera, np.zeros((n, 3))),
            radii=np.full((n, self.rig.cameras, 1, self.frames), 5 / 64 * self.size),
            picture=self.look.paint(seed, index, 1, self.channels),
        )


def _fits(scenes: Scenes) -> Bool[np.ndarray, "n"]:
    return np.asarray(scenes.whole[:, 0, 0].all(axis=1))
