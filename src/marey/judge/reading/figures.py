"""How well clips were read, where the truth is known: every figure with n, interval, floor and trivial baselines."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64
from scipy.stats import binom

from marey.judge.law.frames import unit_powers
from marey.judge.reading.fits import NONE
from marey.judge.reading.lift import Lift
from marey.judge.reading.read import Reading
from marey.metrics.figure import Figure, share_figure
from marey.world.laws import law_named
from marey.world.scenes import Scenes

_TAIL, _ZERO = 0.025, 1e-9
_LOOSE = ("phase_rad", "z_amplitude_m")  # differ with the choice of axes, or are truly 0


@dataclass(frozen=True)
class Compared:
    """Each clip's parameters beside the true ones, NaN where the law is not the true one.

    error: relative; moments and angles have no zero, so theirs are shares of the clip's length and of half a turn.
    covered: whether the 95 % interval holds the truth; only where `measured`, the choice of axes fixes the others.
    """

    error: Float64[np.ndarray, "n P"]
    covered: Bool[np.ndarray, "n P"]
    measured: Bool[np.ndarray, "n P"]


def compare(reading: Reading, scenes: Scenes) -> Compared:
    """Against the first body of the scenes, in whose order the clips were read."""
    shape = reading.motion.parameters.shape
    error, covered = np.full(shape, np.nan), np.zeros(shape, bool)
    seconds, middle = np.ptp(scenes.times, axis=1), scenes.times.mean(axis=1)
    true_names = np.array([*scenes.names, ""], object)[scenes.law]
    for label, name in enumerate(reading.names):
        rows = np.flatnonzero((reading.law == label) & (true_names == name))
        names = law_named(name).parameters
        truth = canonical(name, scenes.parameters[rows, 0, : len(names)], middle[rows])
        for i, parameter in enumerate(names):
            value, half = (each[rows, i] for each in (reading.motion.parameters, reading.motion.half_width))
            off = np.abs(value - truth[:, i])
            error[rows, i] = off / _scale(parameter, truth[:, i], seconds[rows])
            covered[rows, i] = off <= half
    measured = np.isfinite(error) & (reading.motion.sigma > 0)  # where the truth is 0, no error is relative to it
    for label, name in enumerate(reading.names):
        loose = [i for i, parameter in enumerate(law_named(name).parameters) if parameter.endswith(_LOOSE)]
        measured[np.ix_(reading.law == label, loose)] = False
    return Compared(np.where(measured, error, np.nan), covered & measured, measured)


def canonical(
    name: str, parameters: Float64[np.ndarray, "n P"], middle: Float64[np.ndarray, "n"]
) -> Float64[np.ndarray, "n P"]:
    """True parameters as the fit writes them: see `law_frames`; moments are counted from the middle of the clip."""
    out = parameters.copy()
    names = law_named(name).parameters
    if name == "collision":
        out[:, :2] *= np.where(out[:, :1] < out[:, 1:2], -1, 1)
    for i, parameter in enumerate(names):
        if parameter in ("vertex_s", "contact_s"):
            out[:, i] -= middle
        elif not (name == "collision" and i < 2) and parameter != "growth_m_rad":
            out[:, i] = np.abs(out[:, i])
    if name == "lissajous":
        out[:, 0] = _longer_axis(parameters)
    if name == "spiral":
        out[:, 1] *= np.sign(parameters[:, 2])
    if name == "helical":
        out[:, 3] = np.abs(parameters[:, 3]) * np.sign(parameters[:, 1] * parameters[:, 3])
    return out


def _longer_axis(parameters: Float64[np.ndarray, "n P"]) -> Float64[np.ndarray, "n"]:
    """Of the ellipse that x and z swing along together."""
    sizes, phases = parameters[:, [0, 2]], parameters[:, [6, 8]]
    waves = np.stack([sizes * np.sin(phases), sizes * np.cos(phases)], axis=-1)
    return np.asarray(np.linalg.svd(waves, compute_uv=False)[:, 0])


def _scale(parameter: str, truth: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    if unit_powers(parameter) == (0, 1):
        return seconds
    if parameter == "angle_rad":
        return np.full_like(truth, np.pi)
    return np.where(np.abs(truth) > _ZERO, np.abs(truth), np.nan)


def figures(reading: Reading, scenes: Scenes, sized: Lift) -> list[Figure]:
    """sized: the lift by size alone, frame by frame, the rule that knows no law."""
    names = np.array([*reading.names, "none"], object)
    said = names[reading.law]
    true = np.array([*scenes.names, ""], object)[scenes.law]
    lawful = np.isin(true, reading.names)
    right = np.where(lawful, said == true, said == "none")
    compared = compare(reading, scenes)
    of_clip = _mean(compared.error)
    known = np.isfinite(of_clip)
    depth = scenes.camera.to_camera(scenes.trajectory[:, None])[:, 0, :, 2]
    lifted, alone = (each.error(scenes.trajectory) / depth for each in (reading.motion.lift, sized))
    bound = (reading.motion.lift.bound / depth)[known]
    typical = _typical(reading, scenes, known)
    return [
        share_figure("read.law_right", right, baselines={"chance": 1 / len(reading.names)}),
        share_figure("read.none", reading.law[lawful] == NONE),
        median_figure("read.parameter_error", 100 * of_clip[known], "%", {"median of the law": typical}),
        share_figure("read.covered", compared.covered[compared.measured]),
        median_figure(
            "read.depth_error", 100 * lifted[known].mean(axis=1), "% of depth",
            {"by size alone": 100 * float(np.nanmedian(np.nanmean(alone[known], axis=1))) if known.any() else 0.0},
            100 * float(np.median(bound)) if known.any() else None,
        ),
        median_figure("read.position_error", (lifted * depth)[known].mean(axis=1), "m"),
    ]  # fmt: skip


def median_figure(
    name: str,
    values: Float64[np.ndarray, "N"],
    unit: str,
    baselines: dict[str, float] | None = None,
    floor: float | None = None,
) -> Figure:
    """The median over clips, with the interval of its order statistics (exact, whatever the distribution)."""
    n = len(values)
    if n < 6:  # from six values on, the smallest and the largest hold the median with 95 %
        return Figure(name, None, unit, n, why="fewer than six clips were read rightly")
    ranked = np.sort(values)
    rank = int(binom.ppf(_TAIL, n, 0.5))
    low, high = float(ranked[max(rank - 1, 0)]), float(ranked[min(n - rank, n - 1)])
    return Figure(name, float(np.median(values)), unit, n, low, high, floor, baselines or {})


def _typical(reading: Reading, scenes: Scenes, known: Bool[np.ndarray, "n"]) -> float:
    """Median error of who names, for each clip, the median parameters of its law."""
    parameters = reading.motion.parameters.copy()
    for label in range(len(reading.names)):
        rows = known & (reading.law == label)
        if rows.any():
            parameters[rows] = np.median(parameters[rows], axis=0)
    blind = replace(reading, motion=replace(reading.motion, parameters=parameters))
    errors = _mean(compare(blind, scenes).error)[known]
    return 100 * float(np.median(errors)) if known.any() else 0.0


def _mean(errors: Float64[np.ndarray, "n P"]) -> Float64[np.ndarray, "n"]:
    """Mean over a clip's measured parameters, NaN where there is none."""
    there = np.isfinite(errors)
    count = there.sum(axis=1)
    return np.where(count > 0, np.where(there, errors, 0).sum(axis=1) / count.clip(1), np.nan)
