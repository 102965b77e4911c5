"""Weights that depend on nothing but names, shapes and a seed: whoever knows these can make them again."""

import zlib

import numpy as np
import torch
from torch import Tensor, nn


def seeded(name: str, shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """Weights of N(0, 1 / fan in), norms around 1, biases of N(0, 0.01); numpy's legacy generator never changes."""
    generator = np.random.RandomState((zlib.crc32(name.encode()) ^ (seed * 2654435761)) & 0xFFFFFFFF)
    values = generator.standard_normal(int(np.prod(shape)))
    if len(shape) >= 2:
        values /= np.sqrt(np.prod(shape[1:]))
    elif name.endswith("running_var") or ("norm" in name.split(".")[-2] and name.endswith("weight")):
        values = 1 + 0.1 * values
    else:
        values *= 0.1
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def state_of(net: nn.Module) -> dict[str, Tensor]:
    """Seeded weights for a network, at which what is shown is felt at the end: wide convolutions, norms around 1."""
    norms = {
        f"{name}.weight" for name, part in net.named_modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)
    }
    state = {name: seeded(name, tuple(tensor.shape)) for name, tensor in net.state_dict().items() if tensor.ndim}
    return {name: 1 + each if name in norms else 1.5 * each if each.ndim >= 4 else each for name, each in state.items()}


def pattern(clips: int, frames: int, rows: int, columns: int) -> Tensor:
    """Videos in [-1, 1], B 3 T H W, in which waves of several lengths go their ways."""
    b, c, t, y, x = torch.meshgrid(*map(torch.arange, (clips, 3, frames, rows, columns)), indexing="ij")
    return 0.7 * torch.sin(0.31 * x + 0.17 * y * (c + 1) - 0.9 * t + b) + 0.3 * torch.cos(0.05 * x * y + t * (c + 1))
