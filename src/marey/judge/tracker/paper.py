"""What lies behind the bodies of a clip, from the clip itself: a camera that stands still shows the same paper always.

Plain paper is the colour that most pixels have; nothing more is asked, so a body may rest on it for the whole clip.
Any other paper is what a pixel shows while no body covers it, and where one always does, what its neighbours lead to
expect.
"""

# mypy: disable-error-code="arg-type,assignment,call-overload,operator,return-value"
# numba has its own types; mypy knows the bodies of its functions only as numpy scalars.

import numpy as np
from jaxtyping import Bool, Float64, UInt8
from numba import njit

_PLAIN = 0.9  # standard deviations: half of all pixels of plain paper are nearer to its colour in the mean of the clip
_LEVELS = 2.0  # grey levels: pixels that differ by no more are alike
_FULL, _DARK = 250, 20  # grey levels at which a brightness no longer follows the light
_SOME = 997  # pixels that tell the brightness of a frame
_STEADY = 2e-3  # a change of brightness below this is none
_USABLE = 0.2  # of those pixels
_SWEEPS = 60  # of the relaxation that fills holes


@njit(cache=True, nogil=True)
def brightness(clip: UInt8[np.ndarray, "T H W C"]) -> Float64[np.ndarray, "T"]:
    """Of each frame, relative to the first: the median ratio of some pixels that are neither dark nor full."""
    frames = len(clip)
    flat = clip.reshape(frames, clip[0].size)
    step = max(1, flat.shape[1] // _SOME)
    gain, ratios = np.ones(frames), np.empty(flat.shape[1] // step + 1)
    for t in range(1, frames):
        count = 0
        for i in range(0, flat.shape[1], step):
            if _DARK < flat[0, i] < _FULL and _DARK < flat[t, i] < _FULL:
                ratios[count] = flat[t, i] / flat[0, i]
                count += 1
        if count >= _USABLE * len(ratios):
            ratio = np.median(ratios[:count])
            gain[t] = ratio if abs(ratio - 1) > _STEADY else 1.0
    return gain


@njit(cache=True, nogil=True)
def grain(frames: Float64[np.ndarray, "T H W C"]) -> float:
    """Standard deviation of the noise, grey levels: from the differences of frames that follow each other."""
    flat = frames.reshape(len(frames), frames[0].size)
    step = max(1, flat.size // 20000)
    count, found = 0, np.empty(flat.size // step + len(frames))
    for t in range(1, len(flat)):
        for i in range(t % step, flat.shape[1], step):
            found[count] = abs(flat[t, i] - flat[t - 1, i])
            count += 1
    return np.median(found[:count]) / (0.6745 * np.sqrt(2.0)) if count else 0.0


@njit(cache=True, nogil=True)
def commonest(clip: UInt8[np.ndarray, "T H W C"]) -> Float64[np.ndarray, "C"]:
    """The median of each channel over all of a clip."""
    channels = clip.shape[3]
    flat, counts = clip.reshape(clip.size), np.zeros((channels, 256), np.int64)
    for i in range(0, len(flat), channels):
        for c in range(channels):
            counts[c, flat[i + c]] += 1
    out, half = np.zeros(channels), len(flat) // channels // 2
    for c in range(channels):
        total = counts[c, 0]
        while total <= half:
            out[c] += 1
            total += counts[c, int(out[c])]
    return out


@njit(cache=True, nogil=True)
def strange(
    frames: Float64[np.ndarray, "T H W C"], colour: Float64[np.ndarray, "C"], noise: float
) -> Float64[np.ndarray, "H W"]:
    """Share of the frames in which a pixel does not have the colour."""
    bound, count = max(_LEVELS, 3 * noise), np.zeros(frames.shape[1:3])
    for t in range(len(frames)):
        for row in range(frames.shape[1]):
            for x in range(frames.shape[2]):
                for c in range(frames.shape[3]):
                    if abs(frames[t, row, x, c] - colour[c]) > bound:
                        count[row, x] += 1
                        break
    return count / len(frames)


def is_plain(frames: Float64[np.ndarray, "T H W C"], colour: Float64[np.ndarray, "C"], noise: float) -> bool:
    """Whether most pixels have one colour, as nearly as the noise lets one tell: that of plain paper."""
    off = np.median(np.abs(frames.mean(axis=0) - colour), axis=(0, 1))
    return bool((off <= max(_LEVELS / 2, _PLAIN * noise / np.sqrt(len(frames)))).all())


@njit(cache=True, nogil=True)
def uncovered(
    frames: Float64[np.ndarray, "T H W C"],
    covered: Bool[np.ndarray, "T H W"],
    noise: float,
    paper: Float64[np.ndarray, "H W C"],
) -> Bool[np.ndarray, "H W"]:
    """Fill `paper` with the mean of each pixel over the frames that do not cover it, without those far from their
    median; the pixels that no frame shows are returned.
    """
    never, values = np.zeros(paper.shape[:2], np.bool_), np.empty(len(frames))
    for row in range(paper.shape[0]):
        for x in range(paper.shape[1]):
            for c in range(paper.shape[2]):
                count = 0
                for t in range(len(frames)):
                    if not covered[t, row, x]:
                        values[count] = frames[t, row, x, c]
                        count += 1
                if count:
                    paper[row, x, c] = _clipped_mean(values[:count], max(_LEVELS, 3 * noise))
                else:
                    never[row, x] = True
    return never


@njit(cache=True, nogil=True)
def _clipped_mean(values: Float64[np.ndarray, "V"], bound: float) -> float:
    middle = np.sort(values)[len(values) // 2]
    total, count = 0.0, 0
    for value in values:
        if abs(value - middle) <= bound:
            total, count = total + value, count + 1
    return total / count


@njit(cache=True, nogil=True)
def fill(paper: Float64[np.ndarray, "H W C"], holes: Bool[np.ndarray, "H W"]) -> None:
    """Give each pixel of the holes the mean of its four neighbours, by relaxation; a start comes from the border in."""
    height, width, _ = paper.shape
    left = holes.copy()
    for _ in range(height + width):
        done = left.copy()
        for row in range(height):
            for x in range(width):
                if left[row, x]:
                    done[row, x] = not _blend(paper, left, row, x, True)
        left = done
        if not left.any():
            break
    for _ in range(_SWEEPS):
        for row in range(height):
            for x in range(width):
                if holes[row, x]:
                    _blend(paper, left, row, x, False)


@njit(cache=True, nogil=True)
def _blend(
    paper: Float64[np.ndarray, "H W C"], unknown: Bool[np.ndarray, "H W"], row: int, x: int, first: bool
) -> bool:
    """Give a pixel the mean of its neighbours, at first only of those that are known; whether there was one."""
    height, width, channels = paper.shape
    for c in range(channels):
        total, count = 0.0, 0
        for down, across in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            y, z = row + down, x + across
            if 0 <= y < height and 0 <= z < width and not (first and unknown[y, z]):
                total, count = total + paper[y, z, c], count + 1
        if not count:
            return False
        paper[row, x, c] = total / count
    return True
