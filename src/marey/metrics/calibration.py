"""Whether a model is right as often as it says: reliability bins, and the expected calibration error."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from marey.metrics.figure import Figure
from marey.metrics.statistics import pivot_interval

BINS = 10  # of equal width in [0, 1]
_SIMULATED = 300


@dataclass(frozen=True)
class Bin:
    """n answers whose probability, as the model says it, lies in (low, high]: its mean, and the share that is right."""

    low: float
    high: float
    n: int
    said: float
    right: float


def reliability(said: Float64[np.ndarray, "N"], right: Bool[np.ndarray, "N"]) -> list[Bin]:
    """The bins that hold answers. said: the probability of each answer."""
    place = _bins(said)
    return [
        Bin(k / BINS, (k + 1) / BINS, int(here.sum()), float(said[here].mean()), float(right[here].mean()))
        for k in range(BINS)
        if (here := place == k).any()
    ]


def expected_error(said: Float64[np.ndarray, "N"], right: Bool[np.ndarray, "N"]) -> float:
    """Mean over the answers of the distance between said and right in their bin (Guo et al., 2017), 0 to 1."""
    gap = np.bincount(_bins(said), weights=said - right, minlength=BINS)
    return float(np.abs(gap).sum() / len(said))


def calibration_figure(name: str, said: Float64[np.ndarray, "N"], right: Bool[np.ndarray, "N"], seed: int) -> Figure:
    """The expected calibration error; beside it what a model scores that is right exactly as often as it says, because
    few answers never fill the bins evenly.
    """
    n = len(said)
    value = expected_error(said, right)

    def draw(generator: np.random.Generator) -> float:
        again = generator.integers(n, size=n)
        return expected_error(said[again], right[again])

    low, high = pivot_interval(value, draw, seed)
    generator = np.random.Generator(np.random.Philox(key=seed))
    honest = [expected_error(said, generator.random(n) < said) for _ in range(_SIMULATED)]
    beside = {"calibrated_model": float(np.mean(honest))}
    return Figure(name, value, "share", n, low, min(1.0, high), baselines=beside)


def _bins(said: Float64[np.ndarray, "N"]) -> np.ndarray:
    return (np.ceil(said * BINS).astype(np.int64) - 1).clip(0, BINS - 1)
