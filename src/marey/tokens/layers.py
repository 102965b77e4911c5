"""Causal 3D layers: no output frame sees a later input frame, and no statistic mixes frames."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from marey.core.errors import UserError

Axes = tuple[int, int, int]  # time, height, width
Edge = Literal["zeros", "replicate", "reflect"]  # what lies beyond the rim of a frame; before the first frame are zeros


class CausalConv3d(nn.Conv3d):
    """A convolution padded in front in time (zeros), and evenly in space (by `edge`).

    Output frame j sees input frames up to j * stride and none later. With temporal stride s a clip of 1 + k s frames
    gives 1 + k (MAGVIT-v2, arXiv 2310.05737, section 3.1); an image is a clip of one frame.
    """

    def __init__(self, inputs: int, outputs: int, kernel: Axes, stride: Axes = (1, 1, 1), edge: Edge = "zeros"):
        kernel = (max(kernel[0], stride[0]), max(kernel[1], stride[1]), max(kernel[2], stride[2]))  # skips nothing
        super().__init__(inputs, outputs, kernel, stride)
        self.edge = edge
        rows, columns = kernel[1] - stride[1], kernel[2] - stride[2]
        self.pads = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2, kernel[0] - 1, 0)

    def forward(self, x: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B D t h w"]:
        if self.kernel_size == (1, 1, 1):  # a product of matrices does the same in half the time
            assert self.bias is not None
            product = self.weight.flatten(1) @ x.flatten(2)
            return (product + self.bias.to(product.dtype)[:, None]).unflatten(2, x.shape[2:])
        return super().forward(self.padded(x))

    def padded(self, x: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B C _ _ _"]:
        """What the kernel slides over."""
        if self.edge == "zeros":
            return F.pad(x, self.pads)
        return F.pad(F.pad(x, (*self.pads[:4], 0, 0), mode=self.edge), (0, 0, 0, 0, *self.pads[4:]))


class CausalUpsample(nn.Module):
    """The way back from a strided `CausalConv3d`: 1 + k frames give 1 + k s.

    A convolution paints the s frames and the pixels of each place at once (depth to space); the first place stands for
    one frame only, so that the frames before it are dropped.
    """

    def __init__(self, inputs: int, outputs: int, kernel: Axes, stride: Axes, edge: Edge = "zeros"):
        super().__init__()
        self.stride = stride
        self.convolution = CausalConv3d(inputs, outputs * math.prod(stride), kernel, edge=edge)

    def forward(self, x: Float[Tensor, "B C t h w"]) -> Float[Tensor, "B D T H W"]:
        p, q, r = self.stride
        x = rearrange(self.convolution(x), "b (c p q r) t h w -> b c (t p) (h q) (w r)", p=p, q=q, r=r)
        return x[:, :, p - 1 :]


class PositionNorm(nn.Module):
    """Root mean square norm (arXiv 1910.07467) over the channels of each place: no statistic mixes places or frames."""

    def __init__(self, channels: int):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels, 1, 1, 1))

    def forward(self, x: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B C T H W"]:
        return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-6) * self.gain


class FrameNorm(nn.GroupNorm):
    """Group norm (arXiv 1803.08494) with statistics of each frame by itself: places of a frame are mixed, no frames."""

    def __init__(self, channels: int):
        super().__init__(math.gcd(channels, 8), channels)

    def forward(self, x: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B C T H W"]:
        frames = super().forward(rearrange(x, "b c t h w -> (b t) c h w"))
        return rearrange(frames, "(b t) c h w -> b c t h w", b=len(x))


def refuse_below_one(config: object, axes: dict[str, tuple[int, ...]]) -> None:
    """A UserError that names the first field of a tokenizer's config in which a size is less than 1."""
    for name, numbers in axes.items():
        if min(numbers, default=0) < 1:
            raise UserError(f"tokenizer.{name}={getattr(config, name)}: give whole numbers, each at least 1")
