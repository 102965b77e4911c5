"""Whether a model goes on as the law says: its figures move the right way, and a ball that vanishes is the worst."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from marey.core.files import read_json
from marey.core.runs import RunFolder
from marey.data.spec import PRESETS, DatasetSpec
from marey.judge.exam import JudgeConfig
from marey.judge.physics import Side, judge_physics
from marey.metrics.figure import Figure, Level
from marey.world.render import render
from marey.world.scenes import Scenes
from tests.judge.models import Fault, Oracle, Video, none

PREFIX = 3


def spec(motion: str) -> DatasetSpec:
    preset = PRESETS[f"phyworld-{motion}"]
    return replace(preset, world=replace(preset.world, frames=16), train=0, validation=0, test=6, held_out=3)


class Faithful(Oracle):
    """Reconstructs without a fault; its predictions have one."""

    def reconstruct(self, video: Video) -> Video:
        return video


def judged(motion: str, fault: Fault, folder: Path) -> dict[str, Figure]:
    of = spec(motion)
    sides = {"within": of.scenes("test"), "beyond": of.scenes("held_out")}
    config = JudgeConfig(prefix=PREFIX, horizon=13, ends=3, hidden=10)
    truths = Scenes.join(list(sides.values()))
    model = Faithful(truths, truths, fault)
    levels = {"within.prediction_times_floor": Level("at most", 1.5)}
    figures = judge_physics(model, sides, config, RunFolder(folder), lambda _: None, levels)
    assert [entry["name"] for entry in read_json(folder / "metrics.json")] == [figure.name for figure in figures]
    return {figure.name: figure for figure in figures}


def late(video: Video) -> Video:
    """Each hidden frame shows what was one frame before: where the shown ends, the ball stands still for once."""
    return torch.cat([video[:, :, :PREFIX], video[:, :, PREFIX - 1 : -1]], dim=2)


def still(video: Video) -> Video:
    return video[:, :, PREFIX - 1 : PREFIX].expand_as(video)


def gone(video: Video) -> Video:
    return torch.cat([video[:, :, :PREFIX], torch.ones_like(video[:, :, PREFIX:])], dim=2)


@pytest.mark.parametrize("motion", ["uniform", "collision"])
def test_the_truth_is_at_the_floor_and_lies_are_worse_in_their_order(motion: str, tmp_path: Path) -> None:
    errors = []
    for name, fault in {"truth": none, "late": late, "still": still, "gone": gone}.items():
        figures = judged(motion, fault, tmp_path / name)
        for side in ("within", "beyond"):
            for ruler in ("", "_by_mask"):
                assert figures[f"{side}.reconstruction_times_floor{ruler}"].value == 1
                assert figures[f"{side}.reconstruction_lost{ruler}"].value == 0
                assert figures[f"{side}.prediction_lost{ruler}"].value == (name == "gone")
        errors.append(
            [
                figures[f"{side}.prediction_times_floor{ruler}"].value
                for side in ("within", "beyond")
                for ruler in ("", "_by_mask")
            ]
        )
        assert figures["within.prediction_times_floor"].reached is (name == "truth")
    assert errors[0] == [1, 1, 1, 1]
    assert (np.diff(np.array(errors, float), axis=0) > 0).all(), "a vanished ball must be worse than any that is seen"


def test_rules_follow_their_laws(tmp_path: Path) -> None:
    uniform = judged("uniform", still, tmp_path / "u")["within.prediction_velocity_error"]
    thrown = judged("parabola", still, tmp_path / "p")["within.prediction_velocity_error"]
    assert uniform.value == pytest.approx(uniform.baselines["copy_last"], rel=0.01)  # what `still` does
    assert uniform.baselines["constant_velocity"] < 0.05 * uniform.baselines["copy_last"]
    assert thrown.baselines["constant_acceleration"] < 0.2 * thrown.baselines["constant_velocity"]


@pytest.mark.parametrize("motion", ["uniform", "collision"])
def test_the_papers_ruler_is_the_mean_place_of_the_pixels_of_a_ball(motion: str) -> None:
    scenes = spec(motion).scenes("test")
    side = Side(scenes, render(scenes), PREFIX)
    found, whole = side.masked(side.clips), scenes.whole[:, 0]
    distance = np.linalg.norm(found - scenes.tracks[:, 0], axis=-1)[whole]
    assert distance.max() < 0.3 and distance.mean() > 0.01, "to a pixel's fraction, but not as well as the tracker"
    assert np.isnan(side.masked(np.full_like(side.clips, 255))).all()


def test_what_is_drawn_after_the_ball_has_left_disturbs_nothing() -> None:
    """A ball leaves; then a larger one is drawn, of which the tracker would take the first one for a part."""
    scenes = PRESETS["phyworld-uniform"].scenes("test", 0, 40)
    empty = ~scenes.whole[:, 0, 0]
    scenes = scenes.take(np.flatnonzero(empty.sum(axis=1) > 8))
    assert len(scenes) >= 10
    side = Side(scenes, render(scenes), PREFIX)
    ghosts = side.clips.copy()
    box = np.zeros(ghosts.shape[:4], bool)
    box[:, :, 30:60, 30:60] = ~scenes.whole[:, 0, 0][..., None, None]
    ghosts[box] = (255, 0, 0)
    masks = side.masked(side.clips)
    assert not side.ghosts(masks, masks).any()
    away = np.isnan(masks).any(axis=2)[:, 0]
    drawn = side.ghosts(masks, side.masked(ghosts))
    assert np.array_equal(drawn, np.ones(away.any(axis=1).sum())) and len(drawn) >= 5
    half = ghosts.copy()
    half[:, ::2] = side.clips[:, ::2]
    assert 0.3 < side.ghosts(masks, side.masked(half)).mean() < 0.7
    true = side.velocity_error(side.read(side.clips))
    assert np.array_equal(side.velocity_error(side.read(ghosts)), true) and true.max() < 0.01
