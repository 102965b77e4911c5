"""Which law: what each may look like, the criterion, and when none of them fits.

Some laws are limits of others: a line is a parabola that does not bend, a circle a helix that does not climb. `WITHIN`
says for each law where it begins. Between the laws that are left decides a criterion: AICc where the noise is unknown,
but no less than what is stated; BIC where it is known. (`benchmarks/criteria.py` has both, and a third, side by side.)
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float64, Int64

from marey.judge.law.fits import Fitted
from marey.world.laws import law_named

_CLIMB = (1.4, 12.0)  # of a helix over the clip, in its radii: more would be a line
_LEAST_BEND = 2.0  # change of a parabola's velocity over the clip, in its least speeds

Own = dict[str, np.ndarray]  # a law's parameters by name, in ball radii and frames


def _degrees(rate: np.ndarray, length: float) -> np.ndarray:
    return np.degrees(rate) * length


def _between(value: np.ndarray, low: float, high: float) -> np.ndarray:
    return (low <= value) & (value <= high)


def _helical(own: Own, length: float) -> np.ndarray:
    return _between(np.abs(own["climb_m_s"]) * length / own["radius_m"], *_CLIMB)


def _parabolic(own: Own, length: float) -> np.ndarray:
    return own["acceleration_m_s2"] * length >= _LEAST_BEND * own["speed_m_s"]


def _accelerated(own: Own, length: float) -> np.ndarray:
    """It is slowest outside the clip."""
    speed, acceleration = own["speed_m_s"], own["acceleration_m_s2"]
    slowest = speed * np.cos(own["angle_rad"]) / acceleration.clip(1e-9)
    return (acceleration * length >= 0.3 * speed) & (np.abs(slowest) >= 0.4 * length)


def _sinusoidal(own: Own, length: float) -> np.ndarray:
    swing = _between(_degrees(own["swing_rad_s"], length), 320, 700)
    return swing & _between(own["speed_m_s"] * length / own["amplitude_m"].clip(1e-9), 1.5, 8)


def _spiral(own: Own, length: float) -> np.ndarray:
    growth = np.abs(own["growth_m_rad"] * own["turning_rad_s"]) * length
    return _between(_degrees(own["turning_rad_s"], length), 280, 680) & (growth >= 0.4 * own["radius_m"])


def _lissajous(own: Own, length: float) -> np.ndarray:
    slow, fast = own["x_swing_rad_s"], own["y_swing_rad_s"]
    here = _between(_degrees(slow, length), 90, 480) & _between(fast / slow, 1.2, 3.5)
    return here & _between(own["y_amplitude_m"] / own["x_amplitude_m"].clip(1e-9), 0.3, 1.5)


def _damped(own: Own, length: float) -> np.ndarray:
    here = _between(_degrees(own["swing_rad_s"], length), 320, 700)
    return here & _between(own["decay_1_s"] * length, 0.6, 3.5)


def _bouncing(own: Own, length: float) -> np.ndarray:
    flight = 2 * own["impact_m_s"] / own["gravity_m_s2"].clip(1e-9)
    return _between(flight / length, 0.3, 0.6) & _between(own["restitution"], 0.55, 0.99)


def _orbit(own: Own, length: float) -> np.ndarray:
    return _between(_degrees(own["turning_rad_s"], length), 180, 420) & _between(own["eccentricity"], 0.1, 0.6)


def _collision(own: Own, length: float) -> np.ndarray:
    kick = np.abs(own["after_m_s"] - own["before_m_s"])
    fast = np.hypot(np.maximum(np.abs(own["before_m_s"]), np.abs(own["after_m_s"])), own["across_m_s"])
    return (np.abs(own["contact_s"]) <= 0.25 * length) & (kick >= 0.25 * fast)


WITHIN: dict[str, Callable[[Own, float], np.ndarray]] = {  # parameters by name, intervals of the clip
    "helical": _helical,
    "parabolic": _parabolic,
    "accelerated": _accelerated,
    "sinusoidal": _sinusoidal,
    "spiral": _spiral,
    "lissajous": _lissajous,
    "damped": _damped,
    "bouncing": _bouncing,
    "orbit": _orbit,
    "collision": _collision,
}


def within(fitted: Fitted, length: float, rivals: tuple[str, ...]) -> Bool[np.ndarray, "n"]:
    """Whether each clip's fit is what the law's name says. length: of the clip, frames.

    A parabola shows its vertex; that only matters where the law `accelerated`, which does not, is a rival.
    """
    if fitted.name not in WITHIN:
        return np.isfinite(fitted.cost)
    columns = dict(zip(law_named(fitted.name).parameters, fitted.frame.parameters.T, strict=True))
    inside = WITHIN[fitted.name](columns, length)
    if fitted.name == "parabolic" and "accelerated" in rivals:
        inside &= np.abs(columns["vertex_s"]) <= 0.35 * length
    return inside & np.isfinite(fitted.cost)


def named_rightly(
    score: Float64[np.ndarray, "n L"], each: tuple[Fitted, ...], length: float
) -> Float64[np.ndarray, "n L"]:
    """The criterion of each law, made infinite where its fit is not what its name says; see `within`."""
    names = tuple(fitted.name for fitted in each)
    return np.where(np.stack([within(fitted, length, names) for fitted in each], axis=1), score, np.inf)


def criterion(
    cost: Float64[np.ndarray, "n L"], free: Int64[np.ndarray, "L"], count: Int64[np.ndarray, "n"], floor: float
) -> Float64[np.ndarray, "n L"]:
    """AICc with unknown noise (Hurvich & Tsai, 1989), the lower the better.

    cost: sums of squared residuals over sigma. count: numbers seen. floor: the least noise, in sigmas.
    """
    numbers = count[:, None].astype(np.float64)
    spare = numbers - free - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        score = numbers * np.log(cost / numbers + floor**2) + 2 * free * numbers / spare
    return np.where((spare > 0) & np.isfinite(cost), score, np.inf)


def known_criterion(
    cost: Float64[np.ndarray, "n L"], free: Int64[np.ndarray, "L"], count: Int64[np.ndarray, "n"], freedom: float
) -> Float64[np.ndarray, "n L"]:
    """BIC (Schwarz, 1978) with noise that is known, but for how much a clip's own may differ from the usual one.

    cost, count: as in `criterion`. freedom: of the scaled inverse chi-squared distribution of a clip's variance, over
    which the likelihood is the mean (Student's); infinite where all clips have the same.
    """
    numbers = count[:, None].astype(np.float64)
    likely = cost if np.isinf(freedom) else (numbers + freedom) * np.log1p(cost / freedom)
    score = likely + free * np.log(numbers.clip(1))
    return np.where((numbers > free + 1) & np.isfinite(cost), score, np.inf)


def probabilities(score: Float64[np.ndarray, "n L"]) -> Float64[np.ndarray, "n L"]:
    """How likely each law is if one of them holds, by the criterion's weights; zeros where none can."""
    best = score.min(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        weight = np.where(np.isfinite(best), np.exp(-(score - best) / 2), 0.0)
    return weight / weight.sum(axis=1, keepdims=True).clip(1e-300)
