"""All laws fitted to a batch of clips, the choice among them, and the motion that was chosen."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.stats import t as t_distribution

from marey.judge.law.choice import criterion, known_criterion, named_rightly, probabilities
from marey.judge.law.fit import sightings
from marey.judge.law.fits import Fitted, Range, fit_each
from marey.judge.law.frames import unit_powers
from marey.judge.law.least_squares import Sightings
from marey.judge.reading.lift import Lift, in_world
from marey.judge.reading.noise import Noise
from marey.judge.reading.strays import fit_without_strays
from marey.judge.tracker import Tracks
from marey.world.camera import Camera
from marey.world.laws import law_named, most_parameters

NONE = -1
_FLOOR = 0.04  # pixels, where the noise is not known: smaller differences say nothing, however well a law fits


@dataclass(frozen=True)
class Motion:
    """The chosen law's motion of n clips, NaN where there is none.

    sigma: standard errors of the parameters. freedom: degrees of freedom of what these were estimated from, infinite
    where the noise was known.
    """

    parameters: Float64[np.ndarray, "n P"]
    sigma: Float64[np.ndarray, "n P"]
    freedom: Float64[np.ndarray, "n"]
    origins: Float64[np.ndarray, "n 3"]
    axes: Float64[np.ndarray, "n 3 3"]
    lift: Lift

    @property
    def half_width(self) -> Float64[np.ndarray, "n P"]:
        """Of 95 % intervals around the parameters (Student's t)."""
        return self.sigma * t_distribution.ppf(0.975, self.freedom)[:, None]

    def in_world(self, camera: Camera) -> "Motion":
        """From the coordinates of the first camera, in metres, to those of the world."""
        turn, place = camera.rotation[:, 0], camera.position[:, 0]
        origins = np.einsum("nki,nk->ni", turn, self.origins) + place
        axes = np.einsum("nki,nkj->nij", turn, self.axes)
        lifted = in_world(self.lift.points, self.lift.spread, camera)
        return replace(self, origins=origins, axes=axes, lift=lifted)


@dataclass(frozen=True)
class Fits:
    """Every law fitted to n clips. each: one for each law. noise: of the tracker, None where it is not known."""

    names: tuple[str, ...]
    each: tuple[Fitted, ...]
    seen: Sightings
    size: int
    noise: Noise | None

    @classmethod
    def of(
        cls,
        tracks: Tracks,
        focal: Float64[np.ndarray, "n"],
        size: int,
        noise: Noise | None,
        laws: tuple[str, ...],
        turning: Range,
        all_frames: bool = False,
    ) -> "Fits":
        """Fit all laws to tracks that an ideal lens of that focal length, pixels, has made.

        Where the noise is known, the frames that stray are left out, see `strays`; not with `all_frames`, for where the
        focal length is only tried, every frame may seem to.
        """
        if noise is not None:
            tracks = replace(tracks, radius=tracks.radius - noise.bias)
        seen = sightings(tracks, focal, size, (1.0, 1.0) if noise is None else (noise.position, noise.radius))
        if noise is None or all_frames:
            return cls(laws, fit_each(laws, times_of(seen), seen, turning), seen, size, noise)
        each, kept = fit_without_strays(laws, times_of(seen), seen, turning, noise.freedom)
        return cls(laws, each, kept, size, noise)

    @property
    def frames(self) -> Float64[np.ndarray, "T"]:
        """Times in frames from the middle of the clip."""
        return times_of(self.seen)

    @property
    def count(self) -> Int64[np.ndarray, "n"]:
        """How many numbers were seen of each clip."""
        return (self.seen.weight > 0).sum(axis=(1, 2))

    @cached_property
    def cost(self) -> Float64[np.ndarray, "n L"]:
        """Sums of squared residuals over their standard errors (pixels, where the noise is not known)."""
        return np.stack([fitted.cost for fitted in self.each], axis=1)

    @cached_property
    def residual(self) -> Float64[np.ndarray, "n L"]:
        """Root mean square distance between seen and fitted positions, pixels."""
        return np.stack([fitted.residual_px(self.frames, self.seen) for fitted in self.each], axis=1)

    @cached_property
    def scores(self) -> Float64[np.ndarray, "n L"]:
        """The criterion of each law, infinite where its fit is not what its name says."""
        free = np.array([fitted.motion.free for fitted in self.each])
        if self.noise is None:
            found = criterion(self.cost, free, self.count, _FLOOR)
        else:
            found = known_criterion(self.cost, free, self.count, self.noise.freedom)
        return named_rightly(found, self.each, len(self.frames) - 1)

    def chosen(self, usable: Bool[np.ndarray, "n"]) -> Int64[np.ndarray, "n"]:
        """The law of each clip; -1 for clips that are not usable, and where the best law does not fit."""
        best = self.scores.argmin(axis=1)
        rows = np.arange(len(best))
        if self.noise is None:
            fits = self.residual[rows, best] <= self.size / 64
        else:
            fits = self.cost[rows, best] <= self.noise.worst * self.count
        return np.where(fits & usable & np.isfinite(self.scores[rows, best]), best, NONE)

    def probability(self, usable: Bool[np.ndarray, "n"]) -> Float64[np.ndarray, "n L"]:
        """Of each law, if one of them holds; zeros where a clip is not usable."""
        return probabilities(np.where(usable[:, None], self.scores, np.inf))

    def motion(
        self, law: Int64[np.ndarray, "n"], ball: Float64[np.ndarray, "n"], interval: Float64[np.ndarray, "n"]
    ) -> Motion:
        """The motion under each clip's law, in the first camera's coordinates. ball: radius, in the unit that is asked
        for. interval: seconds between two frames.
        """
        n, most, frames = len(law), most_parameters(self.names), len(self.frames)
        parameters, sigma = np.full((n, most), np.nan), np.full((n, most), np.nan)
        origins, axes = np.full((n, 3), np.nan), np.full((n, 3, 3), np.nan)
        points, spread, freedom = (
            np.full((n, frames, 3), np.nan),
            np.full((n, frames, 3, 3), np.nan),
            np.full(n, np.nan),
        )
        for label, fitted in enumerate(self.each):
            rows = law == label
            own, units = fitted.take(rows), _units(fitted.name, ball[rows], interval[rows])
            freedom[rows] = self._freedom(own, rows)
            noise, count = self._variance(own, freedom[rows]), units.shape[1]
            parameters[rows, :count] = own.frame.parameters * units
            sigma[rows, :count] = own.sigma * units * np.sqrt(noise)[:, None]
            of_length = np.array([unit_powers(parameter)[0] for parameter in law_named(fitted.name).parameters])
            sigma[rows, :count] = np.hypot(sigma[rows, :count], self._scale * of_length * parameters[rows, :count])
            origins[rows], axes[rows] = own.frame.origins * ball[rows, None], own.frame.axes
            points[rows] = own.points(self.frames) * ball[rows, None, None]
            spread[rows] = own.spread(self.frames) * (noise * ball[rows] ** 2)[:, None, None, None]
            spread[rows] += self._common(points[rows], self.seen.focal[rows])
        return Motion(parameters, sigma, freedom, origins, axes, Lift(points, spread))

    @property
    def _scale(self) -> float:
        """Relative standard error of every length: a ball that seems too large in a whole clip seems too near."""
        return 0.0 if self.noise is None else self.noise.scale

    def _common(self, points: Float64[np.ndarray, "k T 3"], focal: Float64[np.ndarray, "k"]) -> np.ndarray:
        """Covariance of a clip's positions by what its frames have in common."""
        shift = 0.0 if self.noise is None else self.noise.shift
        across = (shift * points[..., 2] / focal[:, None])[..., None, None] ** 2 * np.diag([1.0, 1.0, 0.0])
        return np.asarray(across + self._scale**2 * points[..., :, None] * points[..., None, :])

    def _freedom(self, own: Fitted, rows: Bool[np.ndarray, "n"]) -> Float64[np.ndarray, "k"]:
        spare = (self.count[rows] - own.motion.free).clip(1).astype(np.float64)
        return spare + (0.0 if self.noise is None else self.noise.freedom)

    def _variance(self, own: Fitted, freedom: Float64[np.ndarray, "k"]) -> Float64[np.ndarray, "k"]:
        """Of a clip's residuals: what its own fit leaves, drawn towards what is known of the tracker (Smyth, 2004)."""
        known = 0.0 if self.noise is None else self.noise.freedom
        return np.asarray(np.where(np.isinf(freedom), 1.0, (own.cost + (0.0 if np.isinf(known) else known)) / freedom))


def times_of(seen: Sightings) -> Float64[np.ndarray, "T"]:
    """Times in frames from the middle of the clip."""
    count = seen.seen.shape[1]
    return np.arange(count) - (count - 1) / 2


def _units(name: str, ball: Float64[np.ndarray, "n"], interval: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n P"]:
    """What a law's parameters in ball radii and frames are worth."""
    powers = [unit_powers(parameter) for parameter in law_named(name).parameters]
    return np.stack([ball**length * interval**time for length, time in powers], axis=1)
