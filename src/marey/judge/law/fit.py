"""Which law moved the dot: all four base laws are fitted to its track and apparent radius through the known camera.

The camera's focal length and frame size are known; where it stands is irrelevant to the law. Lengths are in ball radii
and times in frames, because one camera cannot see absolute size. The law is chosen by Akaike's criterion with the
correction for small samples (Hurvich & Tsai, 1989): a clip of 8 frames is 24 numbers, and the Bayesian criterion calls
one noisy circle in six a helix. Lines and circles are special parabolas and helices, so three priors say where
the difference begins, and there are no others: circles and helices turn by 20 to 55 degrees a frame, unless told
otherwise; a helix climbs, over the clip, by 1.4 to 12 of its radii; the velocity of a parabola changes, over the
clip, by at least twice its least.

`marey.judge.reading.read` says more about each clip, of more laws, in metres.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from marey.judge.law.choice import criterion, named_rightly
from marey.judge.law.fits import TURNING, Fitted, Range, fit_each
from marey.judge.law.least_squares import Sightings
from marey.judge.tracker import Tracks
from marey.world.laws import BASE_LAWS

_TURNED = (26.0, 36.0)  # by what the usual prior of turns was made for: its margin
_FLOOR = 0.04  # pixels: differences below this say nothing, however well a law fits
_SHARE_FOUND = 5 / 8
LEAST_MOTION = 0.05  # of the frame; a dot at rest follows none of the laws
_NONE = -1

PARAMETERS = (  # ball radii, frames, degrees
    ("speed",),
    ("radius", "turning"),
    ("radius", "turning", "climb"),
    ("speed", "acceleration"),
)


@dataclass(frozen=True)
class LawFit:
    """law: index of the chosen law, -1 when none of them fits.

    residual_px: rms distance between seen and fitted positions. score: the criterion, the lower the better (infinite
    for clips with too few found frames and for laws outside their prior). parameters: [clip, law, parameter] as named
    in PARAMETERS, padded with NaN; speeds, climb and acceleration are per frame, turning is in degrees per frame, and
    the speed of a parabola is its least, at the vertex.
    """

    law: Int64[np.ndarray, "N"]
    residual_px: Float64[np.ndarray, "N 4"]
    score: Float64[np.ndarray, "N 4"]
    parameters: Float64[np.ndarray, "N 4 3"]


def turning_prior(turned: Float64[np.ndarray, "n"]) -> Range:
    """The prior for clips that truly turn by `turned` degrees a frame: `TURNING` where it holds them all, else their
    range with the same margin, in proportion.
    """
    if not len(turned) or (TURNING[0] <= turned.min() and turned.max() <= TURNING[1]):
        return TURNING
    return float(turned.min() * TURNING[0] / _TURNED[0]), float(turned.max() * TURNING[1] / _TURNED[1])


def fit_laws(tracks: Tracks, focal: float, size: int, bound: float | None = None, turning: Range = TURNING) -> LawFit:
    """Fit every base law to every clip.

    focal, size: of the camera, pixels. bound: rms residual in pixels above which a clip follows none of the laws
    (default: a sixty-fourth of the frame). turning: by how much circles and helices turn, degrees a frame; see
    `turning_prior`. Clips with fewer than five eighths of their frames found, or whose dot stays within a twentieth of
    the frame, follow none either.
    """
    n, frames = tracks.found.shape
    residual, score = np.full((n, 4), np.nan), np.full((n, 4), np.inf)
    parameters = np.full((n, 4, 3), np.nan)
    usable = np.flatnonzero(enough_found(tracks))
    if len(usable):
        t = np.arange(frames) - (frames - 1) / 2
        seen = sightings(tracks.take(usable), np.full(len(usable), focal), size)
        fits = fit_each(BASE_LAWS, t, seen, turning)
        for law, fitted in enumerate(fits):
            residual[usable, law] = fitted.residual_px(t, seen)
            parameters[usable, law] = _parameters(fitted)
        free = np.array([fitted.motion.free for fitted in fits])
        cost = np.stack([fitted.cost for fitted in fits], axis=1)
        chosen = criterion(cost, free, 3 * tracks.found[usable].sum(axis=1), _FLOOR)
        score[usable] = named_rightly(chosen, fits, frames - 1)
    best = score.argmin(axis=1)
    fits_well = residual[np.arange(n), best] <= (size / 64 if bound is None else bound)
    return LawFit(np.where(fits_well & moves(tracks, LEAST_MOTION * size), best, _NONE), residual, score, parameters)


def sightings(
    tracks: Tracks, focal: Float64[np.ndarray, "N"], size: int, noise: tuple[float, float] = (1.0, 1.0)
) -> Sightings:
    """What the fits see. noise: of a coordinate and of the radius, pixels; equal where nothing is known, because
    independent noise in the pixels disturbs both by the same amount.
    """
    seen = np.concatenate([tracks.track - size / 2, tracks.radius[..., None]], axis=-1)
    sigma = np.array([noise[0], noise[0], noise[1]])
    weight = tracks.found[..., None] / sigma
    return Sightings(np.where(weight > 0, seen, 1.0), weight, np.ascontiguousarray(focal))


def enough_found(tracks: Tracks) -> np.ndarray:
    """Whether five eighths of a clip's frames, at least, show the dot."""
    return tracks.found.mean(axis=1) >= _SHARE_FOUND


def moves(tracks: Tracks, least: float) -> np.ndarray:
    """Whether the dot is ever so many pixels from its mean place."""
    count = tracks.found.sum(axis=1).clip(1)[:, None]
    middle = np.where(tracks.found[..., None], tracks.track, 0).sum(axis=1) / count
    away = np.where(tracks.found, np.linalg.norm(tracks.track - middle[:, None], axis=-1), 0).max(axis=1)
    return np.asarray(away >= least)


def _parameters(fitted: Fitted) -> Float64[np.ndarray, "n 3"]:
    """Those that do not depend on where the camera stands, as named in PARAMETERS."""
    own, out = fitted.frame.parameters, np.full((len(fitted.state), 3), np.nan)
    if fitted.name == "linear":
        out[:, 0] = own[:, 0]
    elif fitted.name == "parabolic":
        out[:, :2] = own[:, :2]
    else:
        out[:, 0], out[:, 1] = own[:, 0], np.degrees(own[:, 1])
        if fitted.name == "helical":
            out[:, 2] = np.abs(own[:, 3])
    return out
