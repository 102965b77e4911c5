"""A path outside the list of laws: a short sum of powers and waves of time, by orthogonal matching pursuit.

This describes what was seen; it does not claim a cause. The number of terms of each coordinate is chosen by the
Bayesian information criterion; the search itself is scikit-learn's (Pati et al., "Orthogonal matching pursuit", 1993).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from sklearn.linear_model import orthogonal_mp

_POWERS = (1, 2, 3)
_TURNS = np.arange(0.5, 3.01, 0.125)  # of the waves over the clip
_MOST = 6  # terms of a coordinate, besides its constant
_TINY = 1e-12


@dataclass(frozen=True)
class Description:
    """sides: right-hand sides of x(t), y(t), z(t). fitted: the path they give. residual: rms distance to the points, in
    the unit of the points. terms: how many there are, constants included.
    """

    sides: tuple[str, str, str]
    fitted: Float64[np.ndarray, "T 3"]
    residual: float
    terms: int


def describe_path(times: Float64[np.ndarray, "T"], points: Float64[np.ndarray, "T 3"], sigma: float) -> Description:
    """The sparsest good description of one path. sigma: standard error of a coordinate, in the unit of the points.

    Points that are NaN do not count.
    """
    known = np.isfinite(points).all(axis=1)
    columns, names = _library(times)
    texts, fitted, count = [], np.empty_like(points), 0
    for axis in range(3):
        weights = _sparse(columns[known], points[known, axis], sigma)
        fitted[:, axis] = columns @ weights
        texts.append(_text(weights, names))
        count += int((weights != 0).sum())
    away = np.linalg.norm(fitted - points, axis=1)[known]
    return Description((texts[0], texts[1], texts[2]), fitted, float(np.sqrt((away**2).mean())), count)


def _library(times: Float64[np.ndarray, "T"]) -> tuple[Float64[np.ndarray, "T C"], list[str]]:
    """1, the powers, and waves of all frequencies; time in seconds."""
    rates = 2 * np.pi * _TURNS / (times[-1] - times[0])
    columns, names = [np.ones_like(times)], [""]
    for power in _POWERS:
        columns.append(times**power)
        names.append("t" if power == 1 else f"t**{power}")
    for rate in rates:
        for wave, name in ((np.cos, "cos"), (np.sin, "sin")):
            columns.append(wave(rate * times))
            names.append(f"{name}({rate:.6g}*t)")
    return np.column_stack(columns), names


def _sparse(columns: Float64[np.ndarray, "K C"], values: Float64[np.ndarray, "K"], sigma: float) -> np.ndarray:
    """Weights of the columns, most of them 0; the first column is the constant."""
    centred = columns[:, 1:] - columns[:, 1:].mean(axis=0)
    size = np.linalg.norm(centred, axis=0).clip(_TINY)
    target = values - values.mean()
    best, least = np.zeros(len(size)), np.square(target).sum() / sigma**2
    for count in range(1, min(_MOST, len(values) - 2) + 1):
        weights = orthogonal_mp(centred / size, target, n_nonzero_coefs=count) / size
        score = np.square(target - centred @ weights).sum() / sigma**2 + count * np.log(len(values))
        if score < least:
            best, least = weights, score
    return np.concatenate([[values.mean() - columns[:, 1:].mean(axis=0) @ best], best])


def _text(weights: np.ndarray, names: list[str]) -> str:
    parts = [
        f"{weight:.6g}*{name}" if name else f"{weight:.6g}"
        for weight, name in zip(weights, names, strict=True)
        if weight
    ]
    return " + ".join(parts).replace("+ -", "- ") or "0"
