"""Bodies that something hides in part, or that no blob belongs to."""

import numpy as np
from jaxtyping import Bool

from marey.judge.tracker.clip import Layers, settle_frames
from marey.judge.tracker.usual import (
    LACKING,
    SHRUNK,
    Discs,
    Each,
    allowed,
    large_radii,
    looseness,
    pixels_of,
    settle_loosely,
    shares,
    usual_radii,
)

_HELD = 1e12  # weight of a radius that is not to change
_OUT = 0.6  # of a disc's area: with less in the frame its radius cannot be told


def free_hidden(layers: Layers, noise: float) -> Layers:
    """Fit again the discs that seem to be hidden in part, with bounded errors and the radius that others lead to
    expect, and look for those without a blob.
    """
    doubted = _doubted(layers, noise)
    frames, usual = np.asarray(doubted.any(axis=1)), usual_radii(layers.discs, ~doubted)
    known = np.isfinite(usual)
    if not frames.any() or not known.any():
        return layers
    held = np.where(known, usual, np.nan_to_num(layers.discs[..., 2], nan=1.0))
    weights = np.where(doubted & known, _HELD, looseness(held, noise))
    best, least = layers.discs.copy(), np.full(len(frames), np.inf)
    lines = _lines(layers.discs, ~doubted, usual)
    there = np.isfinite(layers.discs)
    for start in (
        np.where(there, layers.discs, lines),
        np.where(doubted[..., None] & known[..., None], lines, layers.discs),
    ):
        start[..., 2] = np.where(doubted & known, held, start[..., 2])
        layers = layers._replace(discs=start)
        cost = settle_frames(layers, frames, held, weights, True)
        better = frames & (cost < least)
        best[better], least[better] = layers.discs[better], cost[better]
    return layers._replace(discs=best)


def _doubted(layers: Layers, noise: float) -> Bool[np.ndarray, "T M"]:
    """Discs of which a part is missing or beyond the border, or that are small and explain the pixels badly; and those
    that are not there.
    """
    (area, missing, veiled), radius = shares(layers), layers.discs[..., 2]
    lacking = ~(missing + veiled <= LACKING)  # NaN, of a disc beyond the border, compares as False
    out = area < _OUT * np.pi * radius**2
    cost = settle_loosely(layers._replace(discs=layers.discs.copy()), np.ones(len(radius), bool), noise)
    badly = cost > pixels_of(layers) * allowed(noise)
    small = radius < SHRUNK * large_radii(layers.discs)
    return np.asarray(lacking | out | (small & badly[:, None]))


def _lines(discs: Discs, trusted: Bool[np.ndarray, "T M"], usual: Each) -> Discs:
    """Each body on straight lines between its trusted discs, with its usual radius."""
    out, times = np.full(discs.shape, np.nan), np.arange(len(discs))
    for body in np.flatnonzero(trusted.any(axis=0)):
        known = np.flatnonzero(trusted[:, body])
        for axis in range(2):
            out[:, body, axis] = np.interp(times, known, discs[known, body, axis])
        out[:, body, 2] = usual[:, body]
    return out
