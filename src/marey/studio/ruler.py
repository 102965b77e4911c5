"""What the ruler says of a clip, without any model: its law, and how a law fitted to the shown frames goes on."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64

from marey.core.errors import UserError
from marey.judge.law.fit import LEAST_MOTION, enough_found, moves
from marey.judge.reading.fits import NONE, Fits
from marey.judge.reading.noise import Noise
from marey.judge.reading.read import read
from marey.judge.tracker import Tracks
from marey.report.plates import chronophotograph
from marey.studio.drawing import dots
from marey.studio.film import Clip, Film, Places, places
from marey.studio.stage import Stage
from marey.world.camera import Camera
from marey.world.laws import BASE_LAWS

Track = Float64[np.ndarray, "T 2"]


@dataclass(frozen=True)
class Continuation:
    """A law fitted to the shown frames of a clip, and where it says the dot is in all of them.

    law: the best of the four; fits: whether it does, to the ruler's own error. off: rms distance to the shown places,
    pixels. film: the clip as it would be. error: mean distance to the true places in the hidden frames, pixels; None
    where the dot was not found.
    """

    law: str
    fits: bool
    off: float
    film: Film
    track: Places
    error: float | None


@dataclass(frozen=True)
class Reading:
    """The law of a whole clip, as the ruler reads it. law: None where none fits, and then `why` says so.

    residual: rms distance between the track and the law's, pixels. quantities: its parameters with standard errors.
    snapped: the clip as that law makes it. track, found: where the dot is, and in how many frames. plate: all frames
    laid over one another.
    """

    law: str | None
    why: str
    residual: float | None
    quantities: tuple[str, ...]
    equation: tuple[str, ...]
    snapped: Film | None
    track: Places
    found: int
    plate: str


def read_clip(stage: Stage, clip: Clip) -> Reading:
    """Track the dot and read its law; lengths in ball radii, as one camera cannot tell a small near ball from a large
    far one. A law fits within a sixty-fourth of the frame, as for the judge: hands and models are less exact than the
    ruler, whose noise is therefore not asked.
    """
    tracks, (frames, size) = stage.track(stage.checked(clip)), clip.shape[:2]
    seen, count, plate = places(tracks.track[0]), int(tracks.found.sum()), chronophotograph(clip)
    if not enough_found(tracks)[0]:
        why = f"the dot was found in {count} of {frames} frames: too few to read a law"
        return Reading(None, why, None, (), (), None, seen, count, plate)
    if not moves(tracks, LEAST_MOTION * size)[0]:
        return Reading(None, "the dot rests, which each of the laws can do", None, (), (), None, seen, count, plate)
    camera = _camera(stage, size)
    result = read(tracks, stage.times(frames)[None], size, camera, None, None, BASE_LAWS, stage.turning)
    best = int(np.nanargmin(result.residual_px[0]))
    if result.law[0] == NONE:
        off = float(result.residual_px[0, best])
        why = f"none of the four laws fits; the nearest is {BASE_LAWS[best]}, {off:.2g} px away"
        return Reading(None, why, off, (), (), _snapped(stage, tracks), seen, count, plate)
    equation, off = result.equation(0), float(result.residual_px[0, result.law[0]])
    quantities = tuple(str(each) for each in equation.free)
    snapped = _snapped(stage, tracks)
    return Reading(equation.law, "", off, quantities, equation.sides, snapped, seen, count, plate)


def continued(stage: Stage, tracks: Tracks, given: Bool[np.ndarray, "T"]) -> Continuation | None:
    """The best law of the shown frames alone; None where the dot is lost in too many of them.

    So few frames tell the laws apart only for a ruler that knows its own error: the stage's noise.
    """
    shown = replace(tracks, found=tracks.found & given)
    if shown.found.sum() < 3:
        return None
    fits = _fits(stage, shown, stage.noise)
    best = _best(fits)
    path = _path(stage, fits, best)
    track = path[:, :2]
    return Continuation(
        law=BASE_LAWS[best],
        fits=bool(fits.chosen(np.ones(1, bool))[0] != NONE),
        off=round(float(fits.residual[0, best]), 4),
        film=Film.of(dots(stage, track, path[:, 2])),
        track=places(track),
        error=miss(track, tracks, given),
    )


def straight_on(tracks: Tracks, given: Bool[np.ndarray, "T"]) -> Track:
    """The trivial rule: straight and evenly from each given frame to the next, and on beyond the first and the last."""
    at, frames, out = np.flatnonzero(given), np.arange(len(given)), np.full((len(given), 2), np.nan)
    if len(at) < 2:
        return out
    shown = tracks.track[0, at]
    for axis in range(2):
        out[:, axis] = np.interp(frames, at, shown[:, axis])
    for end, nearest, next_one in ((frames < at[0], 0, 1), (frames > at[-1], -1, -2)):
        velocity = (shown[nearest] - shown[next_one]) / (at[nearest] - at[next_one])
        out[end] = shown[nearest] + (frames[end] - at[nearest])[:, None] * velocity
    return out


def miss(track: Track, tracks: Tracks, given: Bool[np.ndarray, "T"]) -> float | None:
    """Mean distance to the true places over the hidden frames, pixels; None where either is not known."""
    error = np.linalg.norm(track - tracks.track[0], axis=-1)[~given]
    return round(float(error.mean()), 4) if np.isfinite(error).all() else None


def _fits(stage: Stage, tracks: Tracks, noise: Noise | None) -> Fits:
    size = stage.shape.size
    return Fits.of(tracks, np.full(1, stage.focal * size), size, noise, BASE_LAWS, stage.turning, all_frames=True)


def _path(stage: Stage, fits: Fits, law: int) -> Float64[np.ndarray, "T 3"]:
    """Place and radius of the disc in all frames, pixels, as a fitted law has them."""
    points = fits.each[law].points(fits.frames)[0]  # ball radii, in the camera's coordinates
    if not (points[:, 2] > 0).all():
        raise UserError("the fitted law leads behind the camera; draw a smaller path")
    focal, size = stage.focal * stage.shape.size, stage.shape.size
    return np.column_stack([focal * points[:, :2] / points[:, 2:] + size / 2, focal / points[:, 2]])


def _best(fits: Fits) -> int:
    """The law that the criterion prefers; where it can take none, the one that is nearest."""
    return int((fits.scores if np.isfinite(fits.scores).any() else fits.cost)[0].argmin())


def _snapped(stage: Stage, tracks: Tracks) -> Film:
    """The clip as the best law makes it."""
    fits = _fits(stage, tracks, None)
    path = _path(stage, fits, _best(fits))
    return Film.of(dots(stage, path[:, :2], path[:, 2]))


def _camera(stage: Stage, size: int) -> Camera:
    """The stage's lens, at the origin of its own coordinates."""
    return Camera(size, np.array([[stage.focal * size]]), np.eye(3)[None, None], np.zeros((1, 1, 3)))
