"""The files of a finished run as records: read strictly, so that the page never shows half a run."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from marey.core.config import from_json
from marey.core.errors import UserError
from marey.core.files import read_json
from marey.judge.budget.record import Budget
from marey.report.details import Calibration, Recovered

TASKS = ("reconstruct", "predict", "interpolate", "generate")
STAGES = ("tokenizer", "dynamics")


@dataclass(frozen=True)
class Figure:
    """One measured number with what is needed to judge it; `value` is None when it could not be measured.

    low, high: 95 % interval. floor: the ruler's own error. limit: what a shortcut may reach at most (gate only).
    level, reached: what the run was asked to reach, and whether it did, as judged by whoever wrote the figure.
    """

    name: str
    value: float | None
    unit: str | None = None
    n: int | None = None
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    baselines: dict[str, float | None] = field(default_factory=dict)
    why: str | None = None
    limit: float | None = None
    level: float | None = None
    reached: bool | None = None


@dataclass(frozen=True)
class Metrics:
    """The whole of metrics.json."""

    figures: list[Figure]


@dataclass(frozen=True)
class Details:
    """What stands behind the figures: counts, fitted parameters, errors per frame, what was not run.

    error_intervals: 95 % interval of the model's error per frame, as `low` and `high`. What an older judge did not
    write is None or empty.
    """

    laws: list[str]
    confusion: dict[str, list[list[int]]]
    parameters: dict[str, dict[str, dict[str, list[float | None]]]]
    gate: list[Figure]
    not_run: list[dict[str, str]]
    tasks: list[dict[str, str]]
    errors: dict[str, dict[str, list[float | None]]]
    error_intervals: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    budget: Budget | None = None
    calibration: Calibration | None = None
    recovered: Recovered = field(default_factory=dict)


@dataclass(frozen=True)
class Clips:
    """Clips of one task. truth, model: uint8 `N T H W C` (truth None where there is none); tracks: `N T 2` pixels.

    given: bool `T`; law: index `N` (asked law for generate); said: index `N`, -1 = none. truth_space, model_space: the
    true path and that of the law read from the model's pixels, `N P 3` ball radii to the right, ahead and up from the
    camera, NaN where no law fits; None where the judge did not keep them.
    """

    task: str
    truth: np.ndarray | None
    model: np.ndarray
    truth_track: np.ndarray | None
    model_track: np.ndarray
    given: np.ndarray
    law: np.ndarray
    said: np.ndarray
    truth_space: np.ndarray | None = None
    model_space: np.ndarray | None = None


@dataclass(frozen=True)
class RunFiles:
    """Everything the page shows, as read from one run folder."""

    path: Path
    config: dict[str, Any]
    environment: dict[str, Any]
    times: dict[str, Any]
    figures: list[Figure]
    details: Details
    curves: dict[str, list[dict[str, Any]]]
    clips: dict[str, Clips]


def read_run(path: Path) -> RunFiles:
    """Read a finished run folder; a missing or malformed file is a UserError that names it."""
    path = Path(path)
    curves = [f"{stage}/metrics.jsonl" for stage in STAGES]
    clips = [f"clips/{task}.npz" for task in TASKS]
    _require(path, ["config.json", "environment.json", "times.json", "metrics.json", "details.json", *curves, *clips])
    details = from_json(Details, read_json(path / "details.json"), str(path / "details.json"))
    clips_of = {task: _read_clips(path, task, len(details.laws)) for task in TASKS}
    _check_same(path, clips_of)
    return RunFiles(
        path=path,
        config=_object(path / "config.json"),
        environment=_object(path / "environment.json"),
        times=_object(path / "times.json"),
        figures=read_figures(path),
        details=details,
        curves={stage: _read_lines(path / name) for stage, name in zip(STAGES, curves, strict=True)},
        clips=clips_of,
    )


def read_figures(path: Path) -> list[Figure]:
    """The figures in a run's metrics.json."""
    file = path / "metrics.json"
    figures = from_json(Metrics, {"figures": read_json(file)}, str(file)).figures
    if not figures:
        raise UserError(f"{file} holds no figures; measure the run again with marey judge {path}")
    return figures


def read_pictures(path: Path) -> tuple[list[str], dict[str, Clips]]:
    """The names of the laws and the clips of every task: all that the moving picture needs."""
    path = Path(path)
    _require(path, ["details.json", *(f"clips/{task}.npz" for task in TASKS)])
    laws = from_json(Details, read_json(path / "details.json"), str(path / "details.json")).laws
    return laws, {task: _read_clips(path, task, len(laws)) for task in TASKS}


def _require(path: Path, names: list[str]) -> None:
    if not path.is_dir():
        raise UserError(f"{path} is not a folder; give the run folder that `marey demo --out` made")
    for name in names:
        if not (path / name).is_file():
            raise UserError(f"{path / name} is missing; finish the run with `marey demo --out {path} --resume`")


def _object(file: Path) -> dict[str, Any]:
    data = read_json(file)
    if not isinstance(data, dict):
        raise UserError(f"{file} is not a JSON object; restore it or make the run again")
    return data


def _read_lines(file: Path) -> list[dict[str, Any]]:
    """One JSON object per line; the number of a broken line is named."""
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise UserError(f"{file} line {number} is not JSON ({error.msg}); restore it or remove that line") from None
        if not isinstance(row, dict):
            raise UserError(f"{file} line {number} is not a JSON object; restore it or remove that line")
        rows.append(row)
    return rows


def _read_clips(path: Path, task: str, laws: int) -> Clips:
    file = path / "clips" / f"{task}.npz"
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, BadZipFile) as error:
        raise UserError(f"{file} cannot be read ({error}); judge the run again to write it anew") from None
    optional = () if task != "generate" else ("truth", "truth_track")
    for name in ("truth", "model", "truth_track", "model_track", "given", "law", "said"):
        if name not in arrays and name not in optional:
            raise UserError(f"{file} has no array '{name}'; judge the run again to write it anew")
    clips = Clips(
        task=task,
        truth=arrays.get("truth"),
        model=arrays["model"],
        truth_track=arrays.get("truth_track"),
        model_track=arrays["model_track"],
        given=arrays["given"].astype(bool),
        law=arrays["law"].astype(int),
        said=arrays["said"].astype(int),
        truth_space=arrays.get("truth_space"),
        model_space=arrays.get("model_space"),
    )
    _check_shapes(file, clips, laws)
    return clips


def _check_same(path: Path, clips: dict[str, Clips]) -> None:
    """The page shows a true clip once, beside what each task made of it."""
    first = clips[TASKS[0]]
    for task, each in clips.items():
        if each.truth is not None and first.truth is not None and not np.array_equal(each.truth, first.truth):
            file, other = path / "clips" / f"{task}.npz", f"{TASKS[0]}.npz"
            raise UserError(f"{file} holds other clips than {other}; judge the run again with marey judge {path}")
        if each.model.shape[1:] != first.model.shape[1:]:
            file = path / "clips" / f"{task}.npz"
            raise UserError(f"{file}: clips are {each.model.shape[1:]} and those of {TASKS[0]} {first.model.shape[1:]}")


def _check_shapes(file: Path, clips: Clips, laws: int) -> None:
    """Every array must fit the model's clips, or the marks would be drawn on the wrong frames."""
    shape = clips.model.shape
    if len(shape) != 5 or shape[-1] not in (1, 3) or clips.model.dtype != np.uint8 or not all(shape):
        raise UserError(f"{file}: 'model' is {clips.model.dtype} {shape}; it must be uint8 (N, T, H, W, 1 or 3)")
    n, t = shape[:2]
    wanted = {"truth": shape, "truth_track": (n, t, 2), "model_track": (n, t, 2)}
    wanted |= {"given": (t,), "law": (n,), "said": (n,)}
    if clips.model_space is not None:
        wanted |= dict.fromkeys(("truth_space", "model_space"), (n, *clips.model_space.shape[1:2], 3))
    for name, want in wanted.items():
        array = getattr(clips, name)
        if array is not None and array.shape != want:
            raise UserError(f"{file}: '{name}' has shape {array.shape}; it must be {want}, like 'model'")
    if clips.truth is not None and clips.truth.dtype != np.uint8:
        raise UserError(f"{file}: 'truth' is {clips.truth.dtype}; it must be uint8")
    if clips.law.min() < 0 or max(clips.law.max(), clips.said.max()) >= laws or clips.said.min() < -1:
        raise UserError(f"{file}: 'law' or 'said' names a law outside the {laws} of details.json")
