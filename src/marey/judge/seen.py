"""What is seen in clips that should be the true ones: where the dot is, how large, its colour, whether it lives."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from marey.judge.tracker import Tracks
from marey.metrics.pixels import colour_near, plausible_size, survives
from marey.world.scenes import Scenes


@dataclass(frozen=True)
class Seen:
    """tracks: of the tracker. colour: of the pixels near the tracked place, NaN where the dot was lost. alive: whether
    there is contrast, and a likely area, where the tracker found the dot; the truth's place is not asked for.
    """

    clips: UInt8[np.ndarray, "N T H W C"]
    tracks: Tracks
    colour: Float64[np.ndarray, "N T C"]
    alive: Bool[np.ndarray, "N T"]

    @classmethod
    def of(
        cls,
        clips: UInt8[np.ndarray, "N T H W C"],
        tracks: Tracks,
        scenes: Scenes,
        contrast: Float64[np.ndarray, "N"],
    ) -> "Seen":
        """tracks: of the clips. scenes: the true ones. contrast: of their dots, grey levels."""
        size = plausible_size(tracks.radius, scenes.apparent_radius)
        alive = survives(clips, tracks.track, contrast) & size
        return cls(clips, tracks, colour_near(clips, tracks.track), alive)
