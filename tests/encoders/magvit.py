"""Weights and checkpoints of Open-MAGVIT2 that depend on nothing but names, shapes and a seed."""

import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from marey.encoders.open_magvit2_net import Decoder, Encoder, NetConfig

HERE = Path(__file__).parent / "open_magvit2"
MICRO = NetConfig(width=32, factors=(1, 2, 2), blocks=1, bits=6)


def drawn_tensor(name: str, shape: tuple[int, ...], seed: int) -> Tensor:
    """Weights of N(0, 1 / fan in), norms around 1, biases of N(0, 0.01); numpy's legacy generator never changes."""
    generator = np.random.RandomState((zlib.crc32(name.encode()) ^ (seed * 2654435761)) & 0xFFFFFFFF)
    values = generator.standard_normal(int(np.prod(shape)))
    if len(shape) >= 2:
        values /= np.sqrt(np.prod(shape[1:]))
    elif "norm" in name.split(".")[-2] and name.endswith("weight"):
        values = 1 + 0.1 * values
    else:
        values *= 0.1
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def raw(net: NetConfig, seed: int) -> dict[str, Tensor]:
    """encoder.* and decoder.* of a network."""
    with torch.device("meta"):
        halves = {"encoder.": Encoder(net), "decoder.": Decoder(net)}
    return {
        part + name: drawn_tensor(part + name, tuple(tensor.shape), seed)
        for part, half in halves.items()
        for name, tensor in half.state_dict().items()
    }


def averaged(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same as a checkpoint's averaged set."""
    short = {"model_ema." + name.replace(".", ""): tensor for name, tensor in tensors.items()}
    return short | {"model_ema.decay": torch.tensor(0.999), "model_ema.num_updates": torch.tensor(7, dtype=torch.int32)}


def checkpoint(net: NetConfig = MICRO) -> dict[str, Tensor]:
    """All tensors of a released file: raw ones of seed 0, averaged ones of seed 1."""
    return raw(net, 0) | averaged(raw(net, 1))
