"""An exam that was sat elsewhere: the trials of our own models, on videos that somebody handed in.

The clips, the rulers, the floors, the baselines and the figures are those of `judge`. What videos alone cannot show
(the law that a model names, the tokens it uses) is not measured, and details.json says so.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64

from marey.core.config import fingerprint, strict
from marey.core.errors import UserError
from marey.core.files import write_json
from marey.core.runs import RunFolder
from marey.data.spec import DatasetSpec
from marey.encoders.guest import Guest
from marey.judge import trials
from marey.judge.answers import ANSWER_TASKS, Answers, AnswerTask
from marey.judge.budget.build import budget
from marey.judge.exam import Clips, Exam, JudgeConfig, Video
from marey.judge.generation import generate
from marey.judge.shortcuts import gate
from marey.judge.verdict import RULES, Verdict, write
from marey.metrics.figure import Figure

_WORDS = {"reconstruct": "reconstruction", "predict": "prediction", "interpolate": "interpolation",
          "generate": "generation"}  # fmt: skip
_LOSSY = {
    "what": "the same videos without their coding",
    "why": "a video coder had them in its hands, which moves a disc by some hundredths of a pixel; give an npz",
}


@strict
@dataclass(frozen=True)
class HandedConfig:
    """What was handed in (the name of its folder or file), and what it was judged on: config.json of such a run."""

    videos: str
    task: AnswerTask
    dataset: DatasetSpec
    judge: JudgeConfig


class _Nobody:
    """Stands where a model would. Whoever asks it has found a trial that videos cannot sit."""

    levels: tuple[int, ...] = ()

    def reconstruct(self, *_: Any) -> Any:
        raise AssertionError("videos were handed in: there is no model to ask")

    indices = classify = predict = interpolate = generate = reconstruct


@dataclass(frozen=True)
class Handed(Exam):
    """An exam whose answers are there already. drawn: the true test clips, as the data set stores them."""

    answered: Answers = field(kw_only=True)
    drawn: Clips = field(kw_only=True)

    @cached_property
    def clips(self) -> Clips:
        return self.drawn

    @property
    def reconstructs(self) -> bool:
        return self.answered.task == "reconstruct"

    @property
    def asked(self) -> Int64[np.ndarray, "G"]:
        return self.answered.law

    def generated(self) -> Clips:
        return self.answered.clips

    def answers(self, name: str, ask: Callable[[Video, int], Video], clips: Clips) -> Clips:  # noqa: ARG002
        assert name == self.answered.task and len(clips) == len(self.answered.clips)
        return self.answered.clips


def config_for(task: AnswerTask, frames: int, shown: int | None) -> JudgeConfig:
    """The exam for clips of so many frames. shown: first frames of a prediction, or frames at each end of a gap; half
    or a quarter of the clip unless said.
    """
    prefix, ends = max(1, frames // 2), max(1, frames // 4)
    if shown is not None and task in ("reconstruct", "generate"):
        raise UserError(f"--shown {shown} means nothing for --task {task}; leave it out")
    if shown is not None and task == "predict":
        prefix = shown
    if shown is not None and task == "interpolate":
        ends = shown
    if not 1 <= prefix < frames or 2 * ends >= frames:
        most = frames - 1 if task == "predict" else (frames - 1) // 2
        raise UserError(f"--shown {shown} leaves nothing to {task} of {frames} frames; give 1 to {most}")
    return JudgeConfig(prefix=prefix, horizon=frames - prefix, ends=ends, hidden=frames - 2 * ends)


def given_frames(task: AnswerTask, config: JudgeConfig) -> Bool[np.ndarray, "T"]:
    """Frames that were shown to the model."""
    frame = np.arange(config.prefix + config.horizon)
    return {
        "reconstruct": frame >= 0,
        "predict": frame < config.prefix,
        "interpolate": (frame < config.ends) | (frame >= config.ends + config.hidden),
        "generate": frame < 0,
    }[task]


def judge_handed(handed: Handed, config: HandedConfig, folder: RunFolder, progress: Callable[[str], None]) -> Verdict:
    """Measure the videos and write metrics.json, details.json, clips/TASK.npz and judged.json to the folder."""
    task = handed.answered.task
    sit: dict[AnswerTask, Callable[[Exam], trials.Outcome]] = {
        "reconstruct": trials.redrawn,
        "predict": trials.predict,
        "interpolate": trials.interpolate,
        "generate": lambda exam: generate(exam, None),
    }
    progress(task)
    outcome = sit[task](handed)
    figures: dict[str, Figure] = {figure.name: figure for figure in outcome.figures}
    progress("gate")
    verdict = Verdict(figures, gate(handed.train, handed.test))
    if outcome.costs is not None:  # what is generated has no truth to be wrong about, clip by clip
        verdict = replace(verdict, budget=budget(handed.test, [outcome.costs], config.judge.seed))
    write(folder.path, verdict, {task: outcome}, {"tasks": [], "not_run": _not_run(handed.answered)})
    identity = {"videos": handed.answered.digest, "judge": fingerprint(config.judge), "rules": str(RULES)}
    write_json(folder.path / "judged.json", identity | {"dataset": fingerprint(config.dataset)})
    return verdict


def handed_exam(config: HandedConfig, answered: Answers, drawn: Clips, guest: Guest | None = None) -> Handed:
    """The exam that these answers are for."""
    dataset = config.dataset
    return Handed(_Nobody(), dataset.scenes("train"), dataset.scenes("test"), config.judge, guest,
                  answered=answered, drawn=drawn)  # fmt: skip


def _not_run(answered: Answers) -> list[dict[str, str]]:
    rows = [{"what": "classification", "why": "videos name no law"}]
    others = [_WORDS[task] for task in ANSWER_TASKS if task != answered.task]
    rows += [{"what": each, "why": f"the videos are answers to {_WORDS[answered.task]}"} for each in others]
    return [*rows, _LOSSY] if answered.lossy else rows
