"""The standard sets of the bench: 2,000 clips of 17 frames of 128 x 128 pixels each, a quarter of them for the test."""

from collections.abc import Mapping
from dataclasses import replace

from marey.data.spec import PRESETS, DatasetSpec
from marey.world.matched import MatchedWorld


def _standard(preset: str) -> DatasetSpec:
    world = PRESETS[preset].world
    assert isinstance(world, MatchedWorld)
    return DatasetSpec(replace(world, frames=17, size=128), train=1200, validation=300, test=500)


STANDARD: Mapping[str, DatasetSpec] = {preset: _standard(preset) for preset in ("matched", "hard")}
