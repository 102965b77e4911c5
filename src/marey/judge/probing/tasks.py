"""The questions of the bench: what of a clip its features are asked for, and what the trivial rules know of it.

law               which law moves it                      position   where it is, in every frame
velocity          its steps from frame to frame           radius     its apparent radius, in every frame
depth             along the line of sight, every frame    parameters the numbers of its law
future-position   where it will be, from features of the first half of the clip
time-index        which moment a step of the features belongs to: does the guest know time?
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float64

from marey.core.errors import UserError
from marey.judge.probing.fit import Kind
from marey.judge.probing.set import ProbeSet

TaskName = Literal["law", "position", "velocity", "radius", "depth", "parameters", "future-position", "time-index"]
TASKS: tuple[TaskName, ...] = TaskName.__args__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Task:
    """One question to all clips of a set.

    values: what is to be said of each clip, one column for a class; NaN where it is not known. None: there is one
    value for each step of the features, its time from 0 to 1. chance: the score of a rule that ignores the clip.
    baselines: scores of trivial rules that see the true track.
    """

    name: str
    kind: Kind
    values: Float64[np.ndarray, "N C"] | None
    chance: float = 0.0
    before: bool = False  # asked of features that saw the first half alone
    baselines: dict[str, float] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """Share of hits, or R2."""
        return "share" if self.kind == "class" else "R2"


def parse_tasks(text: str | None) -> tuple[TaskName, ...]:
    """Names apart by commas, by default all; an unknown one is a UserError, and so are none."""
    if text is None:
        return TASKS
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in TASKS:
            raise UserError(f"--tasks {name!r} is unknown; the tasks are {', '.join(TASKS)}")
    if not names:
        raise UserError(f"--tasks {text!r} names none; leave it out for all, or give some of {', '.join(TASKS)}")
    return tuple(task for task in TASKS if task in names)


def task_on(name: TaskName, clips: ProbeSet) -> Task:
    """The task on a set; a UserError says what the set does not know."""
    truth, test = clips.truth, clips.test
    if name == "time-index":
        return Task(name, "number", None)
    if name == "law":
        if truth.law is None:
            raise UserError("the clips have no labels, or all the same")
        shares = np.bincount(truth.law[test], minlength=len(truth.names)) / len(test)
        if len(np.unique(truth.law)) < 2:
            raise UserError("there is one law only, so there is nothing to tell apart")
        return Task(name, "class", truth.law[:, None].astype(np.float64), float(shares.max()))
    if name == "parameters":
        if truth.parameters is None or not truth.parameters.shape[1]:
            raise UserError("the parameters of the motions are not known")
        return Task(name, "number", truth.parameters)
    if name in ("radius", "depth"):
        values = truth.radius if name == "radius" else truth.depth
        if values is None:
            raise UserError(f"the {name} is not known")
        return Task(name, "number", values)
    if truth.track is None:
        raise UserError("the tracks are not known")
    if name == "future-position":
        return _future(truth.track, clips)
    moved = truth.track if name == "position" else np.diff(truth.track, axis=1)
    return Task(name, "number", moved.reshape(len(moved), -1))


def _future(track: Float64[np.ndarray, "N T 2"], clips: ProbeSet) -> Task:
    shown, future = track[:, : clips.prefix], track[:, clips.prefix :]
    if shown.shape[1] < 2 or not future.shape[1]:
        raise UserError(f"clips of {track.shape[1]} frames have no future to be asked for; give 3 or more")
    ahead = np.arange(1, future.shape[1] + 1)[:, None]
    still = np.broadcast_to(shown[:, -1:], future.shape)
    rules = {
        "copy last (true track)": still,
        "constant velocity (true track)": still + ahead * (shown[:, -1:] - shown[:, -2:-1]),
    }
    values = future.reshape(len(future), -1)
    baselines = {name: explained(values, guess.reshape(len(values), -1), clips) for name, guess in rules.items()}
    return Task("future-position", "number", values, before=True, baselines=baselines)


def explained(values: Float64[np.ndarray, "N C"], said: Float64[np.ndarray, "N C"], clips: ProbeSet) -> float:
    """R2 on the test clips, all columns weighing the same."""
    centre, scale = standard(values[clips.pool])
    wanted, guess = ((each[clips.test] - centre) / scale for each in (values, said))
    known = np.isfinite(wanted)
    return float(1 - np.square(wanted - guess)[known].sum() / np.square(wanted)[known].sum())


def standard(values: Float64[np.ndarray, "n C"]) -> tuple[Float64[np.ndarray, "C"], Float64[np.ndarray, "C"]]:
    """Mean and standard deviation of the known values of each column; a column that never varies counts for nothing."""
    scale = np.nanstd(values, axis=0)
    return np.nanmean(values, axis=0), np.where(scale > 1e-9, scale, np.inf)
