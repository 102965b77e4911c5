"""Weights averaged over training: less noisy than the last step's, and what is kept in the end."""

import copy

import torch
from torch import nn

from marey.train.players import kept, without_adversary


class EMA:
    """An exponential moving average of a model, itself a model, in evaluation mode and without adversary.

    The decay of step n is at most (1 + n) / (10 + n), so that short runs forget their first weights too.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.model = without_adversary(copy.deepcopy(model)).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move towards the weights that `model` has after step 0, 1, ...; whole numbers and flags are copied."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for average, value in zip(kept(self.model), kept(model), strict=True):
            if average.is_floating_point():
                average.lerp_(value, 1 - decay)
            else:
                average.copy_(value)
