"""Runs side by side, as a table: for a terminal, as Markdown, and in a sentence."""

from dataclasses import dataclass

from rich import box
from rich.table import Table

from marey.judge.compare import Against, Comparison, Row
from marey.metrics.figure import Figure
from marey.report import words
from marey.report.files import read_figures
from marey.report.words import GROUPS, number, title_of, unit_of

ALPHA = 0.05
SAME, UNKNOWN = "no difference found", "not tested"


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
    """One sentence for each run but the first; of a single run its own."""
    if len(comparison.runs) == 1:
        return words.story(read_figures(comparison.runs[0].path))
    return " ".join(_sentence(comparison, place, name) for place, name in enumerate(comparison.names[1:]))


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


def _head(comparison: Comparison) -> list[str]:
    first, *others = comparison.names
    return ["figure", "n", "floor", first, *(head for name in others for head in (name, f"{name} − {first}"))]


def _cells(row: Row) -> list[str]:
    first = next(figure for figure in row.figures if figure is not None)
    cells = [name_of(row), str(first.n), number(first.floor, row.unit), value_of(row, row.figures[0])]
    for figure, each in zip(row.figures[1:], row.against, strict=True):
        cell = cell_of(row, each)
        told = f"{cell.text} ({cell.interval}), p {cell.p}: {cell.verdict}" if cell.why is None else "–"
        cells += [value_of(row, figure), told]
    return cells


def name_of(row: Row) -> str:
    """`predict.ade` as "prediction: ADE"."""
    group = row.name.split(".")[0]
    return f"{GROUPS.get(group, group).lower()}: {title_of(row.name).title}"


def value_of(row: Row, figure: Figure | None) -> str:
    """A run's figure with its interval."""
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
