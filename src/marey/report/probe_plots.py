"""Label-efficiency curves of a bench: score against the number of labelled clips, which grows by factors."""

from math import log10
from pathlib import Path

from marey.judge.probing.result import ProbeResult, Row, TaskCard
from marey.report.plots import Chart, Line, apart, ticks
from marey.report.words import number

_MOST = 6  # lines that can be told apart
_WIDTH, _HEIGHT = 480, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 38.0, 300.0, 14.0, 232.0
_LOWEST = -0.2  # of R2: what is worse is drawn here


def curves(result: ProbeResult, task: TaskCard) -> Chart | None:
    """The linear probe at the main taps; guests first, then what they are held against. None if there is no curve."""
    main = {card.name: card.taps[0] for card in result.cards if card.taps}
    known: dict[str, list[Row]] = {}
    for row in result.rows:
        if (row.task, row.probe, row.tap) == (task.name, "linear", main.get(row.guest)) and row.value is not None:
            known.setdefault(row.guest, []).append(row)
    series = {name: known[name] for name in _chosen(result, set(known))}
    labels = sorted({row.labels for rows in series.values() for row in rows})
    if len(labels) < 2:
        return None
    values = [max(row.value or 0.0, _LOWEST) for rows in series.values() for row in rows]
    low = min(0.0, *values)
    places = {
        name: [(_x(row.labels, labels), _y(row.value or 0.0, low)) for row in rows] for name, rows in series.items()
    }
    heights = apart([points[-1][1] for points in places.values()], 15.0, _BOTTOM)
    lines = [
        Line(short(name), _path(points), points, points[-1], height, number(series[name][-1].value))
        for (name, points), height in zip(places.items(), heights, strict=True)
    ]
    shown = [count for count in labels if log10(count) % 1 == 0 or count == labels[-1]]
    x_ticks = [(_x(count, labels), f"{count:,}") for count in shown]
    y_ticks = [(_y(value, low), f"{value:g}") for value in ticks(low, 1.0, 5)]
    return Chart(task.name, _WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM, x_ticks, y_ticks, lines, log=False)


def short(name: str) -> str:
    """A name without the folders of its path: `clip:/weights/vit` as "clip:vit"."""
    head, colon, path = name.partition(":")
    return f"{head}{colon}{Path(path).name}"


def _chosen(result: ProbeResult, known: set[str]) -> list[str]:
    """Guests, what there is at best, what pixels give, the guests' own random networks; then whoever has room."""
    order = {"guest": 0, "ceiling": 1, "random control": 3, "control": 4}
    cards = sorted(result.cards, key=lambda card: 2 if card.name == "pixels" else order[card.role])
    return [card.name for card in cards if card.name in known][:_MOST]


def _x(labels: int, all_labels: list[int]) -> float:
    share = log10(labels / all_labels[0]) / log10(all_labels[-1] / all_labels[0])
    return round(_LEFT + (_RIGHT - _LEFT) * share, 1)


def _y(value: float, low: float) -> float:
    return round(_BOTTOM - (_BOTTOM - _TOP) * (max(value, low) - low) / (1 - low), 1)


def _path(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points)
