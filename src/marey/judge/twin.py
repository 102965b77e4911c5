"""The trials of a coordinate twin: the questions, clips, rules and figures of a video model's, without a picture.

A twin is a control: it is told the coordinates that a video model must see. Nothing is drawn or tracked here, so the
floor of its errors is the rounding of the coordinates, and what only pixels can show is not measured.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from scipy.spatial import KDTree

from marey.core.files import write_json
from marey.core.runs import RunFolder
from marey.core.seeds import step_seed
from marey.data.coordinates import OfTracks, OfTrajectories, OnePixel, Points, Scale
from marey.judge import baselines
from marey.judge.exam import Exam
from marey.judge.generation import copies, spread, values
from marey.judge.judged import write_per_clip
from marey.judge.law.fit import LawFit
from marey.judge.tracker import Tracks
from marey.judge.trials import Outcome, confusion, error_curves, error_figures
from marey.metrics.figure import Figure, mean_figure, share_figure
from marey.metrics.tracks import displacement
from marey.world.laws import BASE_LAWS

_CHANCE = 1 / len(BASE_LAWS)
_NO_PICTURE = "coordinates have no picture in which a disc could be lost"
_NO_CAMERA = "a generated trajectory has no camera, so there are no pixels to compare"


@dataclass(frozen=True)
class TwinExam:
    """An exam whose model takes clips of one pixel, what it is told of the scenes, and in which range."""

    exam: Exam
    of: OfTracks | OfTrajectories
    scale: Scale

    @cached_property
    def video(self) -> OnePixel:
        """The test clips as the twin is told them."""
        return self.scale.video(self.of.points(self.exam.test))

    @cached_property
    def rounded(self) -> Points:
        """The test clips as the twin's tokens can say them."""
        return self.answers(lambda video, _: self.exam.model.reconstruct(video), self.video)

    @cached_property
    def fit(self) -> LawFit:
        """The law fit on the rounded test clips: what a perfect twin would score."""
        return self.fit_of(self.rounded)

    def seen(self, points: Points) -> Float64[np.ndarray, "n T 2"]:
        """Test clips as their own cameras see them, pixels."""
        return self.of.seen(points, self.exam.test)

    def answers(self, ask: Callable[[OnePixel, int], OnePixel], video: OnePixel) -> Points:
        """What the model makes of clips, batch by batch with a seed each, as the judge of video asks it."""
        size = self.exam.config.batch_size
        parts = [ask(video[i : i + size], step_seed(self.exam.config.seed, i)) for i in range(0, len(video), size)]
        return self.scale.points(torch.cat(parts).cpu())

    def fit_of(self, points: Points) -> LawFit:
        """The law fit: of tracks through the test camera, of trajectories in space."""
        if isinstance(self.of, OfTracks):
            found = np.ones(points.shape[:2], bool)
            return self.exam.fit_of(Tracks(points[..., :2].copy(), points[..., 2].copy(), found))
        camera, middle = self.exam.test.camera, self.exam.test.trajectory.mean(axis=1)
        distance = float(np.median(np.linalg.norm(camera.position[:, 0] - middle, axis=-1)))
        return self.exam.fit_of(sightings(points, float(camera.focal[0, 0]), camera.size, distance))


def judge_twin(twin: TwinExam, folder: RunFolder, progress: Callable[[str], None]) -> list[Figure]:
    """Measure every figure that coordinates allow and write metrics.json, details.json and
    per_clip.parquet to the run folder.

    progress: told the name of each trial before it begins. The same arguments write the same bytes.
    """
    outcomes = []
    for name, trial in (
        ("reconstruct", reconstruct),
        ("classify", classify),
        ("predict", predict),
        ("interpolate", interpolate),
        ("generate", generate),
    ):
        progress(name)
        outcomes.append(trial(twin))
    details: dict[str, object] = {"laws": list(BASE_LAWS)}
    for outcome in outcomes:
        for key, value in outcome.details.items():
            details[key] = {**details.get(key, {}), **value}  # type: ignore[dict-item]
    figures = [figure for outcome in outcomes for figure in outcome.figures]
    write_json(folder.path / "details.json", details)
    write_per_clip(folder.path, figures)
    write_json(folder.path / "metrics.json", [figure.to_json() for figure in figures])
    return figures


def reconstruct(twin: TwinExam) -> Outcome:
    """To digits and back: what the rounding costs."""
    exam, truth, size = twin.exam, twin.exam.test.track, twin.exam.size
    error = displacement(twin.seen(twin.rounded), truth, size).mean(axis=1)
    middle = displacement(np.full_like(truth, size / 2), truth, size).mean()
    figures = [
        mean_figure("reconstruction.track_error", error, "px", exam.config.seed,
                    baselines={"middle_of_frame": float(middle)}),
        share_figure("reconstruction.law_right", twin.fit.law == exam.test.law, baselines={"chance": _CHANCE}),
        Figure("reconstruction.survival", None, "share", len(truth), why=_NO_PICTURE),
    ]  # fmt: skip
    worst = np.abs(twin.rounded - twin.of.points(exam.test)).max(axis=(0, 1))
    rounding = {
        "names": list(twin.of.names),
        "unit": twin.of.unit,
        "low": list(twin.scale.low),
        "high": list(twin.scale.high),
        "level": list(twin.scale.level(exam.model.levels)),
        "largest_error": worst.tolist(),
    }
    return Outcome(figures, details={"rounding": rounding})


def classify(twin: TwinExam) -> Outcome:
    """Which law moved it? Asked of the twin, of trivial rules on coordinates, of a probe on true tracks."""
    exam, law, few = twin.exam, twin.exam.test.law, twin.exam.few
    size = exam.config.batch_size
    said = np.concatenate([
        exam.model.classify(twin.video[i : i + size]).argmax(dim=1).cpu().numpy() for i in range(0, len(law), size)
    ])  # fmt: skip
    discs, theirs = (OfTracks().points(scenes) for scenes in (exam.test, few))
    library = KDTree(twin.of.points(few).reshape(len(few), -1))
    others = {
        "nearest_train_coordinates": few.law[library.query(twin.rounded.reshape(len(law), -1))[1]],
        "probe_on_true_tracks": baselines.probe_on_true_tracks(theirs, few.law, discs),
        "law_fit": twin.fit.law,
    }
    shares = {"chance": _CHANCE} | {name: float((other == law).mean()) for name, other in others.items()}
    details = {"confusion": {"classify": confusion(law, said, len(BASE_LAWS))}}
    return Outcome([share_figure("classify.accuracy", said == law, baselines=shares)], details=details)


def predict(twin: TwinExam) -> Outcome:
    """The first frames are told; the twin goes on."""
    exam, few, config = twin.exam, twin.exam.few, twin.exam.config
    points = twin.answers(
        lambda v, seed: exam.model.predict(v[:, :, : config.prefix], config.horizon, seed), twin.video
    )
    shown = twin.seen(twin.rounded)[:, : config.prefix]
    guesses = baselines.predictions(shown, exam.test.law, few.track, few.law, exam.size)
    return _completion(
        "predict", twin, points, exam.prefix, guesses, {"constant_velocity": 1, "constant_acceleration": 2}
    )


def interpolate(twin: TwinExam) -> Outcome:
    """Both ends are told; the twin fills the gap."""
    exam, config = twin.exam, twin.exam.config
    ends = config.ends
    points = twin.answers(
        lambda v, seed: exam.model.interpolate(v[:, :, :ends], v[:, :, -ends:], config.hidden, seed), twin.video
    )
    guesses = baselines.interpolations(twin.seen(twin.rounded)[:, exam.ends], exam.few.track, exam.ends, exam.size)
    return _completion("interpolate", twin, points, exam.ends, guesses, {"quadratic": 2, "cubic": 3})


def _completion(
    task: str,
    twin: TwinExam,
    points: Points,
    given: Bool[np.ndarray, "T"],
    guesses: baselines.Guesses,
    degrees: dict[str, int],
) -> Outcome:
    """degrees: of the polynomials that go through the told frames in space, where the picture's own rules cannot."""
    exam, size = twin.exam, twin.exam.size
    truth = exam.test.track[:, ~given]
    tracks = {"model": twin.seen(points)[:, ~given]} | guesses.tracks
    if isinstance(twin.of, OfTrajectories):
        for name, degree in degrees.items():
            whole = twin.rounded.copy()
            whole[:, ~given] = baselines.extended(twin.rounded[:, given], given, degree)
            tracks[f"{name}_in_space"] = twin.seen(whole)[:, ~given]
    errors = {name: displacement(track, truth, size) for name, track in tracks.items()}
    floor = displacement(twin.seen(twin.rounded)[:, ~given], truth, size)
    survival = Figure(f"{task}.survival", None, "share", len(truth), why=_NO_PICTURE)
    details = error_curves(task, errors, given, exam.config.seed) | {"baselines_chosen": {task: guesses.chosen}}
    return Outcome([*error_figures(task, errors, floor, exam.config.seed), survival], details=details)


def generate(twin: TwinExam) -> Outcome:
    """Only the law is told."""
    exam, config = twin.exam, twin.exam.config
    law = np.arange(config.generated) % len(BASE_LAWS)
    points = _generated(twin, law)
    fit, right = twin.fit_of(points), float((twin.fit.law == exam.test.law).mean())
    some = exam.train.take(np.arange(min(len(law), len(exam.train))))
    data, theirs = values(twin.fit, exam.test.law), values(twin.fit_of(twin.of.points(some)), some.law)
    spread_figure, parameters = spread(data, values(fit, law), theirs, len(law), config.seed)
    copied = Figure("generate.copies", None, "share", len(law), why=_NO_CAMERA)
    if isinstance(twin.of, OfTracks):
        copied = copies(points[..., :2], twin.seen(twin.rounded), exam.train.track)
    figures = [
        share_figure("generate.law_right", fit.law == law, right, {"chance": _CHANCE, "true_clips": right}),
        Figure("generate.survival", None, "share", len(law), why=_NO_PICTURE),
        copied,
        spread_figure,
    ]
    details = {"confusion": {"generate": confusion(law, fit.law, len(BASE_LAWS) + 1)}, "parameters": parameters}
    return Outcome(figures, details=details)


def _generated(twin: TwinExam, law: Int64[np.ndarray, "N"]) -> Points:
    """A clip of each law, batch by batch with a seed each, as the judge of video asks for them."""
    model, size, seed = twin.exam.model, twin.exam.config.batch_size, twin.exam.config.seed
    parts = [
        model.generate(torch.from_numpy(law[i : i + size]), step_seed(seed, i)).cpu() for i in range(0, len(law), size)
    ]
    return twin.scale.points(torch.cat(parts))


def sightings(points: Points, focal: float, size: int, distance: float) -> Tracks:
    """Trajectories as the law fit takes them, so that it fits them in space.

    A law is the same wherever a camera stands. One is put before each trajectory, at `distance` from its middle
    (metres) and looking along its thinnest axis; the ball is as large as the distance, so that a pixel of radius is as
    much depth as a pixel of place is width.
    """
    centred = points - points.mean(axis=1, keepdims=True)
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    local = centred @ axes.transpose(0, 2, 1)
    depth = local[..., 2] + distance
    track = focal * local[..., :2] / depth[..., None] + size / 2
    return Tracks(track, focal * distance / depth, np.ones(depth.shape, bool))
