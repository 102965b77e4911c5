"""The fit of a clip in rounds: first flat discs; then, where these do not explain the pixels, discs that a light shades
or that a slow shutter smears; at last those that something hides in part, or that no blob belongs to.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float64

from marey.judge.tracker.clip import Layers, colour_sums, crowded
from marey.judge.tracker.disc import FORMS
from marey.judge.tracker.gaps import free_hidden
from marey.judge.tracker.usual import (
    SHRUNK,
    Discs,
    Each,
    allowed,
    large_radii,
    pixels_of,
    settle_loosely,
    shares,
    trusted_discs,
)

_TURNS, _SETTLED = 4, 1e-3  # of places and colours, until no disc moves by more, pixels
_CLEARLY = 0.9  # of the cost: another order must be better by this
_STILL = 0.3  # grey levels: least noise that is reckoned with
_SHUTTERS = (0.125, 0.25, 0.375, 0.5, 0.75)  # of the interval between frames
_OTHER, _OTHER_LEVELS = 0.3, 25.0  # of its contrast, and grey levels: a body that differs by more has another colour
SHOWN = 0.5  # of a disc that is in the frame: a body of which less can be seen has no place
_FEWEST = 3.0  # pixels


@dataclass(frozen=True)
class Fit:
    """What the clip is taken for; missing: share of each disc in the frame that does not show the body; veiled: that
    behind nearer bodies or in shut pixels. recoloured: in another colour than in most frames.
    """

    layers: Layers
    missing: Each
    veiled: Each
    recoloured: Bool[np.ndarray, "T M"]


def fit(
    frames: Float64[np.ndarray, "T H W C"],
    paper: Float64[np.ndarray, "H W C"],
    shut: Bool[np.ndarray, "H W"],
    discs: Discs,
    colours: Float64[np.ndarray, "T M C"],
    noise: float,
    flat: bool,
) -> Fit:
    """Fit discs to a clip from where its blobs are. colours: of the blobs, NaN where there is none. flat: whether the
    bodies are known to be neither shaded nor smeared.
    """
    layers, recoloured = first_layers(frames, paper, shut, discs, colours)
    if np.isfinite(discs[..., 2]).any():
        noise = max(noise, _STILL)
        layers = _ordered(_settled(layers, recoloured, noise), noise)
        layers = layers if flat else _richer(layers, recoloured, noise)
        layers = free_hidden(layers, noise)
    return _judged(layers, recoloured)


def first_layers(
    frames: Float64[np.ndarray, "T H W C"],
    paper: Float64[np.ndarray, "H W C"],
    shut: Bool[np.ndarray, "H W"],
    discs: Discs,
    colours: Float64[np.ndarray, "T M C"],
) -> tuple[Layers, Bool[np.ndarray, "T M"]]:
    """Flat discs where the blobs are, each body in its usual colour but where a whole blob clearly has another one."""
    count, bodies = discs.shape[:2]
    common, contrast = np.zeros(colours.shape[1:]), np.zeros(bodies)
    for body in np.flatnonzero(np.isfinite(colours[..., 0]).any(axis=0)):
        common[body] = np.median(colours[np.isfinite(colours[:, body, 0]), body], axis=0)
        contrast[body] = np.abs(common[body] - np.median(paper, axis=(0, 1))).max()
    whole = discs[..., 2] >= SHRUNK * large_radii(discs)  # NaN compares as False
    off = np.abs(np.where(np.isfinite(colours), colours, common) - common).max(axis=-1)
    recoloured = whole & (off > np.maximum(_OTHER * contrast, _OTHER_LEVELS))
    paint = np.where(recoloured[..., None], colours, common)[:, :, None]
    ranks = np.broadcast_to(np.arange(bodies), (count, bodies)).copy()
    return Layers(frames, paper, shut, discs.copy(), np.zeros((count, bodies, 2)), paint, ranks), recoloured


def _settled(layers: Layers, recoloured: Bool[np.ndarray, "T M"], noise: float, forms: int = 1) -> Layers:
    """Places and colours in turn."""
    every = np.ones(len(layers.discs), bool)
    for _ in range(_TURNS):
        before = layers.discs.copy()
        settle_loosely(layers, every, noise)
        if layers.colours.shape[2] == forms and not (np.abs(layers.discs - before) > _SETTLED).any():
            break  # NaN compares as False
        layers = layers._replace(colours=_colours(layers, recoloured, noise, forms))
    return layers


def _ordered(layers: Layers, noise: float) -> Layers:
    """Where discs overlap, the order from far to near that fits best: pair after pair is exchanged."""
    close, bodies = crowded(layers.discs), layers.discs.shape[1]
    if not close.any():
        return layers
    cost = settle_loosely(layers, close, noise)
    for pair in combinations(range(bodies), 2):
        ranks = layers.ranks.copy()
        ranks[:, pair] = ranks[:, pair[::-1]]
        other = layers._replace(discs=layers.discs.copy(), ranks=ranks)
        new = settle_loosely(other, close, noise)
        better = close & (new < _CLEARLY * cost)
        layers.discs[better], layers.ranks[better], cost[better] = other.discs[better], ranks[better], new[better]
    return layers


def _colours(
    layers: Layers, recoloured: Bool[np.ndarray, "T M"], noise: float, forms: int
) -> Float64[np.ndarray, "T M F C"]:
    """Of each body one for the clip; of flat bodies in pixels without noise, and of recoloured ones, one a frame."""
    matrix, right = colour_sums(layers, trusted_discs(layers) | recoloured, forms)
    ordinary = ~recoloured[..., None, None]
    pooled = (matrix * ordinary).sum(axis=0), (right * ordinary).sum(axis=0)
    alone = (recoloured | (noise < 1 and forms == 1))[..., None, None] & (matrix[..., :1, :1] > 1)
    matrix, right = (np.where(alone, own, all_) for own, all_ in zip((matrix, right), pooled, strict=True))
    known = matrix[..., :1, :1] > 1
    ridge = 1e-3 * matrix[..., :1, :1] * np.diag(np.arange(forms) > 0) + 1e-9 * np.eye(forms)
    kept = np.zeros((*right.shape[:2], forms, right.shape[3]))
    kept[:, :, : layers.colours.shape[2]] = layers.colours
    return np.where(known, np.linalg.solve(matrix + ridge, right), kept)


def _richer(layers: Layers, recoloured: Bool[np.ndarray, "T M"], noise: float) -> Layers:
    """Smeared and shaded discs, if they explain the pixels so much better that their numbers are worth it (BIC)."""
    every = ~crowded(layers.discs) & np.isfinite(layers.discs[..., 2]).any(axis=1)
    if not every.any():
        return layers
    costs, pixels = settle_loosely(layers, every, noise), float(pixels_of(layers)[every].sum())
    cost = float(costs.sum())
    if cost <= pixels * allowed(noise):
        return layers
    tries = [_smeared(layers, share) for share in _SHUTTERS]
    totals = [float(settle_loosely(each, every, noise).sum()) for each in tries]
    best = int(np.argmin(totals))
    if _better(totals[best], cost, pixels, 1, noise):
        layers, cost = tries[best], totals[best]
    shaded = _settled(layers._replace(discs=layers.discs.copy()), recoloured, noise, FORMS)
    more = (FORMS - 1) * layers.discs.shape[1] * layers.paper.shape[2]
    new = float(settle_loosely(shaded, every, noise).sum())
    return shaded if _better(new, cost, pixels, more, noise) else layers


def _better(new: float, old: float, pixels: float, numbers: int, noise: float) -> bool:
    least = pixels * min(noise, 1.0) ** 2 / 2  # differences far below the noise mean nothing
    return bool(pixels * np.log((new + least) / (old + least)) + numbers * np.log(pixels) < 0)


def _smeared(layers: Layers, share: float) -> Layers:
    """The same with the shutter open for a share of the interval between frames."""
    pace = np.full(layers.smears.shape, np.nan)
    if len(pace) > 1:
        step = np.diff(layers.discs[..., :2], axis=0)
        both = np.stack([np.concatenate([step[:1], step]), np.concatenate([step, step[-1:]])])
        known = np.isfinite(both)
        pace = np.where(known, both, 0).sum(axis=0) / known.sum(axis=0).clip(1)
    return layers._replace(smears=share * np.nan_to_num(pace), discs=layers.discs.copy())


def _judged(layers: Layers, recoloured: Bool[np.ndarray, "T M"]) -> Fit:
    """Take away the discs of which too little is seen."""
    area, missing, veiled = shares(layers)
    seen = (1 - missing - veiled >= SHOWN) & (area >= _FEWEST)
    discs = np.where(seen[..., None], layers.discs, np.nan)
    return Fit(layers._replace(discs=discs), missing, veiled, recoloured & seen)
