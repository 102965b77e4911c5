"""Slow feature analysis (Wiskott and Sejnowski, Neural Computation 14, 2002): what changes apart, slowest first."""

import numpy as np
import torch
from jaxtyping import Float64
from scipy.linalg import eigh
from torch import Tensor

_LEAST = 1e-8  # of the widest direction's variance: what varies less than this does not vary


def slow_features(values: Float64[Tensor, "B T D"]) -> Float64[Tensor, "D D"]:
    """The directions, slowest first, in which B series of T moments change independently of each other.

    Both the values and their changes from moment to moment are uncorrelated between the rows of the result, and the
    values have variance 1 along each: with S the covariance of the values and C that of their changes, the rows w
    solve C w = l S w. A colour that stays the same in each clip comes first, a place last. Of series with one moment
    nothing is slow; they are only decorrelated.
    """
    flat, changes = values.flatten(0, 1), values.diff(dim=1).flatten(0, 1)
    spread = np.atleast_2d(torch.cov(flat.T).cpu().numpy())
    least = _LEAST * spread.diagonal().max() * np.eye(len(spread))
    moved = (changes.T @ changes / max(1, len(changes))).cpu().numpy()
    _, directions = eigh(moved, spread + least)
    return torch.from_numpy(directions.T).to(values.device)
