"""What is computed in float32, however coarse the products around it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

Made = TypeVar("Made")


def in_full(method: Callable[..., Made]) -> Callable[..., Made]:
    """A module's method, in float32 even where a training computes in bfloat16, whose 8 bits cannot tell two places in
    a frame, or two levels of a digit, apart.
    """

    @wraps(method)
    def full(self: nn.Module, *given: Any) -> Made:
        device = next(each.device for each in given if isinstance(each, Tensor))
        with torch.autocast(device.type, enabled=False):
            return method(self, *given)

    return full
