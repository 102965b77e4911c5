import numpy as np
import pytest

from marey.judge.law.fit import sightings
from marey.judge.law.fits import fit_each
from marey.judge.reading.dataset import ball_radii
from marey.judge.reading.lift import Lift, ball_radius, by_size, by_views
from marey.judge.tracker import Tracks
from marey.world.laws import BASE_LAWS
from marey.world.matched import MatchedWorld
from marey.world.rig import Rig
from marey.world.scenes import Scenes

NOISE = (0.02, 0.015)


@pytest.fixture(scope="module")
def rigged() -> Scenes:
    return MatchedWorld(size=64, rig=Rig(cameras=3, k1=(-0.2, 0.1))).sample(4, np.arange(60))


def shaken(values: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    return values + np.random.default_rng(seed).normal(0, sigma, values.shape)


def test_a_true_disc_lies_where_its_size_says(rigged: Scenes) -> None:
    lift = by_size(rigged.track, rigged.apparent_radius, rigged.camera, ball_radii(rigged), NOISE)
    np.testing.assert_allclose(lift.points, rigged.trajectory, atol=1e-9)


def test_true_views_meet_in_the_ball_and_tell_its_radius(rigged: Scenes) -> None:
    lift = by_views(rigged.tracks[:, :, 0], rigged.camera, NOISE[0])
    np.testing.assert_allclose(lift.points, rigged.trajectory, atol=1e-6)
    np.testing.assert_allclose(ball_radius(lift, rigged.apparent_radius, rigged.camera), ball_radii(rigged), rtol=1e-6)


def test_one_view_alone_tells_no_place(rigged: Scenes) -> None:
    tracks = rigged.tracks[:, :, 0].copy()
    tracks[:, 1:, 3] = np.nan
    lift = by_views(tracks, rigged.camera, NOISE[0])
    assert np.isnan(lift.points[:, 3]).all() and np.isnan(lift.bound[:, 3]).all()
    assert np.isfinite(lift.points[:, 4]).all()


def scaled(lift: Lift, truth: np.ndarray) -> np.ndarray:
    """Squared error in units of its covariance: 3 on average where that is right."""
    off = lift.points - truth
    return np.einsum("nti,ntij,ntj->nt", off, np.linalg.inv(lift.spread), off)


def test_the_error_of_size_and_of_views_is_what_the_bound_says(rigged: Scenes) -> None:
    radius, tracks = shaken(rigged.apparent_radius, NOISE[1], 1), shaken(rigged.tracks[:, :, 0], NOISE[0])
    size = by_size(tracks[:, 0], radius, rigged.camera, ball_radii(rigged), NOISE)
    views = by_views(tracks, rigged.camera, NOISE[0])
    for lift in (size, views):
        assert scaled(lift, rigged.trajectory).mean() == pytest.approx(3, abs=0.4)
    assert views.bound.mean() < size.bound.mean() / 3


@pytest.mark.parametrize("law", range(4), ids=BASE_LAWS)
def test_the_error_of_the_law_reaches_the_bound_and_beats_each_frame_alone(law: int) -> None:
    scenes = MatchedWorld(size=64).sample(4, np.arange(480))
    scenes = scenes.take(scenes.law == law)
    seen = Tracks(shaken(scenes.track, NOISE[0]), shaken(scenes.apparent_radius, NOISE[1], 1), np.ones((120, 8), bool))
    t = np.arange(8) - 3.5
    fitted = fit_each(BASE_LAWS, t, sightings(seen, scenes.camera.focal[:, 0], 64, NOISE))[law]
    ball = ball_radii(scenes)[:, None, None]
    truth = scenes.camera.to_camera(scenes.trajectory[:, None])[:, 0] / ball
    lift = Lift(fitted.points(t), fitted.spread(t))
    ratio = np.sqrt((lift.error(truth) ** 2).mean() / (lift.bound**2).mean())
    assert 0.8 < ratio < 1.25
    alone = by_size(seen.track, seen.radius, scenes.camera, ball_radii(scenes), NOISE)
    assert (lift.error(truth) * ball[..., 0]).mean() < 0.9 * alone.error(scenes.trajectory).mean()
