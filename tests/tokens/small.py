"""Small tokenizers of every kind of reach in time, with weights at which every path through them carries something."""

import torch
from torch import nn

from marey.tokens.quantizers import FSQConfig
from marey.tokens.tokenizer import AnyTokenizerConfig, MagvitConfig, Tokenizer, TokenizerConfig

_SMALL = {
    "strides": ((1, 2, 2), (1, 2, 2)),
    "widths": (8, 12),
    "encoder_kernel": (1, 1, 1),
    "cell": (2, 2),
    "quantizer": FSQConfig(levels=(8, 5, 4)),
}
_MAGVIT = {
    "channels": 1,
    "widths": (4, 6, 6, 8),
    "blocks": (0, 1, 0, 1),
    "quantizer": FSQConfig(levels=(8, 5, 4)),
    "page": 1.0,
}

# Name: (config, frames of a clip). Pixels: 16 rows, 16 columns; 8 x 8 of them make a latent.
KINDS: dict[str, tuple[AnyTokenizerConfig, int]] = {
    "local": (TokenizerConfig(**_SMALL), 8),
    "looks_back": (TokenizerConfig(**_SMALL | {"encoder_kernel": (3, 1, 1), "decoder_kernel": (3, 3, 3)}), 8),
    "stride_2": (TokenizerConfig(**_SMALL | {"strides": ((2, 2, 2), (1, 2, 2)), "decoder_kernel": (2, 3, 3)}), 9),
    "stride_4": (
        TokenizerConfig(
            **_SMALL | {"strides": ((2, 2, 2), (2, 2, 2)), "encoder_kernel": (3, 3, 3), "decoder_kernel": (3, 1, 1)}
        ),
        13,
    ),
    "magvit_local": (MagvitConfig(**_MAGVIT, stride=(1, 8, 8), kernel=(1, 3, 3), edge="zeros"), 5),
    "magvit_frame_norm": (MagvitConfig(**_MAGVIT, stride=(2, 8, 8), edge="reflect", norm="frame"), 9),
    "magvit_stride_4": (MagvitConfig(**_MAGVIT, stride=(4, 8, 8), edge="replicate"), 9),
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
