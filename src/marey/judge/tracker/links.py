"""Which blob is which body: identities over time, kept through touches, crossings and gaps.

Frame by frame, away from one in which all bodies stand apart, blobs are given to bodies so that the least distance is
left over (Kuhn, 1955, in scipy): from where the body was, from where it was going, in colour and in size.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64
from scipy.optimize import linear_sum_assignment

from marey.judge.tracker.blobs import AREA, COLOUR, X, Y

Blobs = Float64[np.ndarray, "T Q X"]
Discs = Float64[np.ndarray, "T M 3"]
Settle = Callable[[int, Float64[np.ndarray, "M 3"]], tuple[Float64[np.ndarray, "M 3"], float]]

_FARTHEST = 0.35  # of the frame: from where a body was or was going to where it can be
_COLOUR = 0.5  # of the frame: what the largest difference of colours counts
_NEVER = 1e6
_SMALL = 4.0  # pixels: a smaller blob does not count as a body
_SEEN = 0.1  # of the frames: so often must there be as many blobs as bodies
_LARGER = 1.1  # times its usual area: a blob that may hold a second body


def count_bodies(blobs: Blobs, most: int) -> int:
    """The largest number of blobs that is no passing accident, `most` at most."""
    area = blobs[..., AREA]
    if not np.isfinite(area).any():
        return 0
    counts = (area >= _SMALL).sum(axis=1)  # NaN compares as False
    enough = max(2, round(_SEEN * len(blobs))) if len(blobs) > 1 else 1
    often = [number for number in range(1, most + 1) if (counts >= number).sum() >= enough]
    return max(often, default=1)


def largest(blobs: Blobs) -> tuple[Discs, Float64[np.ndarray, "T M C"]]:
    """The largest blob of each frame, wherever it is: a disc that jumps is still the one."""
    return _disc(blobs[:, :1]), blobs[:, :1, COLOUR:]


def _disc(blob: Float64[np.ndarray, "*n X"]) -> Float64[np.ndarray, "*n 3"]:
    return np.stack([blob[..., X], blob[..., Y], np.sqrt(blob[..., AREA] / np.pi)], axis=-1)


def link(blobs: Blobs, bodies: int, size: int, settle: Settle | None) -> tuple[Discs, Float64[np.ndarray, "T M C"]]:
    """Discs and colours of so many bodies; NaN where a body has no blob.

    settle: moves the discs of a frame to where they fit best and tells their cost; asked where one blob may hold two
    bodies. Without it such bodies have no disc.
    """
    seed = _apart(blobs, bodies)
    chain = _Chain(blobs, bodies, size, settle)
    chain.begin(seed)
    for t in range(seed + 1, len(blobs)):
        chain.go_on(t, -1)
    for t in range(seed - 1, -1, -1):
        chain.go_on(t, 1)
    return chain.discs, chain.colours


def _apart(blobs: Blobs, bodies: int) -> int:
    """The frame in which the bodies' blobs stand farthest apart."""
    places = blobs[:, :bodies, [X, Y]]
    gap = np.linalg.norm(places[:, :, None] - places[:, None], axis=-1) + _NEVER * np.eye(bodies)
    reach = _disc(blobs[:, :bodies])[..., 2]
    gap = (gap - reach[:, :, None] - reach[:, None]).reshape(len(blobs), -1).min(axis=1)
    return int(np.where(np.isfinite(places).all(axis=(1, 2)), gap, -_NEVER).argmax())


class _Chain:
    """Bodies from frame to frame; `back` is the step to the frame that came before: -1 forwards, 1 backwards."""

    def __init__(self, blobs: Blobs, bodies: int, size: int, settle: Settle | None):
        self.blobs, self.size, self.settle = blobs, size, settle
        self.discs = np.full((len(blobs), bodies, 3), np.nan)
        self.colours = np.full((len(blobs), bodies, blobs.shape[2] - COLOUR), np.nan)

    def begin(self, t: int) -> None:
        bodies = self.discs.shape[1]
        self.discs[t], self.colours[t] = _disc(self.blobs[t, :bodies]), self.blobs[t, :bodies, COLOUR:]

    def go_on(self, t: int, back: int) -> None:
        last, going, colour = self._outlook(t, back)
        blobs = self.blobs[t][np.isfinite(self.blobs[t, :, AREA])]
        cost = self._cost(last, going, colour, blobs)
        for body, blob in zip(*linear_sum_assignment(cost), strict=True):
            if cost[body, blob] < _NEVER:
                self.discs[t, body], self.colours[t, body] = _disc(blobs[blob]), blobs[blob, COLOUR:]
        if self.settle is not None:
            self._divide(t, last, going, self.settle)

    def _outlook(self, t: int, back: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each body the last disc, where it would be now at the same pace, and the last colour."""
        shape = self.discs.shape[1:]
        last, going, colour = np.full(shape, np.nan), np.full(shape, np.nan), np.full(self.colours.shape[1:], np.nan)
        for body in range(shape[0]):
            stop = len(self.blobs) if back > 0 else -1
            seen = [s for s in range(t + back, stop, back) if np.isfinite(self.discs[s, body, 2])]
            last[body] = going[body] = self.discs[seen[0], body]
            own = [s for s in seen if np.isfinite(self.colours[s, body, 0])]
            colour[body] = self.colours[own[0], body]
            if len(seen) > 1:
                pace = (self.discs[seen[0], body, :2] - self.discs[seen[1], body, :2]) / abs(seen[0] - seen[1])
                going[body, :2] += pace * abs(t - seen[0])
        return last, going, colour

    def _cost(self, last: np.ndarray, going: np.ndarray, colour: np.ndarray, blobs: np.ndarray) -> np.ndarray:
        discs = _disc(blobs)
        was, goes = (np.linalg.norm(discs[None, :, :2] - place[:, None, :2], axis=-1) for place in (last, going))
        other = np.abs(blobs[None, :, COLOUR:] - colour[:, None]).max(axis=-1) / 255
        grown = np.abs(np.log(discs[None, :, 2] / last[:, None, 2]))
        cost = was + goes + _COLOUR * self.size * other + last[:, None, 2] * grown
        return np.where(np.minimum(was, goes) <= _FARTHEST * self.size, cost, _NEVER)

    def _divide(self, t: int, last: np.ndarray, going: np.ndarray, settle: Settle) -> None:
        """Where a body has no blob and would lie on one that is larger than its owner, fit both to it."""
        discs = self.discs[t]
        there = np.isfinite(discs[:, 2])
        large = there & (discs[:, 2] ** 2 > _LARGER * last[:, 2] ** 2)
        near = np.linalg.norm(going[:, None, :2] - discs[None, :, :2], axis=-1) < discs[None, :, 2] + last[:, None, 2]
        lost = ~there & (near & large).any(axis=1)
        if not lost.any():
            return
        shared = large & (near & lost[:, None]).any(axis=0)
        tries = []
        for start in (going, last):
            mixed = np.where((lost | shared)[:, None], np.column_stack([start[:, :2], last[:, 2]]), discs)
            tries.append(settle(t, mixed))
        self.discs[t] = min(tries, key=lambda pair: pair[1])[0]
        self.colours[t, lost | shared] = np.nan
