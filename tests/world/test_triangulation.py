"""Points from their images: exact on clean tracks, and as good as noise allows on others."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import least_squares

from marey.world.camera import Camera
from marey.world.classic import ClassicWorld
from marey.world.matched import MatchedWorld
from marey.world.rig import Rig
from marey.world.scenes import Scenes
from marey.world.triangulation import triangulate

LENSES = Rig(cameras=4, k1=(-0.2, 0.1), k2=(-0.02, 0.05), k3=(0.0, 0.02), p1=(-0.01, 0.01), p2=(-0.01, 0.01))
WORLDS = {
    "two": MatchedWorld(rig=Rig(cameras=2)),
    "three": MatchedWorld(rig=Rig(cameras=3)),
    "classic": ClassicWorld(rig=Rig(cameras=3)),
    "lenses": MatchedWorld(rig=LENSES),
}


@pytest.fixture(scope="module")
def distorted() -> Scenes:
    return WORLDS["lenses"].sample(0, np.arange(100))


@pytest.mark.parametrize("name", WORLDS)
def test_clean_tracks_give_the_trajectories(name: str) -> None:
    scenes = WORLDS[name].sample(0, np.arange(100))
    np.testing.assert_allclose(triangulate(scenes.tracks, scenes.camera), scenes.trajectories, rtol=0, atol=1e-9)


def test_two_views_are_enough_and_one_is_not(distorted: Scenes) -> None:
    tracks = distorted.tracks.copy()
    lost = np.random.default_rng(0).random(tracks.shape[:-1]) < 0.5
    tracks[lost] = np.nan
    points = triangulate(tracks, distorted.camera)
    views = (~lost).sum(axis=1)
    assert set(views.ravel()) == {0, 1, 2, 3, 4}
    np.testing.assert_allclose(points[views >= 2], distorted.trajectories[views >= 2], rtol=0, atol=1e-9)
    assert np.isnan(points[views < 2]).all()


def test_the_error_is_the_least_that_noise_allows(distorted: Scenes) -> None:
    """Cramér and Rao: no unbiased estimate has less covariance than sigma^2 (J^T J)^-1."""
    sigma, h, rng = 0.1, 1e-5, np.random.default_rng(0)
    truth = distorted.trajectories
    project = distorted.camera.project
    slope = np.stack([project(truth + h * axis) - project(truth - h * axis) for axis in np.eye(3)], axis=-1) / (2 * h)
    bound = sigma**2 * np.linalg.inv(np.einsum("nkmtai,nkmtaj->nmtij", slope, slope))
    ratios = []
    for _ in range(10):
        noisy = distorted.tracks + sigma * rng.standard_normal(distorted.tracks.shape)
        error = triangulate(noisy, distorted.camera) - truth
        ratios.append(np.einsum("nmti,nmtij,nmtj->nmt", error, np.linalg.inv(bound), error) / 3)
    assert len(np.ravel(ratios)) == 8000 and np.mean(ratios) == pytest.approx(1, abs=0.04)  # five standard errors


def test_a_plain_minimizer_finds_the_same_points(distorted: Scenes) -> None:
    few = distorted.take(np.arange(4))
    noisy = few.tracks + 2 * np.random.default_rng(0).standard_normal(few.tracks.shape)
    points = triangulate(noisy, few.camera)
    for i in range(4):
        one = few.take(np.array([i]))
        for t in range(0, one.times.shape[1], 3):

            def error(point: np.ndarray, i: int = i, t: int = t, camera: Camera = one.camera) -> np.ndarray:
                return (camera.project(point[None, None, None])[0, :, 0, 0] - noisy[i, :, 0, t]).ravel()

            best = least_squares(error, one.trajectories[0, 0, t], xtol=1e-14, ftol=1e-14, gtol=1e-14)
            np.testing.assert_allclose(points[i, 0, t], best.x, rtol=0, atol=1e-6)


def test_cameras_in_one_place_see_no_depth(distorted: Scenes) -> None:
    camera = distorted.camera
    first = [np.repeat(each[:, :1], 2, axis=1) for each in (camera.focal, camera.rotation, camera.position)]
    twice = Camera(camera.size, *first)
    assert np.isnan(triangulate(twice.project(distorted.trajectories), twice)).all()


def test_rays_that_meet_behind_the_cameras_give_no_point() -> None:
    scenes = WORLDS["two"].sample(0, np.arange(5))
    half_a_turn = np.array([-1, 1, -1])[:, None]  # about each camera's y axis: all points now lie behind
    backwards = replace(scenes.camera, rotation=scenes.camera.rotation * half_a_turn)
    u, v = np.moveaxis(scenes.tracks, -1, 0)
    lines = np.stack([u, scenes.camera.size - v], axis=-1)  # where the lines to the points, drawn on, meet the frame
    assert np.isnan(backwards.project(scenes.trajectories)).all()
    assert np.isnan(triangulate(lines, backwards)).all()


def test_several_bodies_and_none(distorted: Scenes) -> None:
    camera, trajectories = distorted.camera, distorted.trajectories
    both = np.concatenate([trajectories, np.full_like(trajectories, np.nan)], axis=1)
    points = triangulate(camera.project(both), camera)
    np.testing.assert_allclose(points[:, 0], trajectories[:, 0], rtol=0, atol=1e-9)
    assert np.isnan(points[:, 1]).all()
    none = distorted.take(np.arange(0))
    assert triangulate(none.tracks, none.camera).shape == (0, 1, 8, 3)
