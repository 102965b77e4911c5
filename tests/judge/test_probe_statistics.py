"""Intervals that cover, differences that are found where there are any and not elsewhere, and power that holds."""

import numpy as np
import pytest
from scipy.stats import binom

from marey.judge.probing.gains import Table, gains
from marey.judge.probing.statistics import (
    ALPHA,
    POWER,
    Difference,
    Draws,
    Gains,
    Interval,
    chance_interval,
    clips_needed,
    holm,
)
from marey.judge.probing.verdict import MARGIN, Pair, ceiling_check, compare, noise_check, verdict_on


def hits(share: float, n: int, seed: int, fits: int = 2) -> Gains:
    """Fits that hit with one chance, the same clips being hard for all."""
    generator = np.random.default_rng(seed)
    hard = generator.uniform(size=n) < share
    other = generator.uniform(size=(fits, n)) < share
    gained = np.where(generator.uniform(size=(fits, n)) < 0.1, other, hard)
    return Gains(gained.astype(float), np.ones(n), np.zeros(fits, np.int64))


def test_noise_is_inside_the_interval_of_chance_in_about_95_of_100_benches() -> None:
    """The probe, its choice of penalty, its seeds and the interval together: 100 benches with fresh noise."""
    draws, law, covered = Draws(80, seed=0, draws=400), np.tile(np.arange(4.0), 32)[:, None, None], 0
    for repetition in range(100):
        noise = np.random.default_rng(repetition).standard_normal((128, 1, 4)).astype(np.float32)
        asked = Table("class", noise, law, np.arange(48), np.arange(48, 128), 1)
        found = draws.interval(gains(asked, "linear", seeds=1))
        covered += found.low <= 0.25 <= found.high
    low, high = binom.ppf([0.001, 0.999], 100, 1 - ALPHA)
    assert low <= covered <= high, covered


def test_a_leak_is_outside_the_interval_of_chance() -> None:
    """The same bench with one feature in a hundred telling the law must not pass as noise."""
    law = np.tile(np.arange(4.0), 40)[:, None, None]
    noise = np.random.default_rng(0).standard_normal((160, 1, 6)).astype(np.float32)
    noise[..., 0] += law[..., 0] * 0.8
    asked = Table("class", noise, law, np.arange(80), np.arange(80, 160), 1)
    check = noise_check(gains(asked, "linear", seeds=2), 0.25, Draws(80, seed=0, draws=800))
    assert not check.passed and "one sound bench in twenty" in check.words


def test_chance_interval_is_what_guessing_gives() -> None:
    interval = chance_interval(200, 0.25)
    shares = np.random.default_rng(0).binomial(200, 0.25, 100_000) / 200
    assert np.quantile(shares, [0.025, 0.975]).tolist() == [interval.low, interval.high]


def test_an_interval_narrows_with_clips_and_widens_with_fits_that_differ() -> None:
    widths = {}
    for n in (100, 1600):
        found = Draws(n, seed=0, draws=2000).interval(hits(0.5, n, 0))
        widths[n] = found.high - found.low
    assert 3 < widths[100] / widths[1600] < 5  # sqrt(16) = 4
    generator = np.random.default_rng(0)
    gained = (generator.uniform(size=(3, 400)) < np.array([[0.3], [0.5], [0.7]])).astype(float)
    one, three = (Gains(gained, np.ones(400), np.array(networks)) for networks in ([0, 0, 0], [0, 1, 2]))
    draws = Draws(400, seed=0, draws=2000)
    for found in (draws.interval(one), draws.interval(three)):
        assert found.high - found.low > 2 * (draws.interval(hits(0.5, 400, 0)).high - 0.5)


def test_a_difference_is_paired() -> None:
    """Two probes that fail on the same clips are told apart by few clips; unpaired they could not be."""
    base = hits(0.5, 400, 0, fits=1)
    better = Gains(np.maximum(base.gained, np.arange(400) % 20 == 0), base.weight, base.networks)
    draws = Draws(400, seed=0)
    found = draws.difference(better, base)
    assert 0.015 < found.value < 0.05 and found.p < 0.01 and found.interval.low > 0
    assert found.error < 0.4 * np.sqrt(2 * 0.25 / 400)
    assert draws.difference(base, base).p == 1 and draws.difference(base, base).value == 0
    back = draws.difference(base, better)
    assert back.value == -found.value and back.p == pytest.approx(found.p, abs=1e-3)


def test_p_values_are_uniform_when_nothing_differs() -> None:
    draws = Draws(150, seed=0, draws=1000)
    p = [draws.difference(hits(0.5, 150, 2 * i, 1), hits(0.5, 150, 2 * i + 1, 1)).p for i in range(200)]
    low, high = binom.ppf([0.001, 0.999], 200, ALPHA)
    assert low <= sum(value < ALPHA for value in p) <= high + 4  # a percentile bootstrap is a little too eager


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1, 1] and holm([]) == []


@pytest.mark.parametrize(
    ("value", "error", "p", "verdict"),
    [
        (0.10, 0.02, 0.001, "helps"),
        (-0.10, 0.02, 0.001, "does worse"),
        (0.001, 0.004, 0.9, "does not help"),
        (-0.05, 0.03, 0.3, "does not help"),
        (0.03, 0.03, 0.4, "too few clips to tell"),
        (0.0, 0.05, 1.0, "too few clips to tell"),
    ],
)
def test_the_rule(value: float, error: float, p: float, verdict: str) -> None:
    interval = Interval(value - 1.96 * error, value + 1.96 * error)
    assert verdict_on(Difference(value, interval, error, p, 500), p) == verdict


@pytest.mark.parametrize("value", [0.05, 0.0, 0.012, -0.01])
def test_the_clips_needed_settle_it_four_times_in_five(value: float) -> None:
    """Benches with so many clips, drawn from the difference that was measured: how many come to a verdict?"""
    spread, n = 0.5, 200
    error = spread / np.sqrt(n)
    measured = Difference(value, Interval(value - 1.96 * error, value + 1.96 * error), error, 1.0, n)
    needed = clips_needed(measured, MARGIN, tests=1)
    error = spread / np.sqrt(needed)
    drawn = value + error * np.random.default_rng(0).standard_normal(4000)
    settled = (np.abs(drawn) > 1.96 * error) | (drawn + 1.96 * error < MARGIN)
    assert needed > n and settled.mean() > POWER - 0.03, (needed, settled.mean())


def test_verdicts_come_in_words_with_all_their_numbers() -> None:
    draws, base = Draws(400, seed=0), hits(0.5, 400, 0, fits=2)
    better = Gains(np.maximum(base.gained, np.arange(400) % 4 == 0), base.weight, base.networks)
    one = hits(0.5, 400, 0, fits=1)
    found = compare([Pair("a", "b", "law", "share", better, base), Pair("c", "b", "law", "share", one, one)], draws)
    helps, same = found
    assert helps.verdict == "helps" and helps.words.startswith("a helps on law over b: ") and "n = 400" in helps.words
    assert f"{helps.ours:.3f} against {helps.theirs:.3f}" in helps.words and helps.clips_needed is None
    assert same.verdict == "does not help" and same.p == 1
    few = Draws(20, seed=0)
    pairs = [Pair("a", "b", "law", "share", hits(0.6, 20, 1), hits(0.5, 20, 2))]
    (open_,) = compare(pairs, few)
    assert open_.verdict == "too few clips to tell" and open_.clips_needed is not None and open_.clips_needed > 20
    assert open_.words.startswith("Too few clips to tell whether a helps") and f"{open_.clips_needed:,}" in open_.words
    assert "too easy" not in open_.words
    easy = Gains(np.ones((2, 400)), np.ones(400), np.zeros(2, np.int64))
    assert "too easy" in compare([Pair("a", "b", "law", "share", easy, easy)], draws)[0].words


def test_the_ceiling_is_asked_for() -> None:
    assert ceiling_check(0.99, 500).passed and not ceiling_check(0.98, 500).passed
