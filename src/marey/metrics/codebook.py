"""How much of its codebook a tokenizer uses. An index is a number whose digits, lowest first, have the given levels."""

import numpy as np
from jaxtyping import Int64


def use(indices: Int64[np.ndarray, "*shape"], levels: tuple[int, ...]) -> float:
    """Share of the levels that occur at all, mean over the digits; with one digit, the share of the codes."""
    shares, rest = [], indices.ravel()
    for level in levels:
        rest, digit = np.divmod(rest, level)
        shares.append(len(np.unique(digit)) / level)
    return float(np.mean(shares))


def distinct(indices: Int64[np.ndarray, "*shape"]) -> int:
    """Number of different codes."""
    return len(np.unique(indices))


def perplexity(indices: Int64[np.ndarray, "*shape"]) -> float:
    """exp of the entropy of the codes: the number of equally frequent codes that would carry as much."""
    share = np.unique(indices, return_counts=True)[1] / indices.size
    return float(np.exp(-(share * np.log(share)).sum()))
