"""Images against coordinates: the runs of a recipe and of its twins side by side, as a Markdown table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marey.core.config import differences
from marey.core.errors import UserError
from marey.core.files import read_json
from marey.report.files import Figure, read_figures
from marey.report.words import GROUPS, beside, count, number, plain, title_of, unit_of

_FIGURES = (
    "reconstruction.track_error",
    "classify.accuracy",
    "predict.ade",
    "predict.fde",
    "interpolate.ade",
    "interpolate.fde",
    "generate.law_right",
    "generate.copies",
    "generate.spread",
)
_NOTE = (
    "Twins are controls: they are told the coordinates that the video model must see. Making counts the clips from "
    "their spec on, once as pixels (bytes) and once as coordinates (float32). 95 % intervals in brackets; the floor of "
    "images is the tracker's error, that of coordinates their rounding; the best trivial rule is named last."
)


@dataclass(frozen=True)
class Column:
    """One run: what enters its model, the recipe it was made by, its times and figures; costs of twins only."""

    path: Path
    kind: str
    recipe: dict[str, Any]
    costs: dict[str, Any]
    times: dict[str, Any]
    figures: dict[str, Figure]


def side_by_side(runs: Sequence[Path]) -> str:
    """The table of one twin or more and any runs of the same recipe, in the order given.

    A folder that is no judged run, or runs judged on other clips than the first, are a UserError.
    """
    columns = [_column(Path(run)) for run in runs]
    _refuse_other_clips(columns)
    costs = [column.costs for column in columns if column.costs]
    if not costs:
        raise UserError(f"none of {', '.join(map(str, runs))} is a twin; make one with `marey twin --out DIR`")
    rows = [_row("", [f"{column.kind} ({column.path.name})" for column in columns]), "|" + "---|" * (len(columns) + 1)]
    rows += [
        _row(name, [tell(column, column.costs or costs[0]) for column in columns]) for name, tell in _FACTS.items()
    ]
    rows += [_row(_title(name), [_value(column.figures.get(name)) for column in columns]) for name in _FIGURES]
    return "\n".join([*rows, "", _NOTE, *_reasons(columns)])


def _column(path: Path) -> Column:
    config = read_json(path / "config.json")
    twin = isinstance(config, dict) and "of" in config
    recipe = config["recipe"] if twin else config
    if not isinstance(recipe, dict) or "dynamics_training" not in recipe:
        raise UserError(f"{path} is not the run of a recipe or of a twin; give the folder that `marey demo` made")
    figures = {figure.name: figure for figure in read_figures(path)}
    costs = read_json(path / "costs.json") if twin else {}
    kind = config["of"]["kind"] if twin else "images"
    return Column(path, kind, recipe, costs, read_json(path / "times.json"), figures)


def _refuse_other_clips(columns: list[Column]) -> None:
    """The test clips and the questions asked of them must be the same."""
    first = columns[0]
    for column in columns[1:]:
        for part in ("dataset", "judge"):
            if changed := differences(column.recipe[part], first.recipe[part], f"{part}."):
                raise UserError(
                    f"{column.path} and {first.path} were not judged alike ({'; '.join(changed[:3])}); compare runs "
                    "of one recipe"
                )


def _row(name: str, cells: list[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


def _title(name: str) -> str:
    return f"{GROUPS[name.split('.')[0]].lower()}: {title_of(name).title}"


def _value(figure: Figure | None) -> str:
    """Value, interval, n, floor and the best trivial rule."""
    if figure is None or figure.value is None:
        return "not measured"
    text = f"{number(figure.value, figure.unit)} {unit_of(figure.unit)}".strip()
    if figure.low is not None:
        text += f" ({number(figure.low, figure.unit)} to {number(figure.high, figure.unit)})"
    floor = "" if figure.floor is None else f", floor {number(figure.floor, figure.unit)}"
    return f"{text}, n {figure.n}{floor}{beside(figure)}"


def _enters(column: Column, _: dict[str, Any]) -> str:
    world = column.recipe["dataset"]["world"]
    if column.kind == "images":
        return f"{world['frames']} frames of {world['size']}x{world['size']}x{world['channels']}"
    return f"{world['frames']} frames of {', '.join(column.costs['names'])}"


def _of(column: Column, costs: dict[str, Any]) -> dict[str, Any]:
    side: dict[str, Any] = costs["images" if column.kind == "images" else "coordinates"]
    return side


def _size(column: Column, costs: dict[str, Any]) -> str:
    clips, each = column.recipe["dataset"]["train"], _of(column, costs)["bytes_per_clip"]
    return f"{number(clips * each / 1e6)} MB ({count(round(each))} bytes a clip)"


def _making(column: Column, costs: dict[str, Any]) -> str:
    side = _of(column, costs)
    low, high = number(side["least"]), number(side["most"])
    return f"{number(side['cpu_seconds_per_1000'])} CPU s ({low} to {high} in {costs['times']} times)"


def _training(stage: str) -> Callable[[Column, dict[str, Any]], str]:
    def tell(column: Column, _: dict[str, Any]) -> str:
        if stage not in column.times:
            return "–"
        training = column.recipe[f"{stage}_training"]
        seconds = column.times[stage]["cpu_seconds"]
        return f"{number(seconds)} CPU s ({count(training['steps'])} steps of {training['batch_size']} clips)"

    return tell


_FACTS: dict[str, Callable[[Column, dict[str, Any]], str]] = {
    "what enters": _enters,
    "training clips": _size,
    "making 1000 clips": _making,
    "training: tokenizer": _training("tokenizer"),
    "training: transformer": _training("dynamics"),
}


def _reasons(columns: list[Column]) -> list[str]:
    """Why a figure of the table was not measured."""
    lines = []
    for column in columns:
        for name in _FIGURES:
            figure = column.figures.get(name)
            if figure is not None and figure.why is not None:
                lines.append(f"Not measured: {plain(_title(name))} of {column.kind}; {figure.why}.")
    return lines
