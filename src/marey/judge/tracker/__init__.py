"""Where the bodies are: the inverse of the renderer, to about a hundredth of a pixel, on whatever paper it draws.

No training and no knowledge of the truth: it reads pixels only, so that it treats rendered, decoded and generated clips
alike. What does not change is taken for the paper (`paper`), what stands out from it is found (`blobs`)
and followed (`links`), and discs are laid over it by least squares (`fit`). Where that cannot be done
it says so (`Sight`) instead of guessing.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int8, UInt8

from marey.judge.tracker.sights import Sight
from marey.judge.tracker.steps import read_clip

__all__ = ["CONTRAST", "BodyTracks", "Sight", "Tracks", "track_bodies", "track_clips"]

CONTRAST = 200.0  # grey levels, in the strongest channel: the least that the worlds' inks have against their paper


@dataclass(frozen=True)
class Tracks:
    """track, radius: pixels, NaN where no dot was found; x right, y down, pixel [i, j] centred on (j + .5, i + .5)."""

    track: Float64[np.ndarray, "N T 2"]
    radius: Float64[np.ndarray, "N T"]
    found: Bool[np.ndarray, "N T"]

    def __len__(self) -> int:
        return len(self.track)

    def take(self, rows: np.ndarray) -> "Tracks":
        """The tracks at the given rows (indices or a mask)."""
        return Tracks(self.track[rows], self.radius[rows], self.found[rows])


@dataclass(frozen=True)
class BodyTracks:
    """Up to M bodies in each clip, from the largest to the smallest.

    tracks, radii: pixels, as in `Tracks`; NaN where there is no place to tell. sights: a `Sight` for each body and
    frame, which says why. noise: standard deviation of the pixels' noise as the clip shows it, grey levels.
    """

    tracks: Float64[np.ndarray, "N M T 2"]
    radii: Float64[np.ndarray, "N M T"]
    sights: Int8[np.ndarray, "N M T"]
    noise: Float64[np.ndarray, "N"]

    def __len__(self) -> int:
        return len(self.tracks)

    @property
    def found(self) -> Bool[np.ndarray, "N M T"]:
        """Whether there is a place."""
        return np.isfinite(self.radii)

    def body(self, number: int) -> Tracks:
        """One body of every clip; the first is the largest."""
        return Tracks(self.tracks[:, number], self.radii[:, number], self.found[:, number])


def track_bodies(
    clips: UInt8[np.ndarray, "N T H W C"],
    bodies: int = 1,
    contrast: float | Float64[np.ndarray, "N"] | None = None,
    flat: bool = False,
) -> BodyTracks:
    """Position, apparent radius and state of up to `bodies` bodies in every frame.

    contrast: grey levels between body and paper that are expected; what does not have half of it in three pixels is not
    found. None: whatever stands out from the noise. Bodies should have a radius of 1.2 px or more. Of one body, the
    largest blob of each frame is it, wherever it is; several are told apart by where they go, colour and size.
    flat: the bodies are known to be discs of one colour with sharp rims, so that no light and no slow shutter is tried
    on what a model has drawn badly; that takes most of the time.
    """
    n, frames, _, _, _ = clips.shape
    out = BodyTracks(
        np.full((n, bodies, frames, 2), np.nan),
        np.full((n, bodies, frames), np.nan),
        np.zeros((n, bodies, frames), np.int8),
        np.zeros(n),
    )
    expected = np.broadcast_to(np.asarray(np.nan if contrast is None else contrast, np.float64), (n,))
    for i, clip in enumerate(clips):
        known = None if np.isnan(expected[i]) else float(expected[i])
        read = read_clip(np.ascontiguousarray(clip), bodies, known, flat)
        out.tracks[i], out.radii[i] = read.discs[..., :2], read.discs[..., 2]
        out.sights[i], out.noise[i] = read.sights, read.noise
    return out


def track_clips(
    clips: UInt8[np.ndarray, "N T H W C"],
    contrast: float | Float64[np.ndarray, "N"] = CONTRAST,
    flat: bool = False,
) -> Tracks:
    """Position and apparent radius of the one dot in every frame; see `track_bodies`."""
    return track_bodies(clips, 1, contrast, flat).body(0)
