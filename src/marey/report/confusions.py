"""Confusion matrices as rows of shares, each with the share that is right and its interval."""

from dataclasses import dataclass

from marey.metrics.statistics import wilson_interval
from marey.report.files import Details
from marey.report.words import number

_TITLES = {
    "classify": ("Classification", "true law", "said law"),
    "generate": ("Generation", "asked law", "law that fits"),
}


@dataclass(frozen=True)
class Cell:
    """A count and its share of the row."""

    count: int
    share: float
    right: bool


@dataclass(frozen=True)
class Row:
    """One law: its cells, and how many of its n clips were right, in per cent with a 95 % interval."""

    name: str
    cells: list[Cell]
    n: int
    right: str
    interval: str


@dataclass(frozen=True)
class Confusion:
    """One matrix with the words around it; chance: what guessing would be right in, per cent."""

    title: str
    rows_are: str
    columns_are: str
    columns: list[str]
    rows: list[Row]
    chance: str


def confusions(details: Details) -> list[Confusion]:
    """Those of classification and generation, as far as they were counted."""
    out = []
    for task, words in _TITLES.items():
        if table := details.confusion.get(task):
            columns = [*details.laws, "none"][: len(table[0])]
            rows = [_row(name, counts, i) for i, (name, counts) in enumerate(zip(details.laws, table, strict=True))]
            out.append(Confusion(*words, columns, rows, number(1 / len(details.laws), "share")))
    return out


def _row(name: str, counts: list[int], right: int) -> Row:
    n = sum(counts)
    cells = [Cell(count, count / max(n, 1), i == right) for i, count in enumerate(counts)]
    if not n:
        return Row(name, cells, 0, "–", "no clip")
    low, high = wilson_interval(counts[right], n)
    share, *ends = (number(value, "share") for value in (counts[right] / n, low, high))
    return Row(name, cells, n, share, " – ".join(ends))
