"""A task is a mask: the table of given and hidden, for exercises of any numbers."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marey.core.errors import UserError
from marey.dynamics.tasks import (
    EVERY_TASK,
    TABLE,
    TASKS,
    Exercise,
    draw_exercises,
    nearest_task,
    task_index,
    tasks_named,
    uniforms_needed,
    without_class,
)

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
    assert tasks_named(EVERY_TASK) == TABLE and TABLE[:4] == TASKS


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
    assert {moved.task.device.type, moved.shown.device.type, moved.law.device.type} == {"meta"}


# -- parts of frames -----------------------------------------------------------------------------------------------

SIZE = 12
# Row and class of each of MAGVIT's ten tasks (arXiv 2212.05199, section 3.3).
MAGVIT = {
    "frame prediction": ("predict", False),
    "frame interpolation": ("interpolate", False),
    "central outpainting": ("outpaint_central", False),
    "vertical outpainting": ("outpaint_vertical", False),
    "horizontal outpainting": ("outpaint_horizontal", False),
    "dynamic outpainting": ("outpaint_dynamic", False),
    "central inpainting": ("inpaint_central", False),
    "dynamic inpainting": ("inpaint_dynamic", False),
    "class-conditional generation": ("generate", True),
    "class-conditional frame prediction": ("predict", True),
}
PAINTING = [task for task in TABLE if task.region is not None]


def drawn(count: int, frames: int = 8, seed: int = 0) -> Exercise:
    """Exercises of all tasks of the table."""
    u = torch.rand(count, uniforms_needed(TABLE), generator=torch.Generator().manual_seed(seed))
    return draw_exercises(frames, u, TABLE, SIZE)


def test_every_task_of_magvit_is_drawn() -> None:
    exercise = drawn(4000)
    for name, (row, law) in MAGVIT.items():
        assert ((exercise.task == task_index(row, TABLE)) & (exercise.law == law)).any(), name
    share = torch.tensor([task.share for task in TABLE])
    found = torch.bincount(exercise.task, minlength=len(TABLE)) / 4000
    assert torch.allclose(found, share / share.sum(), atol=0.025)


@given(st.sampled_from(PAINTING), st.tuples(unit, unit, unit), Frames)
def test_a_region_is_a_rectangle_of_its_size_and_in_its_place(
    task: object, u: tuple[float, float, float], frames: int
) -> None:
    region = task.region
    shown = draw_exercises(frames, torch.tensor([[0.0, 0.0, 0.0, 0.0, *u]]), (task,), SIZE).shown[0]
    inside = shown if region.shown else ~shown
    rows, columns = inside.any(dim=2), inside.any(dim=1)
    assert torch.equal(inside, rows[:, :, None] & columns[:, None, :])  # a rectangle
    for side, (low, high) in ((rows, region.rows), (columns, region.columns)):
        assert (side.sum(dim=1) >= low * SIZE - 1).all() and (side.sum(dim=1) <= high * SIZE + 1).all()
    assert (rows == rows[:1]).all() and torch.equal(rows, rows.flip(1))  # never up or down
    starts = columns.long().argmax(dim=1)
    steps = starts.diff()
    if region.moves:  # from one side to the other, one way
        assert {int(starts[0]), int(starts[-1])} >= {0}
        assert columns[0, 0] != columns[-1, 0] and ((steps >= 0).all() or (steps <= 0).all())
    else:
        assert (steps == 0).all() and torch.equal(columns, columns.flip(1))


def test_exercises_know_which_frames_are_whole_and_which_clips_are_partial() -> None:
    exercise = drawn(500)
    painted = torch.tensor([TABLE[k].region is not None for k in exercise.task.tolist()])
    assert torch.equal(exercise.partial, painted)
    assert not exercise.frames[painted].any()
    part = exercise.take(painted)
    assert torch.equal(part.shown, exercise.shown[painted]) and len(part.task) == len(part.law) == painted.sum()


def test_one_exercise_with_a_region_does_not_depend_on_the_others() -> None:
    u = torch.rand(64, 7)
    together = draw_exercises(8, u, TABLE, SIZE)
    for i in range(0, 64, 5):
        assert torch.equal(draw_exercises(8, u[i : i + 1], TABLE, SIZE).shown[0], together.shown[i])


# -- names and neighbours ------------------------------------------------------------------------------------------


def test_a_mask_is_told_as_the_task_that_draws_it() -> None:
    exercise, checked = drawn(600), set()
    for k, shown in zip(exercise.task.tolist(), exercise.shown, strict=True):
        if TABLE[k].name != "classify":
            assert nearest_task(TABLE, shown, law=TABLE[k].law == "given") == k, TABLE[k].name
            checked.add(k)
    assert len(checked) == len(TABLE) - 1


def test_a_mask_unlike_all_that_was_learned_is_refused() -> None:
    painted = torch.zeros(8, SIZE, SIZE, dtype=torch.bool)
    painted[:, 3:9, 3:9] = True
    with pytest.raises(UserError, match=r"parts of frames, and this model has learned whole.*inpaint_central"):
        nearest_task(TASKS, painted, law=False)
    with pytest.raises(UserError, match=r"has not learned the task generate_any; train it with recipe\.tasks="):
        nearest_task(TASKS, painted & False, law=False)
    assert nearest_task((*TASKS, TABLE[9]), painted, law=False) == 4  # another painting task, if it has one


def test_the_class_is_hidden_in_the_same_task_or_in_generation_without_one() -> None:
    hides = {task.name: TABLE[without_class(TABLE, k)].name for k, task in enumerate(TABLE)}
    assert hides.pop("generate") == "generate_any"
    assert all(name == other for name, other in hides.items())
    with pytest.raises(UserError, match="generate_any"):
        without_class(TASKS, 1)


@pytest.mark.parametrize("names", [(), ("predict", "predict"), ("predict", "dream")])
def test_unknown_tasks_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match=r"name each once, out of classify, generate"):
        tasks_named(names)
