"""Numbers to places on paper: the geometry of the page's plots. The template draws them in the theme's colours."""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, isfinite, log10

import numpy as np
from jaxtyping import Float

from marey.report.words import number, plain

MOST_POINTS = 240  # more than a small plot has pixels for


@dataclass(frozen=True)
class Line:
    """One series: SVG path data, the places of its values (empty for long curves), and where its label stands."""

    name: str
    path: str
    dots: list[tuple[float, float]]
    end: tuple[float, float]
    label_y: float
    last: str


@dataclass(frozen=True)
class Chart:
    """A plot in a `width` by `height` box; left, right, top, bottom are the edges of its data area."""

    title: str
    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    lines: list[Line]
    log: bool


@dataclass(frozen=True)
class Spread:
    """Two histograms on common bins, back to back, in a box 100 wide: bars are (x, height in [0, 1]), `step` wide."""

    name: str
    low: str
    high: str
    step: float
    data: list[tuple[float, float]]
    generated: list[tuple[float, float]]
    counts: tuple[int, int]


@dataclass(frozen=True)
class Histogram:
    """One group's share of each bin, in a box 100 wide: bars are (x, height in [0, 1]), `step` wide; pooled is the SVG
    path, 100 by 100, of all groups together. low, high: ends of the bins. middle, quarters: of the group's values."""

    name: str
    unit: str
    low: str
    high: str
    step: float
    bars: list[tuple[float, float]]
    pooled: str
    middle: str
    quarters: tuple[str, str]
    count: int


def histograms(
    name: str, unit: str, groups: dict[str, Float[np.ndarray, "_"]], bins: int = 24
) -> dict[str, Histogram | None]:
    """A histogram of each group on common bins and one common height, so that groups can be compared by eye.

    Values that are not finite are left out; a group without any is None.
    """
    known = {group: values[np.isfinite(values)] for group, values in groups.items()}
    everything = np.concatenate([*known.values(), np.empty(0)])
    if not everything.size:
        return dict.fromkeys(groups)
    low, high = float(everything.min()), float(everything.max())
    if high - low <= 1e-6 * max(abs(low), abs(high)):  # one value: a bar in the middle
        low, high = low - max(abs(low), 1.0) / 2, high + max(abs(high), 1.0) / 2
    edges = np.linspace(low, high, bins + 1)
    shares = {group: np.histogram(v, edges)[0] / max(len(v), 1) for group, v in known.items()}
    pooled = np.histogram(everything, edges)[0] / everything.size
    top = max(share.max() for share in [*shares.values(), pooled])
    places = [(100 * (i + 1) / bins, 100 - 100 * share / top) for i, share in enumerate(pooled)]
    outline = "M0 100" + "".join(f"V{y:.1f}H{x:.2f}" for x, y in places) + "V100"

    def one(group: str) -> Histogram | None:
        values = known[group]
        if not values.size:
            return None
        first, middle, last = (number(float(q)) for q in np.quantile(values, [0.25, 0.5, 0.75]))
        bars = [(round(100 * i / bins, 2), round(float(h / top), 3)) for i, h in enumerate(shares[group]) if h]
        ends = number(low), number(high)
        return Histogram(name, unit, *ends, 100 / bins, bars, outline, middle, (first, last), len(values))

    return {group: one(group) for group in groups}


def error_chart(title: str, errors: dict[str, list[float | None]]) -> Chart:
    """Error per hidden frame (frames counted from one), the model first, baselines after it; y starts at zero."""
    frames = [float(frame) + 1 for frame in errors["frame"] if frame is not None]
    series = {name: values for name, values in errors.items() if name != "frame"}
    series = {"model": series.pop("model"), **series} if "model" in series else series
    return _chart(title, frames, series, (480, 270), (38.0, 300.0, 14.0, 232.0), log=False, dots=True)


def curve_charts(rows: list[dict]) -> list[Chart]:
    """One small chart for every numeric series of a metrics.jsonl, losses first, in order of appearance."""
    names = dict.fromkeys(name for row in rows for name, value in row.items() if name != "step" and _is_number(value))
    charts = []
    for name in sorted(names, key=lambda name: "loss" not in name):
        logged = [(i, row) for i, row in enumerate(rows) if _is_number(row.get(name))]
        points = _thin([(float(row.get("step", i)), float(row[name])) for i, row in logged])
        steps, values = [x for x, _ in points], [y for _, y in points]
        log = "loss" in name and min(values) > 0 and max(values) > 20 * min(values)
        edges = (44.0, 308.0, 10.0, 124.0)
        charts.append(
            _chart(plain(name), steps, {str(name): list(values)}, (320, 150), edges, log, dots=len(steps) == 1)
        )
    return charts


def spread(name: str, data: list[float | None], generated: list[float | None], bins: int = 20) -> Spread | None:
    """Back-to-back histograms of one parameter, each scaled to its own share; None if there is nothing to show."""
    ours, theirs = ([value for value in values if value is not None] for values in (data, generated))
    if not ours and not theirs:
        return None
    low, high = min(ours + theirs), max(ours + theirs)
    edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    shares = [np.histogram(values, edges)[0] / max(len(values), 1) for values in (ours, theirs)]
    top = max(share.max() for share in shares)
    bars = [[(100 * i / bins, round(float(h / top), 3)) for i, h in enumerate(share) if h] for share in shares]
    return Spread(plain(name), number(low), number(high), 100 / bins, bars[0], bars[1], (len(ours), len(theirs)))


def ticks(low: float, high: float, count: int) -> list[float]:
    """About `count` round numbers (steps of 1, 2 or 5 times a power of ten) within [low, high]."""
    rough = (high - low) / count
    power = 10.0 ** floor(log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    return [round(i * step, 12) for i in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def _chart(
    title: str,
    xs: list[float],
    series: dict[str, list[float | None]],
    size: tuple[int, int],
    edges: tuple[float, float, float, float],
    log: bool,
    dots: bool,
) -> Chart:
    """Place series (name -> values at xs, None where missing) in a box of `size` with data between `edges`."""
    left, right, top, bottom = edges
    seen = [value for values in series.values() for value in values if value is not None]
    x_low, x_high = min(xs), max(xs)
    y_low, y_high, y_ticks = _y_range(seen, log)
    scale = log10 if log else float
    span = scale(y_high) - scale(y_low)

    def x_at(x: float) -> float:
        return round(left + (right - left) * ((x - x_low) / (x_high - x_low) if x_high > x_low else 0.5), 1)

    def y_at(y: float) -> float:
        return round(bottom - (bottom - top) * (scale(y) - scale(y_low)) / span, 1)

    known = {name: [value for value in values if value is not None] for name, values in series.items()}
    labels = iter(apart([y_at(values[-1]) for values in known.values() if values], 15.0, bottom))
    lines = []
    for name, values in series.items():
        if not known[name]:
            continue
        places = [(x_at(x), y_at(y)) if y is not None else None for x, y in zip(xs, values, strict=True)]
        there = [place for place in places if place]
        end = number(known[name][-1])
        lines.append(Line(plain(name), _path(places), there if dots else [], there[-1], next(labels), end))
    x_ticks = xs if dots and len(xs) <= 10 else ticks(x_low, x_high, 4)
    x_labels, y_labels = [(x_at(x), _short(x)) for x in x_ticks], [(y_at(y), _short(y)) for y in y_ticks]
    return Chart(title, *size, left, right, top, bottom, x_labels, y_labels, lines, log)


def _y_range(values: list[float], log: bool) -> tuple[float, float, list[float]]:
    """Range and ticks of the y axis; a linear one holds zero unless the values lie far from it."""
    low, high = min(values), max(values)
    if log:
        powers = range(floor(log10(low)), ceil(log10(high)) + 1)
        fine = (1, 2, 5) if len(powers) < 4 else (1,)
        return low, high, [y for k in powers for m in fine if low <= (y := m * 10.0**k) <= high]
    if 0 <= low < 0.7 * high:
        low = 0.0
    if high <= low:
        low, high = low - 0.5, low + 0.5
    return low, high, ticks(low, high, 5)


def _path(places: list[tuple[float, float] | None]) -> str:
    """SVG path data with a gap wherever a value is missing."""
    text, pen = "", "M"
    for place in places:
        text += f"{pen}{place[0]} {place[1]}" if place else ""
        pen = "L" if place else "M"
    return text


def apart(ys: list[float], gap: float, bottom: float) -> list[float]:
    """Label heights near `ys` and at least `gap` apart, pushed down in order and then up from `bottom`."""
    order = sorted(range(len(ys)), key=ys.__getitem__)
    out = list(ys)
    for above, below in pairwise(order):
        out[below] = max(out[below], out[above] + gap)
    excess = bottom
    for index in reversed(order):
        out[index] = min(out[index], excess)
        excess = out[index] - gap
    return out


def _thin(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Every k-th point, and the last; a thinned curve keeps raw values instead of smoothing them."""
    stride = -(-len(points) // MOST_POINTS)
    return points[::stride] + ([points[-1]] if (len(points) - 1) % stride else [])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _short(value: float) -> str:
    """A tick label: 1500 as 1.5k, 0.0001 as 1e-4."""
    if abs(value) >= 1000:
        return f"{value / 1000:g}k"
    return f"{value:.0e}".replace("e-0", "e-") if 0 < abs(value) < 1e-3 else f"{value:g}"
