"""Small tokenizers of every kind of reach in time, with weights at which every path through them carries something."""

import torch
from torch import nn

from marey.tokens.quantizers import FSQConfig
from marey.tokens.tokenizer import Tokenizer, TokenizerConfig

_SMALL = {
    "strides": ((1, 2, 2), (1, 2, 2)),
    "widths": (8, 12),
    "encoder_kernel": (1, 1, 1),
    "cell": (2, 2),
    "quantizer": FSQConfig(levels=(8, 5, 4)),
}

# Name: (config, frames of a clip). Pixels: 16 rows, 16 columns.
KINDS = {
    "local": (TokenizerConfig(**_SMALL), 8),
    "looks_back": (TokenizerConfig(**_SMALL | {"encoder_kernel": (3, 1, 1), "decoder_kernel": (3, 3, 3)}), 8),
    "stride_2": (TokenizerConfig(**_SMALL | {"strides": ((2, 2, 2), (1, 2, 2)), "decoder_kernel": (2, 3, 3)}), 9),
    "stride_4": (
        TokenizerConfig(
            **_SMALL | {"strides": ((2, 2, 2), (2, 2, 2)), "encoder_kernel": (3, 3, 3), "decoder_kernel": (3, 1, 1)}
        ),
        13,
    ),
}
SIZE = 16


def shaken(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module with random weights everywhere: many layers start at zero and would hide what they connect."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 4
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 2.5 / fan_in**0.5)
    return module.eval()


def tokenizer_of(kind: str) -> Tokenizer:
    return shaken(Tokenizer(KINDS[kind][0]))


def noise(batch: int, frames: int, seed: int = 0, size: int = SIZE) -> torch.Tensor:
    """Video of noise, in which no two frames agree."""
    return torch.rand(batch, 1, frames, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1
