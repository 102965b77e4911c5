"""A path drawn by hand becomes a clip: the world's own dot, where the hand was."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64

from marey.core.config import strict
from marey.core.errors import UserError
from marey.studio.film import Clip, Film, Places, places
from marey.studio.stage import Stage
from marey.world.kernels import GRID
from marey.world.render import draw

_MOST = 4000  # points of a stroke
_STILL = 1e-9


@strict
@dataclass(frozen=True)
class Stroke:
    """A path. points: (x, y, time): places in widths of the frame, times in any unit, none before the last.

    pace: whether the dot goes as the hand did, or always as fast.
    """

    points: tuple[tuple[float, float, float], ...]
    pace: Literal["even", "by hand"] = "even"

    def __post_init__(self) -> None:
        if not 2 <= len(self.points) <= _MOST:
            raise UserError(f"points: a path has 2 to {_MOST} of them, this one {len(self.points)}; draw it again")
        values = np.array(self.points)
        if not np.isfinite(values[-1, 2] - values[0, 2]):
            raise UserError("points: the times span more than a number can; give them in any sensible unit")
        if not np.isfinite(values).all() or np.abs(values[:, :2] - 0.5).max() > 0.5:
            raise UserError("points: the path leaves the frame; keep x and y between 0 and 1")
        if (np.diff(values[:, 2]) < 0).any():
            raise UserError("points: time runs backwards; give the points in the order they were drawn")


@dataclass(frozen=True)
class Drawn:
    """The clip of a path. step: the longest way between two frames, widths of the frame."""

    film: Film
    track: Places
    step: float


def drawn(stage: Stage, stroke: Stroke) -> Drawn:
    """The path in as many frames as the stage's clips have, with its usual dot."""
    track = _even(np.array(stroke.points), stroke.pace, stage.shape.frames) * stage.shape.size
    radius = np.full(len(track), stage.radius * stage.shape.size)
    step = np.linalg.norm(np.diff(track, axis=0), axis=1).max() / stage.shape.size
    return Drawn(Film.of(dots(stage, track, radius)), places(track), round(float(step), 4))


def dots(stage: Stage, track: Float64[np.ndarray, "T 2"], radius: Float64[np.ndarray, "T"]) -> Clip:
    """A disc with the given places and radii, pixels, in the colours of the stage's first clip."""
    discs = np.column_stack([track, radius, np.zeros(len(track))]) * GRID
    picture = stage.scenes.take(np.arange(1)).picture
    size = stage.shape.size
    return draw(np.rint(discs).astype(np.int32)[None, None, None], picture, size, size)[0]


def _even(points: Float64[np.ndarray, "n 3"], pace: str, frames: int) -> Float64[np.ndarray, "frames 2"]:
    """Places on the path at equal parts of its length, or of its time."""
    steps = np.linalg.norm(np.diff(points[:, :2], axis=0), axis=1)
    along = np.concatenate([[0.0], steps.cumsum()]) if pace == "even" else points[:, 2] - points[0, 2]
    if along[-1] <= _STILL:
        raise UserError("points: the path goes nowhere; draw a longer one")
    at = np.linspace(0, along[-1], frames)
    return np.column_stack([np.interp(at, along, points[:, axis]) for axis in range(2)])
