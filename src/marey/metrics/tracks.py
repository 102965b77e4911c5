"""Distances between tracks, in pixels. A lost dot is the worst that can happen; nothing is filled in."""

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
