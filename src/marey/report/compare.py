"""Runs side by side: as text, as a Markdown table, as one page that opens from disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from marey.core.config import differences
from marey.core.files import read_json, write_text
from marey.judge.compare import Against, Comparison, Row
from marey.metrics.figure import Figure
from marey.report.compare_plots import Frames, Place, Scatter, frames, place_of, scatter
from marey.report.page import page_from
from marey.report.words import GROUPS, number, title_of, unit_of

ALPHA = 0.05
SAME, UNKNOWN = "no difference found", "not tested"
_SCATTERED = ("reconstruction.track_error", "predict.ade", "interpolate.ade")
_CURVES = ("predict", "interpolate")
_MOST = 40  # fields in which runs differ, as the page lists them


@dataclass(frozen=True)
class Cell:
    """A run's difference from the first, in words. verdict: better, worse, differs (where neither way is better), no
    difference found, not tested.
    """

    text: str
    interval: str
    p: str
    verdict: str
    why: str | None


def cell_of(row: Row, each: Against) -> Cell:
    """What is said of a difference: only what is below ALPHA after correction counts as one."""
    if each.difference is None or each.p is None:
        return Cell("–", "", "", UNKNOWN, each.why)
    low, high = (_signed(value, row.unit) for value in (each.difference.low, each.difference.high))
    verdict = SAME if each.p >= ALPHA else _way(row.name, each.difference.value)
    text = f"{_signed(each.difference.value, row.unit)} {unit_of(row.unit)}".strip()
    return Cell(text, f"{low} to {high}", "< 0.0001" if each.p < 1e-4 else f"{each.p:.2g}", verdict, None)


def story(comparison: Comparison) -> str:
    """One sentence for each run but the first."""
    return " ".join(
        _sentence(comparison, place, name) for place, name in enumerate(comparison.names[1:])
    )  # fmt: skip


def _sentence(comparison: Comparison, place: int, name: str) -> str:
    verdicts = [cell_of(row, row.against[place]).verdict for row in comparison.rows]
    told = [f"{verdict} in {count}" for verdict in ("better", "worse", "different")
            if (count := verdicts.count("differs" if verdict == "different" else verdict))]  # fmt: skip
    same, untested = verdicts.count(SAME), verdicts.count(UNKNOWN)
    tested = len(verdicts) - untested
    head = f"Against {comparison.names[0]}, {name} is {' and '.join(told)}" if told else f"{name} is not told apart"
    tail = f"in {same} no difference was found" if told and same else ""
    of = f"of {tested} figures that could be tested"
    if not told:
        return f"From {comparison.names[0]}, {name} is told apart by none {of}."
    return f"{head} {of}{'; ' + tail if tail else ''}."


def markdown(comparison: Comparison) -> str:
    """A row per figure: n, floor, every run with its interval, every difference with its interval and p."""
    head = _head(comparison)
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(_cells(row))} |" for row in comparison.rows]
    return "\n".join([*lines, "", footnote(comparison), *comparison.notes])


def table(comparison: Comparison) -> Table:
    """The same for a terminal."""
    out = Table(box=box.SIMPLE_HEAD, caption=footnote(comparison), caption_justify="left", pad_edge=False)
    for place, name in enumerate(_head(comparison)):
        out.add_column(name, justify="left" if place == 0 else "right", overflow="fold")
    for row in comparison.rows:
        out.add_row(*_cells(row))
    return out


def footnote(comparison: Comparison) -> str:
    """How to read a difference."""
    return (
        f"Differences are from {comparison.names[0]}, with 95 % bootstrap intervals, paired by clip but for generated "
        f"clips; p of t tests, {comparison.tests} of them corrected together (Holm)."
    )


def write_page(comparison: Comparison, out: Path) -> Path:
    """Write the page and return its path; it holds all that it shows."""
    write_text(out, page_from("compare.html.jinja", _context(comparison)))
    return out


def _head(comparison: Comparison) -> list[str]:
    first, *others = comparison.names
    return ["figure", "n", "floor", first, *(head for name in others for head in (name, f"{name} − {first}"))]


def _cells(row: Row) -> list[str]:
    first = next(figure for figure in row.figures if figure is not None)
    cells = [_name(row), str(first.n), number(first.floor, row.unit), _value(row, row.figures[0])]
    for figure, each in zip(row.figures[1:], row.against, strict=True):
        cell = cell_of(row, each)
        told = f"{cell.text} ({cell.interval}), p {cell.p}: {cell.verdict}" if cell.why is None else "–"
        cells += [_value(row, figure), told]
    return cells


def _name(row: Row) -> str:
    group = row.name.split(".")[0]
    return f"{GROUPS.get(group, group).lower()}: {title_of(row.name).title}"


def _value(row: Row, figure: Figure | None) -> str:
    if figure is None or figure.value is None:
        return "not measured"
    text = f"{number(figure.value, row.unit)} {unit_of(row.unit)}".strip()
    if figure.low is None or figure.high is None:
        return text
    return f"{text} ({number(figure.low, row.unit)} to {number(figure.high, row.unit)})"


def _signed(value: float, unit: str) -> str:
    text = number(value, unit).replace("-", "\u2212")
    return text if value < 0 else f"+{text}"


def _way(name: str, difference: float) -> str:
    better = title_of(name).better
    if not better:
        return "differs"
    return "better" if (difference > 0) == better.startswith("higher") else "worse"


# -- the page ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A figure as the page draws it: where each run lies on a common axis, and each difference on one about zero."""

    row: Row
    name: str
    meaning: str
    better: str
    values: list[str]
    places: list[Place | None]
    floor: float | None
    cells: list[Cell]
    apart: list[Place | None]


def _context(comparison: Comparison) -> dict[str, Any]:
    groups: dict[str, list[Shown]] = {}
    for row in comparison.rows:
        group = row.name.split(".")[0]
        groups.setdefault(GROUPS.get(group, group), []).append(_shown(row))
    return {
        "names": comparison.names,
        "story": story(comparison),
        "footnote": footnote(comparison),
        "notes": comparison.notes,
        "groups": groups,
        "scatters": _scatters(comparison),
        "frames": _frames(comparison),
        "apart": _configs(comparison),
        "untested": [
            (_name(row), name, each.why)
            for row in comparison.rows
            for name, each in zip(comparison.names[1:], row.against, strict=True)
            if each.why is not None
        ],
    }


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
    values = [_value(row, figure) for figure in row.figures]
    return Shown(row, title.title, title.meaning, title.better, values, places, floor, cells, apart)


def _scatters(comparison: Comparison) -> list[Scatter]:
    """Clip by clip, errors of each later run against those of the first."""
    found = []
    for row in comparison.rows:
        first, *others = [None if figure is None else figure.each for figure in row.figures]
        if row.name not in _SCATTERED or first is None:
            continue
        for place, (each, name) in enumerate(zip(others, comparison.names[1:], strict=True), start=1):
            if each is not None and len(each) == len(first):
                found.append(scatter(_name(row), name, place, first, each))
    return found


def _frames(comparison: Comparison) -> list[Frames]:
    """The error in each hidden frame of every run that has it."""
    details = [read_json(run.path / "details.json") for run in comparison.runs]
    found = []
    for task in _CURVES:
        curves = {
            place: each["errors"][task] for place, each in enumerate(details) if task in each.get("errors", {})
        }  # fmt: skip
        if len(curves) > 1:
            found.append(frames(GROUPS[task], comparison.names, curves))
    return found


def _configs(comparison: Comparison) -> list[tuple[str, list[str]]]:
    """The fields in which a later run was made differently from the first."""
    first = comparison.runs[0].config
    return [
        (name, differences(run.config, first)[:_MOST])
        for run, name in zip(comparison.runs[1:], comparison.names[1:], strict=True)
    ]
