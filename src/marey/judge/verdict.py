"""One call that measures a model and writes what was found.

metrics.json, details.json, per_clip.parquet (see `judged`) and clips/<task>.npz
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from marey.core.files import write_atomically, write_json
from marey.core.runs import RunFolder
from marey.encoders.guest import Guest
from marey.judge import trials
from marey.judge.exam import Exam, JudgeConfig, VideoModel
from marey.judge.generation import generate
from marey.judge.judged import write_per_clip
from marey.judge.shortcuts import Gate, gate
from marey.metrics.figure import Figure, Level
from marey.world.laws import BASE_LAWS
from marey.world.scenes import Scenes


@dataclass(frozen=True)
class Verdict:
    """Everything measured: the figures by name, and the gate of the world they were measured in."""

    figures: dict[str, Figure]
    gate: Gate


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
    guest: Guest | None = None,
) -> Verdict:
    """Measure every figure on the test clips and write them to the run folder.

    train: what the model was trained on (baselines learn from it, copies are sought in it). progress: told the name of
    each trial before it begins. levels: what figures are asked to reach, by name. tasks, not_run: rows for details.json
    that only the recipe knows. guest: whose features of generated and true clips are compared. The same arguments write
    the same bytes.
    """
    exam = Exam(model, train, test, config, guest)
    outcomes: dict[str, trials.Outcome] = {}
    for name, trial in (
        ("reconstruct", trials.reconstruct),
        ("classify", trials.classify),
        ("predict", trials.predict),
        ("interpolate", trials.interpolate),
    ):
        progress(name)
        outcomes[name] = trial(exam)
    progress("generate")
    figures = {figure.name: figure for outcome in outcomes.values() for figure in outcome.figures}
    outcomes["generate"] = generate(exam, figures["reconstruction.law_right"].value)
    figures |= {figure.name: figure for figure in outcomes["generate"].figures}
    progress("gate")
    verdict = Verdict(_with_levels(figures, levels or {}), gate(train, test))
    write(folder.path, verdict, outcomes, {"tasks": list(tasks), "not_run": list(not_run)})
    return verdict


def _with_levels(figures: dict[str, Figure], levels: Mapping[str, Level]) -> dict[str, Figure]:
    unknown = set(levels) - set(figures)
    assert not unknown, f"levels for figures that do not exist: {sorted(unknown)}"
    return {name: replace(figure, level=levels.get(name)) for name, figure in figures.items()}


def write(path: Path, verdict: Verdict, outcomes: dict[str, trials.Outcome], rows: dict[str, Any]) -> None:
    """The files of a verdict. outcomes: by task. rows: keys of details.json that hold lists of rows."""
    details: dict[str, Any] = {"laws": list(BASE_LAWS), "confusion": {}, "parameters": {}, "errors": {}}
    details |= {"gate": verdict.gate.to_json()} | {name: [dict(row) for row in value] for name, value in rows.items()}
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
