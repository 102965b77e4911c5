"""What the studio knows of the world its clips are of: shapes, the lens, and how exactly its dots can be measured."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from marey.core.errors import UserError
from marey.data.spec import DatasetSpec
from marey.judge.exam import contrasts
from marey.judge.law.fit import turning_prior
from marey.judge.law.fits import Range
from marey.judge.reading.noise import Noise
from marey.judge.tracker import Tracks, track_clips
from marey.recipes.model import Shape
from marey.studio.film import Clip
from marey.world.laws import BASE_LAWS
from marey.world.matched import MatchedWorld
from marey.world.render import render
from marey.world.scenes import Scenes

_KNOWN = 100  # clips of the validation split on which the tracker's noise is measured

DEFAULT = DatasetSpec(MatchedWorld(frames=16, size=64, channels=3), train=1, validation=40, test=0)  # without a run


@dataclass(frozen=True)
class Stage:
    """The clips of one world. spec: of its data sets. scenes: some of them, which the studio measures its ruler on.

    noise: the tracker's, on those; None where it cannot be measured. turning: of their circles and helices, degrees a
    frame: the law fit's prior.
    """

    spec: DatasetSpec
    scenes: Scenes
    noise: Noise | None
    turning: Range

    @classmethod
    def of(cls, spec: DatasetSpec) -> "Stage":
        """Draw and track some validation clips. A world that the law fit does not know is a UserError."""
        scenes = spec.scenes("validation", 0, min(_KNOWN, spec.validation))
        if scenes.names != BASE_LAWS or scenes.laws.shape[1] > 1 or scenes.camera.distortion.any():
            raise UserError("studio: it reads clips of one body under the four base laws, through an ideal lens")
        tracks = track_clips(render(scenes), contrasts(scenes))
        truth = Tracks(scenes.track, scenes.apparent_radius, np.ones(scenes.track.shape[:2], bool))
        turns = np.isin(scenes.law, [BASE_LAWS.index("circular"), BASE_LAWS.index("helical")])
        interval = scenes.times[turns, 1] - scenes.times[turns, 0]
        turned = np.degrees(np.abs(scenes.parameters[turns, 0, 1]) * interval)
        return cls(spec, scenes, Noise.measured(tracks, truth), turning_prior(turned))

    @property
    def shape(self) -> Shape:
        """Of the world's clips."""
        world = self.spec.world
        return Shape(world.channels, world.frames, world.size)

    @property
    def seconds(self) -> float:
        """From the first frame of a clip to the last."""
        return float(np.ptp(self.scenes.times[0]))

    @property
    def focal(self) -> float:
        """In widths of the frame."""
        return float(self.scenes.camera.focal[0, 0]) / self.shape.size

    @property
    def radius(self) -> float:
        """Of a usual dot, in widths of the frame."""
        return float(np.median(self.scenes.apparent_radius)) / self.shape.size

    @property
    def contrast(self) -> float:
        """Of a usual dot, grey levels."""
        return float(np.median(contrasts(self.scenes)))

    def checked(self, clip: Clip) -> Clip:
        """The clip, if it is of this world's shape; else a UserError says what that is."""
        shape, have = self.shape, clip.shape
        if have != (shape.frames, shape.size, shape.size, shape.channels):
            raise UserError(
                f"this clip is {have[0]} frames of {have[1]}x{have[2]} pixels in {_colours(have[3])}; what is asked "
                f"takes {shape.frames} frames of {shape.size}x{shape.size} in {_colours(shape.channels)}"
            )
        return clip

    def track(self, clip: Clip) -> Tracks:
        """Where the dot of a clip is."""
        return track_clips(clip[None], self.contrast)

    def times(self, frames: int) -> Float64[np.ndarray, "T"]:
        """Of the frames of a clip, seconds from its middle; a clip of any number of frames is as long."""
        return (np.arange(frames) / (frames - 1) - 0.5) * self.seconds


def _colours(channels: int) -> str:
    return "grey" if channels == 1 else "colour"
