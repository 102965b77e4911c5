"""Frames that do not go with the rest of their clip, because something hides a part of the body: they are left out.

Least squares follow such frames, and the wrong law may follow them best. So in clips that seem to have any, each law is
first fitted to the three quarters of the frames that suit it best (least trimmed squares, by the concentration steps of
Rousseeuw and Van Driessen, 1999); the law that is best there says which frames stray, and all laws are fitted without
them. What they are compared by is the same frames for all.
"""

import numpy as np
from jaxtyping import Bool, Float64, Int64

from marey.judge.law.choice import known_criterion, named_rightly
from marey.judge.law.fits import Fitted, Range, fit_each
from marey.judge.law.least_squares import Sightings, residuals

_MIDDLE = 2.366  # median of chi-squared with 3 degrees of freedom: of a frame's squared errors over their variances
_FAR = 9.0  # times the median of its clip: a frame whose squared error is larger is a stray
_MOST = 4  # a quarter of a clip's frames, at most, are strays
_FEWEST = 8  # frames: with fewer, none can be spared
_ODD = 4.0  # variances for each number seen, by the best law: what leaves more may have strays
_STEPS = 3  # of concentration


def strays(square: Float64[np.ndarray, "n T"], here: Bool[np.ndarray, "n T"]) -> Bool[np.ndarray, "n T"]:
    """square: of each frame the sum of squared errors over their variances, of the three numbers that are seen; here:
    the frames that count.
    """
    known = np.where(here, square, np.nan)
    middle = np.nanmedian(np.where(here.any(axis=1, keepdims=True), known, _MIDDLE), axis=1, keepdims=True)
    return here & (square > _FAR * np.maximum(middle, _MIDDLE)) & _worst(square, here)


def fit_without_strays(
    names: tuple[str, ...], t: Float64[np.ndarray, "T"], seen: Sightings, turning: Range, freedom: float
) -> tuple[tuple[Fitted, ...], Sightings]:
    """`fit_each` without the frames that stray, and what it has seen. The noise in `seen` must be the true one;
    freedom: how alike clips are in it.
    """
    each = fit_each(names, t, seen, turning)
    here = seen.weight[..., 0] > 0
    cost, square = np.stack([fitted.cost for fitted in each], axis=1), _squares(each, t, seen)
    best = _best(each, 3 * here.sum(axis=1), len(t) - 1, freedom)
    rows = np.arange(len(seen))
    odd = strays(square[rows, best], here).any(axis=1) | (cost[rows, best] > _ODD * 3 * here.sum(axis=1))
    if not odd.any():
        return each, seen
    doubted = tuple(fitted.take(odd) for fitted in each)
    weight = seen.weight.copy()
    weight[odd] *= ~_strays_of_best(doubted, t, seen.take(odd), turning, freedom)[..., None]
    kept = Sightings(seen.seen, weight, seen.focal)
    again = fit_each(names, t, kept.take(odd), turning)
    return tuple(old.replaced(odd, new) for old, new in zip(each, again, strict=True)), kept


def _strays_of_best(
    each: tuple[Fitted, ...], t: Float64[np.ndarray, "T"], seen: Sightings, turning: Range, freedom: float
) -> Bool[np.ndarray, "n T"]:
    """The strays from the law that fits three quarters of the frames best."""
    here = seen.weight[..., 0] > 0
    trimmed = []
    for fitted in each:
        for _ in range(_STEPS):
            left = _worst(_squares((fitted,), t, seen)[:, 0], here)
            kept = Sightings(seen.seen, np.where(left[..., None], 0.0, seen.weight), seen.focal)
            (fitted,) = fit_each((fitted.name,), t, kept, turning)
        trimmed.append(fitted)
    count = here.sum(axis=1)
    best = _best(tuple(trimmed), 3 * (count - _spare(here)), len(t) - 1, freedom)
    return strays(_squares(tuple(trimmed), t, seen)[np.arange(len(seen)), best], here)


def _best(
    each: tuple[Fitted, ...], count: Int64[np.ndarray, "n"], length: float, freedom: float
) -> Int64[np.ndarray, "n"]:
    cost = np.stack([fitted.cost for fitted in each], axis=1)
    free = np.array([fitted.motion.free for fitted in each])
    return named_rightly(known_criterion(cost, free, count, freedom), each, length).argmin(axis=1)


def _worst(square: Float64[np.ndarray, "n T"], here: Bool[np.ndarray, "n T"]) -> Bool[np.ndarray, "n T"]:
    """The quarter of the frames with the largest errors."""
    rank = np.argsort(np.argsort(np.where(here, -square, np.inf), axis=1, kind="stable"), axis=1)
    return here & (rank < _spare(here)[:, None])


def _spare(here: Bool[np.ndarray, "n T"]) -> Int64[np.ndarray, "n"]:
    """How many frames of each clip may be left out."""
    count = here.sum(axis=1)
    return np.where(count >= _FEWEST, count // _MOST, 0)


def _squares(each: tuple[Fitted, ...], t: Float64[np.ndarray, "T"], seen: Sightings) -> Float64[np.ndarray, "n L T"]:
    """Of each law and frame the sum of squared residuals over their variances; infinite behind the camera."""
    square = [(residuals(fitted.motion, fitted.state, t, seen) ** 2).sum(axis=-1) for fitted in each]
    return np.nan_to_num(np.stack(square, axis=1), nan=np.inf)
