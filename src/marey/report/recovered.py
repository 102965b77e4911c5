"""True parameters against those read from pixels, and confidence against being right: places in square plots."""

from dataclasses import dataclass

import numpy as np

from marey.report.details import Calibration, Reading, Recovered
from marey.report.words import number

SIDE = 100  # of a plot's data area
KINDS = ("truth", "reconstruct", "predict", "interpolate")


@dataclass(frozen=True)
class Scatter:
    """Fitted (up) against true (right) values of n clips of `read`: dots as SVG path data of strokes without length.

    error, interval: median distance from the truth, per cent. beyond: dots outside the square, drawn at its edge.
    """

    kind: str
    dots: str
    n: int
    read: int
    error: str
    interval: str
    beyond: int


@dataclass(frozen=True)
class Parameter:
    """One parameter of one law, once for each kind of clip; low, high: the ends of both axes."""

    law: str
    name: str
    unit: str
    low: str
    high: str
    scatters: list[Scatter]


@dataclass(frozen=True)
class Reliability:
    """Bars of a reliability diagram as (x, width, height, n, words), and the mean gap with its interval, per cent.

    chance: the gap of a model that is right exactly as often as it says.
    """

    bars: list[tuple[float, float, float, int, str]]
    gap: str
    interval: str
    chance: str
    n: int


def scatters(recovered: Recovered) -> list[Parameter]:
    """A square plot for each parameter and kind of clip; the true values take up its middle two thirds."""
    kinds = {kind: recovered[kind] for kind in KINDS if kind in recovered}
    named = dict.fromkeys((law, name) for laws in kinds.values() for law, names in laws.items() for name in names)
    known = {key: {kind: laws[key[0]][key[1]] for kind, laws in kinds.items()} for key in named}
    return [_parameter(law, name, some) for (law, name), some in known.items() if all(r.truth for r in some.values())]


def _parameter(law: str, name: str, readings: dict[str, Reading]) -> Parameter:
    first = next(iter(readings.values()))
    truth = np.array(first.truth)
    room = 0.25 * (np.ptp(truth) or abs(truth[0]) or 1.0)
    low, high = max(float(truth.min() - room), 0.0), float(truth.max() + room)
    drawn = [_scatter(kind, reading, low, high) for kind, reading in readings.items()]
    return Parameter(law, name, first.unit, number(low), number(high), drawn)


def _scatter(kind: str, reading: Reading, low: float, high: float) -> Scatter:
    fitted = np.array([np.nan if value is None else value for value in reading.fitted])
    known = np.isfinite(fitted)
    places = SIDE * (np.stack([np.array(reading.truth), fitted])[:, known] - low) / (high - low)
    x, y = places.clip(0, SIDE)
    dots = "".join(f"M{a:.1f} {SIDE - b:.1f}h0" for a, b in zip(x, y, strict=True))
    ends = "none" if reading.low is None else f"{number(reading.low)} – {number(reading.high)}"
    outside = int((places[1] != y).sum())
    return Scatter(kind, dots, reading.n, reading.read, number(reading.error), ends, outside)


def reliability(calibration: Calibration) -> Reliability:
    """One bar for each bin with answers: as high as the share that was right."""
    bars = [
        (SIDE * each.low, SIDE * (each.high - each.low), SIDE * each.right, each.n,
         f"said {number(each.said, 'share')} %, right {number(each.right, 'share')} % of {each.n}")
        for each in calibration.bins
    ]  # fmt: skip
    ece = calibration.ece
    interval = f"{number(ece.low, 'share')} – {number(ece.high, 'share')}"
    return Reliability(bars, number(ece.value, "share"), interval, number(ece.calibrated_model, "share"), calibration.n)
