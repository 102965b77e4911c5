"""Where everything sits: the row and the digits are each other's inverse."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from marey.dynamics.sequence import Layout
from tests.dynamics.small import LAYOUT, LEVELS, rows

Side = st.integers(1, 3)
Sides = st.tuples(Side, Side, Side)
Levels = st.lists(st.integers(3, 9), min_size=1, max_size=4).map(tuple)
Axes = tuple[int, int, int]


def digits_of(layout: Layout, batch: int = 2) -> torch.Tensor:
    return torch.stack([torch.randint(level, (batch, *layout.grid)) for level in layout.levels], dim=-1)


@given(Sides, Levels)
def test_digits_of_a_row_are_those_it_was_made_of(grid: Axes, levels: tuple[int, ...]) -> None:
    layout = Layout(4, 4, grid, levels)
    digits, task, law = digits_of(layout), torch.tensor([3, 0]), torch.tensor([1, 2])
    row = layout.row(task, law, digits)
    assert row.shape == (2, layout.elements)
    assert torch.equal(layout.digits(row), digits)
    assert torch.equal(row[:, layout.slice("task")], task[:, None])
    assert torch.equal(row[:, layout.slice("class")], law[:, None])


@given(Sides, Levels)
def test_sizes_follow_from_the_segments(grid: Axes, levels: tuple[int, ...]) -> None:
    layout = Layout(4, 4, grid, levels)
    cells = layout.grid[0] * layout.grid[1] * layout.grid[2]
    assert layout.elements == 2 + cells * len(layout.levels)
    assert layout.length == 2 + cells
    assert layout.largest == max(4, *layout.levels)
    places = [layout.slice(name) for name in ("task", "class", "video")]
    assert [place.start for place in places] + [layout.elements] == [0, *(place.stop for place in places)]


def test_the_elements_of_a_token_are_neighbours() -> None:
    """All digits of a cell lie together, so that one vector can hold them."""
    digits = torch.zeros(1, 3, 4, 4, 3, dtype=torch.long)
    digits[0, 1, 2, 3] = 1
    nobody = torch.zeros(1, dtype=torch.long)
    marked = LAYOUT.row(nobody, nobody, digits)[0].nonzero()[:, 0]
    assert len(marked) == 3
    assert marked[-1] - marked[0] == len(marked) - 1
    assert (marked[0] - LAYOUT.slice("video").start) % len(marked) == 0


def test_a_mask_is_laid_out_as_values_are() -> None:
    """Marking a frame of digits marks exactly the elements that hold its values."""
    digits = torch.zeros(1, 3, 4, 4, 3, dtype=torch.long)
    digits[:, 1] = 1
    no, nobody = torch.zeros(1, dtype=torch.bool), torch.zeros(1, dtype=torch.long)
    assert torch.equal(LAYOUT.row(no, no, digits == 1), LAYOUT.row(nobody, nobody, digits) == 1)


def test_the_helper_stays_within_the_levels() -> None:
    assert (rows(64) < LEVELS).all() and (rows(64).amax(dim=0) == LEVELS - 1).all()
