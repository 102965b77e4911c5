"""Where things are, as numbers: an encoder that ends in spatial moments, a decoder that broadcasts codes."""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from marey.core.config import strict
from marey.core.errors import UserError
from marey.tokens.adversary import AdversaryConfig
from marey.tokens.layers import Axes, CausalConv3d, refuse_below_one
from marey.tokens.quantizers import FSQConfig, QuantizerConfig
from marey.train.precision import in_full


@strict
@dataclass(frozen=True)
class TokenizerConfig:
    """For one object per cell, whose place matters: codes are straight lines in it. The encoder ends in spatial
    moments, the decoder broadcasts a code over its cell.

    strides: of the encoder's convolutions, (time, height, width). encoder_kernel: of the same. maps: what they end in.
    cell: rows and columns of a map that become one latent. hidden: width of a network between moments and latents, for
    quantizers that need bent codes (LFQ); none by default. decoder_kernel: over the codes. block: pixels that the
    decoder paints at once. object_weight: how much more a pixel counts that differs from its clip's background.
    latent_weight: of the latents' mean square, which keeps them within the quantizer's range.
    """

    channels: int = 1
    strides: tuple[Axes, ...] = ((1, 1, 1),)
    widths: tuple[int, ...] = (8,)
    encoder_kernel: Axes = (1, 3, 3)
    maps: int = 4
    cell: tuple[int, int] = (32, 32)
    quantizer: QuantizerConfig = FSQConfig()  # noqa: RUF009 (frozen)
    decoder_kernel: Axes = (3, 1, 1)
    decoder_width: int = 128
    block: int = 4
    object_weight: float = 20.0
    latent_weight: float = 0.01
    hidden: int | None = None  # None, so that runs from before this field can be taken up again
    adversary: AdversaryConfig | None = None

    def __post_init__(self) -> None:
        axes = {"strides": sum(self.strides, ()), "widths": self.widths}
        axes |= {"encoder_kernel": self.encoder_kernel, "decoder_kernel": self.decoder_kernel, "block": (self.block,)}
        axes |= {"maps": (self.maps,), "cell": self.cell, "hidden": (self.hidden or 1,)}
        refuse_below_one(self, axes)
        if len(self.strides) != len(self.widths):
            raise UserError(f"tokenizer.widths={self.widths}: give one width for each of {len(self.strides)} strides")
        if self.stride[1] % self.block or self.stride[2] % self.block:
            raise UserError(f"tokenizer.block={self.block} must divide the spatial strides {self.stride[1:]}")

    @property
    def stride(self) -> Axes:
        """Frames, rows and columns of pixels per latent."""
        t, h, w = (math.prod(axis) for axis in zip(*self.strides, strict=True))
        return t, h * self.cell[0], w * self.cell[1]

    @property
    def least(self) -> int:
        """Latents that a frame must have each way."""
        return 1

    def encoder(self) -> nn.Sequential:
        """Video to latents."""
        layers: list[nn.Module] = []
        inputs = self.channels
        for stride, width in zip(self.strides, self.widths, strict=True):
            layers += [CausalConv3d(inputs, width, self.encoder_kernel, stride), nn.SiLU()]
            inputs = width
        maps = CausalConv3d(inputs, self.maps, (1, 1, 1))
        nn.init.normal_(maps.weight, std=6 / math.sqrt(inputs))  # sharp enough to tell a small object from its page
        layers += [maps, Moments(self.cell)]
        widths = [4 * self.maps] + [self.hidden] * 2 if self.hidden else [4 * self.maps]
        for inputs, width in pairwise(widths):
            layers += [CausalConv3d(inputs, width, (1, 1, 1)), nn.SiLU()]
        return InFull(*layers, CausalConv3d(widths[-1], self.quantizer.channels, (1, 1, 1)))

    def decoder(self) -> nn.Module:
        """Codes to video."""
        codes, kernel = self.quantizer.channels, self.decoder_kernel
        return Broadcast(codes, self.channels, kernel, self.stride, self.block, self.decoder_width)


class InFull(nn.Sequential):
    """Layers that say where things are."""

    @in_full
    def forward(self, x: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B D t h w"]:
        return super().forward(x)


class Moments(nn.Module):
    """Maps to numbers: where the mass of each map lies in its cell, how far it spreads and how much there is.

    Each map is a distribution over the pixels of a cell (softmax); its mean is a place (spatial soft argmax, Finn et
    al., arXiv 1509.06113), so that a code can be a straight line in position. cell: rows and columns of the input.
    Output channels: for K maps, K means along the row, K down the column, K standard deviations (in half cells) and
    K log masses.
    """

    def __init__(self, cell: tuple[int, int]):
        super().__init__()
        self.cell = cell

    def forward(self, maps: Float[Tensor, "B K t H W"]) -> Float[Tensor, "B D t h w"]:
        rows, columns = self.cell
        maps = rearrange(maps, "b k t (h p) (w q) -> b k t h w (p q)", p=rows, q=columns)
        down, along = torch.meshgrid(_centres(rows), _centres(columns), indexing="ij")
        place = torch.stack([along, down, along**2 + down**2]).flatten(1).to(maps)
        x, y, squares = (maps.softmax(dim=-1) @ place.T).unbind(dim=-1)
        spread = (squares - x**2 - y**2).clamp(min=1e-4).sqrt()
        mass = maps.logsumexp(dim=-1) - math.log(rows * columns)
        return torch.cat([x, y, spread, mass / 4], dim=1)  # all of them of the order of one


class Broadcast(nn.Module):
    """Codes to video: each code is broadcast over the blocks of its patch, which know their place in it and paint their
    own pixels (the spatial broadcast decoder, arXiv 1901.07017).

    stride: frames and pixels per latent cell. block: width of a block, pixels. Latent frame 0 stands for one frame
    only, so that the frames before it are dropped.
    """

    def __init__(self, codes: int, channels: int, kernel: Axes, stride: Axes, block: int, width: int):
        super().__init__()
        self.stride, self.block = stride, block
        rows, columns = stride[1] // block, stride[2] // block
        self.code = CausalConv3d(codes, width * stride[0], kernel)
        # Plane waves over the patch: a sum with the code's own is a function of (place - code) from the first step on.
        places = torch.stack(torch.meshgrid(_centres(rows), _centres(columns), indexing="ij"))
        self.place = nn.Parameter(torch.einsum("dk,khw->hwd", 3 * torch.randn(width, 2), places)[:, None])
        nn.init.normal_(self.code.weight, std=3)
        nn.init.zeros_(self.code.weight[:, :, :-1])  # the past has no say until it proves useful
        page = nn.Linear(width, channels * block**2)
        nn.init.zeros_(page.weight)  # begins as a white page
        nn.init.ones_(page.bias)
        # Products of matrices: convolutions with kernels of one pixel would be the same, at half the speed.
        self.paint = nn.Sequential(
            nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), page
        )

    def forward(self, codes: Float[Tensor, "B D t h w"]) -> Float[Tensor, "B C T H W"]:
        return rearrange(
            self.paint(self._waves(codes)), "b t h r w q (c i j) -> b c t (h r i) (w q j)", i=self.block, j=self.block
        )

    @in_full
    def _waves(self, codes: Float[Tensor, "B D t h w"]) -> Float[Tensor, "B T h r w q d"]:
        """What each block is told. Code and place meet near zero; coarse, neither could say exactly where."""
        n = self.stride[0]
        x = rearrange(self.code(codes), "b (d n) t h w -> b (t n) h 1 w 1 d", n=n)[:, n - 1 :]
        return x + self.place


def _centres(count: int) -> Float[Tensor, "n"]:
    """Middles of `count` equal parts of [-1, 1]."""
    return (torch.arange(count) + 0.5) / count * 2 - 1
