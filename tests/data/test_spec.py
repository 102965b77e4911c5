"""A spec decides every sample; splits share none."""

from dataclasses import replace

import numpy as np
import pytest

from marey.core.config import from_json, to_json
from marey.core.errors import UserError
from marey.data.clips import clips
from marey.data.spec import PRESETS, SPLITS, DatasetSpec, world_from_preset


def test_splits_are_disjoint_in_the_index_and_in_the_clips(spec: DatasetSpec) -> None:
    index = [set(spec.index(split, np.arange(spec.count(split))).tolist()) for split in SPLITS]
    assert [len(each) for each in index] == [40, 12, 12]
    assert not index[0] & index[1] and not index[0] & index[2] and not index[1] & index[2]
    drawn = np.concatenate([spec.scenes(split).trajectory for split in SPLITS])
    assert len(np.unique(drawn.reshape(len(drawn), -1), axis=0)) == len(drawn)


def test_the_largest_splits_are_disjoint_too() -> None:
    most = 1 << 40
    spec = DatasetSpec(train=most, validation=most, test=most)
    ends = [spec.index(split, np.array([0, most - 1])).tolist() for split in SPLITS]
    assert ends[0][1] < ends[1][0] and ends[1][1] < ends[2][0]
    assert len(spec.scenes_at("test", np.array([most - 1]))) == 1


def test_no_split_changes_when_another_grows(spec: DatasetSpec) -> None:
    grown = replace(spec, train=50, validation=13, test=14)
    for split in SPLITS:
        np.testing.assert_array_equal(clips(grown, split, 0, 12), clips(spec, split, 0, 12))


def test_each_split_takes_the_laws_in_turn(spec: DatasetSpec) -> None:
    for split in SPLITS:
        assert spec.scenes(split, 2, 9).law.tolist() == [2, 3, 0, 1, 2, 3, 0]


def test_scenes_of_a_range_are_those_of_its_rows(spec: DatasetSpec) -> None:
    rows = np.array([11, 3, 3])
    np.testing.assert_array_equal(spec.scenes_at("test", rows).trajectory, spec.scenes("test").trajectory[rows])
    np.testing.assert_array_equal(spec.scenes("test", 4, 6).trajectory, spec.scenes("test").trajectory[4:6])
    assert len(spec.scenes("test", 5, 5)) == 0 and len(replace(spec, test=0).scenes("test")) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train": -1}, "train=-1 .*0 to"),
        ({"test": (1 << 40) + 1}, "test=.* out of range"),
        ({"seed": -1}, "seed=-1 .*choose 0"),
        ({"seed": 1 << 63}, "seed="),
    ],
)
def test_an_impossible_spec_is_refused(matched: DatasetSpec, change: dict[str, int], words: str) -> None:
    with pytest.raises(UserError, match=words):
        replace(matched, **change)


def test_rows_outside_a_split_are_refused(matched: DatasetSpec) -> None:
    for start, stop in ((5, 3), (-1, 3), (0, 13), (13, 13)):
        with pytest.raises(UserError, match=f"rows {start} to {stop} .* test split"):
            matched.scenes("test", start, stop)
    for row in (-1, 12):
        with pytest.raises(UserError, match=f"row {row} is not in the test split of 12"):
            matched.scenes_at("test", np.array([0, row]))
    with pytest.raises(UserError, match="'dev' is unknown; the splits are train, validation, test"):
        matched.scenes("dev")


def test_a_spec_survives_json_and_keeps_its_kind_of_world(spec: DatasetSpec) -> None:
    assert from_json(DatasetSpec, to_json(spec), "test") == spec


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"world": {"kind": "textbook"}}, "file: field world.*kind.*textbook"),
        ({"world": {"kind": "classic", "fps": 8}}, r"file: field world\.classic\.fps"),
        ({"world": {"kind": "matched", "frames": 1}}, "at least 2"),
        ({"train": -4}, "train=-4"),
        ({"size": 4}, "file: field size"),
    ],
)
def test_wrong_json_is_named(data: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        from_json(DatasetSpec, data, "file")


def test_presets() -> None:
    assert set(PRESETS) == {"matched", "classic"}
    for name, world in PRESETS.items():
        assert world_from_preset(name, 4, 48, 3) == world(frames=4, size=48, channels=3)
    with pytest.raises(UserError, match="preset='easy' is unknown; the presets are matched, classic"):
        world_from_preset("easy", 8, 32, 1)
    with pytest.raises(UserError, match=r"channels=2 .*1 \(grey\) or 3"):
        world_from_preset("classic", 8, 32, 2)
