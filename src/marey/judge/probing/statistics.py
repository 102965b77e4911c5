"""What may be said of a probe that saw some test clips: intervals, paired differences, and how many clips it takes.

A score is the sum of what each clip gained over the sum of what it could: hits over clips for a law, explained over
all variance for numbers (R2). A probe is fitted several times (seeds; of a random control, several networks), so a
score is the mean over fits, and both clips and fits are drawn again: a two-way bootstrap (Owen & Eckles, 2012). All
scores of one test set share the same draws of clips, which pairs them.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64
from scipy.stats import binom, norm

DRAWS = 10_000
ALPHA = 0.05
POWER = 0.8
_AT_ONCE = 1 << 22  # numbers, which bounds memory


@dataclass(frozen=True)
class Gains:
    """What each test clip gained in each fit, and what it could gain; networks: to which each fit belongs."""

    gained: Float64[np.ndarray, "fits n"]
    weight: Float64[np.ndarray, "n"]
    networks: Int64[np.ndarray, "fits"]

    @property
    def fits(self) -> Float64[np.ndarray, "fits"]:
        """The score of each fit."""
        return self.gained.sum(axis=1) / self.weight.sum()

    @property
    def score(self) -> float:
        """Mean over the fits: at most 1; 0 is chance for numbers, the share of the commonest law is for laws."""
        return float(self.fits.mean())

    @classmethod
    def join(cls, parts: list["Gains"]) -> "Gains":
        """The fits of several networks on the same clips."""
        networks = [np.full(len(part.gained), number) for number, part in enumerate(parts)]
        return cls(np.concatenate([part.gained for part in parts]), parts[0].weight, np.concatenate(networks))


@dataclass(frozen=True)
class Interval:
    """95 %, by percentiles."""

    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """Of two scores on the same clips: the first less the second. error: its standard error. p: two-sided."""

    value: float
    interval: Interval
    error: float
    p: float
    n: int


class Draws:
    """The same `DRAWS` samples, with replacement, of n clips for every score that is compared on them."""

    def __init__(self, n: int, seed: int, draws: int = DRAWS):
        generator = np.random.Generator(np.random.Philox(key=seed))
        at_once = max(1, _AT_ONCE // n)
        parts = [
            generator.multinomial(n, np.full(n, 1 / n), size=min(at_once, draws - i)).astype(np.float32)
            for i in range(0, draws, at_once)
        ]
        self.n, self.draws, self._counts = n, draws, np.concatenate(parts)

    def scores(self, gains: Gains, seed: int) -> Float64[np.ndarray, "draws"]:
        """The score on each draw of clips, with networks, and the fits of each, drawn again too."""
        generator = np.random.Generator(np.random.Philox(key=seed))
        sums = self._counts @ gains.gained.T.astype(np.float32)
        chosen = _fits_again(gains.networks, self.draws, generator)
        total = np.take_along_axis(sums, chosen, axis=1).mean(axis=1)
        return total.astype(np.float64) / (self._counts @ gains.weight.astype(np.float32))

    def interval(self, gains: Gains, seed: int = 1) -> Interval:
        """Where the score lies in 95 % of the draws."""
        return _percentiles(self.scores(gains, seed))

    def difference(self, ours: Gains, theirs: Gains) -> Difference:
        """Ours less theirs, paired by clip."""
        drawn = self.scores(ours, 1) - self.scores(theirs, 2)
        tail = min((drawn <= 0).sum(), (drawn >= 0).sum())
        p = min(1.0, 2 * (float(tail) + 1) / (self.draws + 1))
        return Difference(ours.score - theirs.score, _percentiles(drawn), float(drawn.std()), p, self.n)


def _fits_again(
    networks: Int64[np.ndarray, "fits"], draws: int, generator: np.random.Generator
) -> Int64[np.ndarray, "draws fits"]:
    """Fits to take in each draw: first a network, then one of its fits."""
    members = [np.flatnonzero(networks == network) for network in np.unique(networks)]
    assert len({len(some) for some in members}) == 1, "each network is fitted equally often"
    table = np.array(members)
    which = generator.integers(len(table), size=(draws, len(table))).repeat(table.shape[1], axis=1)
    return table[which, generator.integers(table.shape[1], size=which.shape)]


def _percentiles(values: Float[np.ndarray, "draws"]) -> Interval:
    low, high = np.quantile(values, [ALPHA / 2, 1 - ALPHA / 2])
    return Interval(float(low), float(high))


def holm(p: list[float]) -> list[float]:
    """p values corrected for being many (Holm, 1979): below alpha they are found, whatever the others are."""
    order = np.argsort(p)
    scaled = np.array(p)[order] * np.arange(len(p), 0, -1)
    corrected = np.empty(len(p))
    corrected[order] = np.maximum.accumulate(scaled).clip(max=1)
    return [float(value) for value in corrected]


def chance_interval(n: int, share: float) -> Interval:
    """Where the share of hits of a rule that guesses lies in 95 % of tests on n clips (exact binomial)."""
    low, high = binom.ppf([ALPHA / 2, 1 - ALPHA / 2], n, share) / n
    return Interval(float(low), float(high))


def clips_needed(difference: Difference, margin: float, tests: int) -> int:
    """Test clips that would settle a difference which n of them leave open, four times in five.

    As if the true difference were the measured one: either it is told from zero at ALPHA over the number of tests, or
    its interval ends below the margin, whichever takes fewer (normal approximation).
    """
    told = float(norm.ppf(1 - ALPHA / 2 / tests) + norm.ppf(POWER))
    ended = float(norm.ppf(1 - ALPHA / 2) + norm.ppf(POWER))
    ways = [(told, abs(difference.value)), (ended, margin - difference.value)]
    squares = [(z * difference.error / size) ** 2 for z, size in ways if size > 0]
    return max(difference.n + 1, int(np.ceil(difference.n * min(squares))))
