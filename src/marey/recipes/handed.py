"""Somebody else's videos, from a folder and a data set to figures."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from marey.core.errors import UserError
from marey.core.runs import RunFolder
from marey.data.folder import StoredDataset, open_dataset
from marey.encoders.guest import Guest
from marey.judge.answers import AnswerTask, read_answers
from marey.judge.handed import HandedConfig, config_for, given_frames, handed_exam, judge_handed
from marey.judge.verdict import Verdict
from marey.recipes.stages import timed

_FEWEST = 40  # training clips: ten of each law, or the trivial rules have nothing to learn from


@dataclass(frozen=True)
class HandedIn:
    """What is to be judged. shown: frames that the model was shown (see `config_for`). clips: how many of the test
    clips were asked, the first ones; None for all. guest: whose features of generated and true clips are compared.
    """

    videos: Path
    dataset: Path
    task: AnswerTask
    shown: int | None = None
    clips: int | None = None
    guest: Guest | None = None


def judge_videos(asked: HandedIn, out: Path, progress: Callable[[str], None]) -> Verdict:
    """Judge videos into the folder `out`, which must not be one yet. progress: told the name of each trial.

    A data set that the judge cannot take, or a video that answers no clip of it, is a UserError: nothing is written.
    """
    if (out / "config.json").exists():
        raise UserError(f"{out} already holds a run; choose another --out")
    stored = open_dataset(asked.dataset)
    spec = replace(stored.spec, test=_count(stored, asked.clips))
    judge = config_for(asked.task, spec.world.frames, asked.shown)
    drawn = _drawn(stored, spec.test)
    answered = read_answers(asked.videos, asked.task, drawn, given_frames(asked.task, judge), stored.spec)
    if asked.task == "generate":
        judge = replace(judge, generated=len(answered.law))
    judge = replace(judge, shown=min(judge.shown, len(answered.clips)))
    config = HandedConfig(asked.videos.resolve().name, asked.task, spec, judge)
    exam = handed_exam(config, answered, drawn, asked.guest)
    folder = RunFolder.start(out, config, resume=False)
    folder.write_environment(judge.seed)
    with timed(out, "judge"):
        return judge_handed(exam, config, folder, progress)


def _count(stored: StoredDataset, clips: int | None) -> int:
    """How many test clips are judged."""
    spec = stored.spec
    if spec.train < _FEWEST:
        raise UserError(
            f"{stored.path} has {spec.train} training clips; make it with {_FEWEST} or more: the trivial rules that "
            "stand beside every figure learn from them"
        )
    if spec.test < 1 or (clips or 1) > spec.test:
        asked = "" if clips is None else f", and --clips asks for {clips}"
        raise UserError(f"{stored.path} has {spec.test} test clips{asked}; make it larger, or ask for fewer")
    return spec.test if clips is None else clips


def _drawn(stored: StoredDataset, count: int) -> np.ndarray:
    """The first test clips, drawn from what is stored: the same bytes on every machine."""
    first = stored.spec.train + stored.spec.validation
    return stored.rows(first, first + count).clips()
