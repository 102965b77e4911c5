"""Truth and observation: laws, camera, and how they hang together in a scene."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marey.world.camera import Camera, about, look_at, random_rotations
from marey.world.classic import ClassicWorld
from marey.world.laws import LAW_NAMES
from marey.world.matched import MatchedWorld
from marey.world.scenes import Scenes

unit = st.floats(0, 1, exclude_max=True)


def test_parameters_and_frame_re_create_the_trajectory(scenes: Scenes) -> None:
    for i in range(len(scenes)):
        local = _by_hand(LAW_NAMES[scenes.law[i]], scenes.parameters[i, 0], scenes.times[i])
        world = np.array([scenes.origins[i, 0] + scenes.axes[i, 0] @ point for point in local])
        np.testing.assert_allclose(scenes.trajectory[i], world, atol=1e-12)


def test_the_camera_projects_the_trajectory_to_the_track(scenes: Scenes) -> None:
    camera = scenes.camera
    for i in range(len(scenes)):
        for point, pixel in zip(scenes.trajectory[i], scenes.track[i], strict=True):
            x, y, z = camera.rotation[i, 0] @ (point - camera.position[i, 0])
            middle = camera.size / 2
            np.testing.assert_allclose(
                pixel, [camera.focal[i, 0] * x / z + middle, camera.focal[i, 0] * y / z + middle]
            )


def test_track_and_depth_give_the_trajectory_back(scenes: Scenes) -> None:
    camera, depth = scenes.camera, scenes.camera.to_camera(scenes.trajectory[:, None])[:, 0, :, 2:]
    rays = (scenes.track - camera.size / 2) / camera.focal[:, :, None]
    seen = np.concatenate([rays * depth, depth], axis=-1)
    np.testing.assert_allclose(camera.to_world(seen[:, None])[:, 0], scenes.trajectory, atol=1e-9)


def test_every_rotation_in_a_scene_is_one(scenes: Scenes) -> None:
    for rotation in (scenes.axes, scenes.camera.rotation):
        np.testing.assert_allclose(
            rotation @ rotation.transpose(0, 1, 3, 2), np.broadcast_to(np.eye(3), rotation.shape), atol=1e-12
        )
        np.testing.assert_allclose(np.linalg.det(rotation), 1)


@given(unit, unit, unit, st.sampled_from([0, 1, 2]), st.floats(-7, 7))
def test_rotations_keep_lengths_and_hands(a: float, b: float, c: float, axis: int, angle: float) -> None:
    for rotation in (random_rotations(np.array([[a, b, c]])), about(axis, np.array([angle]))):
        np.testing.assert_allclose(rotation[0] @ rotation[0].T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation[0]) == pytest.approx(1)


def test_about_turns_the_next_axis_towards_the_one_after() -> None:
    for axis in range(3):
        turned = about(axis, np.array([np.pi / 2]))[0] @ np.eye(3)[(axis + 1) % 3]
        np.testing.assert_allclose(turned, np.eye(3)[(axis + 2) % 3], atol=1e-12)


def test_a_camera_that_looks_at_a_point_sees_it_in_the_middle_and_up_above() -> None:
    position, target = np.array([[[3.0, -4.0, 2.0]]]), np.array([[[0.5, 1.0, 0.0]]])
    camera = Camera(32, np.array([[40.0]]), look_at(position, target), position)
    points = np.array([[target[0, 0], target[0, 0] + [0, 0, 0.5]]])[None]
    (u, v), (_, above) = camera.pixels(camera.to_camera(points))[0, 0]
    assert (u, v) == pytest.approx((16, 16)) and above < 16  # v points down
    np.testing.assert_allclose(camera.to_world(camera.to_camera(points)), points, atol=1e-12)


def test_what_is_behind_the_camera_has_no_pixel_and_is_not_seen(matched: Scenes) -> None:
    one = matched.take(np.array([0]))
    camera = replace(one.camera, rotation=one.camera.rotation * np.array([-1, 1, -1])[:, None])  # looks the other way
    behind = replace(one, camera=camera)
    assert np.isnan(behind.track).all() and not behind.seen.any()


def test_a_disc_that_touches_the_border_is_not_whole(matched: Scenes) -> None:
    one = matched.take(np.array([0]))
    to_border = np.minimum(one.track, 32 - one.track).min(axis=-1)
    assert replace(one, radii=to_border[:, None, None] - 1e-6).whole.all()
    assert not replace(one, radii=to_border[:, None, None] + 1e-6).whole.any()


def test_take_and_join_are_inverse(scenes: Scenes) -> None:
    halves = [scenes.take(np.arange(100)), scenes.take(np.arange(100, 200))]
    _assert_same(Scenes.join(halves), scenes)
    _assert_same(
        scenes.take(scenes.law == 2).take(np.array([3, 1])), scenes.take(np.flatnonzero(scenes.law == 2)[[3, 1]])
    )


@pytest.mark.parametrize("world", [MatchedWorld(), ClassicWorld()])
def test_a_scene_depends_on_its_index_alone(world: MatchedWorld | ClassicWorld) -> None:
    index = np.concatenate([np.arange(60), (1 << 40) + np.arange(60)])
    together = world.sample(3, index)
    shuffled = np.random.default_rng(0).permutation(len(index))
    _assert_same(world.sample(3, index[shuffled]), together.take(shuffled))
    for i in (0, 7, 119):
        _assert_same(world.sample(3, index[i : i + 1]), together.take(np.array([i])))
    assert (world.sample(4, index).trajectory != together.trajectory).any(axis=(1, 2)).all()


@pytest.mark.parametrize("world", [MatchedWorld(), ClassicWorld()])
def test_no_scenes_are_scenes_too(world: MatchedWorld | ClassicWorld) -> None:
    none = world.sample(0, np.arange(0))
    assert len(none) == 0 and none.track.shape == (0, world.frames, 2) and none.whole.shape == (0, 1, 1, world.frames)


def _by_hand(name: str, p: np.ndarray, times: np.ndarray) -> list[list[float]]:
    match name:
        case "linear":
            return [[p[0] * t, 0, 0] for t in times]
        case "circular":
            return [[p[0] * np.cos(p[1] * t + p[2]), p[0] * np.sin(p[1] * t + p[2]), 0] for t in times]
        case "helical":
            return [[p[0] * np.cos(p[1] * t + p[2]), p[0] * np.sin(p[1] * t + p[2]), p[3] * t] for t in times]
        case _:
            return [[p[0] * (t - p[2]), p[1] * (t - p[2]) ** 2 / 2, 0] for t in times]


def _assert_same(a: Scenes, b: Scenes) -> None:
    for name in (
        "laws",
        "times",
        "parameters",
        "origins",
        "axes",
        "trajectories",
        "tracks",
        "radii",
    ):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    for name in ("ink", "paper"):
        np.testing.assert_array_equal(getattr(a.picture, name), getattr(b.picture, name), err_msg=name)
    for name in ("focal", "rotation", "position"):
        np.testing.assert_array_equal(getattr(a.camera, name), getattr(b.camera, name), err_msg=name)
