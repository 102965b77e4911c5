"""What may be said of all clips when only some were seen: 95 % intervals, and the distance of two samples."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64
from scipy.stats import norm

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
