"""Two models by one figure: how far apart they are, how sure that is, and whether chance explains it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.stats import ttest_ind

from marey.metrics.statistics import RESAMPLES, bootstrap_interval, paired_p

_TAIL = 0.025
_FEWEST = 2  # clips, or there is no spread to judge a difference by


@dataclass(frozen=True)
class Difference:
    """The second mean less the first. low, high: 95 % bootstrap interval. p: two-sided, of no difference.

    paired: whether both answered the same clips, so that what makes a clip hard is in both. n: clips of the smaller
    sample.
    """

    value: float
    low: float
    high: float
    p: float
    paired: bool
    n: int


def paired(first: Float64[np.ndarray, "N"], second: Float64[np.ndarray, "N"], seed: int = 0) -> Difference:
    """Of values on the same N clips, 2 or more: Student's t test of the differences, and clips drawn again."""
    assert len(first) >= _FEWEST
    apart = second - first
    low, high = bootstrap_interval(apart, seed)
    return Difference(float(apart.mean()), low, high, float(paired_p(apart[:, None])[0]), True, len(apart))


def unpaired(first: Float64[np.ndarray, "N"], second: Float64[np.ndarray, "M"], seed: int = 0) -> Difference:
    """Of values on clips that have nothing to do with each other, 2 or more each: Welch's t test, and the clips of
    each drawn again.
    """
    assert min(len(first), len(second)) >= _FEWEST
    generator = np.random.Generator(np.random.Philox(key=seed))
    means = [
        np.array([each[generator.integers(len(each), size=len(each))].mean() for _ in range(RESAMPLES)])
        for each in (first, second)
    ]
    low, high = np.quantile(means[1] - means[0], [_TAIL, 1 - _TAIL])
    value = float(second.mean() - first.mean())
    if np.ptp(first) == 0 == np.ptp(second):  # a difference is certain or absent
        p = float(value == 0)
    else:
        p = float(ttest_ind(second, first, equal_var=False).pvalue)
    return Difference(value, float(low), float(high), p, False, min(len(first), len(second)))
