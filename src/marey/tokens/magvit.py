"""The encoder and decoder of MAGVIT-v2 (arXiv 2310.05737, section 3.1): causal 3D residual networks, for video in which
anything may happen anywhere. What differs: norms keep no statistic over time, widths fit two CPU cores.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from marey.core.config import strict
from marey.core.errors import UserError
from marey.tokens.adversary import AdversaryConfig
from marey.tokens.layers import Axes, CausalConv3d, CausalUpsample, Edge, FrameNorm, PositionNorm, refuse_below_one
from marey.tokens.quantizers import FSQConfig, QuantizerConfig

Norm = Literal["position", "frame"]  # what a norm's statistics are taken over: never over time
_NORMS = {"position": PositionNorm, "frame": FrameNorm}


@strict
@dataclass(frozen=True)
class MagvitConfig:
    """For video in which anything may happen anywhere: the causal residual networks of MAGVIT-v2.

    stride: frames, rows and columns of pixels per latent, powers of two. widths, blocks: channels and residual blocks
    at each resolution, finest first, one more than the stride has halvings. kernel: of all convolutions; 1 in time
    makes the tokens of a frame its own. edge: what lies beyond the rim. norm: whether its statistics are of a place or
    a frame. page: the value of all decoded pixels in the beginning, 1 for white paper. object_weight, latent_weight:
    as in `TokenizerConfig`.
    """

    kind: Literal["magvit"] = "magvit"
    channels: int = 3
    stride: Axes = (4, 8, 8)
    widths: tuple[int, ...] = (8, 16, 32, 64)
    blocks: tuple[int, ...] = (0, 1, 1, 1)
    kernel: Axes = (3, 3, 3)
    edge: Edge = "replicate"
    norm: Norm = "position"
    quantizer: QuantizerConfig = FSQConfig(levels=(8, 8, 8, 5, 5, 5))  # noqa: RUF009 (frozen)
    page: float = 0.0
    object_weight: float = 0.0
    latent_weight: float = 0.01
    adversary: AdversaryConfig | None = None

    def __post_init__(self) -> None:
        refuse_below_one(self, {"stride": self.stride, "widths": self.widths, "kernel": self.kernel})
        if any(size & (size - 1) for size in self.stride):
            raise UserError(f"tokenizer.stride={self.stride}: give powers of two, such as (4, 8, 8)")
        count = 1 + len(self.steps)
        if (len(self.widths), len(self.blocks)) != (count, count) or min(self.blocks) < 0:
            raise UserError(
                f"tokenizer.widths={self.widths}, tokenizer.blocks={self.blocks}: stride {self.stride} makes {count} "
                "resolutions; give each of them channels and a number of residual blocks"
            )

    @property
    def steps(self) -> tuple[Axes, ...]:
        """The stride as steps that at most halve each axis: rows and columns first, frames last."""
        t, h, w = (size.bit_length() - 1 for size in self.stride)
        count = max(t, h, w)
        return tuple((2 if i >= count - t else 1, 2 if i < h else 1, 2 if i < w else 1) for i in range(count))

    @property
    def least(self) -> int:
        """Latents that a frame must have each way: a rim can only reflect what is there."""
        return max(self.kernel[1:]) // 2 + 1 if self.edge == "reflect" else 1

    def encoder(self) -> nn.Sequential:
        """Video to latents."""
        convolution = partial(CausalConv3d, kernel=self.kernel, edge=self.edge)
        layers: list[nn.Module] = [convolution(self.channels, self.widths[0]), *self._residuals(0)]
        for i, step in enumerate(self.steps):
            layers += [convolution(*self.widths[i : i + 2], stride=step), *self._residuals(i + 1)]
        last = CausalConv3d(self.widths[-1], self.quantizer.channels, (1, 1, 1))
        return nn.Sequential(*layers, _NORMS[self.norm](self.widths[-1]), nn.SiLU(), last)

    def decoder(self) -> nn.Sequential:
        """Codes to video: the encoder's steps backwards."""
        first = CausalConv3d(self.quantizer.channels, self.widths[-1], self.kernel, edge=self.edge)
        layers: list[nn.Module] = [first, *self._residuals(-1)]
        for i, step in reversed(list(enumerate(self.steps))):
            up = CausalUpsample(self.widths[i + 1], self.widths[i], self.kernel, step, self.edge)
            layers += [up, *self._residuals(i)]
        last = CausalConv3d(self.widths[0], self.channels, self.kernel, edge=self.edge)
        nn.init.zeros_(last.weight)
        last.bias = nn.Parameter(torch.full((self.channels,), self.page))
        return nn.Sequential(*layers, _NORMS[self.norm](self.widths[0]), nn.SiLU(), last)

    def _residuals(self, resolution: int) -> list["Residual"]:
        width = self.widths[resolution]
        return [Residual(width, self.kernel, self.edge, self.norm) for _ in range(self.blocks[resolution])]


class Residual(nn.Module):
    """x + convolutions of it; begins as x."""

    def __init__(self, width: int, kernel: Axes, edge: Edge, norm: Norm):
        super().__init__()
        last = CausalConv3d(width, width, kernel, edge=edge)
        nn.init.zeros_(last.weight)
        last.bias = nn.Parameter(torch.zeros(width))
        self.change = nn.Sequential(
            _NORMS[norm](width), nn.SiLU(), CausalConv3d(width, width, kernel, edge=edge),
            _NORMS[norm](width), nn.SiLU(), last,
        )  # fmt: skip

    def forward(self, x: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B C T H W"]:
        return x + self.change(x)
