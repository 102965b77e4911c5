import numpy as np
import pytest

from marey.judge import baselines
from marey.judge.baselines import interpolations, polynomial, predictions
from marey.world.render import render
from marey.world.scenes import Scenes

T = np.arange(8.0)
PREFIX = T < 4
ENDS = (T < 2) | (T >= 6)


def motion(degree: int, n: int = 20, seed: int = 0) -> np.ndarray:
    """Tracks that are polynomials in time and stay in a frame of 32 pixels."""
    generator = np.random.default_rng(seed)
    wave = (T / 7)[:, None] ** np.arange(1, degree + 1) @ generator.uniform(-3, 3, (n, degree, 2))
    return 16 + wave + generator.uniform(-3, 3, (n, 1, 2))


@pytest.fixture(scope="module")
def law() -> np.ndarray:
    return np.arange(20) % 4


@pytest.mark.parametrize(
    ("degree", "rule"), [(1, "constant_velocity"), (1, "constant_acceleration"), (2, "constant_acceleration")]
)
def test_prediction_rules_are_exact_on_the_motion_they_assume(degree: int, rule: str, law: np.ndarray) -> None:
    tracks = motion(degree)
    guesses = predictions(tracks[:, PREFIX], law, motion(degree, seed=1), law, 32)
    np.testing.assert_allclose(guesses.tracks[rule], tracks[:, ~PREFIX], atol=1e-9)
    np.testing.assert_array_equal(guesses.tracks["copy_last"], tracks[:, 3:4].repeat(4, axis=1))


@pytest.mark.parametrize(("degree", "rules"), [(1, 3), (2, 2), (3, 1)])
def test_interpolation_rules_are_exact_on_the_motion_they_assume(degree: int, rules: int, law: np.ndarray) -> None:
    tracks = motion(degree)
    guesses = interpolations(tracks[:, ENDS], motion(degree, seed=1), ENDS, 32)
    for rule in ("cubic", "quadratic", "linear")[:rules]:
        np.testing.assert_allclose(guesses.tracks[rule], tracks[:, ~ENDS], atol=1e-9, err_msg=rule)
    np.testing.assert_array_equal(guesses.tracks["copy_last"], tracks[:, 1:2].repeat(4, axis=1))


def test_the_nearest_training_clip_is_found_where_it_is_and_moved(law: np.ndarray) -> None:
    train = motion(3)
    again = predictions(train[:, PREFIX], law, train, law, 32).tracks["nearest_train"]
    np.testing.assert_allclose(again, train[:, ~PREFIX], atol=1e-9)
    family = np.concatenate([train + shift for shift in np.random.default_rng(0).uniform(-4, 4, (10, 1, 1, 2))])
    guesses = predictions(train[:, PREFIX] + 1, law, family, np.tile(law, 10), 32)
    assert guesses.chosen["nearest_train"] == "moved to the last shown position"
    np.testing.assert_allclose(guesses.tracks["nearest_train"], train[:, ~PREFIX] + 1, atol=1e-9)


def test_class_mean_adds_the_mean_displacement_of_the_class(law: np.ndarray) -> None:
    train = motion(1, seed=3)
    shown = motion(1)[:, PREFIX]
    guess = predictions(shown, law, train, law, 32).tracks["class_mean"]
    moved = (train[law == 2, 4:] - train[law == 2, 3:4]).mean(axis=0)
    np.testing.assert_allclose(guess[law == 2], (shown[law == 2, -1:] + moved).clip(0, 32))


def test_the_better_line_is_chosen_on_the_training_split(law: np.ndarray) -> None:
    generator = np.random.default_rng(0)
    noisy = motion(1, seed=1) + generator.normal(0, 1, (20, 8, 2))
    shown = motion(2)[:, PREFIX]
    for train, form, last in ((motion(2, seed=1), "last two frames", 2), (noisy, "all shown frames", None)):
        guesses = predictions(shown, law, train, law, 32)
        assert guesses.chosen["constant_velocity"] == form
        np.testing.assert_array_equal(
            guesses.tracks["constant_velocity"], polynomial(shown, PREFIX, 1, 32, last), err_msg=form
        )


def test_guesses_stay_in_the_frame_and_lost_dots_stay_lost(law: np.ndarray) -> None:
    fast = (T[:, None] * np.array([6.0, -6.0]) + np.array([4.0, 28.0]))[None].repeat(20, axis=0)
    inside = motion(1)
    for guess in predictions(fast[:, PREFIX], law, inside, law, 32).tracks.values():
        assert guess.min() >= 0 and guess.max() <= 32
    lost = inside.copy()
    lost[0, 3] = np.nan
    for name, guess in predictions(lost[:, PREFIX], law, inside, law, 32).tracks.items():
        assert np.isnan(guess[0]).all() and np.isfinite(guess[1:]).all(), name


def test_a_polynomial_needs_no_more_frames_than_are_shown() -> None:
    one = np.array([True] + [False] * 7)
    np.testing.assert_allclose(polynomial(motion(2)[:, one], one, 2, 32), motion(2)[:, one].repeat(7, axis=1))


def test_pixel_neighbours_are_those_of_all_distances(
    train: Scenes, clips: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = render(train)
    square = np.square(clips[:9, None].astype(float) - theirs).sum(axis=(2, 3, 4, 5))
    monkeypatch.setattr(baselines, "_AT_ONCE", 70)
    nearest = baselines.nearest_on_pixels(clips[:9], theirs, np.arange(len(theirs)))
    np.testing.assert_array_equal(nearest, square.argmin(axis=1))


def test_pixel_neighbours_and_the_probe_know_their_own_training_clips(scenes: Scenes, clips: np.ndarray) -> None:
    assert (baselines.nearest_on_pixels(clips, clips, scenes.law) == scenes.law).all()
    discs = np.concatenate([scenes.track, scenes.apparent_radius[..., None]], axis=-1)
    assert (baselines.probe_on_true_tracks(discs, scenes.law, discs) == scenes.law).mean() > 0.95


def test_the_probe_is_a_ceiling_and_knows_nothing_without_labels(train: Scenes, scenes: Scenes) -> None:
    ours, theirs = (np.concatenate([s.track, s.apparent_radius[..., None]], axis=-1) for s in (scenes, train))
    assert (baselines.probe_on_true_tracks(theirs, train.law, ours) == scenes.law).mean() > 0.9
    shuffled = np.random.default_rng(0).permutation(train.law)
    assert (baselines.probe_on_true_tracks(theirs, shuffled, ours) == scenes.law).mean() < 0.45


def test_probe_features_ignore_place_turn_and_scale(scenes: Scenes) -> None:
    discs = np.concatenate([scenes.track, scenes.apparent_radius[..., None]], axis=-1)
    moved = discs * 0.5
    moved[..., :2] = moved[..., 1::-1] + 3
    np.testing.assert_allclose(baselines.track_features(moved), baselines.track_features(discs), atol=1e-9)
