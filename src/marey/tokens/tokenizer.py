"""The tokenizer: a causal 3D-convolutional autoencoder with a quantizer in the middle."""

import math
from dataclasses import dataclass

from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from marey.core.config import strict
from marey.core.errors import UserError
from marey.tokens.layers import Axes, Broadcast, CausalConv3d, Moments
from marey.tokens.quantizers import FSQConfig, Quantized
from marey.tokens.reach import reached
from marey.train import Loss


@strict
@dataclass(frozen=True)
class TokenizerConfig:
    """Shape of a tokenizer, and the weights of its loss.

    strides: of the encoder's convolutions, (time, height, width). encoder_kernel: of the same. maps: what they end in.
    cell: rows and columns of a map that become one latent. decoder_kernel: over the codes. block: pixels that
    the decoder paints at once. object_weight: how much more a pixel counts that differs from its clip's background.
    latent_weight: of the latents' mean square, which keeps them within the quantizer's range.
    """

    channels: int = 1
    strides: tuple[Axes, ...] = ((1, 1, 1),)
    widths: tuple[int, ...] = (8,)
    encoder_kernel: Axes = (1, 3, 3)
    maps: int = 4
    cell: tuple[int, int] = (32, 32)
    quantizer: FSQConfig = FSQConfig()  # noqa: RUF009 (frozen)
    decoder_kernel: Axes = (3, 1, 1)
    decoder_width: int = 128
    block: int = 4
    object_weight: float = 20.0
    latent_weight: float = 0.01

    def __post_init__(self) -> None:
        axes = {"strides": sum(self.strides, ()), "widths": self.widths}
        axes |= {"encoder_kernel": self.encoder_kernel, "decoder_kernel": self.decoder_kernel, "block": (self.block,)}
        axes |= {"maps": (self.maps,), "cell": self.cell}
        for name, numbers in axes.items():
            if min(numbers, default=0) < 1:
                raise UserError(f"tokenizer.{name}={getattr(self, name)}: give whole numbers, each at least 1")
        if len(self.strides) != len(self.widths):
            raise UserError(f"tokenizer.widths={self.widths}: give one width for each of {len(self.strides)} strides")
        if self.stride[1] % self.block or self.stride[2] % self.block:
            raise UserError(f"tokenizer.block={self.block} must divide the spatial strides {self.stride[1:]}")

    @property
    def stride(self) -> Axes:
        """Frames, rows and columns of pixels per latent."""
        t, h, w = (math.prod(axis) for axis in zip(*self.strides, strict=True))
        return t, h * self.cell[0], w * self.cell[1]


class Tokenizer(nn.Module):
    """Video to indices and back. `forward(video)` is the training loss."""

    def __init__(self, config: TokenizerConfig):
        super().__init__()
        self.config = config
        self.quantizer = config.quantizer.build()
        codes = len(config.quantizer.levels)
        layers: list[nn.Module] = []
        inputs = config.channels
        for stride, width in zip(config.strides, config.widths, strict=True):
            layers += [CausalConv3d(inputs, width, config.encoder_kernel, stride), nn.SiLU()]
            inputs = width
        maps = CausalConv3d(inputs, config.maps, (1, 1, 1))
        nn.init.normal_(maps.weight, std=6 / math.sqrt(inputs))  # sharp enough to tell a small object from its page
        self.encoder = nn.Sequential(
            *layers, maps, Moments(config.cell), CausalConv3d(4 * config.maps, codes, (1, 1, 1))
        )
        self.decoder = Broadcast(
            codes, config.channels, config.decoder_kernel, config.stride, config.block, config.decoder_width
        )

    def encode(self, video: Float[Tensor, "B C T H W"]) -> Quantized:
        return self.quantizer(self.encoder(video))

    def decode(self, indices: Int64[Tensor, "B t h w"]) -> Float[Tensor, "B C T H W"]:
        return self.decoder(self.quantizer.lookup(indices)).clamp(-1, 1)

    @property
    def local(self) -> bool:
        """Whether each latent frame depends on a single frame of the video."""
        return all(layer.kernel_size[0] == 1 for layer in self.encoder if isinstance(layer, CausalConv3d))

    def settled(self, shown: Bool[Tensor, "B T H W"]) -> Bool[Tensor, "B t h w"]:
        """Latents that depend on shown pixels only, whatever the hidden ones hold.

        Where H and W are 1 whole frames are shown, and h and w are 1.
        """
        return ~reached(self.encoder, ~shown)

    def forward(self, video: Float[Tensor, "B C T H W"]) -> Loss:
        """Squared error, weighted so that small objects live: on a white page a blank page is nearly right already."""
        latents = self.encoder(video)
        output = self.decoder(self.quantizer(latents).codes)
        background = video.flatten(2).median(dim=2).values[..., None, None, None]
        objects = (video - background).abs().amax(dim=1, keepdim=True) / 2
        error = ((1 + self.config.object_weight * objects) * (output - video).square()).mean()
        spread = latents.square().mean()
        return Loss(error + self.config.latent_weight * spread, {"error": error, "latents": spread})
