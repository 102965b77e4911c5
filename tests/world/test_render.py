"""The renderer: two implementations that agree to the bit, and geometry that the pixels keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marey.core.errors import UserError
from marey.world.render import GRID, draw_discs, draw_discs_plainly, quantized, render
from marey.world.scenes import Scenes

BLACK, WHITE = np.zeros((1, 1), np.uint8), np.full((1, 1), 255, np.uint8)
colour = st.integers(0, 255)
position = st.integers(-20 * GRID, 60 * GRID)


def draw(discs: np.ndarray, ink: np.ndarray, paper: np.ndarray, height: int, width: int) -> np.ndarray:
    """Both renderings, checked against each other; buffers start with different rubbish."""
    shape = (*discs.shape[:2], height, width, ink.shape[1])
    fast, plain = np.full(shape, 17, np.uint8), np.full(shape, 99, np.uint8)
    draw_discs(discs, ink, paper, fast)
    draw_discs_plainly(discs, ink, paper, plain)
    np.testing.assert_array_equal(fast, plain)
    return fast


def darkness(u: float, v: float, radius: float, height: int = 40, width: int = 48) -> np.ndarray:
    """Share of each pixel that a black disc on white covers."""
    disc = np.rint(np.array([[[u, v, radius]]]) * GRID).astype(np.int32)
    return 1 - draw(disc, BLACK, WHITE, height, width)[0, 0, ..., 0] / 255


def test_kernel_and_plain_twin_agree_on_scenes(scenes: Scenes) -> None:
    few = scenes.take(np.arange(12))
    drawn = draw(quantized(few), few.picture.ink[:, 0], few.picture.paper, few.camera.size, few.camera.size)
    np.testing.assert_array_equal(render(few), drawn)


@given(
    st.lists(st.tuples(position, position, st.integers(0, 30 * GRID)), min_size=3, max_size=3),
    st.tuples(colour, colour, colour),
    st.tuples(colour, colour, colour),
    st.sampled_from([(40, 24), (24, 40), (1, 33), (33, 1)]),
)
def test_kernel_and_plain_twin_agree_on_any_disc(
    discs: list[tuple[int, int, int]],
    ink: tuple[int, int, int],
    paper: tuple[int, int, int],
    size: tuple[int, int],
) -> None:
    draw(np.array([discs], np.int32), np.array([ink], np.uint8), np.array([paper], np.uint8), *size)


@given(st.floats(12, 28), st.floats(12, 28), st.floats(0.6, 9))
def test_area_and_centre_of_a_disc(u: float, v: float, radius: float) -> None:
    share = darkness(u, v, radius)
    assert share.sum() == pytest.approx(np.pi * radius**2, abs=0.03 * radius + 0.03)
    rows, columns = np.mgrid[:40, :48] + 0.5
    centre = (share * columns).sum() / share.sum(), (share * rows).sum() / share.sum()
    assert centre == pytest.approx((u, v), abs=0.03)


def test_centres_are_accurate_on_average() -> None:
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:40, :48] + 0.5
    errors = []
    for u, v in rng.uniform(12, 28, (200, 2)):
        share = darkness(u, v, 5.0)
        errors.append([(share * columns).sum() / share.sum() - u, (share * rows).sum() / share.sum() - v])
    assert np.sqrt(np.mean(np.square(errors))) < 0.005 and np.abs(np.mean(errors, axis=0)).max() < 0.002


def test_columns_and_rows_are_where_they_should_be() -> None:
    share = darkness(30.5, 10.5, 0.5)
    assert np.unravel_index(share.argmax(), share.shape) == (10, 30)  # row from v, column from u
    assert share[10, 30] == pytest.approx(np.pi / 4, abs=0.01) and share.sum() == share[10, 30]


def test_a_disc_over_everything_is_all_ink_and_one_outside_leaves_the_paper() -> None:
    assert (darkness(20, 20, 60) == 1).all() and (darkness(-30, 20, 10) == 0).all() and (darkness(20, 20, 0) == 0).all()


def test_the_buffer_is_used_and_must_fit(matched: Scenes) -> None:
    few = matched.take(np.arange(3))
    out = np.full((3, 8, 32, 32, 1), 7, np.uint8)
    assert render(few, out) is out
    np.testing.assert_array_equal(out, render(few))
    for wrong in (np.empty((2, 8, 32, 32, 1), np.uint8), np.empty((3, 8, 32, 32, 3), np.uint8)):
        with pytest.raises(UserError, match=r"out has shape .* these scenes need uint8 \(3, 8, 32, 32, 1\)"):
            render(few, wrong)
