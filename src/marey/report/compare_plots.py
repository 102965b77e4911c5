"""The places of everything that the page of a comparison draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Any

import numpy as np
from jaxtyping import Float64

from marey.judge.compare import Row
from marey.report.plots import ticks
from marey.report.words import is_share, number

_SIDE, _MARGIN = 260.0, 34.0  # of a scatter plot
_MOST = 600  # clips in it: more are no longer points
_WIDTH, _HEIGHT = 420.0, 230.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 408.0, 12.0, 196.0


@dataclass(frozen=True)
class Place:
    """A value and its interval, in per cent of an axis."""

    at: float
    low: float
    width: float

    @classmethod
    def on(cls, value: float, low: float | None, high: float | None, start: float, stop: float) -> "Place":
        """On the axis from start to stop; without an interval it has no width."""

        def share(each: float) -> float:
            return round(100 * (min(max(each, start), stop) - start) / (stop - start), 2)

        first, last = (value if low is None else low), (value if high is None else high)
        return cls(share(value), share(first), round(share(last) - share(first), 2))


@dataclass(frozen=True)
class Scatter:
    """A point per clip, log scales, in a square box. run: place of the later run among the runs. above: share of the
    clips on which the first run errs less; ties count half.
    """

    title: str
    name: str
    run: int
    points: list[tuple[float, float]]
    ticks: list[tuple[float, str]]
    shown: int
    count: int
    above: float


@dataclass(frozen=True)
class Frames:
    """Lines by frame, one per run (its place, SVG path, points, last value); ticks of both axes."""

    title: str
    lines: list[tuple[int, str, list[tuple[float, float]], str]]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]


def place_of(row: Row) -> tuple[list[Place | None], float | None]:
    """Each run on a common axis from zero, or of shares from 0 to 1; and the floor of the ruler there."""
    known = [figure for figure in row.figures if figure is not None and figure.value is not None]
    marks = [end for figure in known for end in (figure.value, figure.low, figure.high) if end is not None]
    low, high = min([0.0, *marks]), max([0.0, *marks])
    high = 1.0 if is_share(row.unit) and high <= 1 else (high + 0.04 * (high - low) or 1.0)
    places = [
        Place.on(figure.value, figure.low, figure.high, low, high) if figure and figure.value is not None else None
        for figure in row.figures
    ]
    floors = [figure.floor for figure in known if figure.floor is not None]
    return places, Place.on(floors[0], None, None, low, high).at if floors else None


def scatter(
    title: str, name: str, run: int, first: Float64[np.ndarray, "N"], other: Float64[np.ndarray, "N"]
) -> Scatter:
    """Errors of the first run to the right, of the other upwards; both axes alike."""
    least = max(float(np.quantile(np.concatenate([first, other]), 0.002)), 1e-4)
    low, high = log10(least), log10(max(float(first.max()), float(other.max()), 2 * least))
    some = np.linspace(0, len(first) - 1, min(len(first), _MOST)).astype(int)
    inner = _SIDE - _MARGIN

    def place(values: Float64[np.ndarray, "k"]) -> Float64[np.ndarray, "k"]:
        return (np.log10(values.clip(least)) - low) / (high - low)

    x, y = _MARGIN + inner * place(first[some]), inner * (1 - place(other[some]))
    powers = range(floor(low) + 1, floor(high) + 1)
    marks = [(round(inner * (power - low) / (high - low), 1), f"{10.0**power:g}") for power in powers]
    above = float((other > first).mean() + 0.5 * (other == first).mean())
    points = list(zip(x.round(1).tolist(), y.round(1).tolist(), strict=True))
    return Scatter(title, name, run, points, marks, len(some), len(first), above)


def frames(title: str, names: Sequence[str], curves: Mapping[int, Mapping[str, Any]]) -> Frames:
    """The model's error in each hidden frame, frames counted from one. curves: by the place of the run."""
    at = next(iter(curves.values()))["frame"]
    top = max(max(curve["model"]) for curve in curves.values()) * 1.05 or 1.0

    def x(frame: int) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * (frame - at[0]) / max(at[-1] - at[0], 1), 1)

    def y(value: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * value / top, 1)

    lines = []
    for run, curve in curves.items():
        points = [(x(frame), y(value)) for frame, value in zip(at, curve["model"], strict=True)]
        path = "M" + "L".join(f"{px} {py}" for px, py in points)
        lines.append((run, path, points, f"{names[run]} {number(curve['model'][-1])}"))
    x_ticks = [(x(frame), str(frame + 1)) for frame in at]
    return Frames(title, lines, x_ticks, [(y(value), f"{value:g}") for value in ticks(0.0, top, 4)])
