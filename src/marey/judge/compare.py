"""Runs held against the first of them, figure by figure, on the same test clips.

Where both answered the same clips a test is paired; generated clips have no partners, and its test is not. All p values
of a comparison are corrected together for being many (Holm, 1979).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from marey.core.config import differences
from marey.core.errors import UserError
from marey.judge.judged import Judged, read_judged
from marey.judge.probing.statistics import holm
from marey.metrics.comparison import Difference, paired, unpaired
from marey.metrics.figure import Figure

_DATASET = ("world", "seed", "test", "seen", "unseen")  # what makes the test clips; a split knows nothing of the others
_JUDGE = ("prefix", "horizon", "ends", "hidden")  # what is asked of them
_OF_THE_RULER = ("gate.", "ruler.")
_ON_TEST_CLIPS = "generate.recall"  # of generated clips, but counted on the data


@dataclass(frozen=True)
class Against:
    """A later run against the first: the difference of the two means, or why there is none. p: corrected."""

    difference: Difference | None
    p: float | None
    why: str | None = None


@dataclass(frozen=True)
class Row:
    """One figure: of each run (None where it has no such figure), and of each run but the first its difference."""

    name: str
    unit: str
    figures: tuple[Figure | None, ...]
    against: tuple[Against, ...]


@dataclass(frozen=True)
class Comparison:
    """runs: in the order given, the first is what the others are held against. names: of their folders, made different.
    tests: p values that were corrected together. notes: in what the runs differ though their test clips do not.
    """

    runs: tuple[Judged, ...]
    names: tuple[str, ...]
    rows: tuple[Row, ...]
    tests: int
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As `marey compare --json` prints it."""
        return {
            "runs": [{"name": name, "path": str(run.path)} for name, run in zip(self.names, self.runs, strict=True)],
            "figures": [_row_json(row) for row in self.rows],
            "tests": self.tests,
            "notes": list(self.notes),
        }


def compare(paths: Sequence[Path]) -> Comparison:
    """Judged runs; of a single one there is nothing but its figures. Runs that were not judged, or on other test clips
    than the first, are a UserError that names what differs.
    """
    runs = tuple(read_judged(path) for path in paths)
    for run in runs[1:]:
        _refuse_other_clips(runs[0], run)
    names = dict.fromkeys(name for run in runs for name in run.figures if not name.startswith(_OF_THE_RULER))
    rows = [_row(name, [run.figures.get(name) for run in runs]) for name in names]
    rows = _corrected(rows)
    tests = sum(each.p is not None for row in rows for each in row.against)
    return Comparison(runs, _names(runs), tuple(rows), tests, tuple(_notes(runs)))


def _refuse_other_clips(first: Judged, other: Judged) -> None:
    if None not in (first.rules, other.rules) and first.rules != other.rules:
        raise UserError(f"{other.path} and {first.path} were judged by different rules; judge both again")
    apart = differences(asked(other.config), asked(first.config))
    if apart:
        fields = "; ".join(apart[:5])
        raise UserError(
            f"{other.path} and {first.path} were not judged on the same test clips ({fields}); judge them on one data "
            "set, with the same frames shown"
        )


def asked(config: dict[str, Any]) -> dict[str, Any]:
    """What the config of a run, of a twin or of videos handed in says of the test clips and of what is asked."""
    recipe = config.get("recipe", config)
    try:
        dataset, judge = recipe["dataset"], recipe["judge"]
    except (KeyError, TypeError):
        raise UserError("config.json names no data set and no judge; give the folders of judged runs") from None
    return {
        "dataset": {name: dataset[name] for name in _DATASET if name in dataset},
        "judge": {name: judge[name] for name in _JUDGE if name in judge},
    }


def _row(name: str, figures: list[Figure | None]) -> Row:
    unit = next(figure.unit for figure in figures if figure is not None)
    return Row(name, unit, tuple(figures), tuple(_against(name, figures[0], figure) for figure in figures[1:]))


def _against(name: str, first: Figure | None, other: Figure | None) -> Against:
    if first is None or other is None or first.value is None or other.value is None:
        return Against(None, None, "not measured of both")
    if first.each is None or other.each is None:
        return Against(None, None, "no mean over clips: hold the intervals against each other")
    if min(len(first.each), len(other.each)) < 2:
        return Against(None, None, "under two clips")
    test = unpaired if name.startswith("generate.") and name != _ON_TEST_CLIPS else paired
    if test is paired and len(first.each) != len(other.each):
        return Against(None, None, f"of {len(first.each)} and {len(other.each)} clips")
    difference = test(first.each, other.each)
    return Against(difference, difference.p)


def _corrected(rows: list[Row]) -> list[Row]:
    """All p values of the table, corrected together."""
    tested = [each.p for row in rows for each in row.against if each.p is not None]
    corrected = iter(holm(tested))

    def again(each: Against) -> Against:
        return each if each.p is None else replace(each, p=next(corrected))

    return [replace(row, against=tuple(map(again, row.against))) for row in rows]


def _names(runs: tuple[Judged, ...]) -> tuple[str, ...]:
    """Folders' names; with their parents' where two are the same."""
    names = [run.name for run in runs]
    if len(set(names)) == len(names):
        return tuple(names)
    return tuple(f"{run.path.resolve().parent.name}/{run.name}" for run in runs)


def _notes(runs: tuple[Judged, ...]) -> list[str]:
    """What the baselines learned from may differ: then they are not the same rules."""
    notes = []
    for run, name in zip(runs[1:], _names(runs)[1:], strict=True):
        ours, theirs = (each.config.get("recipe", each.config) for each in (runs[0], run))
        apart = differences(theirs["dataset"], ours["dataset"]) + [
            line for line in differences(theirs["judge"], ours["judge"]) if not line.startswith(_JUDGE)
        ]
        if apart:
            fields = "; ".join(apart[:5])
            notes.append(f"{name}: same test clips, but {fields}: the rules beside its figures may differ")
    return notes


def _row_json(row: Row) -> dict[str, Any]:
    figures = [None if figure is None else figure.to_json() for figure in row.figures]
    against = [
        {"difference": None if each.difference is None else asdict(each.difference), "p_holm": each.p, "why": each.why}
        for each in row.against
    ]
    return {"name": row.name, "unit": row.unit, "runs": figures, "against_first": against}
