"""Factors are what their docstrings say, and regions hold what they name."""

import numpy as np
import pytest

from marey.core.config import from_json, to_json
from marey.core.errors import UserError
from marey.world.classic import ClassicWorld
from marey.world.factors import FACTORS, Region
from marey.world.matched import MatchedWorld
from marey.world.phyworld import PhyWorld
from marey.world.scenes import Scenes


def test_speed_is_that_of_the_law(scenes: Scenes) -> None:
    speed = FACTORS["speed"](scenes)[:, 0]
    p, t = scenes.parameters[:, 0].T, scenes.times[:, 0]
    by_hand = {
        "linear": np.abs(p[0]),
        "circular": np.abs(p[0] * p[1]),
        "helical": np.hypot(p[0] * p[1], p[3]),
        "parabolic": np.hypot(p[0], p[1] * (t - p[2])),
    }
    for label, name in enumerate(scenes.names):
        rows = scenes.law == label
        np.testing.assert_allclose(speed[rows], by_hand[name][rows], rtol=1e-5)


def test_radius_and_turns(matched: Scenes) -> None:
    world = PhyWorld(radius=((1.0, 1.0),), radius_beyond=())
    np.testing.assert_allclose(FACTORS["radius"](world.sample(0, np.arange(9))), 1.0)
    turns = FACTORS["turns"](matched)[:, 0]
    turning = np.isin(matched.law, [1, 2])
    assert (turns[~turning] == 0).all()
    lowest, highest = 26 * 7 / 360, 36 * 7 / 360  # degrees from frame to frame, seven times
    assert lowest <= turns[turning].min() < lowest + 0.02 and highest - 0.02 < turns[turning].max() <= highest


def test_factors_of_the_image(matched: Scenes) -> None:
    direction, track = FACTORS["direction"](matched)[:, 0], matched.track
    right, down = (track[:, -1] - track[:, 0]).T
    np.testing.assert_allclose(np.cos(np.radians(direction)), right / np.hypot(right, down), atol=1e-9)
    np.testing.assert_allclose(np.sin(np.radians(direction)), -down / np.hypot(right, down), atol=1e-9)
    assert direction.min() >= 0 and direction.max() < 360
    across, extent = FACTORS["across"](matched)[:, 0], FACTORS["extent"](matched)[:, 0]
    for i in range(20):
        (left, top), (end, bottom) = track[i].min(axis=0) / 32, track[i].max(axis=0) / 32
        assert extent[i] == pytest.approx(max(end - left, bottom - top)) and left < across[i] < end
        assert top < FACTORS["down"](matched)[i, 0] < bottom


def test_every_factor_has_a_number_for_every_scene(scenes: Scenes) -> None:
    assert set(FACTORS) == set(Region.__dataclass_fields__) - {"law"}
    for name, factor in FACTORS.items():
        values = factor(scenes)
        assert values.shape == (200, 1) and np.isfinite(values).all(), name


def test_a_region_is_a_conjunction_of_unions(matched: Scenes) -> None:
    region = Region(law=("circular", "parabolic"), direction=((0.0, 45.0), (315.0, 360.0)))
    direction = FACTORS["direction"](matched)[:, 0]
    by_hand = [name in (1, 3) and (d <= 45 or d >= 315) for name, d in zip(matched.law, direction, strict=True)]
    np.testing.assert_array_equal(region.holds(matched), by_hand)
    np.testing.assert_array_equal(region.touches(matched), by_hand)
    assert region.bounded == ("law", "direction") and 0 < np.mean(by_hand) < 0.5
    assert Region().holds(matched).all() and Region().bounded == ()


def test_with_two_bodies_a_scene_may_lie_neither_in_nor_out() -> None:
    one, two = (MatchedWorld().sample(seed, np.arange(40)) for seed in (0, 1))
    scenes = _paired(one, two)
    region = Region(speed=((0.0, 2.0),))
    slow = np.stack([FACTORS["speed"](each)[:, 0] <= 2 for each in (one, two)])
    np.testing.assert_array_equal(region.holds(scenes), slow.all(axis=0))
    np.testing.assert_array_equal(region.touches(scenes), slow.any(axis=0))
    assert (slow[0] != slow[1]).any()
    np.testing.assert_array_equal(FACTORS["bodies"](scenes), np.full((40, 2), 2))
    scenes.laws[:, 1] = -1  # the second body is not there
    np.testing.assert_array_equal(region.holds(scenes), slow[0])
    np.testing.assert_array_equal(region.touches(scenes), slow[0])
    assert (FACTORS["bodies"](scenes) == 1).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"speed": ((3.0, 1.0),)}, r"speed=\(3.0, 1.0\) is reversed; give \(low, high\)"),
        ({"speed": ((float("nan"), 1.0),)}, "speed="),
        ({"law": ("spiral staircase",)}, "law='spiral staircase' is unknown; the laws are linear"),
    ],
)
def test_an_impossible_region_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Region(**change)


def test_a_region_survives_json_and_an_unknown_factor_is_named() -> None:
    region = Region(law=("linear",), across=((0.0, 0.3), (0.7, 1.0)))
    assert from_json(Region, to_json(region), "test") == region
    with pytest.raises(UserError, match="test: field colour"):
        from_json(Region, {"colour": [[0, 1]]}, "test")


def test_the_textbook_world_draws_again_too() -> None:
    small = Region(speed=((0.0, 1.0),))
    world, index = ClassicWorld(), np.arange(1, 80, 4)
    assert small.holds(world.sample(0, index, small.holds)).all() and not small.holds(world.sample(0, index)).all()


def _paired(a: Scenes, b: Scenes) -> Scenes:
    """The same scenes with a second body, seen by the first one's camera."""
    bodies = {name: np.concatenate([getattr(s, name) for s in (a, b)], axis=1) for name in _OF_BODIES}
    radii = np.concatenate([a.radii, b.radii], axis=2)
    picture = type(a.picture).plain(np.concatenate([a.picture.ink, b.picture.ink], axis=1), a.picture.paper)
    return Scenes(names=a.names, times=a.times, camera=a.camera, radii=radii, picture=picture, **bodies)


_OF_BODIES = ("laws", "parameters", "origins", "axes")
