"""The error budget of a run on the terminal: one table, and one sentence on where most of the error comes from."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from marey.core.config import from_json
from marey.core.errors import UserError
from marey.core.files import read_json
from marey.judge.budget.record import CEILINGS, Budget, Estimate, Row
from marey.report.files import Figure, read_figures
from marey.report.words import is_share, number, plain, title_of, unit_of

TASKS = {"reconstruct": "reconstruction", "predict": "prediction", "interpolate": "interpolation"}
_PIPE = 112  # columns of what is no terminal
_ROOM = {"±": 108, "× floor": 94}  # columns from which a terminal has room for it
_CERTAIN = 0.05
_LEGEND = "± half of the 95 % interval. The model is ✓ better, ✗ worse, ≈ not told from it (paired t test, Holm, 5 %)."
_FIGURES = ("classify.calibration_error", "ruler.interval_coverage")


@dataclass(frozen=True)
class _Details:
    """What is needed of details.json."""

    budget: Budget


def read_budget(run: Path) -> Budget:
    """The error budget of a judged run; a UserError for one that was judged before there was any."""
    file = run / "details.json"
    details = read_json(file)
    if "budget" not in details:
        raise UserError(f"{file} holds no error budget, an older version wrote it; judge it again: marey judge {run}")
    return from_json(_Details, details, str(file)).budget


def print_budget(run: Path) -> None:
    """Print the table, the sentence, and how far probabilities and intervals may be believed."""
    rows = [row for row in read_budget(run).rows if row.group == "all"]
    screen = Console(highlight=False)
    if not screen.is_terminal:
        screen.width = _PIPE
    screen.print(budget_table(rows, screen.width))
    screen.print(Text(_LEGEND, style="dim"))
    screen.print(Text(where_from(rows), style="bold"))
    for figure in read_figures(run):
        if figure.name in _FIGURES:
            screen.print(_told(figure))


def budget_table(rows: list[Row], width: int) -> Table:
    """A line for each quantity of each task. width: of the terminal, columns; intervals and ratios need room."""
    heads = ["floor", "tokenizer", "× floor", "dynamics", "±", "", "best baseline", "", "ceiling"]
    kept = [i for i, head in enumerate(heads) if width >= _ROOM.get(head, 0)]
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column(f"{rows[0].n} test clips", no_wrap=True)
    for i in kept:
        table.add_column(heads[i], justify="left" if i in (6, 7) else "right", no_wrap=i != 6)
    for task in dict.fromkeys(row.task for row in rows):
        table.add_row(Text(TASKS[task], style="bold"))
        for row in (row for row in rows if row.task == task):
            cells = _cells(row)
            table.add_row(f"  {row.quantity}, {unit_of(row.unit).replace('2', '²')}", *(cells[i] for i in kept))
    return table


def _cells(row: Row) -> list[str]:
    def told(estimate: Estimate | None) -> str:
        return "" if estimate is None else number(estimate.value, row.unit)

    times, best = row.times_floor.get("tokenizer"), best_baseline(row)
    half = (row.model.high - row.model.low) / 2
    return [
        told(row.tracker),
        told(row.tokenizer),
        "" if times is None else f"{times.value:,.0f}×" if times.value >= 100 else f"{times.value:.3g}×",
        told(row.dynamics),
        f"±{100 * half:.1f}" if is_share(row.unit) else f"±{half:.1g}",
        "" if best is None else told(row.baselines[best]),
        "" if best is None else plain(best),
        "" if best is None else _mark(row, best),
        told(next((row.baselines[name] for name in CEILINGS if name in row.baselines), None)),
    ]


def best_baseline(row: Row) -> str | None:
    """The rule with the least error (of survival: that lets most live), ceilings apart."""
    rules = [name for name in row.baselines if name not in CEILINGS]
    better = max if row.quantity == "survival" else min
    return better(rules, key=lambda name: row.baselines[name].value) if rules else None


def _mark(row: Row, rule: str) -> str:
    paired = row.paired[rule]
    if paired.p >= _CERTAIN:
        return "≈"
    return "✓" if (paired.difference > 0) == (row.quantity == "survival") else "✗"


def where_from(rows: list[Row]) -> str:
    """Of each task with a tokenizer and an answer: which step is the largest part of the position's error."""
    said = []
    for row in rows:
        if row.quantity == "position" and row.tokenizer is not None and row.dynamics is not None:
            steps = {
                "tracker": row.tracker.value,
                "tokenizer": max(0.0, row.tokenizer.value - row.tracker.value),
                "dynamics": max(0.0, row.dynamics.value - row.tokenizer.value),
            }
            most = max(steps, key=lambda name: steps[name])
            share = steps[most] / max(sum(steps.values()), 1e-12)
            said.append(f"{100 * share:.0f} % of the {TASKS[row.task]} error is the {most}")
    return f"Position: {', '.join(said)}." if said else ""


def _told(figure: Figure) -> str:
    title, unit = title_of(figure.name).title, figure.unit
    if figure.value is None:
        return f"{title}: not measured, {figure.why}"
    beside = "".join(f", {plain(name)} {number(value, unit)}" for name, value in figure.baselines.items())
    return (
        f"{title}: {number(figure.value, unit)} {unit_of(unit)} "
        f"({number(figure.low, unit)} to {number(figure.high, unit)}, n = {figure.n}{beside})"
    )
