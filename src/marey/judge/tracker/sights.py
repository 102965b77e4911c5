"""What the tracker says of a body in a frame: where it is, or why that cannot be told."""

from enum import IntEnum

import numpy as np
from jaxtyping import Bool, Float64, Int8

from marey.judge.tracker.blobs import AREA, COLOUR, X, Y
from marey.judge.tracker.looks import SHOWN, Fit
from marey.judge.tracker.usual import large_radii


class Sight(IntEnum):
    """ABSENT: the clip has no such body. FOUND: here it is. HIDDEN: no place, but a body or an occluder is in front of
    where it should be. OUTSIDE: it should be beyond the frame's border. VANISHED: it should be in view and is not.
    SPLIT: no place, for there are several pieces. RECOLOURED: here it is, in another colour than in most frames.
    """

    ABSENT = 0
    FOUND = 1
    HIDDEN = 2
    OUTSIDE = 3
    VANISHED = 4
    SPLIT = 5
    RECOLOURED = 6


_PIECE = 1 / 3  # of a body's area: a piece that is as large is not an accident
_LIKE = 0.35  # of a body's contrast: a piece of it has its colour
_AROUND = 1.5  # pixels around a disc that belong to it
_TOUCHED = 0.05  # of a disc's area: if so much was missing next to a gap, something is in front there


def sights(fit: Fit, blobs: Float64[np.ndarray, "T Q X"]) -> Int8[np.ndarray, "T M"]:
    """A `Sight` for each body and frame; blobs: all that stands out from the paper."""
    discs = fit.layers.discs
    found = np.isfinite(discs[..., 2])
    out = np.where(found, Sight.FOUND, Sight.VANISHED).astype(np.int8)
    out[fit.recoloured] = Sight.RECOLOURED
    out[found & _split(fit, blobs)] = Sight.SPLIT
    for body in range(discs.shape[1]):
        if not found[:, body].any():
            out[:, body] = Sight.ABSENT
            continue
        for t in np.flatnonzero(~found[:, body]):
            out[t, body] = _reason(fit, found, int(t), body)
    return out


def _split(fit: Fit, blobs: Float64[np.ndarray, "T Q X"]) -> Bool[np.ndarray, "T M"]:
    """Whether a large piece in a body's colour lies outside all discs; it is held to be of the nearest such body."""
    discs, colours = fit.layers.discs, fit.layers.colours[:, :, 0]
    paper = np.median(fit.layers.paper, axis=(0, 1))
    out = np.zeros(discs.shape[:2], bool)
    place = blobs[:, :, None, [X, Y]]
    apart = np.linalg.norm(place - discs[:, None, :, :2], axis=-1)
    reach = discs[:, None, :, 2] + _AROUND
    outside = np.isfinite(blobs[..., AREA]) & ~(apart <= reach).any(axis=-1)  # NaN compares as False
    large = blobs[..., None, AREA] >= _PIECE * np.pi * large_radii(discs) ** 2
    contrast = np.abs(colours - paper).max(axis=-1)
    alike = np.abs(blobs[:, :, None, COLOUR:] - colours[:, None]).max(axis=-1) <= _LIKE * contrast[:, None]
    pieces = outside[..., None] & large & alike & np.isfinite(apart)
    for t, piece in np.argwhere(pieces.any(axis=2)):
        out[t, np.where(pieces[t, piece], apart[t, piece], np.inf).argmin()] = True
    return out


def _reason(fit: Fit, found: Bool[np.ndarray, "T M"], t: int, body: int) -> Sight:
    """Why a body has no disc in a frame."""
    discs = fit.layers.discs
    place = _expected(discs[:, body], found[:, body], t)
    if (place < 0).any() or (place > np.array(fit.layers.paper.shape[1::-1])).any():
        return Sight.OUTSIDE
    others = np.linalg.norm(discs[t, :, :2] - place, axis=-1) < discs[t, :, 2]  # NaN compares as False
    if others.any() or fit.veiled[t, body] > 1 - SHOWN:
        return Sight.HIDDEN
    times = np.flatnonzero(found[:, body])
    beside = [times[times < t][-1:], times[times > t][:1]]
    touched = any((fit.missing[near, body] > _TOUCHED).any() for near in beside)
    return Sight.HIDDEN if touched else Sight.VANISHED


def _expected(disc: Float64[np.ndarray, "T 3"], found: Bool[np.ndarray, "T"], t: int) -> Float64[np.ndarray, "2"]:
    """Where a body should be: between the discs before and after, or straight on from the two that are nearest."""
    times = np.flatnonzero(found)
    before, after = times[times < t], times[times > t]
    pair = (
        np.array([before[-1], after[0]]) if len(before) and len(after) else (before[-2:] if len(before) else after[:2])
    )
    if len(pair) == 1:
        return disc[pair[0], :2]
    share = (t - pair[0]) / (pair[1] - pair[0])
    return np.asarray(disc[pair[0], :2] + share * (disc[pair[1], :2] - disc[pair[0], :2]))
