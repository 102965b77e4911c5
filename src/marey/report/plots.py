"""Numbers to places on paper: the geometry of the page's plots. The template draws them in the theme's colours."""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, log10

from marey.report.words import number, plain


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
    """A plot in a `width` by `height` box; left, right, top, bottom are the edges of its data area.

    band: SVG path data of the first line's interval, empty where there is none.
    """

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
    band: str = ""


Points = list[tuple[float, float | None]]  # (x, y), in order of x; None where y was not measured


@dataclass(frozen=True)
class Box:
    """Where a plot stands: its size, and the edges of its data area."""

    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float


_ERRORS = Box(480, 270, 38.0, 300.0, 14.0, 232.0)


def error_chart(
    title: str, errors: dict[str, list[float | None]], interval: dict[str, list[float]] | None = None
) -> Chart:
    """Error per hidden frame (frames counted from one), the model first, baselines after it; y starts at zero.

    interval: of the model's error, as `low` and `high`; drawn as a band behind its line.
    """
    frames = [float(frame) + 1 for frame in errors["frame"] if frame is not None]
    named = {name: values for name, values in errors.items() if name != "frame"}
    named = {"model": named.pop("model"), **named} if "model" in named else named
    series = {name: list(zip(frames, values, strict=True)) for name, values in named.items()}
    band = (frames, interval["low"], interval["high"]) if interval else None
    return chart(title, series, _ERRORS, dots=True, band=band)


def ticks(low: float, high: float, count: int) -> list[float]:
    """About `count` round numbers (steps of 1, 2 or 5 times a power of ten) within [low, high]."""
    rough = (high - low) / count
    power = 10.0 ** floor(log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    return [round(i * step, 12) for i in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def chart(
    title: str,
    series: dict[str, Points],
    box: Box,
    log: bool = False,
    dots: bool = False,
    band: tuple[list[float], list[float], list[float]] | None = None,
) -> Chart:
    """Place series in a box; the first one is the model's. band: places, lower and upper edges of its interval."""
    xs = sorted({x for points in series.values() for x, _ in points})
    seen = [y for points in series.values() for _, y in points if y is not None] + (band[2] if band else [])
    x_low, x_high = xs[0], xs[-1]
    y_low, y_high, y_ticks = _y_range(seen, log)
    scale = log10 if log else float
    span = scale(y_high) - scale(y_low)

    def x_at(x: float) -> float:
        return round(box.left + (box.right - box.left) * ((x - x_low) / (x_high - x_low) if x_high > x_low else 0.5), 1)

    def y_at(y: float) -> float:
        return round(box.bottom - (box.bottom - box.top) * (scale(y) - scale(y_low)) / span, 1)

    placed = {
        name: [(x_at(x), y_at(y)) if y is not None else None for x, y in points] for name, points in series.items()
    }
    there = {name: [place for place in places if place] for name, places in placed.items()}
    labels = iter(apart([places[-1][1] for places in there.values() if places], 15.0, box.bottom))
    lines = []
    for name, places in there.items():
        if places:
            end = next(number(y) for _, y in reversed(series[name]) if y is not None)
            lines.append(Line(plain(name), _path(placed[name]), places if dots else [], places[-1], next(labels), end))
    x_ticks = xs if dots and len(xs) <= 10 else ticks(x_low, x_high, 4) if x_high > x_low else xs
    x_labels, y_labels = [(x_at(x), short(x)) for x in x_ticks], [(y_at(y), short(y)) for y in y_ticks]
    edges = "" if band is None else _area([x_at(x) for x in band[0]], *([y_at(y) for y in edge] for edge in band[1:]))
    return Chart(
        title, box.width, box.height, box.left, box.right, box.top, box.bottom, x_labels, y_labels, lines, log, edges
    )


def _area(xs: list[float], low: list[float], high: list[float]) -> str:
    """SVG path data of what lies between two curves."""
    there = [*zip(xs, high, strict=True), *reversed(list(zip(xs, low, strict=True)))]
    return "M" + "L".join(f"{x} {y}" for x, y in there) + "Z"


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


def short(value: float) -> str:
    """A tick label: 1500 as 1.5k, 0.0001 as 1e-4."""
    if abs(value) >= 1000:
        return f"{value / 1000:g}k"
    return f"{value:.0e}".replace("e-0", "e-") if 0 < abs(value) < 1e-3 else f"{value:g}"
