from dataclasses import replace

import numpy as np
import pytest

from marey.judge.shortcuts import LIMITS, gate
from marey.world.classic import ClassicWorld
from marey.world.matched import MatchedWorld
from marey.world.scenes import Scenes


@pytest.fixture(scope="module")
def splits() -> tuple[Scenes, Scenes]:
    world = MatchedWorld()
    return world.sample(0, np.arange(4000)), world.sample(1, np.arange(4000))


def test_the_matched_world_passes(splits: tuple[Scenes, Scenes]) -> None:
    found = gate(*splits)
    assert found.passed
    assert [figure.name for figure in found.figures] == [f"gate.{name}" for name in LIMITS]
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
