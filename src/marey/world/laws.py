"""Laws of motion: functions of time that make trajectories. One function and one row each.

A law lives in its own frame (metres, seconds); a scene turns and moves that frame into the world. The class label of a
clip is the index of its law in `LAWS`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from marey.core.errors import UserError

Times = Float64[np.ndarray, "... T"]  # the same for all samples (T), or each sample's own (n T)
Parameters = Float64[np.ndarray, "n P"]
Positions = Float64[np.ndarray, "n T 3"]


@dataclass(frozen=True)
class Law:
    """One law of motion: its name, the names of its parameters (with units) and its position at given times."""

    name: str
    parameters: tuple[str, ...]
    position: Callable[[Parameters, Times], Positions]


def _linear(parameters: Parameters, t: Times) -> Positions:
    """(v t, 0, 0)."""
    x = parameters[:, :1] * t
    return np.stack([x, 0 * x, 0 * x], axis=-1)


def _circular(parameters: Parameters, t: Times) -> Positions:
    """(r cos(w t + p), r sin(w t + p), 0)."""
    radius, turning, phase = (parameters[:, i : i + 1] for i in range(3))
    angle = turning * t + phase
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), 0 * angle], axis=-1)


def _helical(parameters: Parameters, t: Times) -> Positions:
    """(r cos(w t + p), r sin(w t + p), c t)."""
    position = _circular(parameters, t)
    position[..., 2] = parameters[:, 3:4] * t
    return position


def _parabolic(parameters: Parameters, t: Times) -> Positions:
    """(v s, a s^2 / 2, 0), where s = t - t0 is the time since the vertex."""
    speed, acceleration, vertex = (parameters[:, i : i + 1] for i in range(3))
    s = t - vertex
    return np.stack([speed * s, acceleration * s**2 / 2, 0 * s], axis=-1)


LAWS = (
    Law("linear", ("speed_m_s",), _linear),
    Law("circular", ("radius_m", "turning_rad_s", "phase_rad"), _circular),
    Law("helical", ("radius_m", "turning_rad_s", "phase_rad", "climb_m_s"), _helical),
    Law("parabolic", ("speed_m_s", "acceleration_m_s2", "vertex_s"), _parabolic),
)
LAW_NAMES = tuple(law.name for law in LAWS)
BASE_LAWS = LAW_NAMES[:4]
MOST_PARAMETERS = max(len(law.parameters) for law in LAWS)


def law_index(law: int | str) -> int:
    """The class label of a law given by name or by label; a UserError lists the laws there are."""
    if law in LAW_NAMES:
        return LAW_NAMES.index(str(law))
    if isinstance(law, (int, np.integer)) and 0 <= law < len(LAWS):
        return int(law)
    raise UserError(f"law={law!r} is unknown; the laws are {', '.join(LAW_NAMES)} (or 0 to {len(LAWS) - 1})")


def positions(names: tuple[str, ...], law: Int64[np.ndarray, "n"], parameters: Parameters, t: Times) -> Positions:
    """Position of each sample under its own law, an index into `names`, in that law's frame, metres; NaN for -1."""
    t = np.broadcast_to(t, (len(law), t.shape[-1]))
    position = np.full((*t.shape, 3), np.nan)
    for label, name in enumerate(names):
        rows = law == label
        position[rows] = LAWS[LAW_NAMES.index(name)].position(parameters[rows], t[rows])
    return position


def metric_parameters() -> np.ndarray:
    """Which parameters of which law (4, P) are lengths, or lengths per time: those that grow when a scene does."""
    return np.array([
        [("_m" in name) for name in law.parameters] + [False] * (MOST_PARAMETERS - len(law.parameters)) for law in LAWS
    ])  # fmt: skip
