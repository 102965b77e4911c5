"""Small specs that several files of tests use."""

import pytest

from marey.data.spec import DatasetSpec
from marey.world.classic import ClassicWorld
from marey.world.matched import MatchedWorld

SPECS = {
    "matched": DatasetSpec(MatchedWorld(), train=40, validation=12, test=12, seed=3),
    "classic": DatasetSpec(ClassicWorld(frames=5, size=24, channels=3), train=40, validation=12, test=12, seed=3),
}


@pytest.fixture(params=SPECS)
def spec(request: pytest.FixtureRequest) -> DatasetSpec:
    return SPECS[request.param]


@pytest.fixture
def matched() -> DatasetSpec:
    return SPECS["matched"]
