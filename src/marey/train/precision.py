"""How coarse products may be, and what is computed in float32 among them."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn

Made = TypeVar("Made")
Precision = Literal["float32", "bfloat16"]


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


def products(precision: Precision, device: torch.device) -> torch.dtype:
    """In what matrix products are computed that may be in `precision`: bfloat16 only where the device has instructions
    for it; without, such products are many times slower than float32's.
    """
    return torch.bfloat16 if precision == "bfloat16" and _computes_bfloat16(device) else torch.float32


def _computes_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = torch.cpu.get_capabilities()
    return device.type != "cpu" or any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
