"""The sliders of a law: their ranges are not chosen, they follow from the shapes that the worlds draw."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float64

from marey.core.errors import UserError
from marey.core.seeds import uniforms
from marey.report.words import parameter
from marey.world.laws import law_named, metric_parameters, positions
from marey.world.shapes import NUMBERS, Clock, draw_shapes

DRAWN = 400  # shapes of each law
_STREAM = 9 << 32  # of random numbers
_EXTENT = (0.3, 0.55)  # longest side of the box around a motion, in widths of the frame, log-uniform
_SEEDS = 1000  # a walk is a whole number


@dataclass(frozen=True)
class Slider:
    """One parameter of a law. low, high: its range. whole: whether it is a whole number. zero: whether it may be 0."""

    name: str
    title: str
    unit: str
    low: float
    high: float
    whole: bool
    zero: bool


@lru_cache(maxsize=64)
def shapes(law: str, clock: Clock, width: float) -> Float64[np.ndarray, "n P"]:
    """Parameters of `DRAWN` motions of a law, metres and seconds. width: of the frame where they are, metres."""
    u = uniforms(0, _STREAM, np.arange(DRAWN), NUMBERS + 1)
    label = np.zeros(DRAWN, np.int64)
    parameters = draw_shapes((law,), label, u[:, 1:], clock)
    if law == "walk":
        parameters[:, 0] = np.floor(u[:, 1] * _SEEDS)
    times = (np.arange(clock.frames) / (clock.frames - 1) - 0.5) * clock.seconds
    box = np.ptp(positions((law,), label, parameters, times), axis=1).max(axis=1)
    scale = np.exp(np.log(_EXTENT[0]) + (np.log(_EXTENT[1]) - np.log(_EXTENT[0])) * u[:, 0]) * width / box
    scaled = parameters * np.where(metric_parameters((law,)), scale[:, None], 1)
    scaled.setflags(write=False)
    return scaled


@lru_cache(maxsize=64)
def sliders(law: str, clock: Clock, width: float) -> tuple[Slider, ...]:
    """A slider for each parameter of the law of that name, over all that `shapes` draws."""
    drawn = shapes(law, clock, width)
    return tuple(_slider(name, column) for name, column in zip(law_named(law).parameters, drawn.T, strict=True))


def checked(law: str, values: tuple[float, ...], of: tuple[Slider, ...]) -> Float64[np.ndarray, "1 P"]:
    """Values of all sliders of a law, in order; one that is missing or out of range is a UserError."""
    if len(values) != len(of):
        raise UserError(f"values: {law} has {len(of)} parameters ({', '.join(each.name for each in of)}); give each")
    for value, each in zip(values, of, strict=True):
        slack = 1e-6 * (each.high - each.low)
        if not each.low - slack <= value <= each.high + slack:  # NaN fails too
            raise UserError(f"{each.name}={value:.6g} is out of range; choose {each.low:.4g} to {each.high:.4g}")
        if value == 0 and not each.zero:
            raise UserError(f"{each.name}=0 leaves nothing of this law; choose another value")
    return np.array([values], np.float64)


def _slider(name: str, drawn: Float64[np.ndarray, "n"]) -> Slider:
    title, unit = parameter(name)
    low, high = float(drawn.min()), float(drawn.max())
    if name == "seed":
        return Slider(name, title, unit, 0, _SEEDS - 1, whole=True, zero=True)
    if low < 0 < high:  # either way, and then alike
        high = max(-low, high)
        low = -high
    elif low == high:  # of every shape the same: half of it to twice
        low, high = low / 2, high * 2
    return Slider(name, title, unit, low, high, whole=False, zero="turning" not in name)
