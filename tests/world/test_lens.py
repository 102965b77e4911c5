"""Distortion: the formula, its slope, its inverse, and the reach within which it has one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marey.world.lens import reach, shift, slope, undistort

lenses = st.tuples(
    st.floats(-0.5, 0.5), st.floats(-0.3, 0.3), st.floats(-0.03, 0.03), st.floats(-0.03, 0.03), st.floats(-0.2, 0.2)
).map(lambda lens: np.array([[lens]]))


def disc(radius: float, points: int = 500) -> np.ndarray:
    """Points all over a disc, shape 1 1 P 2."""
    u = np.random.default_rng(0).random((2, points))
    r, angle = radius * np.sqrt(u[0]), 2 * np.pi * u[1]
    return np.stack([r * np.cos(angle), r * np.sin(angle)], axis=-1)[None, None]


@pytest.mark.parametrize(
    ("lens", "moved"),
    [
        ((0.8, 0, 0, 0, 0), (0.3 * 0.2, 0.4 * 0.2)),  # s = 0.25
        ((0, 1.6, 0, 0, 0), (0.3 * 0.1, 0.4 * 0.1)),
        ((0, 0, 0.1, 0, 0), (0.2 * 0.12, 0.1 * (0.25 + 0.32))),
        ((0, 0, 0, 0.1, 0), (0.1 * (0.25 + 0.18), 0.2 * 0.12)),
        ((0, 0, 0, 0, 6.4), (0.3 * 0.1, 0.4 * 0.1)),
        ((0, 0, 0, 0, 0), (0, 0)),
    ],
)
def test_each_coefficient_does_what_the_formula_says(lens: tuple[float, ...], moved: tuple[float, float]) -> None:
    point = np.array([[[[0.3, 0.4]]]])
    np.testing.assert_allclose(shift(point, np.array([[lens]], float))[0, 0, 0], moved, atol=1e-15)


@given(lenses)
def test_the_slope_is_the_derivative(lens: np.ndarray) -> None:
    points, h = disc(1.0), 1e-5
    for axis in range(2):
        ahead = h * np.eye(2)[axis]
        moved = 2 * ahead + shift(points + ahead, lens) - shift(points - ahead, lens)
        np.testing.assert_allclose(slope(points, lens)[..., axis], moved / (2 * h), atol=1e-8)


@given(lenses)
def test_the_inverse_is_one_wherever_the_lens_reaches(lens: np.ndarray) -> None:
    points = disc(0.98 * min(reach(lens)[0, 0], 2.0))
    np.testing.assert_allclose(undistort(points + shift(points, lens), lens), points, rtol=0, atol=1e-9)


@given(lenses)
def test_within_its_reach_no_lens_folds(lens: np.ndarray) -> None:
    points = disc(min(reach(lens)[0, 0], 10.0))
    assert np.linalg.eigvalsh(slope(points, lens)).min() > 0


@given(lenses)
def test_a_radial_lens_turns_back_where_its_reach_ends(lens: np.ndarray) -> None:
    lens[..., 2:4] = 0
    end = reach(lens)[0, 0]
    if end < 10:
        before, after = (np.array([[[[end * share, 0.0]]]]) for share in (1 - 1e-3, 1 + 1e-3))
        assert slope(before, lens)[0, 0, 0, 0, 0] > 0 > slope(after, lens)[0, 0, 0, 0, 0]


def test_the_reach_of_simple_lenses() -> None:
    ideal, barrel, pincushion, bent = np.eye(5)[[4, 0, 0, 2]] * np.array([0, -0.3, 0.3, 0.2])[:, None]
    np.testing.assert_allclose(reach(np.array([[ideal, barrel, pincushion, bent]])), [[np.inf, 0.9**-0.5, np.inf, 0]])


def test_what_no_point_is_moved_to_has_no_inverse() -> None:
    barrel = np.array([[[-0.3, 0, 0, 0, 0]]])
    furthest = 2 / 3 * 0.9**-0.5  # r (1 - 0.3 r^2) at the end of the reach
    inside, outside = undistort(np.array([[[[0.999 * furthest, 0], [0, 1.001 * furthest]]]]), barrel)[0, 0]
    assert np.isfinite(inside).all() and np.isnan(outside).all()
