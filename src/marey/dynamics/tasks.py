"""A task is a mask: which frames are shown, and whether the class is."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

Role = Literal["given", "hidden", "either"]


@dataclass(frozen=True)
class Task:
    """One row of given and hidden. `either`: both in training; hidden unless the user gives the class."""

    name: str
    law: Role
    first: Role
    middle: Role
    last: Role
    share: float  # of the training exercises


TASKS = (
    Task("classify", law="hidden", first="given", middle="given", last="given", share=0.15),
    Task("generate", law="given", first="hidden", middle="hidden", last="hidden", share=0.35),
    Task("predict", law="either", first="given", middle="hidden", last="hidden", share=0.25),
    Task("interpolate", law="either", first="given", middle="hidden", last="given", share=0.25),
)


def task_index(name: str) -> int:
    return [task.name for task in TASKS].index(name)


@dataclass(frozen=True)
class Exercise:
    """Tasks for a batch of clips: which one, which frames are shown, whether the class is."""

    task: Int64[Tensor, "B"]
    frames: Bool[Tensor, "B T"]
    law: Bool[Tensor, "B"]

    def to(self, device: torch.device) -> "Exercise":
        return Exercise(self.task.to(device), self.frames.to(device), self.law.to(device))


def draw_exercises(frames: int, u: Float[Tensor, "B 4"]) -> Exercise:
    """Training exercises from uniform numbers: each task as often as it says, prefixes and ends of any length.

    At least two frames are hidden, and two are shown of a prefix (one frame has no velocity), one of each end.
    """
    task = torch.bucketize(
        u[:, 0].contiguous(), torch.tensor([part.share for part in TASKS]).cumsum(0)[:-1], right=True
    )
    first = torch.tensor([part.first != "hidden" for part in TASKS])[task]
    middle = torch.tensor([part.middle != "hidden" for part in TASKS])[task]
    last = torch.tensor([part.last != "hidden" for part in TASKS])[task]
    either = torch.tensor([part.law == "either" for part in TASKS])[task]
    always = torch.tensor([part.law == "given" for part in TASKS])[task]
    shortest = torch.where(last, 1, 2)
    prefix = shortest + (u[:, 1] * (frames - 2 - shortest - last.long() + 1)).long()
    suffix = 1 + (u[:, 2] * (frames - 2 - prefix)).long()
    t = torch.arange(frames)
    shown = (first[:, None] & (t < prefix[:, None])) | (last[:, None] & (t >= frames - suffix[:, None]))
    return Exercise(task, shown | middle[:, None], always | (either & (u[:, 3] < 0.5)))
