"""The error budget as a picture: one ladder for each kind of clip, climbing from the ruler's own error through the
tokenizer to the dynamics, with the trivial rules beside it."""

from dataclasses import dataclass
from math import ceil, floor, log10

from marey.judge.budget.record import Budget, Estimate, Row
from marey.report.plots import short, ticks
from marey.report.words import CAPTIONS, CEILINGS, is_share, number, plain, unit_of

STAGES = ("tracker", "tokenizer", "dynamics")
QUANTITIES = ("position", "velocity", "acceleration", "radius", "colour", "shape", "survival")
UNITS = {"px/frame2": "px/frame²"}
_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 352, 0.0, 352.0, 62, 4
_WIDE = 10  # a range of values beyond which only a logarithmic axis shows all of them


@dataclass(frozen=True)
class Mark:
    """A stage's error on the axis, with the ends of its interval."""

    stage: str
    x: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Ring:
    """What a rule reaches on the same clips; a ceiling is told more than the model."""

    name: str
    x: float
    text: str
    ceiling: bool


@dataclass(frozen=True)
class Ladder:
    """One row of a panel: y is the height of its axis; note: the best rule in words; words: all of it, for the ear."""

    name: str
    n: int
    y: float
    marks: list[Mark]
    rings: list[Ring]
    note: str
    words: str


@dataclass(frozen=True)
class Panel:
    """Ladders on one common axis. task, quantity, group: what they are of; task is empty where the rows are tasks.

    unit: of the quantity; group_unit: of the values by which the clips are divided.
    """

    task: str
    quantity: str
    group: str
    unit: str
    group_unit: str
    better: str
    width: int
    height: int
    left: float
    right: float
    bottom: float
    ticks: list[tuple[float, str]]
    ladders: list[Ladder]


def panels(rows: list[Row]) -> list[Panel]:
    """One panel for each quantity: all clips, a ladder for each task."""
    whole = [row for row in rows if row.group == "all"]
    return [_panel(some, "", [CAPTIONS[row.task][0] for row in some]) for some in _by_quantity(whole)]


def split_panels(budget: Budget) -> list[Panel]:
    """One panel for each task, quantity and way to divide the clips: a ladder for each part."""
    out, rows = [], budget.rows
    for task in dict.fromkeys(row.task for row in rows):
        for group in dict.fromkeys(row.group for row in rows if row.group != "all"):
            some = [row for row in rows if (row.task, row.group) == (task, group)]
            unit = budget.units.get(group, "")
            out += [_panel(part, task, [_part(row.value) for row in part], unit) for part in _by_quantity(some)]
    return out


def shares(rows: list[Row], task: str, quantity: str = "position") -> list[tuple[str, float]]:
    """The part of a task's error that came in at each stage, as shares of the whole; empty where a stage took some away
    or was not measured."""
    row = next((row for row in rows if (row.task, row.quantity, row.group) == (task, quantity, "all")), None)
    values = [] if row is None else [each.value for _, each in _estimates(row)]
    if len(values) < len(STAGES) or sorted(values) != values or values[-1] <= 0:
        return []
    steps = [values[0], values[1] - values[0], values[2] - values[1]]
    return [(stage, step / values[-1]) for stage, step in zip(STAGES, steps, strict=True)]


def _by_quantity(rows: list[Row]) -> list[list[Row]]:
    known = dict.fromkeys([*QUANTITIES, *(row.quantity for row in rows)])
    parts = ([row for row in rows if row.quantity == quantity] for quantity in known)
    return [part for part in parts if part]


def _part(value: str) -> str:
    """The name of a part of the clips; `0.5-0.7` as a range."""
    low, dash, high = value.rpartition("-")
    return f"{low} – {high}" if dash and low[-1:].isdigit() else plain(value)


def _estimates(row: Row) -> list[tuple[str, Estimate]]:
    return [(stage, each) for stage in STAGES if (each := getattr(row, stage)) is not None]


def _panel(rows: list[Row], task: str, row_names: list[str], group_unit: str = "") -> Panel:
    axis = _Axis.around(rows)
    height = _TOP + _ROW * len(rows) + 26
    ladders = [
        _ladder(row, name, axis, _TOP + _ROW * i + 30.0)
        for i, (row, name) in enumerate(zip(rows, row_names, strict=True))
    ]
    first = rows[0]
    unit = UNITS.get(first.unit, unit_of(first.unit))
    better = "higher is better" if _higher(first) else ""
    places = axis.ticks(is_share(first.unit))
    return Panel(
        task=task,
        quantity=first.quantity,
        group=first.group,
        unit=unit,
        group_unit=group_unit,
        better=better,
        width=_WIDTH,
        height=height,
        left=_LEFT,
        right=_RIGHT,
        bottom=height - 24.0,
        ticks=places,
        ladders=ladders,
    )


def _ladder(row: Row, name: str, axis: "_Axis", y: float) -> Ladder:
    marks = [_mark(stage, each, axis, row.unit) for stage, each in _estimates(row)]
    known = {rule: each.value for rule, each in row.baselines.items()}
    rings = [
        Ring(plain(rule), axis.at(value), number(value, row.unit), rule in CEILINGS) for rule, value in known.items()
    ]
    told = [f"{mark.stage} {mark.text}" for mark in marks] + [f"{ring.name} {ring.text}" for ring in rings]
    words = f"{name}, n = {row.n}: {', '.join(told)} {unit_of(row.unit)}"
    return Ladder(name, row.n, y, marks, rings, _note(row, known), words)


def _mark(stage: str, each: Estimate, axis: "_Axis", unit: str) -> Mark:
    return Mark(stage, axis.at(each.value), axis.at(each.low), axis.at(each.high), number(each.value, unit))


def _note(row: Row, known: dict[str, float]) -> str:
    """The best trivial rule, and the ceiling."""
    best = max if _higher(row) else min
    rules = {rule: value for rule, value in known.items() if rule not in CEILINGS}
    parts = []
    if rules:
        rule = best(rules, key=lambda name: rules[name])
        parts.append(f"best rule {plain(rule)} {number(rules[rule], row.unit)}")
    parts += [f"{plain(rule)} {number(value, row.unit)}" for rule, value in known.items() if rule in CEILINGS]
    return " · ".join(parts)


def _higher(row: Row) -> bool:
    """Whether a high value is good: all are errors but survival."""
    return row.quantity == "survival"


@dataclass(frozen=True)
class _Axis:
    """A common horizontal axis, logarithmic where values lie far apart."""

    low: float
    high: float
    log: bool

    @classmethod
    def around(cls, rows: list[Row]) -> "_Axis":
        """Wide enough for every estimate and every rule."""
        estimates = [each for row in rows for each in [*(e for _, e in _estimates(row)), *row.baselines.values()]]
        values = [value for each in estimates for value in (each.value, each.low, each.high)]
        low, high = min(values), max(values)
        if is_share(rows[0].unit) and low >= 0 and high <= 1:
            return cls(0.0, 1.0, False)
        if low > 0 and high > _WIDE * low:
            return cls(low / 1.25, high * 1.25, True)
        low = min(low, 0.0)
        return cls(low, high + 0.04 * (high - low) or 1.0, False)

    def at(self, value: float) -> float:
        """A place on paper; what lies beyond an end stands at it."""
        scale = log10 if self.log else float
        share = (scale(min(max(value, self.low), self.high)) - scale(self.low)) / (scale(self.high) - scale(self.low))
        return round(_LEFT + share * (_RIGHT - _LEFT), 1)

    def ticks(self, share: bool) -> list[tuple[float, str]]:
        """Round values on the axis, with their labels."""
        if self.log:
            powers = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
            fine = (1, 2, 5) if len(powers) < 4 else (1,)
            values = [m * 10.0**k for k in powers for m in fine if self.low <= m * 10.0**k <= self.high]
        else:
            values = ticks(self.low, self.high, 4)
        return [(self.at(value), f"{100 * value:g} %" if share else short(value)) for value in values]
