"""Projection with and without distortion, against OpenCV and against its own inverse."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marey.world.camera import Camera, look_at, random_rotations

LENSES = np.array([[[-0.25, 0.05, 0.01, -0.02, 0.03], [0.0] * 5, [0.3, -0.05, -0.005, 0.01, 0.002]]])
unit = st.floats(0, 1, exclude_max=True)


def three_cameras(distortion: np.ndarray = LENSES) -> Camera:
    """Three cameras of 64 pixels around the origin, ten metres away."""
    position = np.array([[[0.0, -10, 0], [7, -7, 1], [-6, 7, 4]]])
    return Camera(64, np.array([[80.0, 90, 70]]), look_at(position, 0 * position), position, distortion)


def points_in_view(count: int = 300) -> np.ndarray:
    return np.random.default_rng(1).uniform(-2, 2, (1, 1, count, 3))


def test_opencv_projects_to_the_same_pixels() -> None:
    camera, points = three_cameras(), points_in_view()
    ours = camera.project(points)
    for k in range(3):
        matrix = np.array([[camera.focal[0, k], 0, 32], [0, camera.focal[0, k], 32], [0, 0, 1]])
        turn, _ = cv2.Rodrigues(camera.rotation[0, k])
        shift = -camera.rotation[0, k] @ camera.position[0, k]
        theirs, _ = cv2.projectPoints(points[0, 0], turn, shift, matrix, camera.distortion[0, k])
        np.testing.assert_allclose(ours[0, k, 0], theirs[:, 0], rtol=0, atol=1e-9)


def test_without_distortion_not_a_bit_of_the_pinhole_changes() -> None:
    points = three_cameras().to_camera(points_in_view())
    focal = three_cameras().focal[:, :, None, None]
    pinhole = focal * points[..., :2] / points[..., 2:] + 32
    np.testing.assert_array_equal(three_cameras(np.zeros((1, 3, 5))).pixels(points), pinhole)
    camera = three_cameras()
    left_out = Camera(camera.size, camera.focal, camera.rotation, camera.position)
    np.testing.assert_array_equal(left_out.pixels(points), pinhole)
    beside_others = camera.pixels(points)
    np.testing.assert_array_equal(beside_others[:, 1], pinhole[:, 1])
    assert (np.abs(beside_others - pinhole).max(axis=(2, 3)) > 0.1)[0].tolist() == [True, False, True]


@given(unit, unit, unit)
def test_rays_and_depths_give_points_back(a: float, b: float, c: float) -> None:
    rotation = random_rotations(np.array([[a, b, c]]))[:, None]
    camera = Camera(64, np.array([[80.0]]), rotation, -10 * rotation[:, :, 2], LENSES[:, :1])
    points = points_in_view()
    seen = camera.to_camera(points)
    rays = camera.rays(camera.pixels(seen))
    assert (rays[..., 2] == 1).all()
    np.testing.assert_allclose(camera.to_world(rays * seen[..., 2:]), points, rtol=0, atol=1e-9)


def test_every_pixel_has_a_ray_that_returns_to_it() -> None:
    border = np.linspace(0, 64, 33)
    pixels = np.broadcast_to(np.stack(np.meshgrid(border, border), axis=-1).reshape(1, 1, -1, 2), (1, 3, 33 * 33, 2))
    camera = three_cameras()
    np.testing.assert_allclose(camera.pixels(camera.rays(pixels)), pixels, rtol=0, atol=1e-9)


def test_a_point_that_a_lens_would_fold_back_into_the_frame_has_no_pixel() -> None:
    lens = np.array([[[-0.3, 0, 0, 0, 0]]])
    camera = Camera(64, np.array([[80.0]]), np.eye(3)[None, None], np.zeros((1, 1, 3)), lens)
    x = 1.75  # the polynomial gives 0.14: eleven pixels from the middle of the frame
    assert np.abs(80 * x * (1 - 0.3 * x**2)) < 32
    far, near = camera.pixels(np.array([[[[x, 0, 1.0], [0.2, 0, 1.0]]]]))[0, 0]
    assert np.isnan(far).all() and near == pytest.approx([32 + 80 * 0.2 * (1 - 0.3 * 0.04), 32])


def test_apparent_radii_follow_from_depth_and_focal_length() -> None:
    camera = three_cameras()
    points = np.array([[[[0.0, 0, 0], [0, -5, 0]], [[0, 0, 0], [0, -11, 0]]]])
    radii = camera.radii(np.array([[0.5, 1.0]]), points)
    np.testing.assert_allclose(radii[0, 0], [[80 * 0.5 / 10, 80 * 0.5 / 5], [80 / 10, np.nan]])
    distance = np.linalg.norm(camera.position[0], axis=-1)
    np.testing.assert_allclose(radii[0, :, 1, 0], camera.focal[0] / distance)
