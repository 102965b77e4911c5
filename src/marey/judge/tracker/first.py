"""A first guess at paper that is not plain, before any body is known.

Pixels that change are passed by bodies. Around them, and within the rings that a slow body leaves, the paper is led on
from the pixels that stay as they are; of what a pixel shows over time, that which is nearer to this is the paper.
"""

# mypy: disable-error-code="arg-type,assignment,call-overload,operator,return-value"
# numba has its own types; mypy knows the bodies of its functions only as numpy scalars.

import numpy as np
from jaxtyping import Bool, Float64
from numba import njit

from marey.judge.tracker.paper import fill

_CHANGE = 6.0  # standard deviations of the noise: what changes by more is passed by a body
_LEAST_CHANGE = 12.0  # grey levels
_NEAR = 3  # pixels: how far a resting pixel looks for the colour of the body that may lie on it


def first_paper(frames: Float64[np.ndarray, "T H W C"], noise: float) -> Float64[np.ndarray, "H W C"]:
    """The guess: what lies behind bodies that may cover some pixels for most of the clip, or for all of it."""
    low, high = frames.min(axis=0), frames.max(axis=0)
    bound = max(_LEAST_CHANGE, _CHANGE * noise)
    passed = (high - low).max(axis=-1) > bound
    open_ = reached(_grown(passed))
    guess = np.median(frames, axis=0)
    fill(guess, ~open_)
    return _sorted_out(frames, guess, passed, open_, bound)


@njit(cache=True, nogil=True)
def reached(walls: Bool[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    """The pixels that can be walked to from the frame's border without crossing the walls."""
    height, width = walls.shape
    out, stack, count = np.zeros(walls.shape, np.bool_), np.empty((walls.size, 2), np.int64), 0
    for row in range(height):
        for x in range(width):
            border = row in (0, height - 1) or x in (0, width - 1)
            if border and not walls[row, x]:
                out[row, x] = True
                stack[count] = row, x
                count += 1
    while count:
        count -= 1
        row, x = stack[count]
        for down, across in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            y, z = row + down, x + across
            if 0 <= y < height and 0 <= z < width and not walls[y, z] and not out[y, z]:
                out[y, z] = True
                stack[count] = y, z
                count += 1
    return out


def _grown(mask: Bool[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    """The mask and all pixels that touch it."""
    padded = np.pad(mask, 1)
    rows = padded[:-2] | padded[1:-1] | padded[2:]
    return rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]


@njit(cache=True, nogil=True)
def _sorted_out(
    frames: Float64[np.ndarray, "T H W C"],
    guess: Float64[np.ndarray, "H W C"],
    passed: Bool[np.ndarray, "H W"],
    open_: Bool[np.ndarray, "H W"],
    bound: float,
) -> Float64[np.ndarray, "H W C"]:
    """Of what each doubtful pixel shows, what is the paper's."""
    _, height, width, channels = frames.shape
    paper, ink = guess.copy(), np.full(guess.shape, np.nan)
    for row in range(height):
        for x in range(width):
            if passed[row, x]:
                _split(frames[:, row, x], guess[row, x], paper[row, x], ink[row, x])
    for row in range(height):
        for x in range(width):
            if passed[row, x] or open_[row, x]:
                continue
            shown = frames[:, row, x]
            seen = np.array([np.median(np.ascontiguousarray(shown[:, c])) for c in range(channels)])
            near = ink[max(0, row - _NEAR) : row + _NEAR + 1, max(0, x - _NEAR) : x + _NEAR + 1]
            body, many = np.zeros(channels), 0
            for i in range(near.shape[0]):
                for j in range(near.shape[1]):
                    if np.isfinite(near[i, j, 0]):
                        body, many = body + near[i, j], many + 1
            behind = not many or np.abs(seen - body / many).max() > np.abs(seen - guess[row, x]).max()
            if behind or np.abs(seen - guess[row, x]).max() < bound:
                paper[row, x] = seen
    return paper


@njit(cache=True, nogil=True)
def _split(
    shown: Float64[np.ndarray, "T C"],
    guess: Float64[np.ndarray, "C"],
    paper: Float64[np.ndarray, "C"],
    ink: Float64[np.ndarray, "C"],
) -> None:
    """What a pixel that changes shows falls into two parts; the one whose end is nearer to the guess is the paper's."""
    frames, channels = shown.shape
    widest, best = 0, -1.0
    for c in range(channels):
        spread = shown[:, c].max() - shown[:, c].min()
        if spread > best:
            widest, best = c, spread
    low, high = shown[:, widest].argmin(), shown[:, widest].argmax()
    upper = np.abs(shown[high] - guess).sum() < np.abs(shown[low] - guess).sum()
    paper_end, ink_end = (high, low) if upper else (low, high)
    many = 0
    paper[:] = 0
    for t in range(frames):
        if abs(shown[t, widest] - shown[paper_end, widest]) <= 0.3 * best:
            paper += shown[t]
            many += 1
    paper /= many
    ink[:] = shown[ink_end]
