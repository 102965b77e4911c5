"""What the world `varied` promises about its clips."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from marey.core.config import from_json, to_json
from marey.core.errors import UserError
from marey.world.factors import FACTORS
from marey.world.laws import LAW_NAMES, law_named
from marey.world.look import Look
from marey.world.rig import Rig
from marey.world.scenes import Scenes
from marey.world.shapes import NUMBERS, Clock, collide, draw_shapes
from marey.world.varied import VariedWorld

COLLISION = LAW_NAMES.index("collision")


def velocities(scenes: Scenes) -> tuple[np.ndarray, np.ndarray]:
    """Of all bodies (n M 3), m/s, in the first and in the last interval between frames."""
    places = scenes.trajectories
    return (places[:, :, 1] - places[:, :, 0]) * 8, (places[:, :, -1] - places[:, :, -2]) * 8


def same(a: Scenes, b: Scenes) -> None:
    for name in ("laws", "times", "parameters", "origins", "axes", "radii", "trajectories", "tracks"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    np.testing.assert_array_equal(a.picture.ink, b.picture.ink)


def test_every_disc_is_whole_slow_and_as_large_as_asked_for(varied: Scenes) -> None:
    there = varied.laws >= 0
    assert varied.whole[:, 0][there].all()
    step = np.linalg.norm(np.diff(varied.tracks[:, 0], axis=2), axis=-1)[there] / 64
    assert step.max() <= 0.2
    extent = FACTORS["extent"](varied)[there]
    assert 0.15 / 1.1 <= extent.min() < 0.16 and 0.45 < extent.max() <= 0.5 * 1.1
    middle = FACTORS["radius"](varied)[there] * 1.25 / 10.5  # in widths of the frame, at the mean distance
    assert middle.min() >= 0.04 * 9 / 10.5 and middle.max() <= 0.08 * 12 / 10.5


def test_laws_take_turns_and_the_other_bodies_have_any(varied: Scenes) -> None:
    assert varied.names == LAW_NAMES and varied.law[:26].tolist() == [*range(13), *range(13)]
    count = (varied.laws >= 0).sum(axis=1)
    assert set(count.tolist()) == {1, 2, 3, 4} and (count[varied.law == COLLISION] >= 2).all()
    others = varied.laws[varied.law != COLLISION][:, 1:]
    assert set(others[others >= 0].tolist()) == set(range(COLLISION))
    third = varied.laws[varied.law == COLLISION][:, 2:]
    assert COLLISION not in third and (third >= 0).any()


def test_a_body_that_is_not_there_leaves_no_number(varied: Scenes) -> None:
    absent = varied.laws < 0
    assert absent.any() and not absent[:, 0].any()
    assert (np.diff(absent.astype(int), axis=1) >= 0).all()  # the others come first
    assert np.isnan(varied.radii[:, 0][absent]).all() and np.isnan(varied.parameters[absent]).all()
    assert np.isnan(varied.trajectories[absent]).all() and not varied.whole[:, 0][absent].any()
    assert np.isfinite(varied.trajectories[~absent]).all() and np.isfinite(varied.axes).all()


def test_a_collision_keeps_momentum_and_energy(varied: Scenes) -> None:
    pairs = varied.take(varied.law == COLLISION)
    assert (pairs.laws[:, 1] == COLLISION).all() and len(pairs) == 60
    before, after = (each[:, :2] for each in velocities(pairs))
    mass = FACTORS["radius"](pairs)[:, :2, None] ** 3
    momentum = [(mass * each).sum(axis=1) for each in (before, after)]
    energy = [(mass * each**2).sum(axis=(1, 2)) for each in (before, after)]
    np.testing.assert_allclose(momentum[0], momentum[1], atol=1e-9)
    np.testing.assert_allclose(energy[0], energy[1], rtol=1e-9)
    assert (np.linalg.norm(before - after, axis=-1) > 0.1).all()


def test_bodies_that_collide_touch_once_and_the_impulse_is_along_the_line_between_them(varied: Scenes) -> None:
    pairs = varied.take(varied.law == COLLISION)
    contact = pairs.parameters[:, 0, 2]
    np.testing.assert_array_equal(contact, pairs.parameters[:, 1, 2])
    assert (np.abs(contact) <= 0.15 * 15 / 8).all()
    touching = replace(pairs, times=np.broadcast_to(contact[:, None], pairs.times.shape)).trajectories[:, :2, 0]
    line, radii = touching[:, 1] - touching[:, 0], FACTORS["radius"](pairs)[:, :2]
    np.testing.assert_allclose(np.linalg.norm(line, axis=-1), radii.sum(axis=1), rtol=1e-9)
    before, after = (each[:, :2] for each in velocities(pairs))
    np.testing.assert_allclose(np.cross(after - before, line[:, None]), 0, atol=1e-9)
    apart = np.linalg.norm(pairs.trajectories[:, 0] - pairs.trajectories[:, 1], axis=-1)
    assert (apart >= radii.sum(axis=1)[:, None] - 1e-9).all()


def test_no_two_bodies_share_a_place_and_discs_cover_each_other(varied: Scenes) -> None:
    places, radii, tracks = varied.trajectories, FACTORS["radius"](varied), varied.tracks[:, 0]
    covered = 0
    for i in range(4):
        for j in range(i):
            apart = np.linalg.norm(places[:, i] - places[:, j], axis=-1) - (radii[:, i] + radii[:, j])[:, None]
            assert not (apart < -2e-6).any()
            seen = np.linalg.norm(tracks[:, i] - tracks[:, j], axis=-1)
            covered += (seen < varied.radii[:, 0, i] + varied.radii[:, 0, j]).any(axis=1).sum()
    assert covered > 50


def test_scenes_have_no_preferred_side_and_all_distances(varied: Scenes) -> None:
    there = varied.laws >= 0
    middle = varied.tracks[:, 0].mean(axis=2)[there] - 32
    assert (np.abs((middle > 0).mean(axis=0) - 0.5) < 4 * 0.5 / np.sqrt(len(middle))).all()
    depth = varied.camera.to_camera(varied.trajectories.mean(axis=2)[:, None])[:, 0, :, 2][there]
    assert depth.min() < 9.1 and depth.max() > 11.9
    normals = varied.camera.rotation[:, 0] @ varied.axes[:, 0]  # as the camera sees them
    assert (np.abs((normals[..., 2] > 0).mean(axis=0) - 0.5) < 4 * 0.5 / np.sqrt(len(normals))).all()


def test_a_scene_depends_on_its_index_alone() -> None:
    world = VariedWorld()
    index = np.concatenate([np.arange(40), (1 << 40) + np.arange(40)])
    together = world.sample(3, index)
    shuffled = np.random.default_rng(0).permutation(len(index))
    same(world.sample(3, index[shuffled]), together.take(shuffled))
    for i in (0, 12, 79):
        same(world.sample(3, index[i : i + 1]), together.take(np.array([i])))
    assert (world.sample(4, index).trajectory != together.trajectory).any(axis=(1, 2)).all()
    assert len(world.sample(0, index[:0])) == 0


def test_more_cameras_and_another_look_leave_the_motion_alone() -> None:
    one = VariedWorld()
    more = replace(one, rig=Rig(cameras=3), look=Look(coloured=False))
    scenes, first = more.sample(0, np.arange(26)), one.sample(0, np.arange(26))
    np.testing.assert_array_equal(scenes.trajectories, first.trajectories)
    np.testing.assert_array_equal(scenes.radii[:, :1], first.radii)
    assert scenes.radii.shape == (26, 3, 4, 16) and (scenes.picture.ink == 0).all()


def test_few_laws_few_bodies_and_what_is_accepted() -> None:
    world = VariedWorld(laws=("walk", "linear"), bodies=(2, 3))
    scenes = world.sample(0, np.arange(40))
    assert scenes.law[:4].tolist() == [0, 1, 0, 1] and scenes.laws.shape == (40, 3) and scenes.parameters.shape[2] == 3
    assert set((scenes.laws >= 0).sum(axis=1).tolist()) == {2, 3}
    assert VariedWorld(laws=("linear",), bodies=(1, 1)).sample(0, np.arange(9)).parameters.shape == (9, 1, 1)
    both = VariedWorld(laws=("collision",), bodies=(1, 2)).sample(0, np.arange(9))
    assert (both.laws == 0).all() and both.laws.shape == (9, 2)
    only = VariedWorld().sample(0, np.arange(40), laws=("orbit", "damped"))
    assert set(only.laws.ravel().tolist()) == {-1, LAW_NAMES.index("orbit"), LAW_NAMES.index("damped")}
    three = VariedWorld().sample(0, np.arange(26), accept=lambda scenes: (scenes.laws >= 0).sum(axis=1) == 3)
    assert ((three.laws >= 0).sum(axis=1) == 3).all() and three.law.tolist() == [*range(13), *range(13)]


@pytest.mark.parametrize("frames", [2, 4, 8, 32])
def test_clips_of_any_length_turn_slowly_enough_to_see_which_way(frames: int) -> None:
    scenes = VariedWorld(frames=frames).sample(0, np.arange(39))
    there = scenes.laws >= 0
    assert scenes.whole[:, 0][there].all()
    for name in LAW_NAMES:
        for i, parameter in enumerate(law_named(name).parameters):
            if parameter.endswith("rad_s"):
                turning = scenes.parameters[scenes.laws == LAW_NAMES.index(name)][:, i]
                assert np.degrees(np.abs(turning)).max() / 8 <= 40 + 1e-9


def test_shapes_show_what_is_peculiar_to_their_law() -> None:
    u, clock = np.random.default_rng(0).uniform(size=(400, NUMBERS)), Clock(16, 2.0)
    shape = {name: draw_shapes((name,), np.zeros(400, np.int64), u, clock).T for name in LAW_NAMES}
    assert (np.abs(shape["parabolic"][2]) <= 0.3).all()  # the vertex is inside
    speed, acceleration, angle = shape["accelerated"]
    slowest = -speed * np.cos(angle) / acceleration
    assert (np.abs(slowest) >= 1.1 - 1e-9).all() and 100 < (slowest > 0).sum() < 300  # speeds up or slows down
    start, growth, turning, _ = shape["spiral"]
    ends = start + growth * turning * np.array([[-1], [1]])
    assert (ends > 0.24).all() and (np.ptp(ends, axis=0) > 0.49).all() and 100 < (ends[1] > ends[0]).sum() < 300
    assert ((shape["orbit"][1] >= 0.2) & (shape["orbit"][1] <= 0.5)).all()
    assert 100 < (shape["damped"][0] == 0).sum() < 300 and 100 < (shape["lissajous"][2] == 0).sum() < 300
    assert ((shape["bouncing"][4] >= 0.7) & (shape["bouncing"][4] <= 0.9)).all()
    _, impact, gravity, contact, restitution = shape["bouncing"]
    assert (contact - 2 * impact / gravity <= -1).all() and (contact > -1).all()  # it starts in the first flight
    assert (contact + 2 * impact / gravity * restitution < 1).all()  # and bounces twice
    seeds = shape["walk"][0]
    assert (seeds == np.floor(seeds)).all() and len(set(seeds)) == 400


def test_the_centre_of_mass_of_a_collision_goes_on() -> None:
    masses = np.random.default_rng(0).uniform(1, 8, (50, 2))
    before, after, contact, across = np.moveaxis(collide(masses, np.full((50, 4), 0.3), Clock(16, 2.0)), -1, 0)
    np.testing.assert_allclose((masses * before).sum(axis=1), (masses * after).sum(axis=1))
    np.testing.assert_allclose((masses * before**2).sum(axis=1), (masses * after**2).sum(axis=1))
    assert (before[:, 0] > before[:, 1]).all() and (after[:, 0] < after[:, 1]).all()  # towards each other, then away
    assert (contact[:, 0] == contact[:, 1]).all() and (across[:, 0] != across[:, 1]).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"radius": (0.09, 0.06)}, r"world.radius=\(0.09, 0.06\) is reversed; give \(low, high\)"),
        ({"extent": (0.0, 0.3)}, r"world.extent=\(0.0, 0.3\) is not above 0"),
        ({"most_step": 0.0}, "world.most_step=0.0 is not above 0"),
        ({"fps": -1.0}, "world.fps=-1.0"),
        ({"frames": 1}, "frames=1 .*at least 2"),
        ({"size": 8}, "size=8 .*16 to 1024"),
        ({"bodies": (3, 2)}, r"world.bodies=\(3, 2\) is reversed"),
        ({"bodies": (0, 2)}, r"world.bodies=\(0, 2\) is out of range; choose 1 to 4"),
        ({"bodies": (1, 5)}, r"world.bodies=\(1, 5\) is out of range"),
        ({"bodies": (1, 1)}, r"world.bodies=\(1, 1\) is too few for a collision; raise it, or leave"),
        ({"laws": ("collision",)}, r"world.bodies=\(1, 4\) is too many for a collision; add another law"),
        ({"laws": ("zigzag",)}, "law='zigzag' is unknown; the laws are linear"),
        ({"laws": ()}, r"world.laws=\(\) is empty"),
        ({"laws": ("walk", "walk")}, "repeats a law"),
    ],
)
def test_an_impossible_world_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        VariedWorld(**change)


def test_bodies_too_large_for_the_frame_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marey.world.redraw.MOST_DRAWS", 5)
    with pytest.raises(UserError, match=r"the linear motion of sample 0 does not fit the frame; reduce world\.extent"):
        VariedWorld(radius=(0.4, 0.4)).sample(0, np.arange(1))


def test_it_survives_json() -> None:
    world = VariedWorld(laws=("walk", "orbit"), bodies=(2, 2), extent=(0.2, 0.3))
    assert from_json(VariedWorld, to_json(world), "test") == world
    assert all(a != b for a, b in pairwise([VariedWorld(), world, replace(world, fps=4.0)]))
