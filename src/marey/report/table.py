"""The figures of a run as a Markdown table, for a README or a note."""

from pathlib import Path

from marey.report.files import Figure, read_figures
from marey.report.words import GROUPS, number, plain, title_of, unit_of


def markdown(run: Path) -> str:
    """One row per figure of metrics.json: value, 95 % interval, n, floor, level, baselines."""
    return table(read_figures(run))


def table(figures: list[Figure]) -> str:
    """One row per figure of a model; others, such as those of its data, are left out."""
    rows = ["| figure | value | 95 % interval | n | floor | asked | beside it |", "|---|---|---|---|---|---|---|"]
    rows += [_row(figure) for figure in figures if figure.name.split(".")[0] in GROUPS]
    return "\n".join(rows)


def _row(figure: Figure) -> str:
    group = figure.name.split(".")[0]
    name = f"{GROUPS[group].lower()}: {title_of(figure.name).title}"
    unit = unit_of(figure.unit)
    interval = "–" if figure.low is None else f"{_number(figure, figure.low)} to {_number(figure, figure.high)}"
    beside = ", ".join(f"{plain(key)} {_number(figure, value)}" for key, value in figure.baselines.items())
    reached = "reached" if figure.reached else "missed"
    asked = "–" if figure.level is None else f"{_number(figure, figure.level)} ({reached})"
    value = f"not measured: {figure.why}" if figure.value is None else f"{_number(figure, figure.value)} {unit}".strip()
    return f"| {name} | {value} | {interval} | {figure.n} | {_number(figure, figure.floor)} | {asked} | {beside} |"


def _number(figure: Figure, value: float | None) -> str:
    return number(value, figure.unit)
