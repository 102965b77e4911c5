"""What can be read back from the pixels: each clip's parameters beside the true ones, and its path in space.

Lengths are in radii of the ball and times in frames, as one camera sees them; paths are to the right, ahead and up from
the camera.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64
from scipy.stats import binom

from marey.judge.exam import Exam
from marey.judge.law.fit import PARAMETERS, LawFit, sightings
from marey.judge.law.fits import fit_each
from marey.judge.law.frames import unit_powers
from marey.judge.tracker import Tracks
from marey.world.laws import BASE_LAWS, LAWS
from marey.world.scenes import Scenes

FINE = 4  # points of a path from one frame to the next: smooth to the eye
_MOST = 300  # clips of each law whose values are kept, not only counted: as many as a plot can show
_FEWEST = 6  # values with an interval of their median: 2 / 2^6 < 5 %
_COLUMNS = ((0,), (0, 1), (0, 1, 3), (0, 1))  # of a law's own parameters: those named in PARAMETERS
_UNITS = {(1, 0): "radii", (1, -1): "radii/frame", (1, -2): "radii/frame²", (0, -1): "°/frame"}

Path = Float64[np.ndarray, "N P 3"]


def readings(exam: Exam, fit: LawFit) -> dict[str, Any]:
    """For details.json: what the fits of the test clips, or of answers to them, say of the parameters.

    law -> parameter -> unit, true and fitted values (None where the clip is not read as its law), of how many clips,
    median error in per cent of the truth and its 95 % interval (None without any value).
    """
    true = true_parameters(exam.test)
    out: dict[str, dict[str, Any]] = {}
    for law, names in enumerate(PARAMETERS):
        rows = np.flatnonzero(exam.test.law == law)
        right = fit.law[rows] == law
        for i, name in enumerate(names):
            truth = true[rows, i]
            fitted = np.where(right, fit.parameters[rows, law, i], np.nan)
            error = 100 * np.abs(fitted - truth)[right] / truth[right]
            values = {"truth": _kept(truth), "fitted": _kept(fitted)}
            counts = {"unit": _unit(law, i), "read": len(rows), "n": int(right.sum())}
            out.setdefault(BASE_LAWS[law], {})[name] = counts | values | _median(error)
    return out


def true_parameters(scenes: Scenes) -> Float64[np.ndarray, "N 3"]:
    """The true parameters, in the units and the order of `PARAMETERS`, padded with NaN."""
    ball, interval = ball_radius(scenes), scenes.times[:, 1] - scenes.times[:, 0]
    out = np.full((len(scenes), 3), np.nan)
    for law, columns in enumerate(_COLUMNS):
        rows = np.flatnonzero(scenes.law == law)
        for i, column in enumerate(columns):
            length, time = unit_powers(LAWS[law].parameters[column])
            value = np.abs(scenes.parameters[rows, 0, column]) / ball[rows] ** length / interval[rows] ** time
            out[rows, i] = np.degrees(value) if length == 0 else value
    return out


def paths(exam: Exam, tracks: Tracks, said: Int64[np.ndarray, "S"]) -> tuple[Path, Path]:
    """True and read paths of the first S test clips; NaN for those that follow no law."""
    count, frames = len(said), exam.test.times.shape[1]
    some = exam.test.take(np.arange(count))
    fine = np.linspace(0, frames - 1, FINE * (frames - 1) + 1)
    moments = some.times[:, :1] + fine * (some.times[:, 1:2] - some.times[:, :1])
    smooth = replace(some, times=moments, radii=np.zeros((*some.radii.shape[:3], len(fine))))
    true = smooth.camera.to_camera(smooth.trajectory[:, None])[:, 0] / ball_radius(some)[:, None, None]
    read = np.full(true.shape, np.nan)
    known = np.flatnonzero(said >= 0)
    if len(known):
        middle = (frames - 1) / 2
        seen = sightings(tracks.take(known), some.camera.focal[known, 0], exam.size)
        for law, fitted in enumerate(fit_each(BASE_LAWS, np.arange(frames) - middle, seen, exam.turning)):
            mine = said[known] == law
            read[known[mine]] = fitted.points(fine - middle)[mine]
    return _upright(true), _upright(read)


def ball_radius(scenes: Scenes) -> Float64[np.ndarray, "N"]:
    """Of the first body, metres: from its apparent radius and its true depth."""
    depth = scenes.camera.to_camera(scenes.trajectory[:, None])[:, 0, :, 2]
    return np.median(scenes.apparent_radius * depth / scenes.camera.focal[:, :1], axis=1)


def _upright(points: Path) -> Path:
    """From a camera's axes (right, down, ahead) to those of a reader (right, ahead, up)."""
    return points[..., [0, 2, 1]] * [1, 1, -1]


def _unit(law: int, i: int) -> str:
    return _UNITS[unit_powers(LAWS[law].parameters[_COLUMNS[law][i]])]


def _kept(values: Float64[np.ndarray, "n"]) -> list[float | None]:
    """Four digits of the first values; None for those that are not known."""
    return [float(f"{value:.4g}") if np.isfinite(value) else None for value in values[:_MOST]]


def _median(error: Float64[np.ndarray, "n"]) -> dict[str, float | None]:
    """The median, and its interval from order statistics: the ranks between which half of n fair coins fall. Under six
    values have none: their whole range holds the median less often than 95 %.
    """
    n, ordered = len(error), np.sort(error)
    if n < _FEWEST:
        return {"error": float(np.median(error)) if n else None, "low": None, "high": None}
    first = int(binom.ppf(0.025, n, 0.5)) - 1
    low, high = ordered[max(first, 0)], ordered[min(n - 1 - first, n - 1)]
    return {"error": float(np.median(error)), "low": float(low), "high": float(high)}
