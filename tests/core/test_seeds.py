"""Counter-based random numbers: bit-equal to numpy's Philox, whatever the order in which they are asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marey.core.seeds import step_seed, uniforms, words

uint64 = st.integers(0, 2**64 - 1)


def numpy_words(seed: int, stream: int, index: int, count: int) -> np.ndarray:
    """The plain twin: one numpy generator per index. numpy counts up before its first block, so start one below."""
    key = np.array([seed, stream], np.uint64)
    blocks = [
        np.random.Philox(key=key, counter=_one_below(index + (block << 64))).random_raw(4)
        for block in range(-(-count // 4))
    ]
    return np.concatenate(blocks)[:count]


def _one_below(counter: int) -> np.ndarray:
    counter = (counter - 1) % 2**256
    return np.array([(counter >> shift) % 2**64 for shift in (0, 64, 128, 192)], np.uint64)


@given(seed=uint64, stream=uint64, index=st.integers(0, 2**63 - 1), count=st.integers(1, 11))
def test_words_are_those_of_numpy(seed: int, stream: int, index: int, count: int) -> None:
    ours = words(seed, stream, np.array([index]), count)
    np.testing.assert_array_equal(ours[0], numpy_words(seed, stream, index, count))


@given(order=st.permutations(range(9)), cut=st.integers(0, 9))
def test_no_order_and_no_batch_size_changes_a_number(order: list[int], cut: int) -> None:
    whole = words(3, 7, np.arange(9), 6)
    parts = [words(3, 7, np.array(part, np.int64), 6) for part in (order[:cut], order[cut:])]
    np.testing.assert_array_equal(np.concatenate(parts), whole[order])


def test_more_numbers_begin_with_the_same_numbers() -> None:
    np.testing.assert_array_equal(words(1, 2, np.arange(5), 9)[:, :3], words(1, 2, np.arange(5), 3))


def test_uniforms_fill_the_unit_interval() -> None:
    numbers = uniforms(5, 0, np.arange(20_000), 4)
    assert numbers.min() >= 0 and numbers.max() < 1
    assert numbers.mean() == pytest.approx(0.5, abs=0.005)
    assert numbers.var() == pytest.approx(1 / 12, abs=0.002)
    assert np.abs(np.corrcoef(numbers.T) - np.eye(4)).max() < 0.03


def test_step_seeds_are_distinct_and_fit_torch() -> None:
    seeds = {step_seed(seed, step) for seed in range(10) for step in range(100)}
    assert len(seeds) == 1000
    assert all(0 <= seed < 2**63 for seed in seeds)
