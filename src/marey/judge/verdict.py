"""One call that measures a model and writes what was found.

metrics.json, details.json, per_clip.parquet (see `judged`) and clips/<task>.npz
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from marey.core.files import write_atomically, write_json
from marey.core.runs import RunFolder
from marey.encoders.guest import Guest
from marey.judge import trials
from marey.judge.budget.build import budget
from marey.judge.budget.costs import Costs
from marey.judge.budget.record import Budget
from marey.judge.ceiling import UNKNOWN_NOISE, interval_coverage
from marey.judge.exam import Exam, JudgeConfig, VideoModel
from marey.judge.generation import generate
from marey.judge.judged import write_per_clip
from marey.judge.painted import Mask, paint
from marey.judge.shortcuts import Gate, gate
from marey.metrics.figure import Figure, Level
from marey.world.laws import BASE_LAWS
from marey.world.scenes import Scenes

RULES = 2  # raised when a run that was judged before should be judged again: 2 has the budget and a number per clip


@dataclass(frozen=True)
class Verdict:
    """Everything measured: the figures by name, the gate of the world they were measured in, and the error budget."""

    figures: dict[str, Figure]
    gate: Gate
    budget: Budget = field(default_factory=lambda: Budget([]))


_TRIALS: dict[str, Callable[[Exam], trials.Outcome]] = {
    "reconstruct": trials.reconstruct,
    "classify": trials.classify,
    "predict": trials.predict,
    "interpolate": trials.interpolate,
}


def judge(
    model: VideoModel,
    train: Scenes,
    test: Scenes,
    config: JudgeConfig,
    folder: RunFolder,
    progress: Callable[[str], None],
    levels: Mapping[str, Level] | None = None,
    tasks: Sequence[Mapping[str, str]] = (),
    not_run: Sequence[Mapping[str, str]] = (),
    held_out: Scenes | None = None,
    guest: Guest | None = None,
    painted: Mapping[str, Mask] | None = None,
) -> Verdict:
    """Measure every figure on the test clips and write them to the run folder.

    train: what the model was trained on (baselines learn from it, copies are sought in it). progress: told the name of
    each trial before it begins. levels: what figures are asked to reach, by name. tasks, not_run: rows for details.json
    that only the recipe knows. held_out: scenes with values or combinations that the model was not trained on; their
    errors stand beside those of the test clips. guest: whose features of generated and true clips are compared.
    painted: what is shown of each frame under further tasks, by name. The same arguments write the same bytes.
    """
    exam = Exam(model, train, test, config, guest)
    outcomes: dict[str, trials.Outcome] = {}
    trials_of = _TRIALS | {name: partial(paint, task=name, shown=mask) for name, mask in (painted or {}).items()}
    for name, trial in trials_of.items():
        progress(name)
        outcomes[name] = trial(exam)
    progress("generate")
    figures = {figure.name: figure for outcome in outcomes.values() for figure in outcome.figures}
    outcomes["generate"] = generate(exam, figures["reconstruction.law_right"].value)
    figures |= {figure.name: figure for figure in outcomes["generate"].figures}
    progress("budget")
    coverage = interval_coverage(exam)
    figures[coverage.name] = coverage
    beyond = None if held_out is None else (held_out, _costs(Exam(model, train, held_out, config)))
    costs = [outcome.costs for outcome in outcomes.values() if outcome.costs is not None]
    found = budget(test, costs, config.seed, beyond)
    progress("gate")
    verdict = Verdict(_with_levels(figures, levels or {}), gate(train, test), found)
    rows = [*not_run, *_not_run(exam, held_out)]
    write(folder.path, verdict, outcomes, {"tasks": list(tasks), "not_run": rows})
    return verdict


def _costs(exam: Exam) -> list[Costs]:
    """Of the trials that have a truth to compare with."""
    asked = (trial(exam).costs for name, trial in _TRIALS.items() if name != "classify")
    return [costs for costs in asked if costs is not None]


def _not_run(exam: Exam, held_out: Scenes | None) -> list[dict[str, str]]:
    rows = []
    if held_out is None:
        rows.append({"what": "held-out values and combinations", "why": "the data set of this run holds none out"})
    if exam.noise is None:
        rows.append({"what": "the fitted law as a ceiling", "why": UNKNOWN_NOISE})
    return rows


def _with_levels(figures: dict[str, Figure], levels: Mapping[str, Level]) -> dict[str, Figure]:
    unknown = set(levels) - set(figures)
    assert not unknown, f"levels for figures that do not exist: {sorted(unknown)}"
    return {name: replace(figure, level=levels.get(name)) for name, figure in figures.items()}


def write(path: Path, verdict: Verdict, outcomes: dict[str, trials.Outcome], rows: dict[str, Any]) -> None:
    """The files of a verdict. outcomes: by task. rows: keys of details.json that hold lists of rows."""
    details: dict[str, Any] = {"laws": list(BASE_LAWS), "confusion": {}, "parameters": {}, "errors": {}}
    details |= {"gate": verdict.gate.to_json(), "budget": verdict.budget.to_json()}
    details |= {name: [dict(row) for row in value] for name, value in rows.items()}
    for task, outcome in outcomes.items():
        for key, value in outcome.details.items():
            details[key] = details.get(key, {}) | value
        if outcome.pictures is not None:
            write_atomically(path / "clips" / f"{task}.npz", _saver(outcome.pictures))
    write_json(path / "details.json", details)
    figures = [*verdict.figures.values(), *verdict.gate.figures]
    write_per_clip(path, list(verdict.figures.values()))
    write_json(path / "metrics.json", [figure.to_json() for figure in figures])


def _saver(arrays: dict[str, Any]) -> Callable[[Path], None]:
    def save(file: Path) -> None:
        with file.open("wb") as stream:  # a name would be given the ending .npz
            np.savez_compressed(stream, **arrays)

    return save
