"""Scenes that several files of tests look at."""

import numpy as np
import pytest

from marey.world.classic import ClassicWorld
from marey.world.matched import MatchedWorld
from marey.world.scenes import Scenes
from marey.world.varied import VariedWorld

WORLDS = {
    "matched": MatchedWorld(),
    "matched-large": MatchedWorld(frames=16, size=64, channels=3),
    "classic": ClassicWorld(),
}


@pytest.fixture(scope="session", params=WORLDS)
def scenes(request: pytest.FixtureRequest) -> Scenes:
    """200 scenes of each world."""
    return WORLDS[request.param].sample(5, np.arange(200))


@pytest.fixture(scope="session")
def matched() -> Scenes:
    """4000 scenes of the world `matched`."""
    return WORLDS["matched"].sample(0, np.arange(4000))


@pytest.fixture(scope="session")
def varied() -> Scenes:
    """780 scenes of one to four bodies under all laws."""
    return VariedWorld().sample(2, np.arange(780))
