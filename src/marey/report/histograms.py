"""Histograms as the page draws them: bars in a box 100 wide."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from marey.report.words import number, plain


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
