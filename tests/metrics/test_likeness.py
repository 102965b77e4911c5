"""Structural similarity beside its formula, written out window by window."""

import numpy as np
import pytest

from marey.metrics.likeness import ssim


def plainly(a: np.ndarray, b: np.ndarray) -> float:
    """One channel of one frame."""
    offset = np.arange(11) - 5
    weight = np.exp(-(offset[:, None] ** 2 + offset**2) / (2 * 1.5**2))
    weight /= weight.sum()
    values = []
    for row in range(a.shape[0] - 10):
        for column in range(a.shape[1] - 10):
            x, y = (each[row : row + 11, column : column + 11] for each in (a, b))
            mean_x, mean_y = (weight * x).sum(), (weight * y).sum()
            var_x, var_y = (weight * (x - mean_x) ** 2).sum(), (weight * (y - mean_y) ** 2).sum()
            shared = (weight * (x - mean_x) * (y - mean_y)).sum()
            c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
            light = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
            values.append(light * (2 * shared + c2) / (var_x + var_y + c2))
    return float(np.mean(values))


def pair(noise: float) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    clips = generator.integers(0, 256, (2, 2, 13, 15, 3)).astype(np.uint8)
    other = np.clip(clips + generator.normal(scale=noise, size=clips.shape), 0, 255).astype(np.uint8)
    return clips, other


def test_it_is_the_formula() -> None:
    a, b = pair(40.0)
    for clip, (x, y) in enumerate(zip(a.astype(float), b.astype(float), strict=True)):
        each = [plainly(x[t, :, :, c], y[t, :, :, c]) for t in range(2) for c in range(3)]
        assert ssim(a, b)[clip] == pytest.approx(np.mean(each), abs=1e-9)


def test_equal_clips_are_wholly_alike_and_noise_takes_away() -> None:
    a, b = pair(20.0)
    assert ssim(a, a) == pytest.approx(1)
    assert (ssim(a, pair(80.0)[1]) < ssim(a, b)).all() and (ssim(a, b) < 0.999).all()
    assert ssim(a, b) == pytest.approx(ssim(b, a))
