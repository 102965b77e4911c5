"""How much of its codebook a tokenizer uses."""

import numpy as np
from jaxtyping import Int64


def counts(indices: Int64[np.ndarray, "*shape"], size: int) -> Int64[np.ndarray, "K"]:
    """How often each of `size` codes occurs."""
    return np.bincount(indices.reshape(-1), minlength=size)


def use(count: Int64[np.ndarray, "K"]) -> float:
    """Share of the codes that occur at all; it grows with the number of clips looked at."""
    return float((count > 0).mean())


def perplexity(count: Int64[np.ndarray, "K"]) -> float:
    """exp of the entropy of the codes: the number of equally frequent codes that would carry as much."""
    share = count[count > 0] / count.sum()
    return float(np.exp(-(share * np.log(share)).sum()))
