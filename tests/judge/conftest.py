"""Scenes and true clips that several files of tests look at."""

import numpy as np
import pytest

from marey.world.matched import MatchedWorld
from marey.world.render import render
from marey.world.scenes import Scenes
from tests.judge.examining import examine

__all__ = ["examine"]

WORLD = MatchedWorld()


@pytest.fixture(scope="session")
def scenes() -> Scenes:
    return WORLD.sample(1, np.arange(120))


@pytest.fixture(scope="session")
def clips(scenes: Scenes) -> np.ndarray:
    return render(scenes)


@pytest.fixture(scope="session")
def train() -> Scenes:
    return WORLD.sample(0, np.arange(300))


@pytest.fixture(scope="session")
def fresh() -> Scenes:
    return WORLD.sample(2, np.arange(400))
