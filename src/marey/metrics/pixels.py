"""What can be read off pixels: likeness of two clips, and whether a dot is where it should be."""

import numpy as np
from jaxtyping import Bool, Float, Float64, UInt8

_PEAK = 255.0
_NEAR = 1.0  # pixels
_CHUNK = 1 << 22  # pixels at a time, which bounds memory


def psnr(clips: UInt8[np.ndarray, "N T H W C"], truth: UInt8[np.ndarray, "N T H W C"]) -> Float64[np.ndarray, "N"]:
    """Peak signal-to-noise ratio of each clip, decibels; equal clips get 100 instead of infinity.

    A blank page already scores 15 to 20 dB on small dots, so this number means nothing without the page's beside it.
    """
    square = [np.square(a.astype(np.float32) - b).mean() for a, b in zip(clips, truth, strict=True)]
    error = np.array(square, np.float64)
    return 10 * np.log10(_PEAK**2 / error.clip(_PEAK**2 * 1e-10))


def contrast_map(clips: UInt8[np.ndarray, "N T H W C"]) -> Float[np.ndarray, "N T H W"]:
    """Distance of every pixel from its clip's median colour, in grey levels of the channel that differs most.

    A partly covered pixel of an anti-aliased dot has the same share of the dot's contrast, so this is coverage.
    """
    n, _, _, _, channels = clips.shape
    paper = np.median(clips.reshape(n, -1, channels), axis=1).astype(np.float32)
    return np.abs(clips - paper[:, None, None, None]).max(axis=-1)


def survives(
    clips: UInt8[np.ndarray, "N T H W C"],
    position: Float64[np.ndarray, "N T 2"],
    contrast: Float64[np.ndarray, "N"],
) -> Bool[np.ndarray, "N T"]:
    """Whether the dot keeps half its contrast at `position`: on average over the pixels centred within 1 px of it.

    position: pixels; where it is NaN (a lost dot) nothing survives. contrast: grey levels of the true dot.
    """
    at_once = max(1, _CHUNK // int(np.prod(clips.shape[1:4])))
    parts = [
        _mean_near(contrast_map(clips[i : i + at_once]), position[i : i + at_once])
        for i in range(0, len(clips), at_once)
    ]
    mean = np.concatenate(parts) if parts else np.empty(position.shape[:2])
    return mean >= contrast[:, None] / 2  # NaN compares as False


def _mean_near(level: Float[np.ndarray, "N T H W"], position: Float64[np.ndarray, "N T 2"]) -> np.ndarray:
    height, width = level.shape[2:]
    x = (np.arange(width) + 0.5 - position[..., :1]) ** 2
    y = (np.arange(height) + 0.5 - position[..., 1:]) ** 2
    near = y[..., :, None] + x[..., None, :] <= _NEAR**2
    count = near.sum(axis=(2, 3))
    return np.where(count > 0, (level * near).sum(axis=(2, 3)) / np.maximum(count, 1), np.nan)


def plausible_size(radius: Float64[np.ndarray, "N T"], expected: Float64[np.ndarray, "N T"]) -> Bool[np.ndarray, "N T"]:
    """Whether the dot's area lies between half and double the expected one; False where it was lost (NaN)."""
    share = (radius / expected) ** 2
    return (share >= 0.5) & (share <= 2)


def colour_near(
    clips: UInt8[np.ndarray, "N T H W C"], position: Float64[np.ndarray, "N T 2"]
) -> Float64[np.ndarray, "N T C"]:
    """Mean colour of the pixels centred within 1 px of `position`, grey levels: that of a dot's inside, where its
    radius is 1.7 px or more. NaN where the position is (a lost dot), or has no pixel near it.
    """
    n, frames, height, width, _ = clips.shape
    known = np.nan_to_num(position, nan=-9.0)
    window = np.arange(-1, 2)  # from the last pixel whose centre is not beyond the position: all that can be near
    x, y = (np.floor(known[..., i : i + 1] - 0.5).astype(np.int64) + window for i in (0, 1))
    across, down = (((each + 0.5 - known[..., i : i + 1]) ** 2) for i, each in enumerate((x, y)))
    near = (down[..., :, None] + across[..., None, :] <= _NEAR**2).astype(np.float64)
    near *= ((y >= 0) & (y < height))[..., :, None] & ((x >= 0) & (x < width))[..., None, :]
    rows, columns = y.clip(0, height - 1)[..., :, None], x.clip(0, width - 1)[..., None, :]
    patch = clips[np.arange(n)[:, None, None, None], np.arange(frames)[:, None, None], rows, columns]
    count = near.sum(axis=(2, 3))[..., None]
    mean = np.einsum("ntij,ntijc->ntc", near, patch.astype(np.float64)) / np.maximum(count, 1)
    return np.where(count > 0, mean, np.nan)


def colour_error(
    colour: Float64[np.ndarray, "N T C"], truth: Float64[np.ndarray, "N T C"]
) -> Float64[np.ndarray, "N T"]:
    """Difference of two colours in the channel where they differ most, grey levels. Where the dot was lost it is the
    largest there is.
    """
    error = np.abs(colour - truth).max(axis=-1)
    return np.where(np.isnan(error), np.maximum(truth, _PEAK - truth).max(axis=-1), error)
