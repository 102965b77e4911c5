"""How much the tracker errs, from clips whose truth is known.

Clips differ: in one the sensor's noise is four times that of another. How much they do is learned too, as the degrees
of freedom of a scaled inverse chi-squared distribution of their variances (Smyth, "Linear models and empirical Bayes
methods", 2004): few where clips differ widely, and then each clip's own residuals say more about its errors.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

from marey.core.errors import UserError
from marey.judge.tracker import Tracks

_MARGIN = 1.5  # of the largest noise: the clips that tell it are few
_QUARTILES = 1.349  # between the quartiles of a normal distribution, in standard deviations
FEWEST = 20  # clips


@dataclass(frozen=True)
class Noise:
    """The tracker's errors, pixels. position: standard error of a coordinate in a usual clip. radius: that of the
    apparent radius, after its mean error `bias` is taken off. freedom: how alike clips are, infinite if all have the
    same noise. worst: the sum of squared errors over these, per number seen, that a true clip hardly ever exceeds.
    """

    position: float
    radius: float
    bias: float
    freedom: float
    worst: float

    @classmethod
    def measured(cls, tracks: Tracks, truth: Tracks, false_none: float = 0.002) -> "Noise":
        """From known clips, which must not be those of the test split. false_none: the share that exceeds `worst`,
        which has a margin. A fit leaves less than the truth does, so fewer lawful clips are called lawless.
        """
        here = tracks.found & truth.found
        rows = here.sum(axis=1) >= 3
        if rows.sum() < FEWEST:
            raise UserError(f"noise: the tracker followed {rows.sum()} known clips; give at least {FEWEST}")
        here, off = here[rows], (tracks.track - truth.track)[rows]
        size = np.where(here, (tracks.radius - truth.radius)[rows], np.nan)
        bias = float(np.median(np.nanmean(size, axis=1)))
        square = np.where(here, np.square(off).sum(axis=-1), 0), np.where(here, np.square(size - bias), 0)
        count = here.sum(axis=1)
        position = float(np.sqrt(np.median(square[0].sum(axis=1) / (2 * count))))
        radius = float(np.sqrt(np.median(square[1].sum(axis=1) / count)))
        mean = (square[0] / position**2 + square[1] / radius**2).sum(axis=1) / (3 * count)
        scale, freedom = _alike(mean, 3 * count)
        worst = _MARGIN * float(np.quantile(mean, 1 - false_none)) / scale
        return cls(position * scale**0.5, radius * scale**0.5, bias, freedom, worst)


def _alike(mean: Float64[np.ndarray, "n"], count: np.ndarray) -> tuple[float, float]:
    """Usual variance and degrees of freedom from mean squares of `count` numbers; by quartiles, for the tracker may
    have lost some clips altogether.
    """
    half = float(np.median(count)) / 2
    low, middle, high = np.quantile(np.log(mean), [0.25, 0.5, 0.75])
    excess = ((high - low) / _QUARTILES) ** 2 - float(polygamma(1, half))
    usual = middle - float(digamma(half)) + np.log(half)
    if excess <= float(polygamma(1, 500.0)):
        return float(np.exp(usual)), float("inf")
    other = float(np.exp(brentq(lambda x: float(polygamma(1, np.exp(x))) - excess, -4, 10)))
    return float(np.exp(usual + digamma(other) - np.log(other))), 2 * other
