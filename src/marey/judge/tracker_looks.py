"""The fit of a clip in rounds: first flat discs; then, where these do not explain the pixels, discs that a light shades
or that a slow shutter smears; at last those that something hides in part, or that no blob belongs to.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from marey.judge.tracker_clip import MISSING, VEILED, WHOLE, Layers, colour_sums, crowded, evidence, settle_frames
from marey.judge.tracker_disc import FORMS

Discs = Float64[np.ndarray, "T M 3"]
Each = Float64[np.ndarray, "T M"]

_LOOSE = 0.2  # of a radius: how far it may easily be from the usual one
_HELD = 1e12  # weight of a radius that is not to change
_STILL = 0.3  # grey levels: least noise that is reckoned with
_UNEXPLAINED = 1.1, 0.4  # times the noise's variance, and grey levels squared: errors beyond this ask for more
_SHUTTERS = (0.125, 0.25, 0.375, 0.5, 0.75)  # of the interval between frames
_LACKING = 0.08  # of a disc's area: if more of it is missing, it is hidden in part
_SHRUNK = 0.85  # of its large radii: a disc that fits with less may be hidden in part
_LARGE = 0.75  # quantile: something in front makes discs smaller, never larger
_OUT = 0.6  # of a disc's area: with less in the frame its radius cannot be told
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
) -> Fit:
    """Fit discs to a clip from where its blobs are. colours: of the blobs, NaN where there is none."""
    layers, recoloured = first_layers(frames, paper, shut, discs, colours)
    if np.isfinite(discs[..., 2]).any():
        noise = max(noise, _STILL)
        layers = _settled(layers, recoloured, noise)
        layers = _richer(layers, recoloured, noise)
        layers = _freed(layers, noise)
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
        common[body] = np.nanmedian(colours[:, body], axis=0)
        contrast[body] = np.abs(common[body] - np.median(paper, axis=(0, 1))).max()
    whole = discs[..., 2] >= _SHRUNK * large_radii(discs)  # NaN compares as False
    off = np.abs(np.where(np.isfinite(colours), colours, common) - common).max(axis=-1)
    recoloured = whole & (off > np.maximum(_OTHER * contrast, _OTHER_LEVELS))
    paint = np.where(recoloured[..., None], colours, common)[:, :, None]
    ranks = np.broadcast_to(np.arange(bodies), (count, bodies)).copy()
    return Layers(frames, paper, shut, discs.copy(), np.zeros((count, bodies, 2)), paint, ranks), recoloured


def usual_radii(discs: Discs, trusted: Bool[np.ndarray, "T M"]) -> Each:
    """Of each body in each frame the radius that trusted frames nearby lead to expect; NaN for bodies without any."""
    count, bodies = discs.shape[:2]
    out = np.full((count, bodies), np.nan)
    for body in range(bodies):
        times = np.flatnonzero(trusted[:, body])
        if len(times):
            radii = discs[times, body, 2]
            near = np.pad(radii, 2, mode="edge")
            calm = np.median(np.stack([near[i : i + len(radii)] for i in range(5)]), axis=0)
            out[:, body] = np.interp(np.arange(count), times, calm)
    return out


def _settled(layers: Layers, recoloured: Bool[np.ndarray, "T M"], noise: float, forms: int = 1) -> Layers:
    """Places and colours in turn."""
    every = np.ones(len(layers.discs), bool)
    for _ in range(3 if forms == 1 else 2):
        _settle(layers, every, noise)
        layers = layers._replace(colours=_colours(layers, recoloured, noise, forms))
    _settle(layers, every, noise)
    return layers


def _settle(layers: Layers, chosen: Bool[np.ndarray, "T"], noise: float) -> Float64[np.ndarray, "T"]:
    usual = np.nan_to_num(usual_radii(layers.discs, _whole(layers)), nan=1.0)
    return np.asarray(settle_frames(layers, chosen, usual, (noise / (_LOOSE * usual)) ** 2, False))


def large_radii(discs: Discs) -> Float64[np.ndarray, "M"]:
    """Of each body the radius that it has when nothing hides it; NaN for bodies without a disc."""
    radii = discs[..., 2].T
    return np.array([np.quantile(r[np.isfinite(r)], _LARGE) if np.isfinite(r).any() else np.nan for r in radii])


def _whole(layers: Layers) -> Bool[np.ndarray, "T M"]:
    """The discs that lie in the frame; if a body has none, all it has."""
    height, width = layers.paper.shape[:2]
    u, v, radius = np.moveaxis(layers.discs, -1, 0)
    inside = (np.minimum(u, width - u) >= radius) & (np.minimum(v, height - v) >= radius)
    return np.where(inside.any(axis=0), inside, np.isfinite(radius))


def _trusted(layers: Layers) -> Bool[np.ndarray, "T M"]:
    """The discs that nothing hides, as far as one can tell."""
    found = evidence(layers)
    lacking = (found[..., MISSING] + found[..., VEILED]) / found[..., WHOLE]
    good = (lacking < _LACKING) & (layers.discs[..., 2] >= _SHRUNK * large_radii(layers.discs)) & _whole(layers)
    return np.where(good.any(axis=0), good, np.isfinite(layers.discs[..., 2]))  # NaN compares as False


def _colours(
    layers: Layers, recoloured: Bool[np.ndarray, "T M"], noise: float, forms: int
) -> Float64[np.ndarray, "T M F C"]:
    """Of each body one for the clip; of flat bodies in pixels without noise, and of recoloured ones, one a frame."""
    matrix, right = colour_sums(layers, _trusted(layers) | recoloured, forms)
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
    costs, pixels = _settle(layers, every, noise), float(_pixels(layers)[every].sum())
    cost = float(costs.sum())
    if cost <= pixels * _allowed(noise):
        return layers
    tries = [_smeared(layers, share) for share in _SHUTTERS]
    totals = [float(_settle(each, every, noise).sum()) for each in tries]
    best = int(np.argmin(totals))
    if _better(totals[best], cost, pixels, 1, noise):
        layers, cost = tries[best], totals[best]
    shaded = _settled(layers, recoloured, noise, FORMS)
    more = (FORMS - 1) * layers.discs.shape[1] * layers.paper.shape[2]
    new = float(_settle(shaded, every, noise).sum())
    return shaded if _better(new, cost, pixels, more, noise) else layers


def _pixels(layers: Layers) -> Float64[np.ndarray, "T"]:
    """About how many numbers the fit of each frame is held against."""
    return np.asarray(
        ((2 * np.nan_to_num(layers.discs[..., 2], nan=-2.5) + 5) ** 2).sum(axis=1) * layers.paper.shape[2]
    )


def _allowed(noise: float) -> float:
    """Squared error of a number that noise and rounding explain."""
    return _UNEXPLAINED[0] * noise**2 + _UNEXPLAINED[1]


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


def _freed(layers: Layers, noise: float) -> Layers:
    """Fit again the discs that seem to be hidden in part, with bounded errors and the radius that others lead to
    expect, and look for those without a blob.
    """
    doubted = _doubted(layers, noise)
    frames, usual = doubted.any(axis=1), usual_radii(layers.discs, ~doubted)
    known = np.isfinite(usual)
    if not frames.any() or not known.any():
        return layers
    held = np.where(known, usual, np.nan_to_num(layers.discs[..., 2], nan=1.0))
    weights = np.where(doubted & known, _HELD, (noise / (_LOOSE * held)) ** 2)
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
    found, radius = evidence(layers), layers.discs[..., 2]
    lacking = (found[..., MISSING] + found[..., VEILED]) / found[..., WHOLE] > _LACKING
    out = found[..., WHOLE] < _OUT * np.pi * radius**2
    cost = _settle(layers._replace(discs=layers.discs.copy()), np.ones(len(radius), bool), noise)
    badly = cost > _pixels(layers) * _allowed(noise)
    small = radius < _SHRUNK * large_radii(layers.discs)
    return np.asarray(lacking | out | (small & badly[:, None]) | np.isnan(radius))


def _lines(discs: Discs, trusted: Bool[np.ndarray, "T M"], usual: Each) -> Discs:
    """Each body on straight lines between its trusted discs, with its usual radius."""
    out, times = np.full(discs.shape, np.nan), np.arange(len(discs))
    for body in np.flatnonzero(trusted.any(axis=0)):
        known = np.flatnonzero(trusted[:, body])
        for axis in range(2):
            out[:, body, axis] = np.interp(times, known, discs[known, body, axis])
        out[:, body, 2] = usual[:, body]
    return out


def _judged(layers: Layers, recoloured: Bool[np.ndarray, "T M"]) -> Fit:
    """Take away the discs of which too little is seen."""
    found = evidence(layers)
    area = np.where(found[..., WHOLE] > 0, found[..., WHOLE], np.nan)
    missing, veiled = found[..., MISSING] / area, found[..., VEILED] / area
    seen = (1 - missing - veiled >= SHOWN) & (area >= _FEWEST)
    discs = np.where(seen[..., None], layers.discs, np.nan)
    return Fit(layers._replace(discs=discs), missing, veiled, recoloured & seen)
