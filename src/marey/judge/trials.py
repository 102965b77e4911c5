"""The trials: each asks the model for one thing and measures what comes back, beside its floor and its baselines."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from marey.judge import baselines
from marey.judge.budget.completion import completion_costs, rule_tracks
from marey.judge.budget.costs import Costs, clip_errors, motion_errors
from marey.judge.exam import Clips, Exam
from marey.judge.recovered import paths, readings
from marey.judge.tracker import Tracks
from marey.metrics import codebook
from marey.metrics.calibration import calibration_figure, reliability
from marey.metrics.figure import Figure, mean_figure, ratio_figure, share_figure
from marey.metrics.pixels import psnr, survives
from marey.metrics.statistics import bootstrap_interval
from marey.metrics.tracks import ade, displacement
from marey.world.laws import BASE_LAWS
from marey.world.render import render

_CHANCE = 1 / len(BASE_LAWS)
_SLACK = 1e-3  # by which a sum of probabilities may miss 1


@dataclass(frozen=True)
class Outcome:
    """Figures, the arrays of clips/<task>.npz (None without pictures), this trial's part of details.json, and what each
    clip costs (None where there is no truth to compare with).
    """

    figures: list[Figure]
    pictures: dict[str, np.ndarray] | None = None
    details: dict[str, Any] = field(default_factory=dict)
    costs: Costs | None = None


def reconstruct(exam: Exam) -> Outcome:
    """Through the tokenizer and back, and how much of its codebook that takes."""
    outcome = redrawn(exam)
    figure, details = _codebook(exam)
    return replace(outcome, figures=[*outcome.figures, figure], details=outcome.details | {"codebook": details})


def redrawn(exam: Exam) -> Outcome:
    """The whole clip is shown and drawn again: does the dot survive, and where does it end up?"""
    assert exam.decoded is not None
    clips, tracks = exam.decoded.clips, exam.decoded.tracks
    truth, size, seed = exam.test.track, exam.size, exam.config.seed
    blank = np.broadcast_to(exam.test.picture.paper[:, None, None, None], clips.shape)
    lost, middle = np.full_like(truth, np.nan), np.full_like(truth, size / 2)
    fit = exam.fit_of(tracks)
    said = fit.law
    alive, there, page = (survives(these, truth, exam.contrast) for these in (clips, exam.clips, blank))
    figures = [
        mean_figure("reconstruction.survival", alive.mean(axis=1), "share", seed,
                    float(there.mean()), {"blank_page": float(page.mean())}),
        mean_figure("reconstruction.track_error", ade(tracks.track, truth, size), "px", seed,
                    _mean_ade(exam.tracks.track, truth, size),
                    {"blank_page": _mean_ade(lost, truth, size),
                     "middle_of_frame": _mean_ade(middle, truth, size)}),
        mean_figure("reconstruction.psnr", psnr(clips, exam.clips), "dB", seed,
                    baselines={"blank_page": float(psnr(blank, exam.clips).mean())}),
        share_figure("reconstruction.law_right", said == exam.test.law,
                     float((exam.fit.law == exam.test.law).mean()), {"chance": _CHANCE}),
    ]  # fmt: skip
    every = np.ones(truth.shape[1], bool)
    costs = Costs(
        "reconstruct",
        clip_errors(exam, replace(exam.true, alive=there), every),
        clip_errors(exam, replace(exam.decoded, alive=alive), every),
        None,
        {"blank_page": motion_errors(exam, lost, every) | {"survival": page.mean(axis=1)},
         "middle_of_frame": motion_errors(exam, middle, every)},
    )  # fmt: skip
    figures.append(_velocity("reconstruction", costs, seed))
    read = {"truth": readings(exam, exam.fit), "reconstruct": readings(exam, fit)}
    return Outcome(figures, _pictures(exam, clips, tracks, every, said), {"recovered": read}, costs)


def classify(exam: Exam) -> Outcome:
    """Which law moved it? Asked of the model, of trivial rules, of a probe on the true tracks and of the law fit."""
    probability = np.concatenate([exam.model.classify(video).cpu().numpy() for video, _ in exam.batches(exam.clips)])
    said = probability.argmax(axis=1)
    law, few = exam.test.law, exam.few
    discs, theirs = (np.concatenate([s.track, s.apparent_radius[..., None]], axis=-1) for s in (exam.test, few))
    others = {
        "nearest_train_pixels": baselines.nearest_on_pixels(exam.clips, render(few), few.law),
        "probe_on_true_tracks": baselines.probe_on_true_tracks(theirs, few.law, discs),
        "law_fit": exam.fit.law,
    }
    shares = {"chance": _CHANCE} | {name: float((other == law).mean()) for name, other in others.items()}
    figure = share_figure("classify.accuracy", said == law, baselines=shares)
    calibrated, details = _calibration(probability.astype(np.float64), law, exam.config.seed)
    details |= {"confusion": {"classify": confusion(law, said, len(BASE_LAWS))}}
    return Outcome([figure, calibrated], details=details)


def _calibration(
    probability: Float64[np.ndarray, "N laws"], law: Int64[np.ndarray, "N"], seed: int
) -> tuple[Figure, dict[str, Any]]:
    """Whether the law that is named is right as often as the model says."""
    name = "classify.calibration_error"
    if (probability < 0).any() or (np.abs(probability.sum(axis=1) - 1) > _SLACK).any():
        return Figure(name, None, "share", len(law), why="what the model gives of each law is no probability"), {}
    said, right = probability.max(axis=1).clip(0, 1), probability.argmax(axis=1) == law
    figure = calibration_figure(name, said, right, seed)
    ece = {"value": figure.value, "low": figure.low, "high": figure.high} | figure.baselines
    bins = [asdict(each) for each in reliability(said, right)]
    return figure, {"calibration": {"bins": bins, "ece": ece, "n": len(law)}}


def predict(exam: Exam) -> Outcome:
    """The first frames are shown; the model goes on."""
    prefix, config = exam.config.prefix, exam.config
    clips = exam.answers(
        "predict", lambda v, seed: exam.model.predict(v[:, :, :prefix], config.horizon, seed), exam.clips
    )
    few = exam.few
    guesses = baselines.predictions(exam.tracks.track[:, :prefix], exam.test.law, few.track, few.law, exam.size)
    return _completion("predict", exam, clips, exam.prefix, guesses)


def interpolate(exam: Exam) -> Outcome:
    """Both ends are shown; the model fills the gap."""
    ends, config = exam.config.ends, exam.config
    clips = exam.answers(
        "interpolate",
        lambda v, seed: exam.model.interpolate(v[:, :, :ends], v[:, :, -ends:], config.hidden, seed),
        exam.clips,
    )
    guesses = baselines.interpolations(exam.tracks.track[:, exam.ends], exam.few.track, exam.ends, exam.size)
    return _completion("interpolate", exam, clips, exam.ends, guesses)


def _completion(
    task: str, exam: Exam, clips: Clips, given: Bool[np.ndarray, "T"], guesses: baselines.Guesses
) -> Outcome:
    seen, rules = exam.seen(clips), rule_tracks(exam, given, guesses)
    tracks, truth, size, seed = seen.tracks, exam.test.track[:, ~given], exam.size, exam.config.seed
    errors = {"model": displacement(tracks.track[:, ~given], truth, size)}
    errors |= {name: displacement(rule.track[:, ~given], truth, size) for name, rule in rules.items()}
    floor = displacement(exam.tracks.track[:, ~given], truth, size)
    costs = completion_costs(task, exam, seen, given, rules)
    figures = [
        *error_figures(task, errors, floor, seed),
        mean_figure(f"{task}.survival", costs.model["survival"], "share", seed,
                    float(costs.tracker["survival"].mean()),
                    {"copy_last": float(costs.rules["copy_last"]["survival"].mean())}),
        _velocity(task, costs, seed),
    ]  # fmt: skip
    fit = exam.fit_of(tracks)
    details = error_curves(task, errors, given, seed) | {"baselines_chosen": {task: guesses.chosen}}
    details |= {"recovered": {task: readings(exam, fit)}}
    return Outcome(figures, _pictures(exam, clips, tracks, given, fit.law), details, costs)


def _velocity(task: str, costs: Costs, seed: int) -> Figure:
    """How the dot moves from frame to frame, against the ruler's own error and what the rules make of it."""
    rules = {name: errors["velocity"] for name, errors in costs.rules.items() if "velocity" in errors}
    name = f"{task}.velocity_times_floor"
    return ratio_figure(name, costs.model["velocity"], costs.tracker["velocity"], seed, rules)


def error_figures(
    task: str, errors: dict[str, Float64[np.ndarray, "N H"]], floor: Float64[np.ndarray, "N H"], seed: int
) -> list[Figure]:
    """Mean and last displacement of the hidden frames, pixels: `model`, and beside it all the other errors."""
    rules = {name: error for name, error in errors.items() if name != "model"}
    return [
        mean_figure(f"{task}.ade", errors["model"].mean(axis=1), "px", seed, float(floor.mean()),
                    {name: float(error.mean()) for name, error in rules.items()}),
        mean_figure(f"{task}.fde", errors["model"][:, -1], "px", seed, float(floor[:, -1].mean()),
                    {name: float(error[:, -1].mean()) for name, error in rules.items()}),
    ]  # fmt: skip


def error_curves(
    task: str, errors: dict[str, Float64[np.ndarray, "N H"]], given: Bool[np.ndarray, "T"], seed: int
) -> dict[str, Any]:
    """The mean of each error in each hidden frame, and the interval of the model's, for details.json."""
    curve = {"frame": np.flatnonzero(~given).tolist()}
    curve |= {name: error.mean(axis=0).tolist() for name, error in errors.items()}
    low, high = zip(*(bootstrap_interval(frame, seed) for frame in errors["model"].T), strict=True)
    return {"errors": {task: curve}, "error_intervals": {task: {"low": list(low), "high": list(high)}}}


def _codebook(exam: Exam) -> tuple[Figure, dict[str, Any]]:
    """Codebook use is a census of the test clips; drawing clips again would only lose codes, so it has no interval."""
    levels = exam.model.levels
    indices = np.concatenate([exam.model.indices(video).cpu().numpy().ravel() for video, _ in exam.batches(exam.clips)])
    figure = Figure("reconstruction.codebook_use", codebook.use(indices, levels), "share", len(exam.clips))
    details = {"levels": list(levels), "used": codebook.distinct(indices), "perplexity": codebook.perplexity(indices)}
    return figure, details


def _mean_ade(track: Float64[np.ndarray, "N T 2"], truth: Float64[np.ndarray, "N T 2"], size: int) -> float:
    return float(ade(track, truth, size).mean())


def confusion(law: Int64[np.ndarray, "N"], said: Int64[np.ndarray, "N"], columns: int) -> list[list[int]]:
    """Counts [law][said]; -1 (none) falls into the last column."""
    table = np.zeros((len(BASE_LAWS), columns), int)
    np.add.at(table, (law, said), 1)
    counts: list[list[int]] = table.tolist()
    return counts


def _pictures(
    exam: Exam, clips: Clips, tracks: Tracks, given: Bool[np.ndarray, "T"], said: Int64[np.ndarray, "S"]
) -> dict[str, np.ndarray]:
    some = slice(exam.config.shown)
    truth_space, model_space = paths(exam, tracks, said[some])
    return {
        "truth": exam.clips[some],
        "model": clips[some],
        "truth_track": exam.test.track[some],
        "model_track": tracks.track[some],
        "given": given,
        "law": exam.test.law[some],
        "said": said[some],
        "truth_space": truth_space,
        "model_space": model_space,
    }
