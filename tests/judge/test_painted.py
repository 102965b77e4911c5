"""Out- and inpainting is judged where the dot was hidden, against rules that saw no more than the model."""

from dataclasses import replace

import numpy as np
import pytest

from marey.core.runs import RunFolder
from marey.dynamics.tasks import TABLE, example, tasks_named
from marey.judge.exam import Exam
from marey.judge.painted import _rules, paint
from marey.judge.verdict import judge
from marey.metrics.figure import Figure
from marey.report.words import title_of
from marey.world.matched import MatchedWorld
from marey.world.scenes import Scenes
from tests.judge import models
from tests.judge.examining import CONFIG
from tests.judge.models import Fault, Oracle

NAMES = [task.name for task in TABLE if task.region is not None]


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return MatchedWorld().sample(1, np.arange(64))


def shown(name: str, scenes: Scenes) -> np.ndarray:
    (task,) = tasks_named((name,))
    return example(task, scenes.times.shape[1], scenes.camera.size).numpy()


def figures(train: Scenes, test: Scenes, name: str, fault: Fault = models.none) -> dict[str, Figure]:
    exam = Exam(Oracle(test, test, fault), train, test, CONFIG)
    return {figure.name.split(".")[1]: figure for figure in paint(exam, name, shown(name, test)).figures}


@pytest.mark.parametrize("name", NAMES)
def test_a_perfect_model_reaches_the_floor_and_a_blank_page_does_not(name: str, train: Scenes, scenes: Scenes) -> None:
    ade, survival = figures(train, scenes, name).values()
    assert ade.value == pytest.approx(ade.floor, abs=1e-12) and survival.value == survival.floor > 0.99
    assert 0 < ade.n == survival.n <= len(scenes.law)
    assert ade.value < 0.1 * min(ade.baselines.values())
    ade, survival = figures(train, scenes, name, models.blank).values()
    assert ade.value > 2 * max(ade.baselines.values())
    assert survival.value < 0.4  # halves of dots at the rim of what is shown remain
    for figure in (ade, survival):
        assert title_of(figure.name).better


def test_the_rules_know_what_is_shown_and_no_more(train: Scenes, scenes: Scenes) -> None:
    """In place of what is hidden the dot is somewhere else: rules, floor and number of clips stay."""
    perfect, moved = (
        figures(train, scenes, "inpaint_central", fault)["ade"] for fault in (models.none, models.swapped)
    )
    assert moved.baselines == perfect.baselines and moved.n == perfect.n and moved.floor == perfect.floor
    assert moved.value > 3
    known = np.zeros_like(shown("inpaint_central", scenes))
    blind = paint(Exam(Oracle(scenes, scenes), train, scenes, CONFIG), "inpaint_central", known).figures[0]
    assert blind.n == len(scenes.law) and len(set(blind.baselines.values())) == 1  # all of them the middle
    every = paint(Exam(Oracle(scenes, scenes), train, scenes, CONFIG), "inpaint_central", ~known).figures[0]
    assert every.value is None and every.n == 0 and "no clip" in every.why and every.unit == "px"


def test_rules_through_what_they_are_shown() -> None:
    """A cubic through four places goes on as a cubic does, a line stays where it was seen last; of none, the middle."""
    time = np.arange(8.0)
    track = np.stack([1 + time + 0.01 * time**3, 20 - time], axis=1)[None].repeat(3, axis=0)
    known = np.zeros((3, 8), bool)
    known[0, [0, 2, 3, 6]], known[1, [1, 4]] = True, True
    rules = _rules(track, known, 32)
    np.testing.assert_allclose(rules["cubic"][0], track[0], atol=1e-9)
    np.testing.assert_allclose(rules["linear"][0, [4, 7]], [2 / 3 * track[0, 3] + track[0, 6] / 3, track[0, 6]])
    np.testing.assert_allclose(rules["cubic"][1, :, 1], track[1, :, 1])  # a line, through two
    assert (rules["linear"][2] == 16).all() and (rules["cubic"][2] == 16).all()


def test_masks_are_of_their_region() -> None:
    centre, strip, hole = (example(task, 5, 8) for task in tasks_named((NAMES[0], NAMES[1], NAMES[4])))
    assert centre[:, 2:6, 2:6].all() and centre.sum() == 5 * 16
    assert strip[:, :, 2:6].all() and strip.sum() == 5 * 32
    assert (hole == ~centre).all()
    moving = example(tasks_named(("outpaint_dynamic",))[0], 5, 8)
    assert moving[0, :, :4].all() and moving[-1, :, 4:].all() and (moving.sum(dim=(1, 2)) == 32).all()


def test_a_verdict_has_what_was_painted(train: Scenes, scenes: Scenes, fresh: Scenes, tmp_path_factory) -> None:  # type: ignore[no-untyped-def]
    oracle, folder = Oracle(scenes, fresh), RunFolder(tmp_path_factory.mktemp("painted"))
    masks = {name: shown(name, scenes) for name in NAMES[:2]}
    said: list[str] = []
    found = judge(oracle, train, scenes, replace(CONFIG, generated=8), folder, said.append, painted=masks).figures
    assert {f"{name}.ade" for name in masks} < set(found) and set(masks) < set(said)
    assert len(set(oracle.seeds["complete"])) == len(oracle.seeds["complete"]) / 2
