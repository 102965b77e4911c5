"""The trials: each asks the model for one thing and measures what comes back, beside its floor and its baselines."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from marey.judge import baselines
from marey.judge.exam import Clips, Exam
from marey.judge.recovered import paths, readings
from marey.judge.tracker import Tracks, track_clips
from marey.metrics import codebook
from marey.metrics.figure import Figure, mean_figure, share_figure
from marey.metrics.pixels import plausible_size, psnr, survives
from marey.metrics.statistics import bootstrap_interval
from marey.metrics.tracks import ade, displacement
from marey.world.laws import BASE_LAWS
from marey.world.render import render

_CHANCE = 1 / len(BASE_LAWS)


@dataclass(frozen=True)
class Outcome:
    """Figures, the arrays of clips/<task>.npz (None without pictures), and this trial's part of details.json."""

    figures: list[Figure]
    pictures: dict[str, np.ndarray] | None = None
    details: dict[str, Any] = field(default_factory=dict)


def reconstruct(exam: Exam) -> Outcome:
    """Through the tokenizer and back: does the dot survive, and where does it end up?"""
    clips = exam.answers("reconstruct", lambda video, _: exam.model.reconstruct(video), exam.clips)
    tracks = track_clips(clips, exam.contrast)
    truth, size, seed = exam.test.track, exam.size, exam.config.seed
    blank = np.broadcast_to(exam.test.picture.paper[:, None, None, None], clips.shape)
    middle = np.full_like(truth, size / 2)
    fit = exam.fit_of(tracks)
    said = fit.law

    def survival(these: Clips) -> Float64[np.ndarray, "N"]:
        return survives(these, truth, exam.contrast).mean(axis=1)

    figures = [
        mean_figure("reconstruction.survival", survival(clips), "share", seed,
                    float(survival(exam.clips).mean()), {"blank_page": float(survival(blank).mean())}),
        mean_figure("reconstruction.track_error", ade(tracks.track, truth, size), "px", seed,
                    _mean_ade(exam.tracks.track, truth, size),
                    {"blank_page": _mean_ade(np.full_like(truth, np.nan), truth, size),
                     "middle_of_frame": _mean_ade(middle, truth, size)}),
        mean_figure("reconstruction.psnr", psnr(clips, exam.clips), "dB", seed,
                    baselines={"blank_page": float(psnr(blank, exam.clips).mean())}),
        share_figure("reconstruction.law_right", said == exam.test.law,
                     float((exam.fit.law == exam.test.law).mean()), {"chance": _CHANCE}),
    ]  # fmt: skip
    figure, details = _codebook(exam)
    given = np.ones(truth.shape[1], bool)
    pictures = _pictures(exam, clips, tracks, given, said)
    read = {"truth": readings(exam, exam.fit), "reconstruct": readings(exam, fit)}
    return Outcome([*figures, figure], pictures, {"codebook": details, "recovered": read})


def classify(exam: Exam) -> Outcome:
    """Which law moved it? Asked of the model, of trivial rules, of a probe on the true tracks and of the law fit."""
    said = np.concatenate([
        exam.model.classify(video).argmax(dim=1).cpu().numpy() for video, _ in exam.batches(exam.clips)
    ])  # fmt: skip
    law, few = exam.test.law, exam.few
    discs, theirs = (np.concatenate([s.track, s.apparent_radius[..., None]], axis=-1) for s in (exam.test, few))
    others = {
        "nearest_train_pixels": baselines.nearest_on_pixels(exam.clips, render(few), few.law),
        "probe_on_true_tracks": baselines.probe_on_true_tracks(theirs, few.law, discs),
        "law_fit": exam.fit.law,
    }
    shares = {"chance": _CHANCE} | {name: float((other == law).mean()) for name, other in others.items()}
    figure = share_figure("classify.accuracy", said == law, baselines=shares)
    return Outcome([figure], details={"confusion": {"classify": confusion(law, said, len(BASE_LAWS))}})


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
    tracks = track_clips(clips, exam.contrast)
    truth, size, seed = exam.test.track[:, ~given], exam.size, exam.config.seed
    errors = {"model": displacement(tracks.track[:, ~given], truth, size)}
    errors |= {name: displacement(track, truth, size) for name, track in guesses.tracks.items()}
    floor = displacement(exam.tracks.track[:, ~given], truth, size)
    last = int(np.flatnonzero(given[: int(np.flatnonzero(~given)[-1])])[-1])
    still = np.where(given[:, None, None, None], exam.clips, exam.clips[:, last : last + 1])
    alive = _alive(exam, clips, tracks)[:, ~given].mean(axis=1)
    figures = [
        *error_figures(task, errors, floor, seed),
        mean_figure(f"{task}.survival", alive, "share", seed,
                    float(_alive(exam, exam.clips, exam.tracks)[:, ~given].mean()),
                    {"copy_last": float(_alive(exam, still, track_clips(still, exam.contrast))[:, ~given].mean())}),
    ]  # fmt: skip
    fit = exam.fit_of(tracks)
    details = error_curves(task, errors, given, seed) | {"baselines_chosen": {task: guesses.chosen}}
    details |= {"recovered": {task: readings(exam, fit)}}
    return Outcome(figures, _pictures(exam, clips, tracks, given, fit.law), details)


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


def _alive(exam: Exam, clips: Clips, tracks: Tracks) -> Bool[np.ndarray, "N T"]:
    """Survival where the truth's place is not asked for: contrast where the tracker found it, and a likely area."""
    size = plausible_size(tracks.radius, exam.test.apparent_radius)
    return survives(clips, tracks.track, exam.contrast) & size


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
