import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, ks_2samp, ttest_rel

from marey.metrics import codebook
from marey.metrics.pixels import colour_error, colour_near, plausible_size, psnr, survives
from marey.metrics.statistics import (
    bootstrap_interval,
    interval_of,
    ks_distance,
    paired_p,
    pivot_interval,
    resampled_means,
    wilson_interval,
)
from marey.metrics.tracks import ade, displacement, fde, motion_error, nearest_mean_distance, radius_error
from marey.world.look import Picture
from marey.world.render import draw, trajectory_discs

SIZE = 32
inside = st.floats(0, SIZE)


def disc(x: float, y: float, radius: float = 2.5, ink: int = 0) -> np.ndarray:
    picture = Picture.plain(np.array([[[ink]]], np.uint8), np.array([[255]], np.uint8))
    return draw(trajectory_discs(np.array([[x, y]]), radius), picture, SIZE, SIZE)


def at(x: float, y: float) -> np.ndarray:
    return np.array([[[x, y]]], np.float64)


def test_psnr_is_the_textbook_formula_and_finite_for_equal_clips() -> None:
    a, b = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 8, 8, 1), dtype=np.uint8)
    plain = [20 * np.log10(255 / np.sqrt(((x.astype(float) - y) ** 2).mean())) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(psnr(a, b), plain, rtol=1e-6)
    assert (psnr(a, a) == 100).all()


@given(inside, inside, inside, inside)
def test_a_lost_dot_never_scores_better_than_any_position(x: float, y: float, u: float, v: float) -> None:
    truth = at(x, y)
    lost = displacement(np.full_like(truth, np.nan), truth, SIZE)
    assert lost >= displacement(at(u, v), truth, SIZE)
    corners = [displacement(at(u, v), truth, SIZE)[0, 0] for u in (0.0, SIZE) for v in (0.0, SIZE)]
    assert lost[0, 0] == pytest.approx(max(corners))


@pytest.mark.parametrize("order", [0, 1, 2])
def test_motion_errors_are_those_of_finite_differences(order: int) -> None:
    generator = np.random.default_rng(order)
    truth, track = generator.uniform(0, SIZE, (2, 5, 6, 2))
    found = motion_error(track, truth, SIZE, order)
    plain = track, truth
    for _ in range(order):
        plain = tuple(each[:, 1:] - each[:, :-1] for each in plain)
    np.testing.assert_allclose(found, np.hypot(*(plain[0] - plain[1]).transpose(2, 0, 1)))
    np.testing.assert_allclose(
        motion_error(track + 1, truth, SIZE, order), found if order else displacement(track + 1, truth, SIZE)
    )
    drift = track + np.arange(6)[:, None] * [2.0, 0.0]
    np.testing.assert_allclose(
        motion_error(drift, track, SIZE, order),
        np.broadcast_to([2 * np.arange(6), [2], [0]][order], found.shape),
        atol=1e-12,
    )


@pytest.mark.parametrize("order", [0, 1, 2])
def test_a_lost_dot_never_moves_better_than_any_in_the_frame(order: int) -> None:
    truth = np.random.default_rng(order).uniform(0, SIZE, (1, order + 1, 2))
    corners = np.array(np.meshgrid(*[[0.0, SIZE]] * 2 * (order + 1))).reshape(2 * (order + 1), -1).T
    anywhere = corners.reshape(-1, order + 1, 2)
    worst = motion_error(anywhere, np.repeat(truth, len(anywhere), axis=0), SIZE, order).max()
    for frame in range(order + 1):
        lost = truth.copy()
        lost[0, frame] = np.nan
        assert motion_error(lost, truth, SIZE, order)[0, 0] == pytest.approx(worst)


def test_a_lost_dot_has_the_worst_radius_and_colour() -> None:
    truth = np.array([[3.0, 3.0, 15.0]])
    seen = np.array([[3.5, np.nan, np.nan]])
    np.testing.assert_allclose(radius_error(seen, truth, SIZE), [[0.5, 13, 15]])
    colour = np.array([[[10.0, 200.0, 0.0], [10.0, 200.0, 0.0]]])
    seen = np.array([[[12.0, 190.0, 0.0], [np.nan] * 3]])
    np.testing.assert_allclose(colour_error(seen, colour), [[10, 255]])


@given(st.floats(-2, SIZE + 2), st.floats(-2, SIZE + 2))
def test_the_colour_near_a_place_is_the_mean_of_all_pixels_within_one(x: float, y: float) -> None:
    clip = np.random.default_rng(0).integers(0, 256, (1, 1, SIZE, SIZE, 3), dtype=np.uint8)
    row, column = np.mgrid[0:SIZE, 0:SIZE] + 0.5
    near = (column - x) ** 2 + (row - y) ** 2 <= 1
    plain = clip[0, 0][near].astype(float).mean(axis=0) if near.any() else [np.nan] * 3
    np.testing.assert_allclose(colour_near(clip, at(x, y))[0, 0], plain)


def test_the_colour_of_a_small_dot_is_its_ink_and_that_of_none_is_unknown() -> None:
    assert colour_near(disc(15.3, 14.8, radius=1.75, ink=40), at(15.3, 14.8)).item() == 40
    assert np.isnan(colour_near(disc(16.0, 16.0), at(np.nan, np.nan))).all()


def test_ade_is_the_mean_and_fde_the_last() -> None:
    truth = np.zeros((1, 4, 2)) + 16
    track = truth + np.array([0, 3, 0, 1])[:, None] * np.array([1.0, 0.0])
    assert ade(track, truth, SIZE) == pytest.approx(1) and fde(track, truth, SIZE) == pytest.approx(1)
    assert fde(track[:, :2], truth[:, :2], SIZE) == pytest.approx(3)


@pytest.mark.parametrize(
    ("ink", "shift", "alive"),
    [(0, 0, True), (0, 1, True), (0, 4, False), (255, 0, False), (120, 0, True), (135, 0, False)],
)
def test_survival_asks_for_half_the_contrast_near_the_truth(ink: int, shift: float, alive: bool) -> None:
    seen = survives(disc(15.3 + shift, 14.8, ink=ink), at(15.3, 14.8), np.array([255.0]))
    assert seen.item() is alive


def test_nothing_survives_where_the_dot_was_lost() -> None:
    assert not survives(disc(16.0, 16.0), at(np.nan, np.nan), np.array([255.0])).any()


def test_the_area_may_halve_or_double_and_no_more() -> None:
    radius = 2 * np.sqrt(np.array([[0.49, 0.51, 1.0, 1.99, 2.01, np.nan]]))
    assert plausible_size(radius, np.full_like(radius, 2.0)).tolist() == [[False, True, True, True, False, False]]


def test_copies_are_found_whatever_frames_were_lost() -> None:
    generator = np.random.default_rng(0)
    library = generator.uniform(0, SIZE, (50, 8, 2))
    track = library[[3, 7, 9]] + np.array([0.3, 0.4])
    track[1, :3], track[2, :4] = np.nan, np.nan
    assert nearest_mean_distance(track, library).tolist() == pytest.approx([0.5, 0.5, np.inf])
    other = generator.uniform(0, SIZE, (1, 8, 2))
    plain = np.linalg.norm(other - library, axis=-1).mean(axis=1).min()
    assert nearest_mean_distance(other, library) == pytest.approx(plain)


def test_codebook_use_and_perplexity() -> None:
    even = np.arange(40).reshape(2, 20) % 4
    assert codebook.use(even, (16,)) == codebook.use(even, (2, 8)) == 0.25
    assert codebook.use(even, (2, 1 << 17)) == pytest.approx((1 + 2 / (1 << 17)) / 2)  # more codes than can be counted
    assert codebook.census(even, (16,)) == {"codebook_use": 0.25, "perplexity": pytest.approx(4)}
    assert codebook.distinct(even) == 4 and codebook.perplexity(even) == pytest.approx(4)
    assert codebook.perplexity(np.zeros(9, int)) == pytest.approx(1)


def test_bootstrap_intervals_hold_the_truth_as_often_as_they_say() -> None:
    generator = np.random.default_rng(0)
    intervals = [bootstrap_interval(generator.gamma(4.0, size=60), seed) for seed in range(300)]
    held = np.mean([low <= 4 <= high for low, high in intervals])
    assert 0.90 <= held <= 0.98


def test_bootstrap_repeats_itself() -> None:
    values = np.random.default_rng(1).normal(size=30)
    assert bootstrap_interval(values, 5) == bootstrap_interval(values, 5) != bootstrap_interval(values, 6)


@given(st.integers(0, 40), st.integers(40, 60))
def test_wilson_interval_is_scipys(hits: int, n: int) -> None:
    theirs = binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson_interval(hits, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_ks_distance_is_scipys() -> None:
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=40).round(1), generator.normal(0.5, 2, size=70).round(1)
    assert ks_distance(a, b) == pytest.approx(ks_2samp(a, b).statistic)


def test_pivot_interval_undoes_the_bias_of_resampling() -> None:
    low, high = pivot_interval(0.3, lambda generator: 0.4 + 0.01 * generator.normal(), 0)
    assert low == pytest.approx(0.18, abs=0.02) and high == 0.3


def test_resampled_means_are_the_bootstrap_of_every_column() -> None:
    values = np.random.default_rng(0).exponential(size=(57, 3))
    ends = interval_of(resampled_means(values, 4))
    np.testing.assert_allclose(ends.T, [bootstrap_interval(column, 4) for column in values.T])


def test_paired_p_is_that_of_the_t_test_and_says_when_nothing_differs() -> None:
    generator = np.random.default_rng(0)
    a, b = generator.normal([[0.4], [0.0]], size=(2, 30))
    p = paired_p(np.stack([a - b, 0 * a, 0 * a + 2.5], axis=1))
    np.testing.assert_allclose(p, [ttest_rel(a, b).pvalue, 1, 0])
    assert (paired_p(np.array([[0.0, 3.0]])) == [1, 0]).all()
