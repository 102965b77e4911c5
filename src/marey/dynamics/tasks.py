"""A task is a mask: which pixels are shown, and whether the class is. One table holds them all."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from marey.core.errors import UserError

Role = Literal["given", "hidden", "either"]
Show = Literal["given", "hidden", "part"]
Range = tuple[float, float]


@dataclass(frozen=True)
class Region:
    """A rectangle of each frame, its sides drawn for each exercise, as shares of the frame's.

    shown: whether its inside is what is shown (outpainting) or what is hidden (inpainting). moves: whether it crosses
    the frame sideways, in whichever direction, instead of staying in the middle; it never leaves the frame.
    """

    shown: bool
    rows: Range
    columns: Range
    moves: bool = False


@dataclass(frozen=True)
class Task:
    """One row of given and hidden. law `either`: both in training; hidden unless the user gives the class.

    first, middle, last: frames; `part` of each is shown where there is a region.
    """

    name: str
    law: Role
    first: Show
    middle: Show
    last: Show
    share: float  # of the training exercises, before they are made to add up to one
    region: Region | None = None


_SIDE, _WHOLE = (0.35, 0.65), (1.0, 1.0)  # around the half that MAGVIT takes


def _paint(name: str, shown: bool, rows: Range, columns: Range, moves: bool = False) -> Task:
    return Task(name, "either", "part", "part", "part", share=0.10, region=Region(shown, rows, columns, moves))


# MAGVIT's ten tasks (arXiv 2212.05199, section 3.3), classification, and generation without a class. Its frame
# prediction and its class-conditional frame prediction are one row here, with the class hidden or given.
TABLE = (
    Task("classify", law="hidden", first="given", middle="given", last="given", share=0.15),
    Task("generate", law="given", first="hidden", middle="hidden", last="hidden", share=0.35),
    Task("predict", law="either", first="given", middle="hidden", last="hidden", share=0.25),
    Task("interpolate", law="either", first="given", middle="hidden", last="given", share=0.25),
    _paint("outpaint_central", shown=True, rows=_SIDE, columns=_SIDE),
    _paint("outpaint_vertical", shown=True, rows=_WHOLE, columns=_SIDE),
    _paint("outpaint_horizontal", shown=True, rows=_SIDE, columns=_WHOLE),
    _paint("outpaint_dynamic", shown=True, rows=_WHOLE, columns=_SIDE, moves=True),
    _paint("inpaint_central", shown=False, rows=_SIDE, columns=_SIDE),
    _paint("inpaint_dynamic", shown=False, rows=_SIDE, columns=_SIDE, moves=True),
    # What guidance leads a generation away from: without this row no such sequence would ever be seen in training.
    Task("generate_any", law="hidden", first="hidden", middle="hidden", last="hidden", share=0.05),
)
EVERY_TASK = tuple(task.name for task in TABLE)
TASKS = TABLE[:4]  # of a model, unless its recipe names others


def tasks_named(names: tuple[str, ...]) -> tuple[Task, ...]:
    """The rows of the table with these names, in this order; an unknown name, or one given twice, is a UserError."""
    unknown = [name for name in names if name not in EVERY_TASK]
    if unknown or not names or len(set(names)) < len(names):
        raise UserError(f"tasks={names}: name each once, out of {', '.join(EVERY_TASK)}")
    return tuple(TABLE[EVERY_TASK.index(name)] for name in names)


def task_index(name: str, tasks: tuple[Task, ...] = TASKS) -> int:
    """The label of a task among a model's tasks; one that it has not learned is a UserError."""
    names = [task.name for task in tasks]
    if name not in names:
        raise UserError(f"this model has not learned the task {name}; train it with recipe.tasks={(*names, name)}")
    return names.index(name)


@dataclass(frozen=True)
class Exercise:
    """Tasks for a batch of clips: which one, which pixels are shown, whether the class is.

    shown: True where a pixel is shown; H and W are 1 where nothing but whole frames is shown or hidden.
    """

    task: Int64[Tensor, "B"]
    shown: Bool[Tensor, "B T H W"]
    law: Bool[Tensor, "B"]

    @property
    def frames(self) -> Bool[Tensor, "B T"]:
        """Frames that are shown as a whole."""
        return self.shown.flatten(2).all(dim=2)

    @property
    def partial(self) -> Bool[Tensor, "B"]:
        """Clips in which some frame is shown in part."""
        return (self.shown.flatten(2).any(dim=2) & ~self.frames).any(dim=1)

    def to(self, device: torch.device) -> "Exercise":
        return Exercise(self.task.to(device), self.shown.to(device), self.law.to(device))

    def take(self, rows: Bool[Tensor, "B"]) -> "Exercise":
        """The exercises of some of the clips."""
        return Exercise(self.task[rows], self.shown[rows], self.law[rows])


def uniforms_needed(tasks: tuple[Task, ...]) -> int:
    """Random numbers that `draw_exercises` takes for each exercise."""
    return 4 if all(task.region is None for task in tasks) else 7


def draw_exercises(
    frames: int, u: Float[Tensor, "B U"], tasks: tuple[Task, ...] = TASKS, size: int | None = None
) -> Exercise:
    """Training exercises from uniform numbers: each task as often as it says, prefixes and ends of any length.

    At least two frames are hidden, and two are shown of a prefix (one frame has no velocity), one of each end.
    size: rows and columns of a frame, pixels; asked for by tasks with a region.
    """
    shares = torch.tensor([part.share for part in tasks]) / sum(part.share for part in tasks)
    task = torch.bucketize(u[:, 0].contiguous(), shares.cumsum(0)[:-1], right=True)
    first = torch.tensor([part.first != "hidden" for part in tasks])[task]
    middle = torch.tensor([part.middle != "hidden" for part in tasks])[task]
    last = torch.tensor([part.last != "hidden" for part in tasks])[task]
    either = torch.tensor([part.law == "either" for part in tasks])[task]
    always = torch.tensor([part.law == "given" for part in tasks])[task]
    shortest = torch.where(last, 1, 2)
    prefix = shortest + (u[:, 1] * (frames - 2 - shortest - last.long() + 1)).long()
    suffix = 1 + (u[:, 2] * (frames - 2 - prefix)).long()
    t = torch.arange(frames)
    whole = (first[:, None] & (t < prefix[:, None])) | (last[:, None] & (t >= frames - suffix[:, None]))
    shown = (whole | middle[:, None])[:, :, None, None]
    if any(part.region for part in tasks):
        assert size is not None, "regions are of frames of a known size"
        shown = shown & _regions(frames, size, u[:, 4:], [tasks[k].region for k in task.tolist()])
    return Exercise(task, shown, always | (either & (u[:, 3] < 0.5)))


def example(task: Task, frames: int, size: int) -> Bool[Tensor, "T size size"]:
    """What is shown under a task with a region whose sides are in the middle of their ranges, crossing to the right."""
    assert task.region is not None
    return _regions(frames, size, torch.tensor([[0.5, 0.5, 0.0]]), [task.region])[0]


def _regions(
    frames: int, size: int, u: Float[Tensor, "B 3"], regions: list[Region | None]
) -> Bool[Tensor, "B T size size"]:
    """What is shown of each frame; all of it where there is no region."""
    every = [region or Region(True, _WHOLE, _WHOLE) for region in regions]
    rows, columns = (torch.tensor([getattr(region, side) for region in every]) for side in ("rows", "columns"))
    height, width = (low + (high - low) * u[:, i] for i, (low, high) in enumerate((rows.T, columns.T)))
    moves = torch.tensor([region.moves for region in every])
    way = torch.linspace(-0.5, 0.5, frames) * torch.where(u[:, 2] < 0.5, 1, -1)[:, None]
    centre = 0.5 + way * (1 - width[:, None]) * moves[:, None]
    place = (torch.arange(size) + 0.5) / size
    down = (place - 0.5).abs() < height[:, None] / 2
    along = (place - centre[:, :, None]).abs() < width[:, None, None] / 2
    inside = down[:, None, :, None] & along[:, :, None, :]
    return inside == torch.tensor([region.shown for region in every])[:, None, None, None]


def nearest_task(tasks: tuple[Task, ...], shown: Bool[Tensor, "T H W"], law: bool) -> int:
    """The label, among a model's tasks, of the one whose exercises look most like this mask over pixels.

    law: whether the class is given. A mask unlike anything the model has learned is a UserError.
    """
    whole, some = shown.flatten(1).all(dim=1), shown.flatten(1).any(dim=1)
    if bool((some & ~whole).any()):
        return _nearest_region(tasks, shown[some & ~whole])
    if not bool(some.any()):
        return task_index("generate" if law else "generate_any", tasks)
    return task_index("interpolate" if whole[-1] else "predict", tasks)


def _nearest_region(tasks: tuple[Task, ...], shown: Bool[Tensor, "T H W"]) -> int:
    """By whether what is hidden lies inside the frame, whether it moves, and whether what is shown is a strip."""
    learned = [task.name for task in tasks if task.region is not None]
    if not learned:
        raise UserError(
            "shown hides parts of frames, and this model has learned whole frames only; train it with more of "
            f"recipe.tasks: {', '.join(task.name for task in TABLE if task.region is not None)}"
        )
    still = bool((shown == shown[:1]).all())
    if bool(shown[:, [0, 0, -1, -1], [0, -1, 0, -1]].all()):
        wanted = "inpaint_central" if still else "inpaint_dynamic"
    elif not still:
        wanted = "outpaint_dynamic"
    elif bool((shown == shown[:, :1]).all()):
        wanted = "outpaint_vertical"
    else:
        wanted = "outpaint_horizontal" if bool((shown == shown[:, :, :1]).all()) else "outpaint_central"
    alike = [name for name in learned if name.split("_")[0] == wanted.split("_")[0]]
    return task_index(wanted if wanted in learned else (alike or learned)[0], tasks)


def without_class(tasks: tuple[Task, ...], label: int) -> int:
    """The label of the task in which the model has learned to do without the class: itself, where that may be hidden;
    generation without a class, for generation with one.
    """
    return task_index("generate_any", tasks) if tasks[label].law == "given" else label
