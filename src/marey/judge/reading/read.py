"""One clip, read: where the ball was, which law moved it, with which parameters and error bars, its equation, and 3D.

What cannot be seen is said, not filled in: see `Scale`.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Float64, Int64

from marey.core.errors import UserError
from marey.judge.law.fit import LEAST_MOTION, enough_found, moves
from marey.judge.law.fits import TURNING, Range
from marey.judge.law.frames import unit_powers
from marey.judge.reading import lift
from marey.judge.reading.equation import Equation, equation
from marey.judge.reading.fits import NONE, Fits, Motion
from marey.judge.reading.noise import Noise
from marey.judge.tracker import Tracks
from marey.world.camera import Camera
from marey.world.laws import BASE_LAWS, law_named, most_parameters

_CLEAR = 100.0  # times the noise: what moves by more does not rest
_FOCALS = (0.7, 1.0, 1.4, 2.0, 3.0)  # widths of the frame, where the camera is unknown


class Scale(StrEnum):
    """What lengths are given in."""

    METRES = "metres"
    BALL_RADII = "ball radii: one camera cannot tell a small near ball from a large far one"
    UNOBSERVABLE = "none: without a camera, depth and size cannot be told apart"


@dataclass(frozen=True)
class Reading:
    """What was read of n clips. Positions and lengths are in the world, metres, if the scale is METRES; in the first
    camera's coordinates and ball radii if it is BALL_RADII; NaN if it is UNOBSERVABLE. Times are in seconds.

    law: index into `names`, -1 when none of them fits, and then all that follows from a law is NaN. probability: of
    each law, if one of them holds. residual_px: rms distance between the track and each law's. motion: of the chosen
    law, with standard errors. `tracks` are as an ideal lens would have made them.
    """

    names: tuple[str, ...]
    scale: Scale
    tracks: Tracks
    times: Float64[np.ndarray, "n T"]
    law: Int64[np.ndarray, "n"]
    probability: Float64[np.ndarray, "n L"]
    residual_px: Float64[np.ndarray, "n L"]
    motion: Motion

    def __len__(self) -> int:
        return len(self.law)

    def law_name(self, i: int) -> str:
        """Name of a clip's law, or "none"."""
        return "none" if self.law[i] == NONE else self.names[self.law[i]]

    def equation(self, i: int) -> Equation:
        """The equation of a clip; a UserError for one that follows none of the laws, or whose scale is unobservable."""
        if self.law[i] == NONE:
            raise UserError(f"clip {i} follows none of {', '.join(self.names)}; describe_path gives a sum of terms")
        if self.scale == Scale.UNOBSERVABLE:
            raise UserError(f"clip {i} has no equation in space, for its camera is unknown; give the camera")
        name, length = self.names[self.law[i]], "m" if self.scale == Scale.METRES else "ball radii"
        own, count = self.motion, len(law_named(name).parameters)
        return equation(
            name, own.parameters[i, :count], own.sigma[i, :count], own.origins[i], own.axes[i], self.times[i], length
        )


def read(
    tracks: Tracks,
    times: Float64[np.ndarray, "n T"],
    size: int,
    camera: Camera | None,
    ball: Float64[np.ndarray, "n"] | None = None,
    noise: Noise | None = None,
    laws: tuple[str, ...] = BASE_LAWS,
    turning: Range = TURNING,
    views: Float64[np.ndarray, "n K T 2"] | None = None,
) -> Reading:
    """Read n clips of the same frames.

    times: of the frames, seconds, evenly spaced. size: of the frames, pixels. camera: None if it is unknown; of
    several, the first one's tracks are read, and `views` (all of their tracks) tell the scale. ball: the ball's radius,
    metres. noise: of the tracker; without it, errors come from the residuals, and a clip follows none of the laws when
    the best one leaves more than a sixty-fourth of the frame. laws: to choose from. turning: of circles and helices,
    degrees a frame.
    """
    n, interval = len(tracks), _interval(times)
    least = LEAST_MOTION * size if noise is None else min(LEAST_MOTION * size, _CLEAR * noise.position)
    usable = enough_found(tracks) & moves(tracks, least)
    if camera is None:
        return _read_blindly(tracks, times, size, usable, noise, laws, turning)
    if ball is None and views is not None:
        seen = lift.by_views(views, camera, noise.position if noise else 1.0)
        ball = lift.ball_radius(seen, tracks.radius, camera)
        noise = noise and replace(noise, scale=0.0)  # a disc that seems too large tells a ball that is too large
    if camera.distortion[:, 0].any():
        tracks = _without_lens(tracks, camera)
    fits = Fits.of(tracks, camera.focal[:, 0], size, noise, laws, turning)
    motion = fits.motion(fits.chosen(usable), np.ones(n) if ball is None else ball, interval)
    if ball is not None:
        motion = motion.in_world(camera)
    scale = Scale.BALL_RADII if ball is None else Scale.METRES
    return Reading(laws, scale, tracks, times, fits.chosen(usable), fits.probability(usable), fits.residual, motion)


def _interval(times: Float64[np.ndarray, "n T"]) -> Float64[np.ndarray, "n"]:
    """Seconds between two frames."""
    steps = np.diff(times, axis=1)
    if not np.allclose(steps, steps[:, :1], rtol=1e-6, atol=0):
        raise UserError("times: the frames are not evenly spaced; the law fit needs one interval per clip")
    return steps[:, 0]


def _without_lens(tracks: Tracks, camera: Camera) -> Tracks:
    """Where an ideal lens would show the ball."""
    plane = lift.first_camera(camera).rays(tracks.track[:, None])[:, 0, :, :2]
    return replace(tracks, track=plane * camera.focal[:, 0, None, None] + camera.size / 2)


def _read_blindly(
    tracks: Tracks,
    times: Float64[np.ndarray, "n T"],
    size: int,
    usable: Bool[np.ndarray, "n"],
    noise: Noise | None,
    laws: tuple[str, ...],
    turning: Range,
) -> Reading:
    """Without a camera: the law that fits best through any of some focal lengths; only rates in time are known."""
    n = len(tracks)
    tried = [
        Fits.of(tracks, np.full(n, width * size), size, noise, laws, turning, all_frames=True) for width in _FOCALS
    ]
    best = np.stack([fits.scores.min(axis=1) for fits in tried]).argmin(axis=0)
    law, probability, residual = np.full(n, NONE), np.zeros((n, len(laws))), np.full((n, len(laws)), np.nan)
    parameters, sigma = np.full((2, n, most_parameters(laws)), np.nan)
    freedom = np.full(n, np.nan)
    for k, fits in enumerate(tried):
        rows = best == k
        law[rows], residual[rows] = fits.chosen(usable)[rows], fits.residual[rows]
        probability[rows] = fits.probability(usable)[rows]
        motion = fits.motion(fits.chosen(usable), np.full(n, np.nan), _interval(times))
        parameters[rows], sigma[rows], freedom[rows] = motion.parameters[rows], motion.sigma[rows], motion.freedom[rows]
    for label, name in enumerate(laws):
        shapes = [i for i, parameter in enumerate(law_named(name).parameters) if unit_powers(parameter)[1] == 0]
        parameters[np.ix_(law == label, shapes)] = sigma[np.ix_(law == label, shapes)] = np.nan
    blank = Motion(parameters, sigma, freedom, np.nan * motion.origins, np.nan * motion.axes, motion.lift)
    return Reading(laws, Scale.UNOBSERVABLE, tracks, times, law, probability, residual, blank)
