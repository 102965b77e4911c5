"""A figure: a measured number that never travels alone."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float64

from marey.core.config import strict
from marey.metrics.statistics import bootstrap_interval, interval_of, resampled_means, wilson_interval


@strict
@dataclass(frozen=True)
class Level:
    """What a figure is asked to reach."""

    direction: Literal["at least", "at most"]
    value: float


@dataclass(frozen=True)
class Figure:
    """One number with all that is needed to judge it.

    value: None when it could not be measured, and then `why` says so. low, high: 95 % interval. n: cases counted.
    floor: the same figure measured on the true clips, the ruler's own error. baselines: what trivial rules (and
    ceilings, by their names) reach on the same cases. each: of a mean over clips the number of every clip, in order.
    """

    name: str
    value: float | None
    unit: str
    n: int
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    baselines: dict[str, float] = field(default_factory=dict)
    why: str | None = None
    level: Level | None = None
    each: Float64[np.ndarray, "N"] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        assert (self.value is None) == (self.why is not None), f"{self.name}: a missing value says why, others do not"
        numbers = [self.value, self.low, self.high, self.floor, *self.baselines.values()]
        assert all(number is None or np.isfinite(number) for number in numbers), f"{self.name}: {numbers}"

    @property
    def reached(self) -> bool | None:
        """Whether the value reaches its level; None without a level, False for what could not be measured."""
        if self.level is None:
            return None
        if self.value is None:
            return False
        return self.value >= self.level.value if self.level.direction == "at least" else self.value <= self.level.value

    def to_json(self) -> dict[str, Any]:
        """As an entry of metrics.json."""
        entry: dict[str, Any] = {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "n": self.n,
            "low": self.low,
            "high": self.high,
            "floor": self.floor,
            "baselines": dict(self.baselines),
        }
        if self.why is not None:
            entry["why"] = self.why
        if self.level is not None:
            entry |= {"level": self.level.value, "direction": self.level.direction, "reached": self.reached}
        return entry


def mean_figure(
    name: str,
    values: Float64[np.ndarray, "N"],
    unit: str,
    seed: int,
    floor: float | None = None,
    baselines: dict[str, float] | None = None,
) -> Figure:
    """The mean over clips of one number per clip, with its bootstrap interval."""
    if not len(values):
        return Figure(name, None, unit, 0, why="there was no clip to measure")
    low, high = bootstrap_interval(values, seed)
    return Figure(name, float(values.mean()), unit, len(values), low, high, floor, baselines or {}, each=values)


def share_figure(
    name: str, hits: Bool[np.ndarray, "N"], floor: float | None = None, baselines: dict[str, float] | None = None
) -> Figure:
    """The share of clips that hit, with its Wilson interval."""
    n = len(hits)
    if not n:
        return Figure(name, None, "share", 0, why="there was no clip to measure")
    low, high = wilson_interval(int(hits.sum()), n)
    each = hits.astype(np.float64)
    return Figure(name, float(hits.mean()), "share", n, low, high, floor, baselines or {}, each=each)


def ratio_figure(
    name: str,
    errors: Float64[np.ndarray, "N"],
    floor: Float64[np.ndarray, "N"],
    seed: int,
    baselines: dict[str, Float64[np.ndarray, "N"]] | None = None,
) -> Figure:
    """Mean error over the mean of the same error on the true clips; its interval is from draws of clips that are the
    same for both; each clip's error counts in mean floors. baselines: of each, its error on every clip.
    """
    unit, n = "times the floor", len(errors)
    if not n:
        return Figure(name, None, unit, 0, why="there was no clip to measure")
    draws = resampled_means(np.stack([errors, floor], axis=1), seed)
    if draws[:, 1].min() <= 0:
        return Figure(name, None, unit, n, why="the tracker does not err on these clips")
    low, high = interval_of(draws[:, :1] / draws[:, 1:])[:, 0].tolist()
    least = float(floor.mean())
    beside = {rule: float(each.mean()) / least for rule, each in (baselines or {}).items()}
    return Figure(name, float(errors.mean()) / least, unit, n, low, high, 1.0, beside, each=errors / least)
