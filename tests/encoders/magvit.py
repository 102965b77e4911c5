"""Weights and checkpoints of Open-MAGVIT2 that depend on nothing but names, shapes and a seed."""

from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from marey.encoders.open_magvit2_net import Decoder, Encoder, NetConfig
from tests.encoders.seeded import seeded

HERE = Path(__file__).parent / "open_magvit2"
MICRO = NetConfig(width=32, factors=(1, 2, 2), blocks=1, bits=6)


@cache
def raw(net: NetConfig, seed: int) -> dict[str, Tensor]:
    """encoder.* and decoder.* of a network."""
    with torch.device("meta"):
        halves = {"encoder.": Encoder(net), "decoder.": Decoder(net)}
    return {
        part + name: seeded(part + name, tuple(tensor.shape), seed)
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
