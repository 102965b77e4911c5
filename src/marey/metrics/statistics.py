"""What may be said of all clips when only some were seen: 95 % intervals, and the distance of two samples."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64
from scipy.stats import norm, ttest_1samp

RESAMPLES = 2000
_TAIL = 0.025
_CHUNK = 1 << 22


def bootstrap_interval(values: Float64[np.ndarray, "N"], seed: int) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean (Efron, 1979); clips are what is drawn again."""
    n = len(values)
    generator = np.random.Generator(np.random.Philox(key=seed))
    at_once = max(1, _CHUNK // n)
    means = [
        values[generator.integers(n, size=(min(at_once, RESAMPLES - i), n))].mean(axis=1)
        for i in range(0, RESAMPLES, at_once)
    ]
    low, high = np.quantile(np.concatenate(means), [_TAIL, 1 - _TAIL])
    return float(low), float(high)


def resampled_means(values: Float64[np.ndarray, "N K"], seed: int) -> Float64[np.ndarray, "R K"]:
    """Means of K numbers per clip in each of `RESAMPLES` draws of the clips, the same draws for all K, which pairs
    them; those of `bootstrap_interval` with the same seed.
    """
    n = len(values)
    generator = np.random.Generator(np.random.Philox(key=seed))
    at_once = max(1, _CHUNK // n)
    means = []
    for i in range(0, RESAMPLES, at_once):
        drawn = generator.integers(n, size=(min(at_once, RESAMPLES - i), n))
        cell = drawn + n * np.arange(len(drawn))[:, None]
        count = np.bincount(cell.ravel(), minlength=drawn.size).reshape(drawn.shape)
        means.append(count.astype(np.float64) @ values / n)
    return np.concatenate(means)


def interval_of(draws: Float64[np.ndarray, "R K"]) -> Float64[np.ndarray, "2 K"]:
    """Ends of the 95 % percentile intervals."""
    return np.asarray(np.quantile(draws, [_TAIL, 1 - _TAIL], axis=0))


def paired_p(differences: Float64[np.ndarray, "N K"]) -> Float64[np.ndarray, "K"]:
    """Two-sided p of the paired t test (Student, 1908) that a mean difference over clips is zero: 1 where all
    differences are equal and zero, 0 where they are equal and something else.
    """
    largest = np.abs(differences).max(axis=0)
    varies = np.ptp(differences, axis=0) > 1e-9 * largest
    p = np.where(largest > 0, 0.0, 1.0)
    if len(differences) > 1 and varies.any():
        p[varies] = ttest_1samp(differences[:, varies], 0.0, axis=0).pvalue
    return p


def wilson_interval(hits: int, n: int) -> tuple[float, float]:
    """Interval of a share (Wilson, 1927); never empty, not even when all or none of the n hit."""
    z = float(norm.ppf(1 - _TAIL))
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (0.0 if hits == 0 else float(middle - half)), (1.0 if hits == n else float(middle + half))


def ks_distance(a: Float64[np.ndarray, "N"], b: Float64[np.ndarray, "M"]) -> float:
    """Largest difference of the two empirical distribution functions (Kolmogorov-Smirnov), 0 to 1."""
    a, b = np.sort(a), np.sort(b)
    points = np.concatenate([a, b])
    below = [np.searchsorted(each, points, side="right") / len(each) for each in (a, b)]
    return float(np.abs(below[0] - below[1]).max())


def pivot_interval(
    value: float, draw: Callable[[np.random.Generator], float], seed: int, resamples: int = 300
) -> tuple[float, float]:
    """Basic bootstrap interval 2 value - quantiles, for statistics that resampling biases upwards (a KS distance)."""
    generator = np.random.Generator(np.random.Philox(key=seed))
    low, high = np.quantile([draw(generator) for _ in range(resamples)], [_TAIL, 1 - _TAIL])
    return min(value, max(0.0, 2 * value - float(high))), max(value, 2 * value - float(low))
