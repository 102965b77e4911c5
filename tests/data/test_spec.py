"""A spec decides every sample; splits share none, and held-out ones share no factor."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from marey.core.config import from_json, to_json
from marey.core.errors import UserError
from marey.data.clips import clips
from marey.data.spec import PRESETS, SPLITS, DatasetSpec, dataset_from_preset, preset_of, world_from_preset
from marey.world.factors import FACTORS, Region
from marey.world.matched import MatchedWorld
from marey.world.phyworld import PhyWorld
from marey.world.render import quantized, render

_THREE = SPLITS[:3]
_WITH_HELD_OUT = [name for name, spec in PRESETS.items() if spec.unseen is not None]


def test_splits_are_disjoint_in_the_index_and_in_the_clips(spec: DatasetSpec) -> None:
    index = [set(spec.index(split, np.arange(spec.count(split))).tolist()) for split in SPLITS]
    assert [len(each) for each in index] == [40, 12, 12, 0]
    assert not index[0] & index[1] and not index[0] & index[2] and not index[1] & index[2]
    drawn = np.concatenate([spec.scenes(split).trajectory for split in SPLITS])
    assert len(np.unique(drawn.reshape(len(drawn), -1), axis=0)) == len(drawn)


def test_the_largest_splits_are_disjoint_too() -> None:
    most = 1 << 40
    unseen = Region(law=("helical",))
    spec = DatasetSpec(train=most, validation=most, test=most, held_out=most, unseen=unseen)
    ends = np.array([spec.index(split, np.array([0, most - 1])) for split in SPLITS])
    assert (np.diff(ends.ravel()) > 0).all() and ends[3, 0] == 3 * most
    assert len(spec.scenes_at("held_out", np.array([most - 1]))) == 1


def test_the_default_spec_keeps_its_bytes() -> None:
    drawn = render(DatasetSpec().scenes("test", 0, 64))
    assert hashlib.sha256(drawn.tobytes()).hexdigest().startswith("ebbd9517960bcbb5")


def test_no_split_changes_when_another_grows(spec: DatasetSpec) -> None:
    grown = replace(spec, train=50, validation=13, test=14)
    for split in _THREE:
        np.testing.assert_array_equal(clips(grown, split, 0, 12), clips(spec, split, 0, 12))


def test_each_split_takes_the_laws_in_turn(spec: DatasetSpec) -> None:
    for split in _THREE:
        assert spec.scenes(split, 2, 9).law.tolist() == [2, 3, 0, 1, 2, 3, 0]


def test_scenes_of_a_range_are_those_of_its_rows(spec: DatasetSpec) -> None:
    rows = np.array([11, 3, 3])
    np.testing.assert_array_equal(spec.scenes_at("test", rows).trajectory, spec.scenes("test").trajectory[rows])
    np.testing.assert_array_equal(spec.scenes("test", 4, 6).trajectory, spec.scenes("test").trajectory[4:6])
    assert len(spec.scenes("test", 5, 5)) == 0 and len(replace(spec, test=0).scenes("test")) == 0


@pytest.mark.parametrize("name", _WITH_HELD_OUT)
def test_no_factor_of_a_held_out_sample_occurs_in_training(name: str) -> None:
    spec = dataset_from_preset(name, 400)
    assert spec.unseen is not None and spec.held_out == 40
    for split in _THREE:
        scenes = spec.scenes(split)
        assert spec.seen.holds(scenes).all() and not spec.unseen.touches(scenes).any()
    assert spec.unseen.holds(spec.scenes("held_out")).all()


@pytest.mark.parametrize("motion", ["uniform", "parabola", "collision"])
def test_in_phyworld_each_factor_alone_is_out_of_distribution(motion: str) -> None:
    """Redone with numbers of this test's own: radii in metres, speeds in m/s."""
    spec = dataset_from_preset(f"phyworld-{motion}", 300)
    radius, speed = (FACTORS[name](spec.scenes("train")) for name in ("radius", "speed"))
    assert 0.7 - 1e-6 <= radius.min() < 0.75 and 1.35 < radius.max() <= 1.4 + 1e-6
    assert 1 - 1e-6 <= speed.min() < 1.1 and 3.7 < speed.max() <= 4 + 1e-6
    radius, speed = (FACTORS[name](spec.scenes("held_out")) for name in ("radius", "speed"))
    assert (((radius > 0.29) & (radius < 0.61)) | ((radius > 1.49) & (radius < 2.01))).all()
    assert ((speed < 0.81) | ((speed > 4.49) & (speed < 6.01))).all()
    assert (speed < 1).any() and (radius < 0.61).any()


def test_a_held_out_law() -> None:
    spec = DatasetSpec(train=30, validation=9, test=9, held_out=8, unseen=Region(law=("helical",)))
    assert spec.scenes("train", 0, 6).law.tolist() == [0, 1, 3, 0, 1, 3]  # the others still take turns
    assert (spec.scenes("held_out").law == 2).all()
    only = replace(spec, seen=Region(law=("circular", "helical")))
    assert (only.scenes("test").law == 1).all()
    assert only.scenes("test").names == ("linear", "circular", "helical", "parabolic")


def test_a_held_out_combination_has_values_that_each_occur_in_training() -> None:
    up = ((45.0, 135.0),)
    spec = DatasetSpec(train=400, test=40, held_out=60, unseen=Region(law=("parabolic",), direction=up))
    spec.check()
    train, held_out = spec.scenes("train"), spec.scenes("held_out")
    upwards = Region(direction=up).holds(train)
    parabola = train.law == 3
    assert upwards.sum() > 50 and parabola.sum() == 100 and not (upwards & parabola).any()
    assert (held_out.law == 3).all() and Region(direction=up).holds(held_out).all()


def test_the_combination_that_varied_holds_out_has_values_that_each_occur_in_training() -> None:
    spec = dataset_from_preset("varied", 300)
    train = spec.scenes("train")
    large = (FACTORS["extent"](train) >= 0.35) & (train.laws >= 0)
    laws = np.isin(train.laws, [train.names.index(name) for name in ("circular", "parabolic")])
    assert large.sum() > 50 and laws.sum() > 50 and not (large & laws).any()
    held_out = spec.scenes("held_out")
    assert set(held_out.law) == {held_out.names.index(name) for name in ("circular", "parabolic")}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"held_out": 5}, "held_out=5 is more than the split can give: set unseen, or held_out=0"),
        ({"unseen": Region()}, "unseen is empty"),
        ({"world": PhyWorld(), "unseen": Region(law=("helical",))}, "unseen.law='helical' .*its laws are linear$"),
        ({"world": PhyWorld(), "seen": Region(law=("helical",))}, "seen.law='helical' .*its laws are linear$"),
    ],
)
def test_a_region_that_makes_no_sense_is_refused_at_once(change: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        DatasetSpec(**change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"held_out": 5, "unseen": Region(speed=((50.0, 60.0),))}, r"held_out=5 .* inside unseen\.speed; widen"),
        ({"unseen": Region(speed=((0.0, 60.0),))}, r"train=10000 .* left by unseen\.speed; widen"),
        ({"seen": Region(across=((2.0, 3.0),))}, r"train=10000 .* left by seen\.across; widen"),
        ({"seen": Region(law=("linear",)), "unseen": Region(law=("linear",))}, r"left by seen\.law, unseen\.law"),
        # rare, but not impossible: small splits might be found, large ones not
        ({"held_out": 5, "unseen": Region(across=((0.5, 0.502),))}, r"held_out=5 .* inside unseen\.across"),
        (
            {"world": MatchedWorld(focal=0.07)},
            "camera 0 is inside the scene; reduce world.radius, or raise world.focal",
        ),
    ],
)
def test_what_a_world_cannot_make_is_found_before_work_starts(change: dict[str, object], words: str) -> None:
    spec = DatasetSpec(**change)
    with pytest.raises(UserError, match=words):
        spec.check()


def test_a_motion_that_does_not_fit_is_found_before_work_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marey.world.redraw.MOST_DRAWS", 50)  # it would take seconds to give up
    spec = DatasetSpec(MatchedWorld(extent=(3.0, 4.0)), held_out=5, unseen=Region(speed=((50.0, 60.0),)))
    with pytest.raises(UserError, match=r"the linear motion of sample 0 does not fit the frame; reduce world\.extent"):
        spec.check()


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_made(name: str) -> None:
    spec = dataset_from_preset(name, 50, seed=4)
    spec.check()
    assert (spec.train, spec.validation, spec.test, spec.held_out, spec.seed) == (50, 5, 5, 5 * bool(spec.unseen), 4)
    assert spec.world == PRESETS[name].world
    made = clips(dataset_from_preset(name, 50, 8, 32, 3), "test", 0, 5)
    assert made.shape == (5, 8, 32, 32, 3) and (made != made[:, :1, :1, :1]).any()


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
    with pytest.raises(UserError, match="'dev' is unknown; the splits are train, validation, test, held_out"):
        matched.scenes("dev")


def test_a_spec_survives_json_and_keeps_its_kind_of_world(spec: DatasetSpec) -> None:
    assert from_json(DatasetSpec, to_json(spec), "test") == spec


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_json(name: str) -> None:
    assert from_json(DatasetSpec, to_json(PRESETS[name]), "test") == PRESETS[name]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"world": {"kind": "textbook"}}, "file: field world.*kind.*textbook"),
        ({"world": {"kind": "classic", "fps": 8}}, r"file: field world\.fps"),
        ({"world": {"kind": "matched", "frames": 1}}, "at least 2"),
        ({"world": {"kind": "matched", "turn": [36, 26]}}, r"world\.turn=\(36\.0, 26\.0\) is reversed"),
        ({"world": {"kind": "matched", "distance": [0, 2]}}, r"world\.distance=.* camera inside the scene"),
        ({"world": {"kind": "phyworld", "speed": [[4, 1]]}}, r"world\.speed=\(4\.0, 1\.0\) is reversed"),
        ({"world": {"kind": "phyworld", "motion": "swing"}}, r"file: field world\.motion"),
        ({"train": -4}, "train=-4"),
        ({"size": 4}, "file: field size"),
        ({"unseen": {"colour": [[0, 1]]}}, r"file: field unseen\.colour"),
        ({"unseen": {"speed": [[2, 1]]}}, r"file: field unseen: .*speed=\(2\.0, 1\.0\) is reversed"),
        ({"held_out": 7}, "held_out=7 is more than the split can give"),
    ],
)
def test_wrong_json_is_named(data: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        from_json(DatasetSpec, data, "file")


def test_presets() -> None:
    for name, spec in PRESETS.items():
        assert world_from_preset(name, 4, 48, 3) == replace(spec.world, frames=4, size=48, channels=3)
    with pytest.raises(UserError, match="preset='easy' is unknown; the presets are classic, matched, hard, "):
        world_from_preset("easy", 8, 32, 1)
    with pytest.raises(UserError, match=r"channels=2 .*1 \(grey\) or 3"):
        world_from_preset("classic", 8, 32, 2)
    with pytest.raises(UserError, match="train=-3"):
        dataset_from_preset("matched", -3)


@pytest.mark.parametrize("preset", PRESETS)
def test_no_samples_are_no_clips(preset: str) -> None:
    spec = dataset_from_preset(preset, 40)
    whole, none = spec.scenes("train", 0, 1), spec.scenes("train", 0, 0)
    assert quantized(none).shape == (0, *quantized(whole).shape[1:])
    assert render(none).shape == (0, *render(whole).shape[1:])


@pytest.mark.parametrize("name", PRESETS)
def test_a_world_knows_the_preset_that_it_is_of(name: str) -> None:
    assert preset_of(world_from_preset(name, 11, 48, 3)) == name
    stranger = MatchedWorld(extent=(0.2, 0.3))
    assert preset_of(stranger) == "matched"  # of none: its kind
