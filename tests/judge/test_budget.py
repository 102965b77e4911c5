"""The error budget: known faults must cost what they are, where they are, and nothing else."""

import json
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from marey.core.runs import RunFolder
from marey.judge.budget.build import budget
from marey.judge.budget.costs import UNITS
from marey.judge.budget.parts import FEWEST, PARTED, parts
from marey.judge.budget.record import CEILINGS, Budget, Row
from marey.judge.ceiling import continued, interval_coverage
from marey.judge.exam import Exam, JudgeConfig
from marey.judge.tracker import Tracks
from marey.judge.trials import Outcome, interpolate, predict, reconstruct
from marey.judge.verdict import judge
from marey.metrics.tracks import displacement
from marey.world.matched import MatchedWorld
from marey.world.scenes import Scenes
from tests.judge import models
from tests.judge.models import Oracle, Video

TASKS = ("reconstruct", "predict", "interpolate")
MOTION = ("position", "velocity", "acceleration")
CONFIG = JudgeConfig(generated=8, shown=4, batch_size=32)
N = 80
Spent = Callable[..., Budget]


@pytest.fixture(scope="module")
def some(scenes: Scenes) -> Scenes:
    return scenes.take(np.arange(N))


@pytest.fixture(scope="module")
def exam(train: Scenes, some: Scenes) -> Exam:
    return Exam(Oracle(some, train), train, some, CONFIG)


@pytest.fixture(scope="module")
def outcomes(exam: Exam) -> Callable[[models.Fault], list[Outcome]]:
    """What each task yields of an oracle with a fault; what is read of the true clips is read once."""

    @cache
    def ask(fault: models.Fault) -> list[Outcome]:
        faulty = replace(exam, model=Oracle(exam.test, exam.train, fault))
        known = {name: getattr(exam, name) for name in ("clips", "tracks", "true", "noise", "fit", "turning")}
        faulty.__dict__.update(known)
        return [trial(faulty) for trial in (reconstruct, predict, interpolate)]

    return ask


@pytest.fixture(scope="module")
def spent(exam: Exam, outcomes: Callable[[models.Fault], list[Outcome]]) -> Spent:
    """The budget of an oracle with a fault."""

    @cache
    def of(fault: models.Fault = models.none) -> Budget:
        return budget(exam.test, [outcome.costs for outcome in outcomes(fault)], CONFIG.seed)

    return of


def row(found: Budget, task: str, quantity: str, group: str = "all", value: str = "all") -> Row:
    (one,) = (r for r in found.rows if (r.task, r.quantity, r.group, r.value) == (task, quantity, group, value))
    return one


def test_a_perfect_model_costs_the_floor_in_every_quantity(spent: Spent) -> None:
    found = spent()
    for task in TASKS:
        for quantity, unit in UNITS.items():
            one = row(found, task, quantity)
            assert one.unit == unit and one.n == N
            assert one.tokenizer == one.tracker and one.dynamics == (None if task == "reconstruct" else one.tracker)
        assert 0 < row(found, task, "position").tracker.value < 0.01
        assert row(found, task, "colour").tracker.value == 0 and row(found, task, "survival").tracker.value == 1
        ratio = row(found, task, "velocity").times_floor["tokenizer"]
        assert (ratio.value, ratio.low, ratio.high) == pytest.approx((1, 1, 1))


def test_one_pixel_aside_costs_one_pixel_of_position_and_no_motion(spent: Spent) -> None:
    found = spent(models.shifted)
    for task in TASKS:
        position = row(found, task, "position")
        assert position.model.value == pytest.approx(1, abs=0.01) == position.tokenizer.value
        ratio = position.tokenizer.value / position.tracker.value
        assert position.times_floor["tokenizer"].value == pytest.approx(ratio) and ratio > 500
        for quantity in ("velocity", "acceleration", "radius"):
            one = row(found, task, quantity)
            assert one.model.value == pytest.approx(one.tracker.value, rel=0.05), quantity
        assert row(found, task, "colour").model.value == 0


def lighter(video: Video) -> Video:
    """Ink that is 40 grey levels lighter."""
    return video.clamp(min=-1 + 80 / 255)


def test_ink_and_size_cost_what_they_are_off_and_no_motion(spent: Spent) -> None:
    found = spent(lighter)
    assert row(found, "reconstruct", "colour").tokenizer.value == pytest.approx(40, abs=0.5)
    assert row(found, "reconstruct", "survival").tokenizer.value == 1
    assert row(found, "reconstruct", "velocity").tokenizer.value < 0.02
    swollen = spent(models.swollen)
    for task in TASKS:
        assert 1.5 < row(swollen, task, "radius").model.value < 3
        assert row(swollen, task, "position").model.value < 0.5


def test_nothing_costs_more_than_a_lost_dot(spent: Spent) -> None:
    lost = spent(models.half_erased)
    for task in TASKS:
        for quantity in (*MOTION, "radius", "colour"):
            one, least = row(lost, task, quantity), row(lost, task, quantity).model.low
            assert least > max(each.value for name, each in one.baselines.items() if name != "blank_page"), quantity
            for fault in (models.none, models.shifted, models.frozen, models.swapped, models.backwards):
                assert least > row(spent(fault), task, quantity).model.high, (task, quantity, fault.__name__)
    assert row(lost, "predict", "survival").model.value == 0
    assert row(lost, "interpolate", "survival").model.value == 0.5
    blank = row(lost, "reconstruct", "velocity").baselines["blank_page"]
    assert blank.value > row(lost, "reconstruct", "velocity").model.value


@dataclass
class Careless(Oracle):
    """Its tokenizer is perfect; what it fills in lies two pixels to the right."""

    def reconstruct(self, video: Video) -> Video:
        return video

    def predict(self, prefix: Video, horizon: int, seed: int) -> Video:
        clip = self.truth[self._look_up(prefix, list(range(prefix.shape[2])))].clone()
        clip[:, :, -horizon:] = torch.roll(clip[:, :, -horizon:], 2, dims=-1)
        return clip


def test_what_the_dynamics_adds_is_told_from_the_tokenizer_and_a_jump_is_motion(train: Scenes, scenes: Scenes) -> None:
    exam = Exam(Careless(scenes, train), train, scenes.take(np.arange(32)), CONFIG)
    found = budget(exam.test, [predict(exam).costs], 0)
    position, velocity, acceleration = (row(found, "predict", quantity) for quantity in MOTION)
    assert position.tokenizer == position.tracker
    assert position.dynamics.value == pytest.approx(2, abs=0.01)
    assert velocity.dynamics.value == pytest.approx(2 / 4, abs=0.01)  # of four steps to hidden frames one is a jump
    assert acceleration.dynamics.value == pytest.approx((2 + 2) / 4, abs=0.02)  # before it and after it


class Blind(Exam):
    """Of answers that came without a tokenizer."""

    reconstructs = False


def test_without_a_tokenizer_its_part_is_absent(train: Scenes, scenes: Scenes) -> None:
    exam = Blind(Careless(scenes, train), train, scenes.take(np.arange(32)), CONFIG)
    found = budget(exam.test, [predict(exam).costs], 0)
    assert all(each.tokenizer is None and "tokenizer" not in each.times_floor for each in found.rows)
    position = row(found, "predict", "position")
    assert position.dynamics.value == pytest.approx(2, abs=0.01) and position.times_floor["dynamics"].value > 500
    assert position.paired["constant_velocity"].difference < 0


def test_paired_differences_are_those_of_the_means_and_say_who_is_better(spent: Spent) -> None:
    for fault, better in ((models.none, True), (models.half_erased, False)):
        for one in spent(fault).rows:
            for name, paired in one.paired.items():
                assert paired.difference == pytest.approx(one.model.value - one.baselines[name].value, abs=1e-9)
                assert paired.low <= paired.difference <= paired.high and 0 <= paired.p <= 1
        rule = row(spent(fault), "predict", "position").paired["constant_velocity"]
        assert rule.p < 1e-6 and (rule.high < 0 if better else rule.low > 0)
    same = row(spent(), "predict", "survival").paired["copy_last"]
    assert (same.difference, same.p) == (0, 1)


def test_the_budget_agrees_with_the_figures(spent: Spent, outcomes: Callable[[models.Fault], list[Outcome]]) -> None:
    figures = {figure.name: figure for outcome in outcomes(models.frozen) for figure in outcome.figures}
    pairs = {
        "reconstruction.track_error": ("reconstruct", "position"),
        "reconstruction.survival": ("reconstruct", "survival"),
        "predict.ade": ("predict", "position"),
        "interpolate.survival": ("interpolate", "survival"),
    }
    for name, (task, quantity) in pairs.items():
        figure, one = figures[name], row(spent(models.frozen), task, quantity)
        assert astuple(one.model) == pytest.approx((figure.value, figure.low, figure.high))
        assert one.tracker.value == pytest.approx(figure.floor)
        for rule, value in figure.baselines.items():
            assert one.baselines[rule].value == pytest.approx(value), (name, rule)


def test_where_there_is_no_truth_there_is_no_budget(some: Scenes) -> None:
    assert budget(some, [], 0).rows == []


def test_every_way_to_part_the_clips_holds_each_of_them_once(scenes: Scenes) -> None:
    found = parts(scenes)
    groups = {part.group for part in found}
    assert groups == {"all", "law", *PARTED} - {"noise"}  # which does not vary here
    for group in groups:
        rows = np.concatenate([part.rows for part in found if part.group == group])
        np.testing.assert_array_equal(np.sort(rows), np.arange(120), err_msg=group)
    of = {(part.group, part.value): part.rows for part in found}
    for label, name in enumerate(scenes.names):
        assert (scenes.law[of["law", name]] == label).all()
    assert set(scenes.law[of["turns", "0"]]) == {0, 3}  # lines and parabolas
    assert {value for group, value in of if group == "direction"} == {"0-90", "90-180", "180-270", "270-360"}
    for group in set(PARTED) & groups:
        values = PARTED[group][1](scenes)
        spans = sorted((values[rows].min(), values[rows].max()) for (each, _), rows in of.items() if each == group)
        assert len(spans) >= 2 and all(a[1] <= b[0] for a, b in pairwise(spans)), group


def test_few_clips_are_parted_by_law_alone(scenes: Scenes) -> None:
    few = scenes.take(np.arange(2 * FEWEST - 1))
    assert {part.group for part in parts(few)} == {"all", "law"}
    assert [part.value for part in parts(scenes.take(np.arange(4, 6)))] == ["all", "linear", "circular"]


def test_the_parts_add_up_to_the_whole(spent: Spent) -> None:
    found = spent(models.backwards)
    whole = row(found, "predict", "position").dynamics.value
    for group in {each.group for each in found.rows} - {"all"}:
        some = [each for each in found.rows if (each.task, each.quantity, each.group) == ("predict", "position", group)]
        assert sum(each.n for each in some) == N
        assert sum(each.n * each.dynamics.value for each in some) / N == pytest.approx(whole), group
    assert found.units["speed"] == "m/s"


def test_the_ceiling_goes_on_from_what_is_shown_and_from_nothing_else(exam: Exam) -> None:
    given, truth = exam.prefix, exam.test.track
    law = continued(exam, exam.tracks, given, exam.noise)
    error = displacement(law.track, truth, exam.size)[:, ~given].mean(axis=1)
    assert error.mean() < 0.1 and np.median(error) < 0.03
    assert np.abs(law.radius - exam.test.apparent_radius)[:, ~given].mean() < 0.02
    other = Tracks(*(each.copy() for each in (exam.tracks.track, exam.tracks.radius, exam.tracks.found)))
    other.track[:, ~given], other.radius[:, ~given] = 7.0, 3.0
    again = continued(exam, other, given, exam.noise)
    np.testing.assert_array_equal(again.track, law.track)
    other.track[0, given], other.radius[0, given], other.found[0, given] = np.nan, np.nan, False
    lost = continued(exam, other, given, exam.noise)
    assert np.isnan(lost.track[0]).all() and not lost.found[0].any() and np.isfinite(lost.track[1:]).all()


def test_the_ceiling_is_above_all_other_rules(spent: Spent) -> None:
    for task in ("predict", "interpolate"):
        for quantity in MOTION:
            rules = dict(row(spent(), task, quantity).baselines)
            ceiling = rules.pop(CEILINGS[0])
            assert 5 * ceiling.high < min(each.low for each in rules.values()), (task, quantity)


def test_intervals_hold_the_truth_as_often_as_they_say_and_a_proud_ruler_is_caught(exam: Exam) -> None:
    figure = interval_coverage(exam)
    assert figure.n > 150 and figure.low < 0.95 < figure.high and figure.value > 0.9
    proud = replace(exam)
    proud.__dict__["noise"] = replace(exam.noise, position=exam.noise.position / 3, radius=exam.noise.radius / 3)
    assert interval_coverage(proud).high < 0.8


def test_held_out_scenes_stand_beside_the_test_clips(train: Scenes, some: Scenes, tmp_path: Path) -> None:
    test, beyond = some.take(np.arange(44)), MatchedWorld().sample(3, np.arange(24))
    oracle = Oracle(Scenes.join([test, beyond]), train, models.shifted)
    found = judge(oracle, train, test, CONFIG, RunFolder(tmp_path), lambda _: None, held_out=beyond).budget
    for task in TASKS:
        iid, held_out = (row(found, task, "position", "split", name) for name in ("test", "held_out"))
        assert (iid.n, held_out.n) == (44, 24)
        assert iid.model == row(found, task, "position").model
        assert held_out.model.value == pytest.approx(1, abs=0.01)
    details = json.loads((tmp_path / "details.json").read_text())
    assert not any("held-out" in each["what"] for each in details["not_run"])
    first = details["budget"]["rows"][0]
    assert {"task", "quantity", "unit", "group", "value", "n", "tracker", "tokenizer", "dynamics"} < first.keys()
    assert first["tracker"].keys() == {"value", "low", "high"} and first["dynamics"] is None
    assert first["paired"]["middle_of_frame"].keys() == {"difference", "low", "high", "p"}
    calibration = details["calibration"]
    assert calibration["bins"] == [{"low": 0.9, "high": 1.0, "n": 44, "said": 1.0, "right": 1.0}]
    assert calibration["n"] == 44 and calibration["ece"]["value"] == 0


def test_what_could_not_be_measured_is_absent_and_says_why(train: Scenes, some: Scenes, tmp_path: Path) -> None:
    oracle, test = Oracle(some, train), some.take(np.arange(16))
    oracle.classify = lambda video: torch.zeros(len(video), 4)
    verdict = judge(oracle, train.take(np.arange(16)), test, CONFIG, RunFolder(tmp_path), lambda _: None)
    assert all("fitted_law" not in each.baselines for each in verdict.budget.rows)
    assert verdict.figures["ruler.interval_coverage"].value is None
    assert "no probability" in verdict.figures["classify.calibration_error"].why
    details = json.loads((tmp_path / "details.json").read_text())
    why = {each["what"]: each["why"] for each in details["not_run"]}
    assert "holds none out" in why["held-out values and combinations"]
    assert "fewer than 20" in why["the fitted law as a ceiling"]
    assert "calibration" not in details


def test_interpolation_knows_both_ends(spent: Spent) -> None:
    """A ceiling that saw only the first ends would be no better than in prediction."""
    assert row(spent(), "interpolate", "position").baselines["fitted_law"].value < 0.01
