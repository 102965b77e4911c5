"""Runs side by side, as one page that opens from disk; of a single run its figures."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marey.core.config import differences
from marey.core.files import read_json, write_text
from marey.judge.compare import Comparison, Row
from marey.report.compare import Cell, cell_of, footnote, name_of, story, value_of
from marey.report.compare_plots import Frames, Place, Scatter, frames, place_of, scatter
from marey.report.page import flat, page_from
from marey.report.words import GROUPS, number, plain, title_of

_SCATTERED = ("reconstruction.track_error", "predict.ade", "interpolate.ade")
_CURVES = ("predict", "interpolate")
_MOST = 40  # fields in which runs differ, as the page lists them


def write_page(comparison: Comparison, out: Path) -> Path:
    """Write the page and return its path; it holds all that it shows."""
    write_text(out, page_from("compare.html.jinja", _context(comparison)))
    return out


@dataclass(frozen=True)
class Shown:
    """A figure as the page draws it: where each run lies on a common axis, and each difference on one about zero.

    beside: what trivial rules reach on the clips of the first run.
    """

    row: Row
    name: str
    meaning: str
    better: str
    values: list[str]
    places: list[Place | None]
    floor: float | None
    cells: list[Cell]
    apart: list[Place | None]
    beside: str


def _context(comparison: Comparison) -> dict[str, Any]:
    groups: dict[str, list[Shown]] = {}
    for row in comparison.rows:
        group = row.name.split(".")[0]
        groups.setdefault(GROUPS.get(group, group), []).append(_shown(row))
    return {
        "names": comparison.names,
        "config": flat(comparison.runs[0].config),
        "absent": _absent(comparison),
        "story": story(comparison),
        "footnote": footnote(comparison),
        "notes": comparison.notes,
        "groups": groups,
        "scatters": _scatters(comparison),
        "frames": _frames(comparison),
        "apart": _configs(comparison),
        "untested": [
            (name_of(row), name, each.why)
            for row in comparison.rows
            for name, each in zip(comparison.names[1:], row.against, strict=True)
            if each.why is not None
        ],
    }


def _absent(comparison: Comparison) -> list[tuple[str, str]]:
    """Of a single run what was not run, and why."""
    if len(comparison.runs) > 1:
        return []
    details = read_json(comparison.runs[0].path / "details.json")
    figures = [(name_of(row), row.figures[0].why) for row in comparison.rows if row.figures[0] and row.figures[0].why]
    return [(entry["what"], entry["why"]) for entry in details.get("not_run", [])] + figures


def _shown(row: Row) -> Shown:
    title = title_of(row.name)
    places, floor = place_of(row)
    widest = max([abs(end) for each in row.against if each.difference for end in (each.difference.low,
                  each.difference.high)], default=0.0) or 1.0  # fmt: skip
    apart = [
        None if each.difference is None else Place.on(
            each.difference.value, each.difference.low, each.difference.high, -widest, widest
        )
        for each in row.against
    ]  # fmt: skip
    cells = [cell_of(row, each) for each in row.against]
    values = [value_of(row, figure) for figure in row.figures]
    first = next(figure for figure in row.figures if figure is not None)
    beside = ", ".join(f"{plain(name)} {number(value, row.unit)}" for name, value in first.baselines.items())
    return Shown(row, title.title, title.meaning, title.better, values, places, floor, cells, apart, beside)


def _scatters(comparison: Comparison) -> list[Scatter]:
    """Clip by clip, errors of each later run against those of the first."""
    found = []
    for row in comparison.rows:
        first, *others = [None if figure is None else figure.each for figure in row.figures]
        if row.name not in _SCATTERED or first is None:
            continue
        for place, (each, name) in enumerate(zip(others, comparison.names[1:], strict=True), start=1):
            if each is not None and len(each) == len(first):
                found.append(scatter(name_of(row), name, place, first, each))
    return found


def _frames(comparison: Comparison) -> list[Frames]:
    """The error in each hidden frame of every run that has it."""
    details = [read_json(run.path / "details.json") for run in comparison.runs]
    found = []
    for task in _CURVES:
        curves = {
            place: each["errors"][task] for place, each in enumerate(details) if task in each.get("errors", {})
        }  # fmt: skip
        if curves:
            found.append(frames(GROUPS[task], comparison.names, curves))
    return found


def _configs(comparison: Comparison) -> list[tuple[str, list[str]]]:
    """The fields in which a later run was made differently from the first."""
    first = comparison.runs[0].config
    return [
        (name, differences(run.config, first)[:_MOST])
        for run, name in zip(comparison.runs[1:], comparison.names[1:], strict=True)
    ]
