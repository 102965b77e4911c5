"""A task is a mask: the table of given and hidden, for exercises of any numbers."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marey.dynamics.tasks import TASKS, Exercise, draw_exercises, task_index

NAMES = ["classify", "generate", "predict", "interpolate"]
unit = st.floats(0, 1, exclude_max=True, width=32)
Frames = st.integers(5, 32)


def exercise(name: str, frames: int, u: tuple[float, float, float]) -> tuple[torch.Tensor, bool]:
    """Frames shown, and whether the class is, of one exercise of a task."""
    drawn = draw_exercises(frames, torch.tensor([[(task_index(name) + 0.5) / len(TASKS), *u]]))
    assert drawn.task.tolist() == [task_index(name)]
    return drawn.frames[0], bool(drawn.law)


def test_the_tasks() -> None:
    assert [task.name for task in TASKS] == NAMES
    assert [task_index(name) for name in NAMES] == [0, 1, 2, 3]


@given(Frames, st.tuples(unit, unit, unit))
def test_classify_shows_everything_but_the_class(frames: int, u: tuple[float, float, float]) -> None:
    shown, law = exercise("classify", frames, u)
    assert shown.all() and not law


@given(Frames, st.tuples(unit, unit, unit))
def test_generate_shows_the_class_alone(frames: int, u: tuple[float, float, float]) -> None:
    shown, law = exercise("generate", frames, u)
    assert not shown.any() and law


@given(Frames, st.tuples(unit, unit, unit))
def test_predict_shows_a_prefix(frames: int, u: tuple[float, float, float]) -> None:
    shown, law = exercise("predict", frames, u)
    prefix = int(shown.sum())
    assert shown[:prefix].all()
    assert 2 <= prefix <= frames - 2
    assert law == (u[2] < 0.5)


@given(Frames, st.tuples(unit, unit, unit))
def test_interpolate_shows_both_ends(frames: int, u: tuple[float, float, float]) -> None:
    shown, law = exercise("interpolate", frames, u)
    hidden = (~shown).nonzero()[:, 0]
    assert shown[0] and shown[-1]
    assert len(hidden) >= 2
    assert hidden[-1] - hidden[0] == len(hidden) - 1  # one gap
    assert law == (u[2] < 0.5)


@pytest.mark.parametrize("frames", [5, 8, 17])
def test_every_length_is_drawn(frames: int) -> None:
    """All prefixes, all pairs of ends, each task as often as it says, with and without the class."""
    drawn = draw_exercises(frames, torch.rand(20_000, 4, generator=torch.Generator().manual_seed(0)))
    assert sum(task.share for task in TASKS) == pytest.approx(1)
    assert all(abs((drawn.task == k).float().mean() - task.share) < 0.02 for k, task in enumerate(TASKS))
    predict, interpolate = (drawn.task == task_index(name) for name in ("predict", "interpolate"))
    assert drawn.frames[predict].sum(dim=1).unique().tolist() == list(range(2, frames - 1))
    shown = drawn.frames[interpolate]
    first = shown.long().cumprod(dim=1).sum(dim=1)
    last = shown.flip(1).long().cumprod(dim=1).sum(dim=1)
    pairs = {(a, b) for a in range(1, frames) for b in range(1, frames) if a + b <= frames - 2}
    assert set(zip(first.tolist(), last.tolist(), strict=True)) == pairs
    assert 0.45 < drawn.law[predict | interpolate].float().mean() < 0.55


def test_one_exercise_does_not_depend_on_the_others() -> None:
    u = torch.rand(64, 4)
    drawn = draw_exercises(8, u)
    for i in range(0, 64, 7):
        alone = draw_exercises(8, u[i : i + 1])
        assert torch.equal(alone.frames[0], drawn.frames[i])
        assert alone.task[0] == drawn.task[i] and alone.law[0] == drawn.law[i]


def test_exercises_move_to_a_device() -> None:
    moved = draw_exercises(8, torch.rand(2, 4)).to(torch.device("meta"))
    assert isinstance(moved, Exercise)
    assert {moved.task.device.type, moved.frames.device.type, moved.law.device.type} == {"meta"}
