"""Distances between tracks, in pixels. A lost dot is the worst that can happen; nothing is filled in."""

from math import comb

import numpy as np
from jaxtyping import Float64


def displacement(
    track: Float64[np.ndarray, "N T 2"], truth: Float64[np.ndarray, "N T 2"], size: int
) -> Float64[np.ndarray, "N T"]:
    """Distance to the true position in every frame, pixels.

    Where the dot was lost (NaN) it is the largest error that the frame allows, the distance from the truth to the
    farthest corner: losing the dot never scores better than putting it anywhere.
    """
    corner = np.maximum(truth, size - truth)
    farthest = np.linalg.norm(corner, axis=-1)
    distance = np.linalg.norm(track - truth, axis=-1)
    return np.where(np.isnan(distance), farthest, distance)


def motion_error(
    track: Float64[np.ndarray, "N T 2"], truth: Float64[np.ndarray, "N T 2"], size: int, order: int
) -> Float64[np.ndarray, "N D"]:
    """Length of the error of the position (order 0, as `displacement`), velocity (1) or acceleration (2): of finite
    differences over order + 1 consecutive frames, px/frame^order; there are D = T - order of them.

    Where the dot was lost in one of these frames it is the largest error that positions within the frame allow: losing
    the dot never scores better than putting it anywhere.
    """
    error = np.linalg.norm(np.diff(track - truth, n=order, axis=1), axis=-1)
    weights = [(-1) ** k * comb(order, k) for k in range(order + 1)]
    most, least = size * sum(w for w in weights if w > 0), size * sum(w for w in weights if w < 0)
    true = np.diff(truth, n=order, axis=1)
    farthest = np.linalg.norm(np.maximum(most - true, true - least), axis=-1)
    return np.where(np.isnan(error), farthest, error)


def radius_error(
    radius: Float64[np.ndarray, "N T"], truth: Float64[np.ndarray, "N T"], size: int
) -> Float64[np.ndarray, "N T"]:
    """Difference of apparent radii, pixels. Where the dot was lost it is the largest that a disc within the frame has:
    from nothing to half the frame.
    """
    error = np.abs(radius - truth)
    return np.where(np.isnan(error), np.maximum(truth, size / 2 - truth), error)


def ade(
    track: Float64[np.ndarray, "N T 2"], truth: Float64[np.ndarray, "N T 2"], size: int
) -> Float64[np.ndarray, "N"]:
    """Mean displacement over the frames given, pixels (ADE); lost dots count as in `displacement`."""
    return displacement(track, truth, size).mean(axis=1)


def fde(
    track: Float64[np.ndarray, "N T 2"], truth: Float64[np.ndarray, "N T 2"], size: int
) -> Float64[np.ndarray, "N"]:
    """Displacement in the last frame given, pixels (FDE); lost dots count as in `displacement`."""
    return displacement(track[:, -1:], truth[:, -1:], size)[:, 0]


def nearest_mean_distance(
    track: Float64[np.ndarray, "N T 2"], library: Float64[np.ndarray, "M T 2"]
) -> Float64[np.ndarray, "N"]:
    """Mean distance over the frames to the nearest track of the library, pixels.

    Frames in which the dot was lost are left out; a track with less than five eighths of its frames is near to nothing
    (infinity).
    """
    found = np.isfinite(track).all(axis=-1)
    count = found.sum(axis=1)
    known = np.where(found[..., None], track, 0)
    nearest = np.full(len(track), np.inf)
    for i in np.flatnonzero(count >= 5 / 8 * track.shape[1]):
        step = library - known[i]
        distance = np.sqrt(step[..., 0] ** 2 + step[..., 1] ** 2) @ found[i].astype(np.float64)
        nearest[i] = distance.min(initial=np.inf) / count[i]
    return nearest


def nearest_other(track: Float64[np.ndarray, "N T 2"]) -> Float64[np.ndarray, "N"]:
    """Mean distance of each track to the nearest of the others, pixels, over the frames that both have.

    Two tracks that share less than five eighths of their frames are not near to each other (infinity).
    """
    found = np.isfinite(track).all(axis=-1)
    known = np.where(found[..., None], track, 0)
    nearest = np.full(len(track), np.inf)
    for i in range(len(track)):
        both = found & found[i]
        count = both.sum(axis=1)
        apart = (np.linalg.norm(known - known[i], axis=-1) * both).sum(axis=1) / count.clip(1)
        near = count >= 5 / 8 * track.shape[1]
        near[i] = False
        nearest[i] = apart[near].min(initial=np.inf)
    return nearest
