"""The network of the Open-MAGVIT2 video tokenizer, written after its paper (arXiv 2409.04410) and its released tensors.

The modules carry the names that the tensors have in its checkpoints. Layout of a map: B C T H W.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from marey.core.config import strict
from marey.core.errors import UserError

Map = Float[Tensor, "B _ _ _ _"]  # channels, frames, rows, columns
_GROUPS = 32  # of every group norm


@strict
@dataclass(frozen=True)
class NetConfig:
    """Shape of encoder and decoder; by default the released one.

    width: of the first level. factors: of the width, one for each level; a level whose factor is 1 halves space when it
    ends, the others space and time, and the last level neither. blocks: of each level. bits: of a code.
    """

    width: int = 128
    factors: tuple[int, ...] = (1, 2, 2, 4)
    blocks: int = 4
    bits: int = 18

    def __post_init__(self) -> None:
        if self.width % _GROUPS or min(self.width, self.blocks, self.bits, *self.factors) < 1:
            raise UserError(f"net={self}: give a width that is a multiple of {_GROUPS}, and numbers of 1 or more")

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(self.width * factor for factor in self.factors)

    @property
    def strides(self) -> tuple[tuple[int, int, int], ...]:
        """Frames, rows and columns that become one when each level but the last ends."""
        return tuple((1 if factor == 1 else 2, 2, 2) for factor in self.factors[:-1])


class CausalConv(nn.Module):
    """A convolution padded with zeros: in front in time, evenly in space."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: tuple[int, int, int] = (1, 1, 1), *, bias: bool):
        super().__init__()
        half = kernel // 2
        self.front = kernel - 1
        self.conv_1 = nn.Conv3d(inputs, outputs, kernel, stride, padding=(0, half, half), bias=bias)

    def forward(self, x: Map) -> Map:
        return self.conv_1(F.pad(x, (0, 0, 0, 0, self.front, 0)))


class Block(nn.Module):
    """Residual block. Its norms span the whole clip, so that each frame knows of the later ones."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.norm1, self.norm2 = _norm(inputs), _norm(outputs)
        self.conv1 = CausalConv(inputs, outputs, 3, bias=False)
        self.conv2 = CausalConv(outputs, outputs, 3, bias=False)
        if inputs != outputs:
            self.nin_shortcut = CausalConv(inputs, outputs, 1, bias=False)

    def forward(self, x: Map) -> Map:
        y = self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))
        return y + (x if self.conv1.conv_1.in_channels == y.shape[1] else self.nin_shortcut(x))


class Encoder(nn.Module):
    """Video to latents, the numbers whose signs are the code."""

    def __init__(self, config: NetConfig):
        super().__init__()
        widths = config.widths
        ends = [
            {"downsample": CausalConv(width, width, 3, stride, bias=True)}
            for width, stride in zip(widths, config.strides, strict=False)
        ]
        self.conv_in = CausalConv(3, widths[0], 3, bias=False)
        self.down = nn.ModuleList(
            _level(inputs, outputs, config.blocks, end)
            for inputs, outputs, end in zip((widths[0], *widths[:-1]), widths, (*ends, {}), strict=True)
        )
        self.mid_block = _blocks(widths[-1], widths[-1], config.blocks)
        self.norm_out = _norm(widths[-1])
        self.conv_out = CausalConv(widths[-1], config.bits, 1, bias=True)

    def maps(self, video: Map) -> Iterator[tuple[str, Map]]:
        """What each level, the middle and the end give, in their order: `down.0`, ..., `mid_block`, `latents`."""
        x = self.conv_in(video)
        for number, level in enumerate(self.down):
            x = level(x)
            yield f"down.{number}", x
        x = self.mid_block(x)
        yield "mid_block", x
        yield "latents", self.conv_out(F.silu(self.norm_out(x)))

    def forward(self, video: Map) -> Map:
        *_, (_, latents) = self.maps(video)
        return latents


class AdaptiveNorm(nn.Module):
    """Group norm whose scale and shift follow from the spread and the mean of the clip's codes."""

    def __init__(self, codes: int, width: int):
        super().__init__()
        self.gamma, self.beta = nn.Linear(codes, width), nn.Linear(codes, width)

    def forward(self, x: Map, codes: Map) -> Map:
        spread = (codes.flatten(2).var(dim=2) + 1e-6).sqrt()
        gamma, beta = self.gamma(spread), self.beta(codes.flatten(2).mean(dim=2))
        x = F.group_norm(x, _GROUPS, eps=1e-6)
        return gamma[:, :, None, None, None] * x + beta[:, :, None, None, None]


class Upsampler(nn.Module):
    """Each cell becomes a block of cells. Where frames double, the first one had no partner: its copy is dropped."""

    def __init__(self, width: int, stride: tuple[int, int, int]):
        super().__init__()
        self.stride = stride
        self.conv1 = CausalConv(width, width * stride[0] * stride[1] * stride[2], 3, bias=True)

    def forward(self, x: Map) -> Map:
        p, q, r = self.stride
        x = rearrange(self.conv1(x), "b (p q r c) t h w -> b c (t p) (h q) (w r)", p=p, q=q, r=r)
        return x if p == 1 else torch.cat([x[:, :, :1], x[:, :, 2:]], dim=2)


class Decoder(nn.Module):
    """Codes to video; the numbers are not bounded."""

    def __init__(self, config: NetConfig):
        super().__init__()
        widths = config.widths
        inputs = (*widths[1:], widths[-1])  # of each level: what the one above it gives
        ends = [
            {"upsample": Upsampler(width, stride)} for width, stride in zip(widths[1:], config.strides, strict=True)
        ]
        self.conv_in = CausalConv(config.bits, widths[-1], 3, bias=True)
        self.mid_block = _blocks(widths[-1], widths[-1], config.blocks)
        self.up = nn.ModuleList(
            _level(start, width, config.blocks, end)
            for start, width, end in zip(inputs, widths, ({}, *ends), strict=True)
        )
        self.adaptive = nn.ModuleList(AdaptiveNorm(config.bits, width) for width in inputs)
        self.norm_out = _norm(widths[0])
        self.conv_out = CausalConv(widths[0], 3, 3, bias=True)

    def forward(self, codes: Map) -> Map:
        x = self.mid_block(self.conv_in(codes))
        for level, norm in reversed(list(zip(self.up, self.adaptive, strict=True))):
            x = level(norm(x, codes))
        return self.conv_out(F.silu(self.norm_out(x)))


def _norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(_GROUPS, width, eps=1e-6)


def _blocks(inputs: int, outputs: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Block(inputs if number == 0 else outputs, outputs) for number in range(count)))


def _level(inputs: int, outputs: int, count: int, end: Mapping[str, nn.Module]) -> nn.Sequential:
    return nn.Sequential(OrderedDict({"block": _blocks(inputs, outputs, count), **end}))
