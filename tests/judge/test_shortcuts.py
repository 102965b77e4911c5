"""The gate passes what it should, flags what leaks, and reports on every preset."""

from dataclasses import replace

import numpy as np
import pytest

from marey.data.spec import PRESETS, DatasetSpec
from marey.judge.shortcuts import FACTS, LIMITS, facts, gate, gate_of, notes
from marey.world.classic import ClassicWorld
from marey.world.factors import Region
from marey.world.matched import MatchedWorld
from marey.world.phyworld import PhyWorld
from marey.world.scenes import Scenes
from marey.world.varied import VariedWorld


@pytest.fixture(scope="module")
def splits() -> tuple[Scenes, Scenes]:
    world = MatchedWorld()
    return world.sample(0, np.arange(4000)), world.sample(1, np.arange(4000))


def test_the_matched_world_passes(splits: tuple[Scenes, Scenes]) -> None:
    found = gate(*splits)
    assert found.passed
    assert [figure.name for figure in found.figures] == [f"gate.{name}" for name in FACTS]
    for figure in found.figures:
        assert figure.n == 4000 and figure.low < figure.value < figure.high and figure.baselines == {"chance": 0.25}


def test_the_textbook_world_is_flagged() -> None:
    world = ClassicWorld()
    found = gate(world.sample(0, np.arange(400)), world.sample(1, np.arange(400)))
    assert not found.passed
    assert all(figure.value > 0.45 for figure in found.figures)


@pytest.mark.parametrize("fact", ["size", "place"])
def test_one_leaking_fact_is_enough(fact: str, splits: tuple[Scenes, Scenes]) -> None:
    def leak(scenes: Scenes) -> Scenes:
        if fact == "size":
            return replace(scenes, radii=scenes.radii + 0.3 * scenes.law[:, None, None, None])
        sideways = 0.6 * scenes.law[:, None] * scenes.camera.rotation[:, 0, 0]
        return replace(scenes, origins=scenes.origins + sideways[:, None])

    found = gate(*(leak(split) for split in splits))
    assert not found.passed
    worst = {figure.name for figure in found.figures if figure.reached is False}
    assert "gate.one_frame" in worst and "gate.net_displacement" not in worst


def test_both_lengths_are_reported_without_a_limit(splits: tuple[Scenes, Scenes]) -> None:
    entries = {entry["name"]: entry for entry in gate(*splits).to_json()}
    assert entries["gate.both_lengths"]["limit"] is None and "reached" not in entries["gate.both_lengths"]
    assert entries["gate.one_frame"]["limit"] == 0.30 and entries["gate.one_frame"]["reached"] is True


def test_the_limits_are_those_of_four_classes() -> None:
    assert dict(LIMITS) == {"one_frame": 0.30, "net_displacement": 0.35, "path_length": 0.40, "first_last": 0.40}
    levels = {figure.name: figure.level.value for figure in gate_of(DatasetSpec(), 40).figures if figure.level}
    assert levels == {f"gate.{name}": limit for name, limit in LIMITS.items()}


@pytest.mark.parametrize("name", ["matched", "hard"])
def test_what_must_keep_the_limits_does(name: str) -> None:
    found = gate_of(PRESETS[name])
    assert found.passed and sum(figure.reached is True for figure in found.figures) == 4


@pytest.mark.parametrize("name", sorted(set(PRESETS) - {"matched", "hard"}))
def test_other_presets_report_figures_without_limits(name: str) -> None:
    found = gate_of(PRESETS[name], samples=400)
    assert found.passed and all(figure.level is None for figure in found.figures)
    if name.startswith("phyworld"):
        assert all(figure.value is None and "one law only" in str(figure.why) for figure in found.figures)
        assert "not measured; there is one law only, so there is nothing to tell apart." in notes(found)
    else:
        assert all(figure.value is not None for figure in found.figures)


def test_of_longer_clips_it_is_said_that_the_limits_are_not_theirs() -> None:
    own, longer = DatasetSpec(), DatasetSpec(MatchedWorld(frames=16))
    assert "own 8 frames" not in notes(gate_of(own, 40))
    said = notes(gate_of(longer, 40))
    assert said.endswith("\nThe limits are those of the preset's own 8 frames; clips of 16 may exceed them.\n")
    assert said.count("0.35 (") == 1  # whether they are exceeded is still shown


def test_chance_is_that_of_the_laws_there_are() -> None:
    two = DatasetSpec(seen=Region(law=("circular", "parabolic")))
    assert {figure.baselines["chance"] for figure in gate_of(two, 100).figures} == {0.5}


def test_frames_without_the_disc_give_no_place(splits: tuple[Scenes, Scenes]) -> None:
    """Two laws take place beyond the frame: that nothing is seen is a fact, and a tree finds it."""

    def move(scenes: Scenes) -> Scenes:
        few = scenes.take(np.arange(200))
        sideways = 8 * (few.law[:, None] % 2) * few.camera.rotation[:, 0, 0]
        return replace(few, origins=few.origins + sideways[:, None])

    left, right = (move(split) for split in splits)
    found = {figure.name: figure.value for figure in gate(left, right).figures}
    assert found["gate.first_last"] > 0.45
    gone = facts(left)["first_last"][0]
    np.testing.assert_array_equal(np.isnan(gone[:, 3]), ~left.seen[:, 0, 0, -1])
    assert np.isnan(facts(left)["net_displacement"][0][:, 0]).sum() >= np.isnan(gone[:, 3]).sum() > 20
    assert np.isfinite(facts(left)["path_length"][0]).all()


def test_of_several_bodies_the_first_one_is_asked() -> None:
    scenes = PhyWorld(motion="collision").sample(0, np.arange(20))
    first = facts(scenes)["one_frame"][0]
    np.testing.assert_allclose(first[:, :2], scenes.tracks[:, 0, 0, 0])
    np.testing.assert_allclose(first[:, 2], scenes.radii[:, 0, 0, 0])


def test_notes_tell_each_figure_with_its_limit(splits: tuple[Scenes, Scenes]) -> None:
    found = gate(*splits)
    text = notes(found)
    assert text.startswith("## Shortcuts") and text.endswith("\n")
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(FACTS)
    for row, figure in zip(rows, found.figures, strict=True):
        assert f"| {figure.value:.3f} | {figure.low:.3f} to {figure.high:.3f} | 4000 | 0.250 |" in row
        assert ("(kept)" in row) == (figure.level is not None)
    assert "0.30 (exceeded)" in notes(
        gate(ClassicWorld().sample(0, np.arange(99)), ClassicWorld().sample(1, np.arange(99)))
    )


def test_a_tree_has_a_leaf_for_each_of_many_laws() -> None:
    """Where the size of the disc names the law, all thirteen are told; a tree of depth 3 has only eight leaves."""

    def leak(scenes: Scenes) -> Scenes:
        return replace(scenes, radii=scenes.radii * 0 + 1 + scenes.law[:, None, None, None])

    world = VariedWorld(bodies=(1, 2))
    found = gate(leak(world.sample(0, np.arange(260))), leak(world.sample(1, np.arange(130))))
    assert len(world.laws) == 13 and found.figures[0].value == 1
