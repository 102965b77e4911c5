"""How test clips are parted: all of them, by law, and by the factors that vary among them."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float64, Int64

from marey.world.factors import FACTORS
from marey.world.look import NOISE
from marey.world.scenes import Scenes

MOST_BINS, FEWEST = 4, 20  # bins of a factor; clips that each must have
_QUARTERS = np.array([0.0, 90.0, 180.0, 270.0, 360.0])  # degrees: a direction has no smallest value
_SAME = 1e-6  # relative: values that differ by less do not vary


@dataclass(frozen=True)
class Part:
    """The clips at some rows, and what they have in common: value, such as "helical" or "0.6-0.7", of group."""

    group: str
    value: str
    rows: Int64[np.ndarray, "n"]


def _world(name: str) -> Callable[[Scenes], Float64[np.ndarray, "n"]]:
    return lambda scenes: np.asarray(FACTORS[name](scenes)[:, 0], np.float64)


def _depth(scenes: Scenes) -> Float64[np.ndarray, "n"]:
    return np.asarray(scenes.camera.to_camera(scenes.trajectory[:, None])[:, 0, :, 2].mean(axis=1))


def _noise(scenes: Scenes) -> Float64[np.ndarray, "n"]:
    return scenes.picture.noise / NOISE


PARTED: dict[str, tuple[str, Callable[[Scenes], Float64[np.ndarray, "n"]]]] = {  # unit, value of each clip
    "speed": ("m/s", _world("speed")),
    "radius": ("m", _world("radius")),
    "turns": ("turns", _world("turns")),
    "direction": ("degrees", _world("direction")),
    "extent": ("frame widths", _world("extent")),
    "depth": ("m", _depth),
    "noise": ("grey levels", _noise),
}


def parts(scenes: Scenes) -> list[Part]:
    """All clips; those of each law; those of each bin of every factor that varies, if each bin has clips enough.

    Bins hold about equally many clips. Of a factor that many clips lack (lines do not turn), these are a bin of their
    own.
    """
    out = [Part("all", "all", np.arange(len(scenes)))]
    for label, name in enumerate(scenes.names):
        out.append(Part("law", name, np.flatnonzero(scenes.law == label)))
    for factor, (_, value) in PARTED.items():
        out += _binned(factor, value(scenes))
    return [part for part in out if len(part.rows)]


def _binned(factor: str, value: Float64[np.ndarray, "n"]) -> list[Part]:
    bins = min(MOST_BINS, len(value) // FEWEST)
    if bins < 2 or np.ptp(value) <= _SAME * np.abs(value).max():
        return []
    lowest = value <= value.min() + _SAME * np.ptp(value)
    if lowest.mean() < 1 / bins:
        edges = _QUARTERS if factor == "direction" else np.quantile(value, np.linspace(0, 1, bins + 1))
        return _between(factor, value, np.arange(len(value)), edges)
    rest = np.flatnonzero(~lowest)
    bins = max(1, min(bins - 1, len(rest) // FEWEST))
    edges = np.quantile(value[rest], np.linspace(0, 1, bins + 1))
    return [Part(factor, f"{value.min():.3g}", np.flatnonzero(lowest)), *_between(factor, value, rest, edges)]


def _between(
    factor: str, value: Float64[np.ndarray, "n"], rows: Int64[np.ndarray, "k"], edges: Float64[np.ndarray, "E"]
) -> list[Part]:
    place = np.searchsorted(edges[1:-1], value[rows], side="right")
    return [Part(factor, f"{low:.3g}-{high:.3g}", rows[place == k]) for k, (low, high) in enumerate(pairwise(edges))]
