import numpy as np
import pytest
from scipy.optimize import least_squares

from marey.judge.law.fit import PARAMETERS, fit_laws, sightings, turning_prior
from marey.judge.law.fits import TURNING, fit_each, motions
from marey.judge.law.least_squares import Sightings, jacobian, minimise, project, residuals
from marey.judge.law.motion import Motion, Turn, rotations
from marey.judge.law.search import normal_matrix, search
from marey.judge.tracker import Tracks, track_clips
from marey.world.laws import BASE_LAWS
from marey.world.matched import MatchedWorld
from marey.world.render import render
from marey.world.scenes import Scenes

FOCAL, SIZE = 40.0, 32
MOTIONS = motions()
T = np.arange(8) - 3.5


def truth(scenes: Scenes) -> Tracks:
    return Tracks(scenes.track, scenes.apparent_radius, np.ones(scenes.track.shape[:2], bool))


def jittered(tracks: Tracks, sigma: float) -> Tracks:
    generator = np.random.default_rng(0)
    return Tracks(
        tracks.track + generator.normal(0, sigma, tracks.track.shape),
        tracks.radius + generator.normal(0, sigma, tracks.radius.shape),
        tracks.found,
    )


def lose(tracks: Tracks, frames: list[int]) -> Tracks:
    found = tracks.found.copy()
    found[:, frames] = False
    track, radius = np.where(found[..., None], tracks.track, np.nan), np.where(found, tracks.radius, np.nan)
    return Tracks(track, radius, found)


def right(tracks: Tracks, scenes: Scenes) -> float:
    return float((fit_laws(tracks, FOCAL, SIZE).law == scenes.law).mean())


@pytest.fixture(scope="session")
def tracked(clips: np.ndarray) -> Tracks:
    return track_clips(clips)


def states(motion: Motion, n: int) -> np.ndarray:
    """States in front of the camera."""
    generator = np.random.default_rng(1)
    centre = generator.uniform([-3, -3, 18], [3, 3, 24], (n, 3))
    if isinstance(motion, Turn):
        rotation = rotations(generator.normal(size=(n, 3))).reshape(n, 9)
        return np.column_stack([centre, rotation, generator.uniform([2, 0.5, 0.4], [4, 0.7, 1], (n, 3))])
    return np.column_stack([centre, generator.normal(0, 0.3, (n, motion.free - 3))])


@pytest.mark.parametrize("motion", MOTIONS, ids=BASE_LAWS)
def test_the_jacobian_is_that_of_numerical_differences(motion: Motion) -> None:
    state = states(motion, 5)
    seen = project(motion.points(state, T), np.full(5, FOCAL))
    some = Sightings(seen, np.random.default_rng(0).uniform(0.5, 2, seen.shape), np.full(5, FOCAL))
    slope = jacobian(motion, state, T, some)
    for i in range(motion.free):
        step = np.zeros((5, motion.free))
        step[:, i] = 1e-6
        ahead, behind = (residuals(motion, motion.moved(state, sign * step), T, some) for sign in (1, -1))
        np.testing.assert_allclose(slope[..., i], (behind - ahead) / 2e-6, atol=1e-6)


def seen_through(tracks: Tracks) -> Sightings:
    return sightings(tracks, np.full(len(tracks), FOCAL), SIZE)


@pytest.mark.parametrize("law", range(4), ids=BASE_LAWS)
def test_scipy_finds_no_better_fit(law: int, scenes: Scenes, tracked: Tracks) -> None:
    rows = np.flatnonzero(scenes.law == law)[:4]
    many, motion = seen_through(jittered(tracked, 0.1).take(rows)), MOTIONS[law]
    fitted = fit_each(BASE_LAWS, T, many)[law]
    for i in range(len(rows)):
        one = many.take(np.array([i]))

        def error(step: np.ndarray, i: int = i, one: Sightings = one) -> np.ndarray:
            return residuals(motion, motion.moved(fitted.state[i : i + 1], step[None]), T, one).reshape(-1)

        away = np.random.default_rng(i).normal(0, 0.02, motion.free)
        theirs = least_squares(error, away, xtol=1e-12, ftol=1e-12)
        assert fitted.cost[i] == pytest.approx(2 * theirs.cost, rel=1e-3)


@pytest.mark.parametrize("law", range(4), ids=BASE_LAWS)
def test_the_compiled_fit_is_its_plain_twin(law: int, scenes: Scenes, tracked: Tracks) -> None:
    rows = np.flatnonzero(scenes.law == law)
    many = seen_through(jittered(lose(tracked, [2]), 0.1).take(rows))
    fitted, (_, cost) = fit_each(BASE_LAWS, T, many)[law], search(MOTIONS[law], T, many)
    assert (fitted.cost <= 1.005 * cost).mean() >= 0.96  # either may miss the lowest of several valleys
    assert np.isclose(fitted.cost, cost, rtol=5e-3).mean() >= 0.9
    np.testing.assert_allclose(fitted.normal, normal_matrix(MOTIONS[law], fitted.state, T, many), rtol=1e-6, atol=1e-6)


def test_a_start_behind_the_camera_is_given_up() -> None:
    motion = MOTIONS[0]
    state = np.array([[0, 0, -20, 0.1, 0, 0]], float)
    seen = project(motion.points(-state, T), np.full(1, FOCAL))
    _, cost = minimise(motion, state, T, Sightings(seen, np.ones_like(seen), np.full(1, FOCAL)), steps=5)
    assert np.isinf(cost).all()


def test_true_tracks_tell_their_law_and_leave_no_residual(scenes: Scenes) -> None:
    fit = fit_laws(truth(scenes), FOCAL, SIZE)
    assert (fit.law == scenes.law).mean() >= 0.99
    assert np.median(fit.residual_px[np.arange(len(scenes)), scenes.law]) < 1e-6


@pytest.mark.parametrize(("sigma", "least"), [(0, 0.98), (0.05, 0.97), (0.1, 0.93), (0.2, 0.83)])
def test_the_law_is_found_through_the_tracker_and_jitter(
    sigma: float, least: float, scenes: Scenes, tracked: Tracks
) -> None:
    assert right(jittered(tracked, sigma), scenes) >= least


@pytest.mark.parametrize("frames", [[0], [3, 4], [1, 5, 7]])
def test_up_to_three_lost_frames_cost_little(frames: list[int], scenes: Scenes) -> None:
    assert right(lose(truth(scenes), frames), scenes) >= 0.9


def test_four_lost_frames_leave_no_law(scenes: Scenes) -> None:
    fit = fit_laws(lose(truth(scenes), [0, 2, 4, 6]), FOCAL, SIZE)
    assert (fit.law == -1).all() and np.isinf(fit.score).all()


def test_a_law_does_not_depend_on_mirror_turn_or_direction_of_time(scenes: Scenes, tracked: Tracks) -> None:
    law = fit_laws(tracked, FOCAL, SIZE).law
    mirrored = Tracks(SIZE - tracked.track, tracked.radius, tracked.found)
    turned = Tracks(tracked.track[..., ::-1], tracked.radius, tracked.found)
    reversed_ = Tracks(tracked.track[:, ::-1], tracked.radius[:, ::-1], tracked.found)
    for other in (mirrored, turned, reversed_):
        assert (fit_laws(other, FOCAL, SIZE).law == law).mean() >= 0.98


def test_the_world_turns_within_the_prior_of_the_fit(fresh: Scenes) -> None:
    turning = np.abs(fresh.parameters[np.isin(fresh.law, [1, 2]), 0, 1]) / 8.0  # frames per second
    for motion in MOTIONS[1:3]:
        assert isinstance(motion, Turn)
        assert motion.slowest < turning.min() and turning.max() < motion.fastest


def test_longer_clips_turn_more_slowly_and_their_law_is_found() -> None:
    world = MatchedWorld(frames=16, size=64)
    scenes = world.sample(1, np.arange(200))
    turned = np.degrees(np.abs(scenes.parameters[np.isin(scenes.law, [1, 2]), 0, 1])) / 8.0
    assert turned.max() < TURNING[0]  # so the usual prior is wrong
    prior = turning_prior(turned)
    assert prior[0] < turned.min() and turned.max() < prior[1]
    tracks = track_clips(render(scenes))
    assert (fit_laws(tracks, 80.0, 64, turning=prior).law == scenes.law).mean() >= 0.99
    assert (fit_laws(tracks, 80.0, 64).law == scenes.law).mean() < 0.95


def test_the_prior_is_the_usual_one_where_that_holds_all_turns() -> None:
    for turned in ([], [26.0, 36.0], [20.0, 55.0]):
        assert turning_prior(np.array(turned)) == TURNING
    assert turning_prior(np.array([13.0, 18.0])) == (10.0, 27.5)


def test_parameters_are_those_of_the_world_in_ball_radii_and_frames(scenes: Scenes) -> None:
    fit = fit_laws(truth(scenes), FOCAL, SIZE)
    depth = scenes.camera.to_camera(scenes.trajectory[:, None])[:, 0, :, 2]
    ball = (scenes.apparent_radius * depth / FOCAL).mean(axis=1)  # metres
    fps, p = 8.0, np.abs(scenes.parameters[:, 0])
    wanted = {
        "linear": (p[:, 0] / ball / fps,),
        "circular": (p[:, 0] / ball, np.degrees(p[:, 1]) / fps),
        "helical": (p[:, 0] / ball, np.degrees(p[:, 1]) / fps, p[:, 3] / ball / fps),
        "parabolic": (p[:, 0] / ball / fps, p[:, 1] / ball / fps**2),
    }
    for k, name in enumerate(BASE_LAWS):
        rows = (scenes.law == k) & (fit.law == k)
        assert len(wanted[name]) == len(PARAMETERS[k])
        for i, values in enumerate(wanted[name]):
            np.testing.assert_allclose(np.median(fit.parameters[rows, k, i] / values[rows]), 1, atol=1e-4)
            np.testing.assert_allclose(fit.parameters[rows, k, i], values[rows], rtol=0.02, err_msg=f"{name} {i}")


@pytest.mark.parametrize("law", range(4), ids=BASE_LAWS)
def test_the_best_fit_is_no_worse_than_the_truth(law: int, fresh: Scenes) -> None:
    scenes = fresh.take(fresh.law == law)
    clean, noisy = seen_through(truth(scenes)), seen_through(jittered(truth(scenes), 0.15))
    of_truth = ((noisy.seen - clean.seen) ** 2).sum(axis=(1, 2))
    assert (fit_each(BASE_LAWS, T, noisy)[law].cost <= of_truth).mean() >= 0.99


@pytest.mark.parametrize("law", [2, 3], ids=["helix", "parabola"])
def test_a_helix_that_hardly_climbs_and_a_parabola_that_hardly_bends_are_none(law: int) -> None:
    state = states(MOTIONS[law], 40)
    if law == 2:
        state[:, 14] = 0.1 * state[:, 12]
    else:
        state[:, 3:6] *= 0.4 / np.linalg.norm(state[:, 3:6], axis=1, keepdims=True)
        sideways = np.cross(state[:, 3:6], np.random.default_rng(0).normal(size=(40, 3)))
        state[:, 6:9] = 0.04 * sideways / np.linalg.norm(sideways, axis=1, keepdims=True)
    seen = project(MOTIONS[law].points(state, T), np.full(40, FOCAL))
    tracks = Tracks(seen[..., :2] + SIZE / 2, seen[..., 2], np.ones(seen.shape[:2], bool))
    assert law not in fit_laws(tracks, FOCAL, SIZE).law


def test_wild_and_still_dots_follow_no_law(scenes: Scenes) -> None:
    generator = np.random.default_rng(0)
    tracks = truth(scenes)
    wild = Tracks(generator.uniform(4, 28, tracks.track.shape), tracks.radius, tracks.found)
    assert (fit_laws(wild, FOCAL, SIZE).law == -1).mean() >= 0.97
    still = Tracks(tracks.track[:, :1].repeat(8, 1), tracks.radius[:, :1].repeat(8, 1), tracks.found)
    assert (fit_laws(jittered(still, 0.02), FOCAL, SIZE).law == -1).all()


@pytest.mark.parametrize(("bound", "least", "most"), [(0.01, 0, 0), (0.2, 0.2, 0.8), (2.0, 0.98, 1)])
def test_a_law_is_named_when_the_dot_moves_and_the_residual_is_within_the_bound(
    bound: float, least: float, most: float, tracked: Tracks
) -> None:
    shaken = jittered(tracked, 0.2)
    assert shaken.found.all()
    fit = fit_laws(shaken, FOCAL, SIZE, bound=bound)
    away = np.linalg.norm(shaken.track - shaken.track.mean(axis=1, keepdims=True), axis=-1).max(axis=1)
    chosen = fit.residual_px[np.arange(len(away)), fit.score.argmin(axis=1)]
    np.testing.assert_array_equal(fit.law >= 0, (chosen <= bound) & (away >= SIZE / 20))
    assert least <= (fit.law >= 0).mean() <= most


def test_no_clips_no_laws() -> None:
    fit = fit_laws(Tracks(np.empty((0, 8, 2)), np.empty((0, 8)), np.empty((0, 8), bool)), FOCAL, SIZE)
    assert fit.law.shape == (0,)
