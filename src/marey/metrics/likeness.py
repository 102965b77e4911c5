"""How alike two clips look."""

import numpy as np
from jaxtyping import Float64, UInt8
from scipy.ndimage import correlate1d

_RADIUS, _SIGMA = 5, 1.5  # pixels
_STEADY = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(clips: UInt8[np.ndarray, "N T H W C"], truth: UInt8[np.ndarray, "N T H W C"]) -> Float64[np.ndarray, "N"]:
    """Structural similarity (Wang et al., 2004) of each clip: 11 x 11 Gaussian windows that lie within the frame, mean
    over them, the frames and the channels; 1 for equal clips. Frames must have 11 pixels or more each way.
    """
    assert min(clips.shape[2:4]) > 2 * _RADIUS
    return np.array([_ssim(a.astype(np.float64), b.astype(np.float64)) for a, b in zip(clips, truth, strict=True)])


def _ssim(a: Float64[np.ndarray, "T H W C"], b: Float64[np.ndarray, "T H W C"]) -> float:
    mean_a, mean_b = _windows(a), _windows(b)
    spread_a, spread_b = _windows(a * a) - mean_a**2, _windows(b * b) - mean_b**2
    shared = _windows(a * b) - mean_a * mean_b
    light = (2 * mean_a * mean_b + _STEADY[0]) / (mean_a**2 + mean_b**2 + _STEADY[0])
    structure = (2 * shared + _STEADY[1]) / (spread_a + spread_b + _STEADY[1])
    return float((light * structure).mean())


def _windows(values: Float64[np.ndarray, "T H W C"]) -> Float64[np.ndarray, "T h w C"]:
    """Weighted means over all windows."""
    weights = np.exp(-(np.arange(-_RADIUS, _RADIUS + 1) ** 2) / (2 * _SIGMA**2))
    weights /= weights.sum()
    inner = slice(_RADIUS, -_RADIUS)
    return correlate1d(correlate1d(values, weights, axis=1), weights, axis=2)[:, inner, inner]
