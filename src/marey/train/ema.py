"""Weights averaged over training: less noisy than the last step's, and what is kept in the end."""

import copy
from collections.abc import Iterator
from itertools import chain

import torch
from torch import Tensor, nn


class EMA:
    """An exponential moving average of a model, itself a model, in evaluation mode.

    The decay of step n is at most (1 + n) / (10 + n), so that short runs forget their first weights too.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move towards the weights that `model` has after step 0, 1, ...; whole numbers and flags are copied."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for average, value in zip(_tensors(self.model), _tensors(model), strict=True):
            if average.is_floating_point():
                average.lerp_(value, 1 - decay)
            else:
                average.copy_(value)


def _tensors(model: nn.Module) -> Iterator[Tensor]:
    """Parameters and buffers (running codebooks, norms), each once, though the model may share it between modules."""
    return chain(model.parameters(), model.buffers())
