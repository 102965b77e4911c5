"""Slow feature analysis (Wiskott and Sejnowski, Neural Computation 14, 2002): what changes apart, slowest first."""

import torch
from jaxtyping import Float64
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
    width = flat.shape[1]
    spread = torch.cov(flat.T).reshape(width, width)
    spread = spread + _LEAST * spread.diagonal().max() * torch.eye(width, dtype=spread.dtype, device=spread.device)
    lower = torch.linalg.cholesky(spread)
    moved = changes.T @ changes / max(1, len(changes))
    half = torch.linalg.solve_triangular(lower, moved, upper=False)
    whitened = torch.linalg.solve_triangular(lower, half.T, upper=False)
    _, turn = torch.linalg.eigh((whitened + whitened.T) / 2)
    return torch.linalg.solve_triangular(lower.T, turn, upper=True).T
