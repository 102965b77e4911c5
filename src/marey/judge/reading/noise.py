"""How much the tracker errs, from clips whose truth is known.

Clips differ: in one the sensor's noise is four times that of another. How much they do is learned too, as the degrees
of freedom of a scaled inverse chi-squared distribution of their variances (Smyth, "Linear models and empirical Bayes
methods", 2004): few where clips differ widely, and then each clip's own residuals say more about its errors.

Two errors are of another kind. In a whole clip a body may seem too large, or too far to the left (its shade and its
paper are not what they are taken for): no law can tell this from a ball of another size, or a camera that is turned a
little, so it is learned apart, as `scale` and `shift`. And frames in which something hides a part of the body may be
wrong by far: `strays` are left out.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

from marey.judge.reading.strays import strays
from marey.judge.tracker import Tracks

_MARGIN = 1.5  # of the largest noise: the clips that tell it are few
_QUARTILES = 1.349  # between the quartiles of a normal distribution, in standard deviations
_MEDIANS = (1.386, 0.455)  # of chi-squared with 2 degrees of freedom, and with 1
_NORMAL = 1.96  # standard deviations to either side hold 95 %
FEWEST = 20  # clips that the tracker must have followed


@dataclass(frozen=True)
class Noise:
    """The tracker's errors. position: standard error of a coordinate in a usual clip, pixels; radius: that of the
    apparent radius, after its mean error `bias` is taken off. shift, scale: standard errors of a clip as a whole, in
    pixels of its places and relative to its apparent radii. freedom: how alike clips are, infinite if all have the same
    noise. worst: the sum of squared errors over these, per number seen, that a true clip hardly ever exceeds.
    """

    position: float
    radius: float
    bias: float
    shift: float
    scale: float
    freedom: float
    worst: float

    @classmethod
    def measured(cls, tracks: Tracks, truth: Tracks, false_none: float = 0.01) -> "Noise | None":
        """From known clips, which must not be those of the test split; None if the tracker followed too few of them.

        false_none: the share that exceeds `worst`, which has a margin. A fit leaves less than the truth does, so fewer
        lawful clips are called lawless.
        """
        here = tracks.found & truth.found
        rows = here.sum(axis=1) >= 3
        if rows.sum() < FEWEST:
            return None
        here, ball = here[rows], truth.radius[rows]
        off = np.where(here[..., None], (tracks.track - truth.track)[rows], np.nan)
        size = np.where(here, (tracks.radius - truth.radius)[rows], np.nan)
        bias = float(np.median(np.nanmedian(size, axis=1)))
        shift, off = _common(off)
        scale, size = _common((size - bias)[..., None] / ball[..., None])
        square = np.stack([np.square(off).sum(axis=-1), np.square(size[..., 0] * ball)])
        position, radius = np.sqrt(np.nanmedian(square, axis=(1, 2)) / _MEDIANS).tolist()
        one = square[0] / position**2 + square[1] / radius**2
        here = here & ~strays(one, here)
        count = 3 * here.sum(axis=1)
        mean = np.where(here, one, 0).sum(axis=1) / count
        usual, freedom = _alike(mean, count)
        worst = _MARGIN * float(np.quantile(mean, 1 - false_none)) / usual
        return cls(position * usual**0.5, radius * usual**0.5, bias, shift, scale, freedom, worst)


def _common(errors: Float64[np.ndarray, "n T E"]) -> tuple[float, Float64[np.ndarray, "n T E"]]:
    """Standard error of what the frames of a clip have in common, by the range of 95 % of the clips, for which the
    intervals are made, without what single frames bring into it; and the errors without it. NaN is a frame that does
    not count.
    """
    common = np.nanmedian(errors, axis=1, keepdims=True)
    low, high = np.quantile(common, [0.025, 0.975])
    alone = np.nanmedian(np.square(errors - common)) / _MEDIANS[1] / errors.shape[1] * np.pi / 2  # of a median
    return float(np.sqrt(max(((high - low) / 2 / _NORMAL) ** 2 - alone, 0.0))), errors - common


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
