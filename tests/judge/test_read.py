from dataclasses import replace

import numpy as np
import pytest

from marey.core.errors import UserError
from marey.judge.law.choice import known_criterion
from marey.judge.law.fit import turning_prior
from marey.judge.reading.dataset import ball_radii
from marey.judge.reading.figures import compare, figures, median_figure
from marey.judge.reading.lift import by_size
from marey.judge.reading.noise import Noise
from marey.judge.reading.read import Reading, Scale, read
from marey.judge.reading.strays import strays
from marey.judge.tracker import Tracks, track_clips
from marey.world.laws import BASE_LAWS
from marey.world.matched import MatchedWorld
from marey.world.render import render
from marey.world.rig import Rig
from marey.world.scenes import Scenes
from marey.world.varied import VariedWorld

SIGMA = 0.005
NOISE = Noise(SIGMA, SIGMA, 0.0, 0.0, 0.0, np.inf, 2.5)
TURNING = turning_prior(np.array([13.9, 19.4]))


def seen(scenes: Scenes, sigma: float = SIGMA, seed: int = 0) -> Tracks:
    generator, shape = np.random.default_rng(seed), scenes.track.shape
    track = scenes.track + generator.normal(0, sigma, shape)
    radius = scenes.apparent_radius + generator.normal(0, sigma, shape[:2])
    return Tracks(track, radius, np.ones(shape[:2], bool))


def read_scenes(scenes: Scenes, noise: Noise | None = NOISE, known: bool = True, **options: object) -> Reading:
    ball = ball_radii(scenes) if known else None
    return read(seen(scenes), scenes.times, 64, scenes.camera, ball, noise, turning=TURNING, **options)


@pytest.fixture(scope="module")
def long() -> Scenes:
    return MatchedWorld(frames=16, size=64).sample(6, np.arange(200))


@pytest.fixture(scope="module")
def reading(long: Scenes) -> Reading:
    return read_scenes(long)


def test_law_parameters_and_place_are_read_in_metres(long: Scenes, reading: Reading) -> None:
    assert reading.scale == Scale.METRES and (reading.law == long.law).all()
    compared = compare(reading, long)
    assert np.nanmedian(compared.error) < 0.002
    assert reading.probability.sum(axis=1) == pytest.approx(1)
    depth = long.camera.to_camera(long.trajectory[:, None])[:, 0, :, 2]
    assert np.median(reading.motion.lift.error(long.trajectory) / depth) < 0.001


def test_intervals_hold_the_truth_nineteen_times_in_twenty(long: Scenes, reading: Reading) -> None:
    for found in (reading, read_scenes(long, None)):
        compared = compare(found, long)
        assert compared.measured.sum() > 400
        assert 0.925 < compared.covered[compared.measured].mean() < 0.975


def test_figures_have_n_interval_and_baselines(long: Scenes, reading: Reading) -> None:
    tracks = seen(long)
    sized = by_size(tracks.track, tracks.radius, long.camera, ball_radii(long), (SIGMA, SIGMA))
    found = {each.name: each for each in figures(reading, long, sized)}
    assert found["read.law_right"].value == 1 and found["read.none"].value == 0
    depth = found["read.depth_error"]
    assert depth.n == 200 and depth.low is not None and depth.low < depth.value < depth.high
    assert depth.value < 3 * depth.floor and depth.baselines["by size alone"] > 2 * depth.value
    parameters = found["read.parameter_error"]
    assert parameters.baselines["median of the law"] > 20 * parameters.value


def test_the_equation_gives_the_trajectory(long: Scenes, reading: Reading) -> None:
    for i in range(4):
        assert reading.law_name(i) == BASE_LAWS[i]
        for axis, side in enumerate(reading.equation(i).expressions()):
            got = [float(side.subs("t", t)) for t in long.times[i]]
            np.testing.assert_allclose(got, long.trajectory[i, :, axis], atol=0.02)


def test_noise_that_is_known_helps_to_choose_the_law() -> None:
    """Short noisy clips: a fit that leaves less than the noise is no better than one that leaves just as much."""
    scenes = MatchedWorld().sample(6, np.arange(400))
    ball, tracks = ball_radii(scenes), seen(scenes, 0.2)
    right = [
        (read(tracks, scenes.times, 32, scenes.camera, ball, noise).law == scenes.law).mean()
        for noise in (Noise(0.2, 0.2, 0.0, 0.0, 0.0, np.inf, 9.0), None)
    ]
    assert right[0] > 0.84 and right[0] > right[1]
    cost, free = np.array([[20.0, 12.0]]), np.array([6, 9])
    alike, unlike = (known_criterion(cost, free, np.array([24]), freedom) for freedom in (np.inf, 4.0))
    np.testing.assert_allclose(alike, cost + free * np.log(24))
    np.testing.assert_allclose(unlike, 28 * np.log(1 + cost / 4) + free * np.log(24))
    assert np.isinf(known_criterion(cost, free, np.array([9]), np.inf)).tolist() == [[False, True]]


def test_an_unknown_ball_leaves_lengths_in_ball_radii(long: Scenes, reading: Reading) -> None:
    found = read_scenes(long, known=False)
    assert found.scale == Scale.BALL_RADII and (found.law == reading.law).all()
    ball = ball_radii(long)
    lines = long.law == 0
    np.testing.assert_allclose(found.motion.parameters[lines, 0] * ball[lines], reading.motion.parameters[lines, 0])
    assert found.equation(0).quantities[0].unit == "ball radii/s"


def test_an_unknown_camera_leaves_rates_alone(long: Scenes) -> None:
    found = read(seen(long), long.times, 64, None, ball_radii(long), NOISE, turning=TURNING)
    assert found.scale == Scale.UNOBSERVABLE
    assert np.isnan(found.motion.lift.points).all() and np.isnan(found.motion.origins).all()
    circles = (long.law == 1) & (found.law == 1)
    assert circles.sum() > 30
    assert np.isnan(found.motion.parameters[circles, 0]).all()  # its radius is a length
    truth = np.abs(long.parameters[circles, 0, 1])
    assert np.median(np.abs(found.motion.parameters[circles, 1] / truth - 1)) < 0.01
    with pytest.raises(UserError, match="its camera is unknown"):
        found.equation(int(np.flatnonzero(circles)[0]))


def test_several_views_tell_the_scale() -> None:
    scenes = MatchedWorld(frames=16, size=64, rig=Rig(cameras=2)).sample(6, np.arange(24))
    views = scenes.tracks[:, :, 0] + np.random.default_rng(0).normal(0, SIGMA, (24, 2, 16, 2))
    found = read_scenes(scenes, known=False, views=views)
    assert found.scale == Scale.METRES
    depth = scenes.camera.to_camera(scenes.trajectory[:, None].repeat(2, axis=1))[:, 0, :, 2]
    assert np.median(found.motion.lift.error(scenes.trajectory) / depth) < 0.002


def test_a_lens_is_taken_off() -> None:
    world = MatchedWorld(frames=16, size=64, rig=Rig(k1=(-0.3, -0.3), k2=(0.1, 0.1), p1=(0.01, 0.01)))
    scenes = world.sample(6, np.arange(40))
    assert (np.abs(scenes.track - MatchedWorld(frames=16, size=64).sample(6, np.arange(40)).track) > 0.1).any()
    found = read_scenes(scenes)
    assert (found.law == scenes.law).all() and np.nanmedian(compare(found, scenes).error) < 0.003


def test_walks_and_shuffled_frames_follow_none_of_the_laws(long: Scenes, reading: Reading) -> None:
    walks = VariedWorld(laws=("walk",), bodies=(1, 1)).sample(1, np.arange(60))
    for noise in (NOISE, None):
        found = read(seen(walks), walks.times, 64, walks.camera, ball_radii(walks), noise, turning=TURNING)
        assert (found.law == -1).mean() >= (1 if noise else 0.6)
    assert np.isnan(found.motion.parameters[found.law == -1]).all()
    order = np.random.default_rng(0).permutation(16)
    tracks = seen(long)
    shuffled = Tracks(tracks.track[:, order], tracks.radius[:, order], tracks.found)
    found = read(shuffled, long.times, 64, long.camera, ball_radii(long), NOISE, turning=TURNING)
    assert (found.law == -1).all()
    with pytest.raises(UserError, match="follows none of linear, circular, helical, parabolic"):
        found.equation(0)


def test_noise_is_measured_on_pixels_and_calls_hardly_a_true_clip_lawless(long: Scenes) -> None:
    tracks = track_clips(render(long))
    truth = Tracks(long.track, long.apparent_radius, np.ones((200, 16), bool))
    first, last = np.arange(100), np.arange(100, 200)
    noise = Noise.measured(tracks.take(first), truth.take(first))
    assert 0.001 < noise.position < 0.02 and 0.0005 < noise.radius < 0.02
    scenes = long.take(last)
    found = read(tracks.take(last), scenes.times, 64, scenes.camera, ball_radii(scenes), noise, turning=TURNING)
    assert (found.law == scenes.law).mean() >= 0.98


def test_clips_of_unlike_noise_are_known_as_such(long: Scenes) -> None:
    truth = Tracks(long.track, long.apparent_radius, np.ones((200, 16), bool))
    alike = Noise.measured(seen(long), truth)
    assert alike.position == pytest.approx(SIGMA, rel=0.1) and alike.freedom > 60
    scale = np.exp(np.random.default_rng(3).normal(0, 0.7, (200, 1)))
    generator = np.random.default_rng(4)
    tracks = replace(
        truth,
        track=truth.track + SIGMA * scale[..., None] * generator.normal(size=truth.track.shape),
        radius=truth.radius + SIGMA * scale * generator.normal(size=truth.radius.shape) + 0.01,
    )
    unlike = Noise.measured(tracks, truth)
    assert unlike.freedom < 12 and unlike.bias == pytest.approx(0.01, abs=0.002)
    found = read(tracks, long.times, 64, long.camera, ball_radii(long), unlike, turning=TURNING)
    compared = compare(found, long)
    assert 0.92 < compared.covered[compared.measured].mean() < 0.98


def test_errors_of_a_whole_clip_are_known_apart_from_those_of_its_frames(long: Scenes) -> None:
    """A ball that seems too large and too far to the left: lengths get wider intervals, rates do not."""
    truth = Tracks(long.track, long.apparent_radius, np.ones((200, 16), bool))
    generator, tracks = np.random.default_rng(5), seen(long)
    shift, scale = generator.normal(0, 0.05, (200, 1, 2)), generator.normal(0, 0.01, (200, 1))
    tracks = replace(tracks, track=tracks.track + shift, radius=tracks.radius + scale * long.apparent_radius)
    noise = Noise.measured(tracks, truth)
    assert noise.position == pytest.approx(SIGMA, rel=0.1) and noise.radius == pytest.approx(SIGMA, rel=0.1)
    assert noise.shift == pytest.approx(0.05, rel=0.25) and noise.scale == pytest.approx(0.01, rel=0.25)
    found = read(tracks, long.times, 64, long.camera, ball_radii(long), noise, turning=TURNING)
    compared = compare(found, long)
    assert 0.92 < compared.covered[compared.measured].mean() < 0.98
    error = found.motion.lift.error(long.trajectory)
    assert 0.7 < np.sqrt((error**2).mean() / (found.motion.lift.bound**2).mean()) < 1.3
    circles = long.law == 1
    relative = found.motion.sigma[circles, :2] / found.motion.parameters[circles, :2]
    assert np.median(relative[:, 0]) > 0.008 and np.median(relative[:, 1]) < 0.003


def test_frames_that_stray_are_left_out(long: Scenes) -> None:
    tracks, some = seen(long), np.random.default_rng(6).permuted(np.tile(np.arange(16), (200, 1)), axis=1)[:, :3]
    track = tracks.track.copy()
    np.put_along_axis(track, some[..., None], np.take_along_axis(track, some[..., None], axis=1) + 1, axis=1)
    found = read(replace(tracks, track=track), long.times, 64, long.camera, ball_radii(long), NOISE, turning=TURNING)
    assert (found.law == long.law).mean() > 0.9 and np.nanmedian(compare(found, long).error) < 0.003
    square, here = np.ones((1, 16)), np.ones((1, 16), bool)
    square[0, :6] = [100, 200, 300, 400, 500, 600]
    np.testing.assert_array_equal(np.flatnonzero(strays(square, here)), [2, 3, 4, 5])  # a quarter at most
    assert not strays(square, ~here).any() and not strays(square[:, :7], here[:, :7]).any()  # too few to spare one


def test_what_cannot_be_read_is_an_error_with_a_fix(long: Scenes) -> None:
    times = long.times.copy()
    times[:, 3] += 0.01
    with pytest.raises(UserError, match="not evenly spaced"):
        read(seen(long), times, 64, long.camera)
    with pytest.raises(UserError, match="'walk' cannot be fitted; choose among linear"):
        read(seen(long), long.times, 64, long.camera, laws=("walk",))
    lost = Tracks(seen(long).track, seen(long).radius, np.zeros((200, 16), bool))
    assert Noise.measured(lost, lost) is None


def test_a_median_comes_with_the_interval_of_its_ranks() -> None:
    figure = median_figure("x", np.arange(1.0, 101), "m")
    assert (figure.value, figure.low, figure.high) == (50.5, 40, 61)
    assert median_figure("x", np.ones(5), "m").value is None
