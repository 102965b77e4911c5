"""Differences of two samples: found where they are, not found where they are not, paired where that helps."""

import numpy as np
import pytest
from scipy.stats import binomtest

from marey.metrics.comparison import paired, unpaired


@pytest.fixture
def hard() -> np.ndarray:
    """What makes a clip hard: far larger than what tells two models apart."""
    return np.random.default_rng(0).exponential(10, 300)


def test_pairing_finds_what_is_lost_among_hard_clips(hard: np.ndarray) -> None:
    better = hard - 0.3 + np.random.default_rng(1).normal(0, 0.5, 300)
    found, lost = paired(hard, better), unpaired(hard, better)
    assert found.value == pytest.approx(lost.value) and found.value == pytest.approx(-0.3, abs=0.1)
    assert found.high < 0 and found.p < 1e-6 and found.paired and found.n == 300
    assert lost.low < 0 < lost.high and lost.p > 0.5 and not lost.paired


def test_no_difference_is_found_about_one_time_in_twenty() -> None:
    generator = np.random.default_rng(2)
    a, b = generator.normal(size=(2, 200, 60))
    for test in (paired, unpaired):
        results = [test(x, y) for x, y in zip(a, b, strict=True)]
        assert 3 <= sum(each.p < 0.05 for each in results) <= 19
        assert 3 <= sum(not each.low <= 0 <= each.high for each in results) <= 22


def test_swapping_the_models_turns_the_sign(hard: np.ndarray) -> None:
    other = hard + np.random.default_rng(3).normal(0.1, 1, 300)
    for test in (paired, unpaired):
        one, two = test(hard, other), test(other, hard)
        assert one.value == -two.value and one.p == pytest.approx(two.p)


def test_shares_agree_with_the_exact_test_of_mcnemar() -> None:
    first, second = np.zeros(1000), np.zeros(1000)
    first[:300], second[100:425] = 1, 1
    only_first, only_second = ((x > y).sum() for x, y in ((first, second), (second, first)))
    exact = binomtest(int(only_first), int(only_first + only_second)).pvalue
    assert paired(first, second).p == pytest.approx(exact, rel=0.25)


def test_where_nothing_varies() -> None:
    ones = np.ones(5)
    for test in (paired, unpaired):
        assert test(ones, ones).p == 1 and test(ones, ones).value == 0
        assert test(ones, 2 * ones).p == 0 and test(ones, 2 * ones).value == 1
    with pytest.raises(AssertionError):
        paired(ones[:1], ones[:1])
