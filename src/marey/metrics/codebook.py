"""How much of its codebook a tokenizer uses. An index is a number whose digits, lowest first, have the given levels."""

import math

import numpy as np
from jaxtyping import Int64

_COUNTABLE = 1 << 16  # codes: of more, a sample of clips can only ever show a few


def use(indices: Int64[np.ndarray, "*shape"], levels: tuple[int, ...]) -> float:
    """Share of the codes that occur at all. Of codebooks over 65,536 codes: share of the levels that occur, mean over
    the digits. A census of n indices finds at most n codes.
    """
    if math.prod(levels) <= _COUNTABLE:
        return distinct(indices) / math.prod(levels)
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


def census(indices: Int64[np.ndarray, "*shape"], levels: tuple[int, ...]) -> dict[str, float]:
    """Use and perplexity, by their names in a training's metrics."""
    return {"codebook_use": use(indices, levels), "perplexity": perplexity(indices)}
