"""The tokenizer: a causal 3D-convolutional autoencoder with a quantizer in the middle."""

import math
from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from marey.core.config import strict
from marey.tokens.layers import Axes, CausalConv3d, FrameNorm, ResidualBlock, Upsample
from marey.tokens.quantizers import FSQConfig, Quantized
from marey.train import Loss


@strict
@dataclass(frozen=True)
class TokenizerConfig:
    """Shape of a tokenizer.

    strides: of each stage, (time, height, width). encoder_kernel, decoder_kernel: of the residual blocks. An encoder
    kernel of one pixel gives each latent its own patch and nothing else, so that blank patches share one code.
    """

    channels: int = 1
    strides: tuple[Axes, ...] = ((1, 4, 4), (1, 2, 2))
    widths: tuple[int, ...] = (32, 64)
    encoder_blocks: int = 1
    decoder_blocks: int = 1
    encoder_kernel: Axes = (1, 1, 1)
    decoder_kernel: Axes = (1, 3, 3)
    quantizer: FSQConfig = FSQConfig()
    object_weight: float = 20.0

    @property
    def stride(self) -> Axes:
        """Frames, rows and columns of pixels per latent cell."""
        t, h, w = (math.prod(axis) for axis in zip(*self.strides, strict=True))
        return t, h, w


class Tokenizer(nn.Module):
    """Video to indices and back. `forward(video)` is the training loss."""

    def __init__(self, config: TokenizerConfig):
        super().__init__()
        self.config = config
        self.quantizer = config.quantizer.build()
        codes = len(config.quantizer.levels)
        down: list[nn.Module] = []
        up: list[nn.Module] = []
        inputs = config.channels
        for stride, width in zip(config.strides, config.widths, strict=True):
            down += [CausalConv3d(inputs, width, stride, stride)]
            down += [ResidualBlock(width, config.encoder_kernel) for _ in range(config.encoder_blocks)]
            up = [
                *(ResidualBlock(width, config.decoder_kernel) for _ in range(config.decoder_blocks)),
                FrameNorm(width), nn.SiLU(), Upsample(width, inputs, (1, 3, 3), stride),
                *up,
            ]  # fmt: skip
            inputs = width
        self.encoder = nn.Sequential(*down, FrameNorm(inputs), nn.SiLU(), CausalConv3d(inputs, codes, (1, 1, 1)))
        self.decoder = nn.Sequential(CausalConv3d(codes, inputs, config.decoder_kernel), *up)
        last = up[-1].conv
        nn.init.zeros_(last.weight)
        nn.init.ones_(last.bias)

    def encode(self, video: Float[Tensor, "B C T H W"]) -> Quantized:
        return self.quantizer(self.encoder(video))

    def decode(self, indices: Int64[Tensor, "B t h w"]) -> Float[Tensor, "B C T H W"]:
        return self.decoder(self.quantizer.lookup(indices)).clamp(-1, 1)

    def settled(self, shown: Bool[Tensor, "B T"]) -> Bool[Tensor, "B t"]:
        """Latent frames that depend on shown frames only, whatever the hidden ones hold: the encoder's reach in time."""
        hidden = (~shown).float()[:, None]
        for layer in self.encoder.modules():
            if isinstance(layer, CausalConv3d):
                kernel, stride = layer.kernel_size[0], layer.stride[0]
                hidden = F.max_pool1d(F.pad(hidden, (kernel - 1, 0)), kernel, stride)
        return hidden[:, 0] == 0

    def forward(self, video: Float[Tensor, "B C T H W"]) -> Loss:
        output = self.decoder(self.encode(video).codes)
        background = video.flatten(2).median(dim=2).values[..., None, None, None]
        objects = (video - background).abs().amax(dim=1, keepdim=True) / 2
        weight = 1 + self.config.object_weight * objects
        error = (weight * (output - video).square()).mean()
        return Loss(error, {})
