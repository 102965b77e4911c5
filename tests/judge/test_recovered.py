"""What is read back from clean pixels is what was true; what is not read is not filled in."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from marey.judge import recovered
from marey.judge.exam import Exam, JudgeConfig
from marey.judge.recovered import FINE, ball_radius, paths, readings, true_parameters
from marey.world.laws import BASE_LAWS
from marey.world.scenes import Scenes
from tests.judge.models import Oracle

LINEAR, CIRCULAR, HELICAL, PARABOLIC = range(4)


@pytest.fixture(scope="module")
def exam(train: Scenes, scenes: Scenes, fresh: Scenes) -> Exam:
    return Exam(Oracle(scenes, fresh), train, scenes, JudgeConfig())


def test_true_parameters_are_those_of_the_trajectories(scenes: Scenes) -> None:
    true, radius = true_parameters(scenes), ball_radius(scenes)
    steps = np.diff(scenes.trajectory, axis=1)
    of = [np.flatnonzero(scenes.law == law) for law in range(4)]
    lengths = np.linalg.norm(steps, axis=-1) / radius[:, None]
    assert true[of[LINEAR], 0] == pytest.approx(lengths[of[LINEAR]].mean(axis=1))
    assert lengths[of[CIRCULAR]].mean(axis=1) == pytest.approx(
        2 * true[of[CIRCULAR], 0] * np.sin(np.radians(true[of[CIRCULAR], 1]) / 2)
    )
    across = 2 * true[of[HELICAL], 0] * np.sin(np.radians(true[of[HELICAL], 1]) / 2)
    assert lengths[of[HELICAL]].mean(axis=1) == pytest.approx(np.hypot(across, true[of[HELICAL], 2]))
    bends = np.linalg.norm(np.diff(steps, axis=1), axis=-1) / radius[:, None]
    assert true[of[PARABOLIC], 1] == pytest.approx(bends[of[PARABOLIC]].mean(axis=1))
    assert (true[of[PARABOLIC], 0] <= lengths[of[PARABOLIC]].min(axis=1) + 1e-9).all(), "least at the vertex"
    assert np.isnan(true[of[LINEAR], 1:]).all()


def test_clean_clips_give_their_parameters_back(exam: Exam) -> None:
    read = readings(exam, exam.fit)
    assert {law: list(names) for law, names in read.items()} == {
        "linear": ["speed"],
        "circular": ["radius", "turning"],
        "helical": ["radius", "turning", "climb"],
        "parabolic": ["speed", "acceleration"],
    }
    for law, names in read.items():
        for name, one in names.items():
            assert one["low"] <= one["error"] <= one["high"] < 1, (law, name)
            assert one["n"] >= 0.9 * one["read"] and len(one["truth"]) == len(one["fitted"]) == one["read"]
    assert read["circular"]["turning"]["unit"] == "°/frame" and read["linear"]["speed"]["unit"] == "radii/frame"


def test_a_wrong_parameter_is_a_wrong_reading(exam: Exam) -> None:
    wrong = replace(exam.fit, parameters=1.5 * exam.fit.parameters)
    assert readings(exam, wrong)["linear"]["speed"]["error"] == pytest.approx(50, abs=0.5)


def test_clips_of_no_law_have_no_reading(exam: Exam) -> None:
    lost = replace(exam.fit, law=np.where(exam.test.law == LINEAR, -1, exam.fit.law))
    speed = readings(exam, lost)["linear"]["speed"]
    assert speed["n"] == 0 and set(speed["fitted"]) == {None}
    assert speed["error"] is speed["low"] is speed["high"] is None


def test_intervals_of_the_median_come_from_ranks(exam: Exam) -> None:
    speed = readings(exam, exam.fit)["linear"]["speed"]
    rows = np.flatnonzero((exam.test.law == LINEAR) & (exam.fit.law == LINEAR))
    truth = true_parameters(exam.test)[rows, 0]
    errors = np.sort(100 * np.abs(exam.fit.parameters[rows, LINEAR, 0] - truth) / truth)
    low, high = (int(np.flatnonzero(errors == speed[end])[0]) for end in ("low", "high"))
    assert low + high == len(rows) - 1, "as many ranks from below as from above"
    between = binom.cdf(high, len(rows), 0.5) - binom.cdf(low, len(rows), 0.5)
    assert between >= 0.95


def test_few_values_have_a_median_without_an_interval() -> None:
    assert recovered._median(np.arange(5.0)) == {"error": 2.0, "low": None, "high": None}
    assert recovered._median(np.arange(6.0)) == {"error": 2.5, "low": 0.0, "high": 5.0}
    assert recovered._median(np.empty(0))["error"] is None


def test_paths_are_true_in_camera_coordinates_and_read_near_them(exam: Exam, scenes: Scenes) -> None:
    said = exam.fit.law[:12].copy()
    said[3] = -1
    true, read = paths(exam, exam.tracks, said)
    frames = scenes.times.shape[1]
    assert true.shape == read.shape == (12, FINE * (frames - 1) + 1, 3)
    some = scenes.take(np.arange(12))
    right, down, ahead = np.moveaxis(some.camera.to_camera(some.trajectory[:, None])[:, 0], -1, 0)
    beads = true[:, ::FINE] * ball_radius(some)[:, None, None]
    assert beads == pytest.approx(np.stack([right, ahead, -down], axis=-1))
    assert np.isnan(read[3]).all()
    known = np.flatnonzero(said == some.law)
    assert len(known) >= 10 and set(BASE_LAWS) >= {BASE_LAWS[law] for law in said[known]}
    assert np.linalg.norm(read[known] - true[known], axis=-1).max() < 0.3, "radii of the ball, at a depth of sixteen"
