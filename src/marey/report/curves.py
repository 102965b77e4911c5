"""Learning curves: what a stage logged while it was trained, one plot for what belongs together."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from marey.report.plots import Box, Chart, Points, chart
from marey.report.words import number, plain

MOST_POINTS = 240  # more than a small plot has pixels for
_HELD_OUT = "validation_"
_BOX = Box(320, 170, 44.0, 308.0, 10.0, 124.0)


@dataclass(frozen=True)
class Curves:
    """The plots of one stage, and in words what never changed, which a plot would only magnify."""

    charts: list[Chart]
    still: list[tuple[str, str]]


def curves(rows: list[dict[str, Any]]) -> Curves:
    """Every numeric series of a metrics.jsonl against its step: losses first, then in order of appearance.

    A series `x` and its `validation_x` share a plot.
    """
    names = dict.fromkeys(name for row in rows for name, value in row.items() if name != "step" and _is_number(value))
    all_points = {name: _points(rows, name) for name in names}
    still = {name for name, points in all_points.items() if len(points) > 1 and len({y for _, y in points}) == 1}
    charts = []
    for name in sorted(names, key=lambda name: "loss" not in name):
        if name in still or (name.startswith(_HELD_OUT) and name.removeprefix(_HELD_OUT) in set(names) - still):
            continue
        together = [each for each in (name, _HELD_OUT + name) if each in names and each not in still]
        series = {("held out" if len(together) > 1 and each != name else name): all_points[each] for each in together}
        values = [y for points in series.values() for _, y in points if y is not None]
        log = "loss" in name and min(values) > 0 and max(values) > 20 * min(values)
        thinned = {each: _thin(points) for each, points in series.items()}
        charts.append(chart(plain(name), thinned, _BOX, log, dots=all(len(points) == 1 for points in series.values())))
    return Curves(charts, [(plain(name), number(all_points[name][0][1])) for name in names if name in still])


def _points(rows: list[dict[str, Any]], name: str) -> Points:
    return [(float(row.get("step", i)), float(row[name])) for i, row in enumerate(rows) if _is_number(row.get(name))]


def _thin(points: Points) -> Points:
    """Every k-th point, and the last; a thinned curve keeps raw values instead of smoothing them."""
    stride = -(-len(points) // MOST_POINTS)
    return points[::stride] + ([points[-1]] if (len(points) - 1) % stride else [])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
