"""Models with known faults: each must move the right figures the right way, and nothing else may look better."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from marey.core.errors import UserError
from marey.core.runs import RunFolder
from marey.judge.budget.record import CEILINGS
from marey.judge.exam import Exam, JudgeConfig, VideoModel
from marey.judge.verdict import Verdict, judge
from marey.metrics.figure import Level
from marey.report.files import read_pictures
from marey.world.laws import BASE_LAWS
from marey.world.matched import MatchedWorld
from marey.world.rig import Rig
from marey.world.scenes import Scenes
from marey.world.varied import VariedWorld
from tests.judge import models
from tests.judge.examining import CONFIG, Examine
from tests.judge.models import Oracle


@pytest.fixture(scope="module")
def perfect(examine: Examine) -> dict[str, float]:
    return values(examine())


def values(verdict: Verdict) -> dict[str, float]:
    return {name: figure.value for name, figure in verdict.figures.items()}


def test_an_oracle_is_a_model(scenes: Scenes, fresh: Scenes) -> None:
    assert isinstance(Oracle(scenes, fresh), VideoModel)


def test_a_perfect_model_reaches_the_floor(examine: Examine) -> None:
    figures = examine().figures
    for name, figure in figures.items():
        if figure.floor is not None and not name.startswith("generate"):
            assert figure.value == pytest.approx(figure.floor, abs=1e-12), name
    for task in ("predict", "interpolate"):
        for measure in ("ade", "fde"):
            figure = figures[f"{task}.{measure}"]
            rules = [value for name, value in figure.baselines.items() if name not in CEILINGS]
            assert figure.value < 0.02 and min(rules) > 10 * figure.value
    assert figures["classify.accuracy"].value == 1
    assert figures["generate.law_right"].value >= 0.95 and figures["generate.survival"].value >= 0.99
    copies, spread = figures["generate.copies"], figures["generate.spread"]
    assert copies.low <= copies.baselines["real_clips"] + 0.03
    assert spread.value < 2 * spread.baselines["real_clips"]


def test_a_blank_page_scores_the_worst_there_is(examine: Examine) -> None:
    figures = examine(models.blank).figures
    for name in ("reconstruction.survival", "predict.survival", "interpolate.survival", "generate.survival"):
        assert figures[name].value == 0
    for name in ("reconstruction.law_right", "generate.law_right"):
        assert figures[name].value == 0
    for name in ("generate.copies", "generate.duplicates"):
        assert figures[name].value == 1, "no motion is no new motion"
    for name in ("reconstruction.track_error", "predict.ade", "predict.fde", "interpolate.ade", "interpolate.fde"):
        assert figures[name].value > max(figures[name].baselines.values()) - 1e-9 and figures[name].value > 22
    assert figures["generate.spread"].value == 1
    psnr = figures["reconstruction.psnr"]
    assert psnr.value == psnr.baselines["blank_page"]


def test_a_frozen_clip_has_a_dot_but_no_motion(examine: Examine, perfect: dict[str, float]) -> None:
    seen = values(examine(models.frozen))
    assert seen["generate.survival"] > 0.99 and seen["generate.law_right"] == 0 == seen["reconstruction.law_right"]
    assert seen["reconstruction.survival"] < 0.5
    assert seen["predict.ade"] > 3 and seen["interpolate.ade"] > 3
    assert seen["predict.fde"] > seen["predict.ade"]


def test_one_pixel_is_one_pixel(examine: Examine, perfect: dict[str, float]) -> None:
    seen = values(examine(models.shifted))
    for name in ("reconstruction.track_error", "predict.ade", "predict.fde", "interpolate.ade", "interpolate.fde"):
        assert seen[name] == pytest.approx(1, abs=0.05), name
    assert seen["reconstruction.survival"] > 0.95
    assert seen["reconstruction.psnr"] < perfect["reconstruction.psnr"] - 50


@pytest.mark.parametrize("fault", [models.swapped, models.backwards], ids=["swapped", "backwards"])
def test_other_clips_and_time_reversed_are_wrong_places_with_a_dot(fault: models.Fault, examine: Examine) -> None:
    seen = values(examine(fault))
    assert seen["predict.ade"] > 2 and seen["interpolate.ade"] > 2
    assert seen["predict.survival"] > 0.9  # the dot is there
    assert seen["reconstruction.survival"] < 0.6  # but not in its place


def test_reversing_time_keeps_the_law_and_swapping_clips_does_not(examine: Examine) -> None:
    assert values(examine(models.backwards))["reconstruction.law_right"] > 0.95
    assert values(examine(models.swapped))["reconstruction.law_right"] < 0.05  # the next clip has the next law


def test_a_faded_dot_does_not_survive(examine: Examine) -> None:
    seen = values(examine(models.faded))
    assert seen["reconstruction.survival"] == 0 == seen["predict.survival"] == seen["generate.survival"]


def test_a_swollen_dot_is_in_its_place_but_not_itself(examine: Examine) -> None:
    seen = values(examine(models.swollen))
    assert seen["predict.ade"] < 0.5 and seen["reconstruction.survival"] == 1
    assert seen["predict.survival"] < 0.05 and seen["interpolate.survival"] < 0.05
    assert seen["generate.survival"] < 0.4  # which has no truth: the largest true dots are not so much smaller


def test_a_vanished_dot_is_worse_than_a_wrong_one(examine: Examine) -> None:
    vanished, wrong = values(examine(models.half_erased)), values(examine(models.swapped))
    for name in ("predict.ade", "predict.fde"):
        assert vanished[name] > wrong[name]
    assert vanished["predict.survival"] == 0


def test_a_liar_about_laws_is_caught(examine: Examine, tmp_path: Path) -> None:
    verdict = examine(laws=lambda law: (law + 1) % 4, path=tmp_path)
    assert verdict.figures["classify.accuracy"].value == 0
    assert verdict.figures["generate.law_right"].value < 0.05
    confusion = json.loads((tmp_path / "details.json").read_text())["confusion"]
    np.testing.assert_array_equal(confusion["classify"], 30 * np.roll(np.eye(4, dtype=int), 1, axis=1))
    assert np.trace(np.roll(np.array(confusion["generate"])[:, :4], -1, axis=1)) >= 76


def test_copying_the_training_set_is_caught(examine: Examine, train: Scenes) -> None:
    copies = examine(fresh=train).figures["generate.copies"]
    assert copies.value == 1 and copies.baselines["real_clips"] < 0.2


def test_generating_one_motion_again_and_again_is_caught(examine: Examine, fresh: Scenes) -> None:
    one = fresh.take(np.arange(4))
    spread = examine(fresh=one).figures["generate.spread"]
    assert spread.low > 2 * spread.baselines["real_clips"]


def test_the_same_judgement_writes_the_same_bytes(examine: Examine, tmp_path: Path) -> None:
    for run in ("a", "b"):
        examine(models.shifted, path=tmp_path / run)
    names = ["metrics.json", "details.json", *(f"clips/{task}.npz" for task in TASKS)]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


TASKS = ("reconstruct", "predict", "interpolate", "generate")


def test_the_report_can_read_what_the_judge_writes(examine: Examine, tmp_path: Path) -> None:
    examine(models.half_erased, path=tmp_path)
    laws, clips = read_pictures(tmp_path)
    assert laws == list(BASE_LAWS) and set(clips) == set(TASKS)
    assert all(len(each.model) == 12 for each in clips.values())
    assert np.isnan(clips["predict"].model_track[:, 4:]).all() and (clips["predict"].given == (np.arange(8) < 4)).all()
    details = json.loads((tmp_path / "details.json").read_text())
    curve = details["errors"]["predict"]
    assert curve["frame"] == [4, 5, 6, 7] and all(len(error) == 4 for error in curve.values())
    assert set(curve) > {"model", "copy_last", "constant_velocity", "constant_acceleration", "class_mean"}
    figures = {entry["name"] for entry in json.loads((tmp_path / "metrics.json").read_text())}
    assert len(figures) == 32 and {"generate.copies", "gate.first_last", "reconstruction.codebook_use"} < figures


def test_levels_and_rows_of_the_recipe_are_kept(train: Scenes, scenes: Scenes, fresh: Scenes, tmp_path: Path) -> None:
    levels = {"predict.ade": Level("at most", 1.0), "classify.accuracy": Level("at least", 0.97)}
    said: list[str] = []
    verdict = judge(
        Oracle(scenes, fresh, laws=lambda law: 0 * law), train, scenes, replace(CONFIG, generated=8),
        RunFolder(tmp_path), said.append, levels,
        tasks=[{"task": "predict"}], not_run=[{"what": "i3d", "why": "no weights"}],
    )  # fmt: skip
    assert verdict.figures["predict.ade"].reached is True and verdict.figures["classify.accuracy"].reached is False
    assert verdict.figures["generate.spread"].reached is None
    assert said == ["reconstruct", "classify", "predict", "interpolate", "generate", "budget", "gate"]
    details = json.loads((tmp_path / "details.json").read_text())
    assert details["tasks"] == [{"task": "predict"}] and details["not_run"][0]["why"] == "no weights"


@pytest.mark.parametrize(
    ("fault", "said"),
    [(lambda video: video[:, :, :5], "returned shape"), (lambda video: video * float("nan"), "not finite")],
)
def test_broken_videos_are_an_error_and_never_a_score(fault: models.Fault, said: str, examine: Examine) -> None:
    with pytest.raises(UserError, match=said):
        examine(fault)


@pytest.mark.parametrize("field", ["generated", "shown", "batch_size"])
def test_too_few_clips_are_refused(field: str) -> None:
    with pytest.raises(UserError, match=field):
        JudgeConfig(**{field: 0})


def test_an_exam_that_does_not_fit_the_clips_is_refused(train: Scenes, scenes: Scenes, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="prefix"):
        judge(Oracle(scenes, train), train, scenes, JudgeConfig(prefix=5), RunFolder(tmp_path), lambda _: None)


def test_worlds_that_the_law_fit_does_not_know_are_refused(train: Scenes, scenes: Scenes) -> None:
    far = replace(scenes.camera, focal=scenes.camera.focal * np.linspace(1, 2, len(scenes))[:, None])
    for test, said in (
        (VariedWorld(frames=8, bodies=(1, 1), laws=BASE_LAWS[:2]).sample(0, np.arange(8)), "laws linear, circular; "),
        (VariedWorld(frames=8, bodies=(1, 3), laws=BASE_LAWS).sample(0, np.arange(8)), "one body .* up to 3"),
        (MatchedWorld(rig=Rig(k1=(-0.1, -0.1))).sample(0, np.arange(8)), r"world\.rig"),
        (replace(scenes, camera=far), "one focal length"),
    ):
        with pytest.raises(UserError, match=said):
            Exam(Oracle(scenes, train), train, test, CONFIG)


def test_the_prior_of_the_fit_is_that_of_the_training_clips(train: Scenes, scenes: Scenes) -> None:
    assert Exam(Oracle(scenes, train), train, scenes, CONFIG).turning == (20.0, 55.0)
    world = MatchedWorld(frames=16, size=64)
    slow, test = world.sample(0, np.arange(80)), world.sample(1, np.arange(80))
    exam = Exam(Oracle(test, slow), slow, test, replace(CONFIG, prefix=8, horizon=8, ends=4, hidden=8))
    assert exam.turning[1] < 30 and (exam.fit.law == test.law).mean() >= 0.98


def test_colour_and_longer_clips_are_judged_too(tmp_path: Path) -> None:
    world = MatchedWorld(channels=3, frames=10, size=48)
    train, test = world.sample(0, np.arange(80)), world.sample(1, np.arange(40))
    config = replace(CONFIG, prefix=6, ends=3, generated=8)
    verdict = judge(Oracle(test, train), train, test, config, RunFolder(tmp_path), lambda _: None)
    assert verdict.figures["predict.ade"].value < 0.02 and verdict.figures["reconstruction.survival"].value == 1


def test_every_batch_has_a_seed_of_its_own_and_always_the_same(
    train: Scenes, scenes: Scenes, fresh: Scenes, tmp_path: Path
) -> None:
    seen = []
    for seed in (0, 0, 1):
        oracle = Oracle(scenes, fresh)
        judge(oracle, train, scenes, replace(CONFIG, seed=seed), RunFolder(tmp_path), lambda _: None)
        seen.append(oracle.seeds)
    assert seen[0] == seen[1]
    for task, seeds in seen[0].items():
        assert len(set(seeds)) == len(seeds) > 1 and not set(seeds) & set(seen[2][task])


def test_batches_change_nothing(scenes: Scenes, train: Scenes, fresh: Scenes, tmp_path: Path) -> None:
    seen = []
    for size in (7, 160):
        config = replace(CONFIG, batch_size=size, generated=8)
        verdict = judge(Oracle(scenes, fresh), train, scenes, config, RunFolder(tmp_path), lambda _: None)
        seen.append({name: value for name, value in values(verdict).items() if not name.startswith("generate")})
    assert seen[0] == seen[1]
