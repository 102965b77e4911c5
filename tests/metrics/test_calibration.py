import numpy as np
import pytest

from marey.metrics.calibration import calibration_figure, expected_error, reliability


def test_the_error_of_a_small_example_is_that_of_the_formula() -> None:
    said = np.array([0.95, 0.95, 0.55, 0.55, 0.55, 0.55])
    right = np.array([True, False, True, True, True, False])
    low, high = reliability(said, right)
    assert (low.n, low.low, low.high) == (4, 0.5, 0.6) and (high.n, high.low) == (2, 0.9)
    assert (low.said, low.right) == pytest.approx((0.55, 0.75)) and (high.said, high.right) == pytest.approx(
        (0.95, 0.5)
    )
    assert expected_error(said, right) == pytest.approx((4 * 0.2 + 2 * 0.45) / 6)


def test_bins_hold_every_answer_once_also_at_their_edges() -> None:
    said = np.array([0.0, 0.1, 0.25, 0.3, 0.5, 0.999, 1.0])
    bins = reliability(said, said > 0.4)
    assert sum(each.n for each in bins) == len(said)
    assert all(each.low <= each.said <= each.high for each in bins)


@pytest.mark.parametrize(("true", "calibrated"), [(lambda p: p, True), (lambda p: p - 0.15, False)])
def test_who_is_right_as_often_as_he_says_scores_what_chance_explains(true: object, calibrated: bool) -> None:
    generator = np.random.default_rng(0)
    said = generator.uniform(0.3, 1, 2000)
    figure = calibration_figure("c", said, generator.random(2000) < true(said), 0)
    chance = figure.baselines["calibrated_model"]
    assert 0.005 < chance < 0.03 and figure.n == 2000 and figure.low <= figure.value <= figure.high
    assert (figure.value < 2 * chance) is calibrated
    if not calibrated:
        assert figure.value == pytest.approx(0.15, abs=0.03) and figure.low < 0.15 < figure.high


def test_certain_and_always_right_is_no_error() -> None:
    figure = calibration_figure("c", np.ones(50), np.ones(50, bool), 0)
    assert (figure.value, figure.low, figure.high) == (0, 0, 0)
