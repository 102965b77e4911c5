"""The three motions of `phyworld`, against their physics written out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from marey.core.config import from_json, to_json
from marey.core.errors import UserError
from marey.world.factors import FACTORS
from marey.world.look import Look
from marey.world.phyworld import PhyWorld
from marey.world.rig import Rig
from marey.world.scenes import Scenes

WORLDS = {motion: PhyWorld(motion=motion) for motion in ("uniform", "parabola", "collision")}
TIMES = np.arange(32) / 10  # seconds


@pytest.fixture(scope="module")
def drawn() -> dict[str, Scenes]:
    """400 scenes of each motion."""
    return {motion: world.sample(1, np.arange(400)) for motion, world in WORLDS.items()}


def test_one_ball_moves_or_falls(drawn: dict[str, Scenes]) -> None:
    for motion, gravity in (("uniform", 0), ("parabola", 2.5)):
        place = drawn[motion].trajectory
        speed = (place[:, 1, 0] - place[:, 0, 0]) / 0.1
        assert (speed >= 0).all() and (np.abs(place[..., 1]) < 1e-9).all()
        np.testing.assert_allclose(place[..., 0], place[:, :1, 0] + speed[:, None] * TIMES, atol=1e-9)
        np.testing.assert_allclose(place[..., 2], place[:, :1, 2] - gravity / 2 * TIMES**2, atol=1e-9)
        np.testing.assert_array_equal(drawn[motion].times, np.broadcast_to(TIMES, (400, 32)))


def test_two_balls_collide_without_loss(drawn: dict[str, Scenes]) -> None:
    scenes = drawn["collision"]
    place, mass = scenes.trajectories[..., 0], FACTORS["radius"](scenes) ** 2
    velocity = np.diff(place, axis=2) / 0.1
    before, after = velocity[:, :, 0], velocity[:, :, -1]
    assert (before[:, 0] >= 0).all() and (before[:, 1] <= 0).all()
    np.testing.assert_allclose((mass * before).sum(axis=1), (mass * after).sum(axis=1), atol=1e-6)
    np.testing.assert_allclose((mass * before**2).sum(axis=1), (mass * after**2).sum(axis=1), atol=1e-6)
    np.testing.assert_allclose(scenes.trajectories[:, 0, :, 1:], scenes.trajectories[:, 1, :, 1:])  # a central hit
    apart = place[:, 1] - place[:, 0] - FACTORS["radius"](scenes).sum(axis=1)[:, None]
    assert (apart > -1e-6).all()
    moment = apart[:, 0] / (before[:, 0] - before[:, 1])  # when they touch, seconds
    assert 0.775 - 1e-6 < moment.min() < 0.85 and 2.2 < moment.max() < 2.325 + 1e-6
    turned = np.abs(velocity - before[:, :, None]).max(axis=1) > 1e-6
    np.testing.assert_array_equal(turned.any(axis=1), True)
    for i in range(400):
        assert not turned[i, TIMES[1:] <= moment[i]].any() and turned[i, TIMES[1:] > moment[i] + 0.1].all()


def test_the_frame_shows_the_plane_without_perspective(drawn: dict[str, Scenes]) -> None:
    for scenes in drawn.values():
        place, track = scenes.trajectories, scenes.tracks[:, 0]
        np.testing.assert_allclose(track[..., 0], place[..., 0] * 6.4, atol=1e-9)
        np.testing.assert_allclose(track[..., 1], (10 - place[..., 2]) * 6.4, atol=1e-9)
        assert np.ptp(scenes.radii[:, 0], axis=2).max() < 1e-9


def test_balls_start_whole_and_leave_late_if_the_plane_is_wide_enough(drawn: dict[str, Scenes]) -> None:
    for scenes in drawn.values():
        assert scenes.whole[:, 0, :, :8].all()
    scenes = drawn["uniform"]
    radius, speed = (FACTORS[name](scenes)[:, 0] for name in ("radius", "speed"))
    wide = 10 - 2 * radius - 0.75 * 3.1 * speed > 0.5
    assert 100 < wide.sum() < 400 and scenes.whole[wide, 0, 0, :24].all() and not scenes.whole[~wide, 0, 0].all()


def test_radii_and_speeds_are_of_one_range_or_the_other() -> None:
    scenes = PhyWorld(motion="collision", radius=((0.5, 0.6), (0.9, 1.0)), radius_beyond=((0.2, 0.3),)).sample(
        0, np.arange(900)
    )
    radius, speed = (FACTORS[name](scenes) for name in ("radius", "speed"))
    kinds = [(low < radius) & (radius < high) for low, high in ((0.5, 0.6), (0.9, 1.0), (0.2, 0.3))]
    assert np.any(kinds, axis=0).all() and min(kind.mean() for kind in kinds) > 0.15
    np.testing.assert_array_equal(kinds[2][:, 0], kinds[2][:, 1])  # both balls, or none
    beyond = (speed < 0.9) | (speed > 4.4)
    np.testing.assert_array_equal(beyond[:, 0], beyond[:, 1])
    assert 0.2 < beyond[:, 0].mean() < 0.8 and (speed[~beyond] > 0.99).all() and (speed[~beyond] < 4.01).all()


def test_the_balls_have_the_colours_of_the_paper() -> None:
    assert PhyWorld(motion="collision").sample(0, np.arange(2)).picture.ink[1].tolist() == [[255, 0, 0], [0, 0, 255]]
    assert PhyWorld().sample(0, np.arange(2)).picture.ink[1].tolist() == [[255, 0, 0]]
    for black in (PhyWorld(channels=1), PhyWorld(look=Look(coloured=False))):
        assert (black.sample(0, np.arange(2)).picture.ink == 0).all()


def test_more_cameras_see_the_same_balls() -> None:
    one = PhyWorld(motion="collision")
    scenes, first = (world.sample(0, np.arange(9)) for world in (replace(one, rig=Rig(cameras=3)), one))
    np.testing.assert_array_equal(scenes.trajectories, first.trajectories)
    assert scenes.radii.shape == (9, 3, 2, 32)
    np.testing.assert_allclose(scenes.radii[:, :1], first.radii)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"radius": ((1.4, 0.7),)}, r"world.radius=\(1.4, 0.7\) is reversed; give \(low, high\)"),
        ({"radius": ((0.7, 3.0),)}, r"world.radius=\(0.7, 3.0\) is out of range; choose 0.01 to 2.5"),
        ({"speed_beyond": ((-1.0, 0.5),)}, r"world.speed_beyond=\(-1.0, 0.5\) is out of range; choose 0 to"),
        ({"speed": ()}, "world.speed is empty"),
        ({"frames": 3}, "frames=3 .*at least 4"),
        ({"size": 8}, "size=8 .*16 to 1024"),
        ({"fps": 0.0}, "world.fps=0.0"),
    ],
)
def test_an_impossible_world_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        PhyWorld(**change)


def test_a_collision_that_needs_more_room_than_there_is_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marey.world.redraw.MOST_DRAWS", 20)
    fast = PhyWorld(motion="collision", speed=((9.0, 9.0),), speed_beyond=())
    with pytest.raises(UserError, match=r"the collision motion of sample 0 .* reduce world.radius or world.speed"):
        fast.sample(0, np.arange(1))


def test_it_survives_json() -> None:
    for world in WORLDS.values():
        assert from_json(PhyWorld, to_json(world), "test") == world
