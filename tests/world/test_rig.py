"""Where the further cameras stand, what they see, and which lenses are refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marey.core.config import from_json, to_json
from marey.core.errors import UserError
from marey.world.camera import Camera, random_rotations
from marey.world.classic import ClassicWorld
from marey.world.matched import MatchedWorld
from marey.world.rig import Rig
from marey.world.scenes import Scenes

FIELDS = ("focal", "rotation", "position", "distortion")
LENSES = {"k1": (-0.2, 0.1), "k2": (0.01, 0.02), "p1": (-0.01, -0.005), "p2": (0.001, 0.002), "k3": (0.03, 0.04)}
INDEX = np.concatenate([np.arange(300), (1 << 40) + np.arange(300)])


def own_cameras(n: int = len(INDEX)) -> tuple[Camera, np.ndarray]:
    """One camera per scene in any pose, and what it looks at from ten metres."""
    u = np.random.default_rng(0).random((n, 6))
    rotation, target = random_rotations(u[:, :3])[:, None], u[:, 3:]
    return Camera(64, np.full((n, 1), 80.0), rotation, target[:, None] - 10 * rotation[:, :, 2]), target


def test_further_cameras_look_at_the_target_from_the_same_distance() -> None:
    camera, target = own_cameras()
    cameras = Rig(cameras=4).place(1, INDEX, camera, target)
    np.testing.assert_allclose(
        cameras.to_camera(target[:, None, None])[:, :, 0], np.full((600, 4, 1), 10.0) * [0, 0, 1], atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(cameras.rotation), 1)
    eye = cameras.rotation @ cameras.rotation.transpose(0, 1, 3, 2)
    np.testing.assert_allclose(eye, np.broadcast_to(np.eye(3), eye.shape), atol=1e-12)


def test_spread_and_elevation_are_those_asked_for() -> None:
    camera, target = own_cameras()
    cameras = Rig(cameras=4, spread=(20, 50), elevation=(5, 25)).place(1, INDEX, camera, target)
    right, down, forward = np.moveaxis(camera.to_camera(cameras.position[:, None])[:, 0], -1, 0)
    right, up, back = right / 10, -down / 10, (10 - forward) / 10  # of the target, as the first camera sees it
    elevation = np.degrees(np.arcsin(up))
    np.testing.assert_allclose(elevation[:, 0], 0, atol=1e-9)
    assert 5 <= elevation[:, 1:].min() < 6 and 24 < elevation[:, 1:].max() <= 25
    azimuth = np.unwrap(np.arctan2(right, back), axis=1)
    between = np.degrees(np.diff(azimuth, axis=1))
    assert 20 <= np.abs(between).min() < 21 and 49 < np.abs(between).max() <= 50
    side = np.sign(between)
    assert (side == side[:, :1]).all() and abs((side[:, 0] > 0).mean() - 0.5) < 0.1


def test_the_first_camera_is_the_worlds_own() -> None:
    camera, target = own_cameras()
    alone, first = Rig().place(1, INDEX, camera, target), Rig(cameras=3).place(1, INDEX, camera, target)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(alone, name), getattr(camera, name))
        np.testing.assert_array_equal(getattr(first, name)[:, :1], getattr(camera, name))


def test_a_camera_depends_on_seed_index_and_its_number_alone() -> None:
    camera, target = own_cameras()
    four = Rig(cameras=4, **LENSES).place(1, INDEX, camera, target)
    rows = np.random.default_rng(0).permutation(len(INDEX))[:7]
    own = replace(camera, **{name: getattr(camera, name)[rows] for name in FIELDS})
    few = Rig(cameras=2, **LENSES).place(1, INDEX[rows], own, target[rows])
    other = Rig(cameras=4, **LENSES).place(2, INDEX, camera, target)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(four, name)[rows, :2], getattr(few, name))
        if name != "focal":
            assert (getattr(four, name) != getattr(other, name)).reshape(600, 4, -1).any(axis=-1)[:, 1:].all()


def test_every_camera_has_a_lens_of_its_own_in_the_ranges() -> None:
    lens = Rig(cameras=3, **LENSES).place(1, INDEX, *own_cameras()).distortion
    for column, (low, high) in zip(np.moveaxis(lens, 2, 0), LENSES.values(), strict=True):  # k1, k2, p1, p2, k3
        assert low <= column.min() < low + 0.1 * (high - low) and high - 0.1 * (high - low) < column.max() <= high
        assert (np.diff(column, axis=1) != 0).all()


@pytest.mark.parametrize("world", [MatchedWorld(), ClassicWorld()])
def test_more_cameras_change_nothing_for_the_first(world: MatchedWorld | ClassicWorld) -> None:
    one, three = world.sample(3, INDEX[:100]), replace(world, rig=Rig(cameras=3)).sample(3, INDEX[:100])
    assert three.tracks.shape == (100, 3, 1, world.frames, 2) and three.radii.shape == (100, 3, 1, world.frames)
    for name in ("trajectories", "track", "apparent_radius", "law", "parameters"):
        np.testing.assert_array_equal(getattr(one, name), getattr(three, name))


def test_balls_look_as_large_as_their_distance_makes_them() -> None:
    scenes = MatchedWorld(rig=Rig(cameras=3, k1=(-0.1, 0.0))).sample(0, np.arange(50))
    depth = scenes.camera.to_camera(scenes.trajectory[:, None])[..., 2]
    balls = scenes.radii[:, :, 0] * depth
    np.testing.assert_allclose(balls, np.broadcast_to(balls[:, :1, :1], balls.shape), rtol=1e-12)
    assert (ClassicWorld(rig=Rig(cameras=3)).sample(0, np.arange(4)).radii == 5).all()


def test_the_other_cameras_see_most_of_every_motion() -> None:
    scenes = MatchedWorld(rig=Rig(cameras=4)).sample(0, np.arange(1000))
    assert scenes.whole[:, 0].all() and not scenes.whole.all()
    assert scenes.whole.mean(axis=(0, 2, 3)).min() > 0.95 and scenes.seen.mean(axis=(0, 2, 3)).min() > 0.999


@pytest.mark.parametrize("at", [(-2.0, 16.0), (16.0, 34.0), (33.2, 33.2), (-1.2, 33.2)])
def test_a_disc_is_seen_as_long_as_any_of_it_is_in_the_frame(matched: Scenes, at: tuple[float, float]) -> None:
    outside = np.hypot(*(np.array(at) - np.clip(at, 0, 32)))
    one = matched.take(np.array([0]))
    depth = one.camera.to_camera(one.trajectories[:, :, :1])[0, 0, 0, 2]
    ray = one.camera.rays(np.array([[[at]]])) * depth
    moved = replace(one, origins=one.origins + one.camera.to_world(ray)[:, 0] - one.trajectories[:, :, 0])
    assert moved.tracks[0, 0, 0, 0] == pytest.approx(at)
    for radius, seen in ((outside + 1e-6, True), (outside - 1e-6, False)):
        disc = replace(moved, radii=np.full_like(one.radii, radius))
        assert disc.seen[0, 0, 0, 0] == seen and not disc.whole[0, 0, 0, 0]


def test_a_disc_behind_a_camera_is_not_seen(matched: Scenes) -> None:
    one = matched.take(np.array([0]))
    turned = replace(one.camera, rotation=one.camera.rotation * np.array([-1, 1, -1])[:, None])
    behind = replace(one, camera=turned, radii=np.full_like(one.radii, 1e9))
    assert np.isnan(behind.tracks).all() and not behind.seen.any() and not behind.whole.any()


number = st.floats(-0.6, 0.6)


@given(number, number, st.floats(-0.3, 0.3), st.floats(-0.05, 0.05), st.sampled_from([1.25, 1.7]))
def test_an_accepted_lens_is_one_to_one_over_the_frame(k1: float, k2: float, k3: float, p: float, focal: float) -> None:
    rig = Rig(k1=(k1, k1 + 0.2), k2=(k2, k2), k3=(k3, k3 + 0.1), p1=(p, 0.05), p2=(-0.05, p))
    try:
        rig.check(focal)
    except UserError:
        return
    camera, target = own_cameras(50)
    camera = rig.place(0, np.arange(50), replace(camera, focal=np.full((50, 1), 64 * focal)), target)
    border = np.linspace(-5, 69, 38)
    pixels = np.stack(np.meshgrid(border, border), axis=-1).reshape(1, 1, -1, 2)
    pixels = np.broadcast_to(pixels, (50, 1, *pixels.shape[2:]))
    np.testing.assert_allclose(camera.pixels(camera.rays(pixels)), pixels, rtol=0, atol=1e-9)


def test_what_a_folding_lens_is_depends_on_the_field_of_view() -> None:
    barrel = Rig(k1=(-0.4, 0.0))
    assert ClassicWorld(rig=barrel).rig == barrel
    for world in (MatchedWorld, ClassicWorld):
        with pytest.raises(UserError, match=r"k1=-0\.9, .* folds the frame over itself; bring .* closer to 0"):
            world(rig=Rig(k1=(-0.9, 0.0)))
    with pytest.raises(UserError, match=r"k1=-0\.4, .* folds the frame"):
        MatchedWorld(rig=barrel)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cameras": 0}, "world.rig.cameras=0 .*1 to 4"),
        ({"cameras": 5}, "world.rig.cameras=5"),
        ({"spread": (0.0, 20.0)}, r"world.rig.spread=\(0.0, 20.0\) .*1 to 90 degrees"),
        ({"spread": (20.0, 100.0)}, "world.rig.spread"),
        ({"spread": (40.0, 20.0)}, r"world.rig.spread=\(40.0, 20.0\) is reversed or .*; give \(low, high\)"),
        ({"elevation": (-90.0, 0.0)}, "world.rig.elevation.*-80 to 80 degrees"),
        ({"k2": (0.1, 0.0)}, "world.rig.k2.*reversed"),
        ({"p1": (0.1, float("nan"))}, "world.rig.p1.*not finite"),
        ({"k1": (float("-inf"), 0.0)}, "world.rig.k1.*not finite"),
    ],
)
def test_an_impossible_rig_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Rig(**change)


def test_a_rig_survives_json() -> None:
    rig = Rig(cameras=3, spread=(10.0, 20.0), **LENSES)
    assert from_json(Rig, to_json(rig), "test") == rig
