"""How the bodies of a clip look, found together with where they are: colour, shading, time of the open shutter."""

import numpy as np
from jaxtyping import Float64

from marey.judge.tracker_clip import Layers, colour_sums, evidence, settle_frames


def fit(frames, paper, discs, colours, noise):
    T, M = discs.shape[:2]
    usual_colour = np.nanmedian(colours, axis=0) if np.isfinite(colours).any() else np.zeros(colours.shape[1:])
    paint = np.broadcast_to(usual_colour[None, :, None, :], (T, M, 1, colours.shape[2])).copy()
    layers = Layers(frames, paper, discs.copy(), np.zeros((T, M, 2)), paint, np.zeros((T, M), np.int64) + np.arange(M))
    every = np.ones(T, bool)
    if not np.isfinite(discs[..., 2]).any():
        return layers
    for _ in range(3):
        usual = usual_radius(layers.discs)
        weight = max(noise, 0.3) ** 2 / (0.2 * np.nanmedian(usual)) ** 2
        cost = settle_frames(layers, every, usual, weight, False)
        layers = layers._replace(colours=own_colours(layers, noise))
    return layers


def usual_radius(discs):
    r = np.nanmedian(discs[..., 2], axis=0)
    return np.broadcast_to(r, discs.shape[:2]).copy()


def own_colours(layers, noise):
    trusted = np.isfinite(layers.discs[..., 2])
    matrix, right = colour_sums(layers, trusted, 1)
    if noise > 1:
        matrix, right = (np.broadcast_to(x.sum(axis=0), x.shape) for x in (matrix, right))
    good = matrix[..., 0, 0] > 1
    return np.where(good[..., None, None], right / np.where(good, matrix[..., 0, 0], 1)[..., None, None], layers.colours)
