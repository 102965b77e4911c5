"""Manifolds and Fréchet distances beside their plain twins."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from marey.metrics.manifolds import frechet, inside
from marey.metrics.tracks import nearest_other


@pytest.fixture
def samples() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    mix = generator.normal(size=(3, 3))
    return generator.normal(size=(60, 3)) @ mix, generator.normal(0.4, 1.3, size=(45, 3))


def test_inside_is_what_its_definition_says(samples: tuple[np.ndarray, np.ndarray]) -> None:
    points, sample = samples
    found = inside(points, sample)
    for point, within in zip(points, found, strict=True):
        reach = [sorted(np.linalg.norm(sample - centre, axis=1))[3] for centre in sample]  # the first is 0: itself
        assert within == any(np.linalg.norm(point - centre) <= r for centre, r in zip(sample, reach, strict=True))
    assert 0 < found.mean() < 1
    assert inside(sample, sample).all() and not inside(sample + 100, sample).any()


def test_three_points_have_no_manifold_and_one_point_again_and_again_has_no_extent() -> None:
    sample = np.random.default_rng(1).normal(size=(3, 2))
    assert not inside(sample, sample).any() and inside(sample[:0], sample).shape == (0,)
    one = np.repeat(sample[:1], 50, axis=0)
    assert inside(one, one).all() and not inside(one + 1e-6, one).any()


def test_frechet_is_the_textbook_formula(samples: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = samples
    covariances = [np.cov(each.T) for each in samples]
    root = np.real(sqrtm(covariances[0] @ covariances[1]))
    apart = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    assert frechet(a, b) == pytest.approx(apart + np.trace(sum(covariances) - 2 * root), rel=1e-9)
    assert frechet(a, b) == pytest.approx(frechet(b, a), rel=1e-9)
    assert frechet(a, a) == pytest.approx(0, abs=1e-9) and frechet(a, a + 2) == pytest.approx(12)


def test_frechet_of_fewer_points_than_dimensions() -> None:
    """Where the root of the product of the covariances is no longer to be had."""
    generator = np.random.default_rng(2)
    a, b = generator.normal(size=(12, 40)), generator.normal(size=(9, 40))
    values, turns = np.linalg.eigh(np.cov(a.T))
    root = turns * np.sqrt(values.clip(0)) @ turns.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ np.cov(b.T) @ root).clip(0)).sum()
    apart = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    plain = apart + np.trace(np.cov(a.T)) + np.trace(np.cov(b.T)) - 2 * shared
    assert frechet(a, b) == pytest.approx(plain, rel=1e-6)


def test_the_nearest_other_track() -> None:
    generator = np.random.default_rng(3)
    track = generator.uniform(0, 32, size=(12, 8, 2))
    track[5] = track[2] + 0.1
    track[3, :5] = np.nan  # too little is left of it
    track[7, :2] = np.nan
    found = nearest_other(track)
    assert found[3] == np.inf and found[2] == pytest.approx(0.1 * 2**0.5) == found[5]
    for i in (0, 7, 11):
        others = [np.nanmean(np.linalg.norm(track[i] - other, axis=-1)) for j, other in enumerate(track)
                  if j not in (i, 3)]  # fmt: skip
        assert found[i] == pytest.approx(min(others))
    assert (nearest_other(np.full((3, 8, 2), np.nan)) == np.inf).all()
