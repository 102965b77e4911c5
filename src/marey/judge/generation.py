"""The trial of generation: only the law is given, so nothing can be compared frame by frame.

Asked instead: does the asked law fit best and how closely, is there a dot at all, are the clips copies of training
clips or of each other, do their motions vary as the data's do, and what does an encoder make of them?
"""

import numpy as np
from jaxtyping import Bool, Float64, Int64

from marey.judge.coverage import FEWEST, Motions, Three, coverage_figures, two_sample
from marey.judge.exam import Clips, Exam, contrasts
from marey.judge.features import features
from marey.judge.law.fit import PARAMETERS, LawFit
from marey.judge.tracker import Tracks
from marey.judge.trials import Outcome, confusion
from marey.metrics.figure import Figure, mean_figure, share_figure
from marey.metrics.manifolds import frechet
from marey.metrics.pixels import plausible_size, survives
from marey.metrics.statistics import ks_distance, pivot_interval
from marey.metrics.tracks import nearest_mean_distance, nearest_other
from marey.world.laws import BASE_LAWS
from marey.world.render import render
from marey.world.scenes import Scenes

COPY_PX = 0.5  # mean distance over the frames below which a clip repeats another

Values = dict[tuple[str, str], np.ndarray]  # (law, parameter): one number per clip


def generate(exam: Exam, reconstructed_right: float | None) -> Outcome:
    """Clips of the asked laws. reconstructed_right: law_right after the tokenizer alone, for comparison; None where it
    is not known.
    """
    law, clips = exam.asked, exam.generated()
    tracks = exam.track(clips, float(np.median(exam.contrast)))
    fit = exam.fit_of(tracks)
    true_right = float((exam.fit.law == exam.test.law).mean())
    known = {} if reconstructed_right is None else {"reconstructed_clips": reconstructed_right}
    others = {"chance": 1 / len(BASE_LAWS), **known, "true_clips": true_right}
    real = exam.train.take(np.arange(min(len(law), len(exam.train))))
    theirs = exam.track(render(real), contrasts(real))
    three = Three(Motions(fit, law), Motions(exam.fit, exam.test.law), Motions(exam.fit_of(theirs), real.law))
    data, ours, others_fit = (values(each.fit, each.law) for each in (three.data, three.ours, three.real))
    spread_figure, parameters = spread(data, ours, others_fit, len(law), exam.config.seed)
    figures = [
        share_figure("generate.law_right", fit.law == law, true_right, others),
        mean_figure("generate.survival", _alive(exam, clips, tracks).mean(axis=1), "share", exam.config.seed,
                    float(_alive(exam, exam.clips, exam.tracks).mean()), {"blank_page": 0.0}),
        copies(tracks.track, exam.tracks.track, exam.train.track),
        duplicates(tracks.track, theirs.track),
        spread_figure,
        *coverage_figures(three, exam.config.seed),
        residual(exam, tracks, three),
        likeness(exam, clips, real),
    ]  # fmt: skip
    details = {"confusion": {"generate": confusion(law, fit.law, len(BASE_LAWS) + 1)}, "parameters": parameters}
    details["two_sample"] = {"rows": two_sample(three, exam.config.seed)}
    return Outcome(figures, _pictures(exam, clips, tracks, law, fit.law), details)


def _alive(exam: Exam, clips: Clips, tracks: Tracks) -> Bool[np.ndarray, "N T"]:
    """Half the data's contrast, and an area not under half the data's smallest nor over double its largest."""
    low, high = np.quantile(exam.train.apparent_radius, [0.005, 0.995])
    contrast = np.full(len(clips), np.median(exam.contrast))
    return survives(clips, tracks.track, contrast) & plausible_size(tracks.radius, tracks.radius.clip(low, high))


def copies(
    track: Float64[np.ndarray, "N T 2"], real: Float64[np.ndarray, "K T 2"], library: Float64[np.ndarray, "M T 2"]
) -> Figure:
    """Share of clips that repeat a training clip; real clips repeat some by chance, and that is the baseline. A clip
    that lost its dot shows no motion of its own, and counts.
    """
    nearest = nearest_mean_distance(track, library)
    copied = (nearest <= COPY_PX) | np.isinf(nearest)
    by_chance = nearest_mean_distance(real[: len(copied)], library) <= COPY_PX
    return share_figure("generate.copies", copied, baselines={"real_clips": float(by_chance.mean())})


def duplicates(track: Float64[np.ndarray, "N T 2"], real: Float64[np.ndarray, "R T 2"]) -> Figure:
    """Share of clips that repeat another of the generated ones; the floor is that of as many real clips. A clip that
    lost its dot shows no motion of its own, and counts.
    """
    lost = np.isfinite(track[..., 0]).mean(axis=1) < 5 / 8
    by_chance = nearest_other(real[: len(track)]) <= COPY_PX
    return share_figure("generate.duplicates", lost | (nearest_other(track) <= COPY_PX), float(by_chance.mean()),
                        {"one_motion": 1.0})  # fmt: skip


def residual(exam: Exam, tracks: Tracks, three: Three) -> Figure:
    """How far the dot is from the asked law as it fits best, rms over the frames, pixels. A frame without a dot counts
    as far as the frame is wide from corner to corner; so does every frame of a clip that no law can be fitted to.
    """
    worst = exam.size * float(np.sqrt(2))

    def distance(motions: Motions, found: Bool[np.ndarray, "n T"]) -> Float64[np.ndarray, "n"]:
        fitted = motions.fit.residual_px[np.arange(len(motions.law)), motions.law]
        seen = np.where(np.isfinite(fitted), found.mean(axis=1), 0.0)
        return np.sqrt(seen * np.nan_to_num(fitted, posinf=0.0) ** 2 + (1 - seen) * worst**2)

    floor = float(distance(three.data, exam.tracks.found).mean())
    return mean_figure("generate.residual", distance(three.ours, tracks.found), "px", exam.config.seed, floor,
                       {"blank_page": worst})  # fmt: skip


def likeness(exam: Exam, clips: Clips, real: Scenes) -> Figure:
    """Squared Fréchet distance between the features of the generated clips and of the test clips (FVD with I3D); the
    floor is that of as many real training clips.
    """
    name, unit = "generate.frechet_features", "squared features"
    if exam.guest is None:
        return Figure(name, None, unit, len(clips), why="no encoder was given; give one as in --features i3d")
    ours, data, theirs = (features(exam.guest, each) for each in (clips, exam.clips, render(real)))
    value = frechet(ours, data)

    def draw(generator: np.random.Generator) -> float:
        again = [each[generator.integers(len(each), size=len(each))] for each in (ours, data)]
        return frechet(again[0], again[1])

    low, high = pivot_interval(value, draw, exam.config.seed, resamples=100)
    still = features(exam.guest, np.repeat(exam.clips[:, :1], exam.clips.shape[1], axis=1))
    return Figure(name, value, unit, len(clips), low, high, frechet(theirs, data),
                  {"first_frame_for_ever": frechet(still, data)})  # fmt: skip


def spread(
    data: Values, ours: Values, real: Values, n: int, seed: int
) -> tuple[Figure, dict[str, dict[str, dict[str, list[float]]]]]:
    """Mean over the parameters of all laws of the Kolmogorov-Smirnov distance between generated clips and data.

    Only clips that follow the asked law have its parameters; a law with fewer than 8 of them counts as distance 1. The
    baseline is the distance of as many real training clips, measured in the same way.
    """

    def draw(generator: np.random.Generator) -> float:
        again = [{key: x[generator.integers(len(x), size=len(x))] if len(x) else x for key, x in sample.items()}
                 for sample in (data, ours)]  # fmt: skip
        return _distance(again[0], again[1])

    value = _distance(data, ours)
    low, high = pivot_interval(value, draw, seed)
    figure = Figure("generate.spread", value, "KS distance", n, low, min(1.0, high),
                    baselines={"real_clips": _distance(data, real)})  # fmt: skip
    parameters: dict[str, dict[str, dict[str, list[float]]]] = {name: {} for name in BASE_LAWS}
    for name, parameter in data:
        both = {"data": data[name, parameter].tolist(), "generated": ours[name, parameter].tolist()}
        parameters[name][parameter] = both
    return figure, parameters


def values(fit: LawFit, law: Int64[np.ndarray, "N"]) -> Values:
    """The fitted parameters of the clips that follow the law they should."""
    return {
        (BASE_LAWS[k], parameter): fit.parameters[(law == k) & (fit.law == k), k, i]
        for k, names in enumerate(PARAMETERS)
        for i, parameter in enumerate(names)
    }


def _distance(a: Values, b: Values) -> float:
    distances = [ks_distance(a[key], b[key]) if min(len(a[key]), len(b[key])) >= FEWEST else 1.0 for key in a]
    return float(np.mean(distances))


def _pictures(
    exam: Exam, clips: Clips, tracks: Tracks, law: Int64[np.ndarray, "N"], said: Int64[np.ndarray, "N"]
) -> dict[str, np.ndarray]:
    some = slice(exam.config.shown)
    return {
        "model": clips[some],
        "model_track": tracks.track[some],
        "given": np.zeros(exam.test.times.shape[1], bool),
        "law": law[some],
        "said": said[some],
    }
