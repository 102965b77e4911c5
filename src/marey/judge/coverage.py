"""Do generated motions lie where the data's do, and everywhere they do? Asked of the fitted parameters, law by law.

Parameters are measured in standard deviations of the data's. A clip that does not follow its law has none: of
precision and recall it is a miss, and a law that hardly any clip follows leaves the distance unmeasured. Nothing is
filled in. The floor is that of as many real training clips in place of the generated ones.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.stats import ks_2samp

from marey.judge.law.fit import PARAMETERS, LawFit
from marey.judge.probing.statistics import holm
from marey.metrics.figure import Figure, share_figure
from marey.metrics.manifolds import frechet, inside
from marey.metrics.statistics import ks_distance, pivot_interval
from marey.world.laws import BASE_LAWS

FEWEST = 8  # clips of a law from which its distribution is compared

Points = list[Float64[np.ndarray, "_ _"]]


@dataclass(frozen=True)
class Motions:
    """Clips by the law that each should follow, and the law fit on them."""

    fit: LawFit
    law: Int64[np.ndarray, "N"]

    @cached_property
    def follows(self) -> Bool[np.ndarray, "N"]:
        """Whether the law that should fits best."""
        return np.asarray(self.fit.law == self.law)

    def points(self) -> Points:
        """Of each law the parameters of the clips that follow it, n P."""
        return [
            self.fit.parameters[self.follows & (self.law == k), k, : len(names)] for k, names in enumerate(PARAMETERS)
        ]


@dataclass(frozen=True)
class Three:
    """The generated clips, the data (test clips), and as many real training clips as were generated."""

    ours: Motions
    data: Motions
    real: Motions


def coverage_figures(three: Three, seed: int) -> list[Figure]:
    """Precision, recall and Fréchet distance of the parameters."""
    short = _short(three.data, "test")
    if short:
        names = {"precision": "share", "recall": "share", "frechet_parameters": "squared deviations"}
        return [Figure(f"generate.{name}", None, unit, len(three.ours.law), why=short) for name, unit in names.items()]
    scales = _scales(three.data.points())

    def figure(name: str, some: Motions, sample: Motions, floor: Bool[np.ndarray, "_"]) -> Figure:
        return share_figure(name, _covered(some, sample, scales), float(floor.mean()), {"blank_page": 0.0})

    ours, data, real = three.ours, three.data, three.real
    return [
        figure("generate.precision", ours, data, _covered(real, data, scales)),
        figure("generate.recall", data, ours, _covered(data, real, scales)),
        _frechet_figure(three, seed),
    ]


def two_sample(three: Three, seed: int) -> list[dict[str, Any]]:
    """Of each parameter the Kolmogorov-Smirnov distance between generated clips and data, with its interval, its floor
    and the p of no difference, corrected for the number of parameters; None where a sample is too small to tell.
    """
    rows = []
    for k, names in enumerate(PARAMETERS):
        ours, data, real = (each.points()[k] for each in (three.ours, three.data, three.real))
        rows += [
            {"law": BASE_LAWS[k], "parameter": name} | _tested(ours[:, i], data[:, i], real[:, i], seed)
            for i, name in enumerate(names)
        ]
    known = [row for row in rows if row["p"] is not None]
    for row, p in zip(known, holm([row["p"] for row in known]), strict=True):
        row["p"] = p
    return rows


def _tested(
    ours: Float64[np.ndarray, "G"], data: Float64[np.ndarray, "N"], real: Float64[np.ndarray, "R"], seed: int
) -> dict[str, Any]:
    counts: dict[str, Any] = {"n": len(ours), "data": len(data)}
    unknown: dict[str, Any] = dict.fromkeys(("value", "low", "high", "floor", "p"))
    if min(len(ours), len(data)) < FEWEST:
        return counts | unknown
    value = ks_distance(ours, data)

    def draw(generator: np.random.Generator) -> float:
        again = [each[generator.integers(len(each), size=len(each))] for each in (ours, data)]
        return ks_distance(again[0], again[1])

    low, high = pivot_interval(value, draw, seed)
    p = float(ks_2samp(ours, data, method="asymp").pvalue)
    floor = ks_distance(real, data) if len(real) >= FEWEST else None
    return counts | {"value": value, "low": low, "high": min(1.0, high), "floor": floor, "p": p}


def _covered(some: Motions, sample: Motions, scales: list[Float64[np.ndarray, "_"]]) -> Bool[np.ndarray, "N"]:
    """Whether each clip follows its law and lies in the manifold of those of the sample that follow it too."""
    hits = np.zeros(len(some.law), bool)
    for k, (points, theirs, scale) in enumerate(zip(some.points(), sample.points(), scales, strict=True)):
        hits[some.follows & (some.law == k)] = inside(points / scale, theirs / scale)
    return hits


def _scales(data: Points) -> list[Float64[np.ndarray, "_"]]:
    """Of each law the standard deviations of the data's parameters; 1 where they do not vary."""
    return [np.where(deviation > 0, deviation, 1.0) for deviation in (points.std(axis=0) for points in data)]


def _frechet_figure(three: Three, seed: int) -> Figure:
    name, unit, n = "generate.frechet_parameters", "squared deviations", len(three.ours.law)
    if short := _short(three.ours, "generated"):
        return Figure(name, None, unit, n, why=short)
    data, ours = (each.points() for each in (three.data, three.ours))
    value = _distance(ours, data)

    def draw(generator: np.random.Generator) -> float:
        again = [[x[generator.integers(len(x), size=len(x))] for x in sample] for sample in (ours, data)]
        return _distance(again[0], again[1])

    low, high = pivot_interval(value, draw, seed)
    floor = None if _short(three.real, "training") else _distance(three.real.points(), data)
    one = [np.repeat(x.mean(axis=0, keepdims=True), len(x), axis=0) for x in data]
    return Figure(name, value, unit, n, low, high, floor, {"one_motion": _distance(one, data)})


def _distance(ours: Points, data: Points) -> float:
    """Mean over the laws, in standard deviations of the data, squared."""
    return float(np.mean([frechet(a / s, b / s) for a, b, s in zip(ours, data, _scales(data), strict=True)]))


def _short(motions: Motions, what: str) -> str | None:
    """Why a distribution of parameters cannot be told, if it cannot."""
    for name, points in zip(BASE_LAWS, motions.points(), strict=True):
        if len(points) < FEWEST:
            return f"{len(points)} {what} clips follow the law {name}; {FEWEST} are needed to tell a distribution"
    return None
