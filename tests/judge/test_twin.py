"""Twins with known faults: what is judged of coordinates must see them, and what cannot be judged must say so."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from marey.core.runs import RunFolder
from marey.data.coordinates import OfTracks, OfTrajectories, Scale
from marey.judge.exam import Exam, JudgeConfig, VideoModel
from marey.judge.twin import TwinExam, judge_twin, sightings
from marey.metrics.figure import Figure
from marey.report.files import read_figures
from marey.world.camera import random_rotations
from marey.world.scenes import Scenes

CONFIG = JudgeConfig(generated=80, shown=12, batch_size=32)
KINDS = {of.kind: of for of in (OfTracks(), OfTrajectories())}
Video = Float[Tensor, "B C T H W"]
Fault = Callable[[Video], Video]


def none(video: Video) -> Video:
    """No fault."""
    return video


def moved(video: Video) -> Video:
    """The first coordinate is a tenth of the scale too large."""
    return video + torch.tensor([0.1, 0, 0]).view(1, 3, 1, 1, 1)


@dataclass
class Oracle:
    """Returns the truth, found by what it is told, after `fault` has been at it; its laws are `off` by so many."""

    truth: Video
    law: Int64[Tensor, "N"]
    fresh: Video
    fresh_law: Int64[Tensor, "M"]
    fault: Fault = none
    off: int = 0
    levels: tuple[int, ...] = (1024, 1024, 1024)

    def _rows(self, told: Video, frames: list[int]) -> list[int]:
        known = {clip.numpy().tobytes(): row for row, clip in enumerate(self.truth[:, :, frames])}
        return [known[clip.numpy().tobytes()] for clip in told]

    def reconstruct(self, video: Video) -> Video:
        return video

    def indices(self, video: Video) -> Int64[Tensor, "B *latent"]:
        raise AssertionError("coordinates have no codebook to judge")

    def classify(self, video: Video) -> Float[Tensor, "B laws"]:
        law = self.law[self._rows(video, list(range(video.shape[2])))]
        return torch.nn.functional.one_hot((law + self.off) % 4, 4).float()

    def predict(self, prefix: Video, horizon: int, seed: int) -> Video:
        return self.fault(self.truth[self._rows(prefix, list(range(prefix.shape[2])))])

    def interpolate(self, first: Video, last: Video, hidden: int, seed: int) -> Video:
        shown = first.shape[2]
        frames = [*range(shown), *range(shown + hidden, shown + hidden + last.shape[2])]
        return self.fault(self.truth[self._rows(torch.cat([first, last], dim=2), frames)])

    def generate(self, law: Int64[Tensor, "B"], seed: int) -> Video:
        generator = np.random.default_rng(seed)
        rows = [generator.choice(np.flatnonzero(self.fresh_law == int(k + self.off) % 4)) for k in law]
        return self.fault(self.fresh[rows])


Examined = dict[str, Figure]


@dataclass
class Examiner:
    train: Scenes
    test: Scenes
    fresh: Scenes

    def twin(self, kind: str, fault: Fault = none, off: int = 0) -> TwinExam:
        of = KINDS[kind]
        every = np.concatenate([of.points(scenes) for scenes in (self.train, self.test, self.fresh)])
        scale = Scale(tuple(every.min(axis=(0, 1)).tolist()), tuple(every.max(axis=(0, 1)).tolist()))
        told = [scale.video(of.points(scenes)) for scenes in (self.test, self.fresh)]
        laws = [torch.from_numpy(scenes.law) for scenes in (self.test, self.fresh)]
        model = Oracle(told[0], laws[0], told[1], laws[1], fault, off)
        assert isinstance(model, VideoModel)
        return TwinExam(Exam(model, self.train, self.test, CONFIG), of, scale)


@pytest.fixture(scope="module")
def examiner(train: Scenes, scenes: Scenes, fresh: Scenes) -> Examiner:
    return Examiner(train, scenes, fresh)


@pytest.fixture(scope="module", params=KINDS)
def perfect(request: pytest.FixtureRequest, examiner: Examiner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a judged twin without faults."""
    path = tmp_path_factory.mktemp(request.param)
    judge_twin(examiner.twin(request.param), RunFolder(path), lambda _: None)
    return path


def by_name(figures: list[Figure]) -> Examined:
    return {figure.name: figure for figure in figures}


def test_a_perfect_twin_reaches_the_floor(perfect: Path) -> None:
    figures = {figure.name: figure for figure in read_figures(perfect)}
    for task in ("predict", "interpolate"):
        for measure in ("ade", "fde"):
            figure = figures[f"{task}.{measure}"]
            assert figure.value == pytest.approx(figure.floor, abs=1e-9) and figure.value < 1e-4
            assert figure.n == 120 and figure.low <= figure.value <= figure.high
            assert min(value for name, value in figure.baselines.items() if "in_space" not in name) > 0.05
    assert figures["reconstruction.track_error"].value < 1e-4
    assert figures["classify.accuracy"].value == 1 and figures["classify.accuracy"].baselines["law_fit"] > 0.97
    assert figures["generate.law_right"].value >= 0.95 and figures["generate.law_right"].n == 80
    assert figures["generate.spread"].value < 2 * figures["generate.spread"].baselines["real_clips"]


def test_what_coordinates_cannot_show_says_why(perfect: Path) -> None:
    missing = {figure.name: figure.why for figure in read_figures(perfect) if figure.value is None}
    survival = {f"{task}.survival" for task in ("reconstruction", "predict", "interpolate", "generate")}
    assert missing.keys() - {"generate.copies"} == survival
    assert ("generate.copies" in missing) == perfect.name.startswith("trajectories")
    assert all(missing.values())


def test_details_hold_what_stands_behind_the_figures(perfect: Path) -> None:
    details = json.loads((perfect / "details.json").read_text())
    rounding = details["rounding"]
    assert all(len(rounding[name]) == 3 for name in ("names", "low", "high", "level", "largest_error"))
    assert np.array(details["confusion"]["classify"]).tolist() == np.diag([30] * 4).tolist()
    assert details["errors"]["predict"]["frame"] == [4, 5, 6, 7]
    if perfect.name.startswith("trajectories"):
        assert {"constant_velocity_in_space", "constant_acceleration_in_space"} <= details["errors"]["predict"].keys()


def test_judging_again_writes_the_same_bytes(examiner: Examiner, tmp_path: Path) -> None:
    for name in ("one", "two"):
        judge_twin(examiner.twin("tracks"), RunFolder(tmp_path / name), lambda _: None)
    for name in ("metrics.json", "details.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_faults_are_seen(examiner: Examiner, tmp_path: Path) -> None:
    twin = examiner.twin("tracks", moved, off=1)
    seen = by_name(judge_twin(twin, RunFolder(tmp_path), lambda _: None))
    pixels = 0.1 / (2 * 0.98) * (twin.scale.high[0] - twin.scale.low[0])
    for name in ("predict.ade", "predict.fde", "interpolate.ade", "interpolate.fde"):
        assert seen[name].value == pytest.approx(pixels, abs=1e-3), name
    assert seen["classify.accuracy"].value == 0 and seen["generate.law_right"].value <= 0.05


def test_a_copy_of_the_training_clips_is_seen(train: Scenes, scenes: Scenes, tmp_path: Path) -> None:
    seen = by_name(judge_twin(Examiner(train, scenes, train).twin("tracks"), RunFolder(tmp_path), lambda _: None))
    assert seen["generate.copies"].value == 1 > 5 * seen["generate.copies"].baselines["real_clips"]


# -- the law fit in space ------------------------------------------------------------------------------------------


def test_laws_are_read_in_space_from_anywhere(examiner: Examiner, fresh: Scenes) -> None:
    """The same answers when every trajectory is turned and carried off: no camera of the data is used."""
    twin = examiner.twin("trajectories")
    points = fresh.trajectory[:200]
    fit = twin.fit_of(points)
    assert (fit.law == fresh.law[:200]).mean() >= 0.99
    turn = random_rotations(np.random.default_rng(0).random((200, 3)))
    away = points @ turn.transpose(0, 2, 1) + 50.0
    again = twin.fit_of(away)
    assert (again.law == fit.law).mean() >= 0.99
    known = np.isfinite(fit.parameters) & np.isfinite(again.parameters)
    right = known & (np.arange(4)[:, None] == fresh.law[:200, None, None])
    assert np.median(np.abs(again.parameters - fit.parameters)[right]) < 1e-3


def test_a_still_or_jumping_body_follows_no_law(examiner: Examiner) -> None:
    twin, generator = examiner.twin("trajectories"), np.random.default_rng(0)
    still = np.zeros((4, 8, 3)) + 0.001 * generator.standard_normal((4, 8, 3))
    jumps = generator.standard_normal((20, 8, 3))
    assert (twin.fit_of(still).law == -1).all()
    assert (twin.fit_of(jumps).law == -1).mean() >= 0.95


def test_sightings_keep_distances_in_all_directions() -> None:
    """A step along the line of sight changes the radius by as many pixels as one across changes the place."""
    t = np.linspace(-0.5, 0.5, 8)
    points = np.stack([t, 0.5 * np.cos(3 * t), 0.2 * np.sin(5 * t)], axis=-1)[None]
    tracks = sightings(points, 40.0, 32, 10.0)
    seen = np.concatenate([tracks.track - 16, tracks.radius[..., None] - 40], axis=-1)
    before, after = (np.linalg.norm(np.diff(each, axis=1), axis=-1) for each in (points, seen))
    assert np.allclose(after / before, 4.0, rtol=0.1) and tracks.found.all()
