"""Causal 3D convolutions: no output frame sees a later input frame, and no statistic mixes frames."""

import torch
import torch.nn.functional as F
from einops.layers.torch import Rearrange
from jaxtyping import Float
from torch import Tensor, nn

Axes = tuple[int, int, int]  # time, height, width


class CausalConv3d(nn.Conv3d):
    """A convolution padded in front in time, and evenly (zeros) in space.

    Output frame j sees the input frames up to j * stride + stride - 1 of the padded clip, hence none after its own.
    With temporal stride s a clip of 1 + k s frames gives 1 + k (MAGVIT-v2, arXiv 2310.05737, section 3.1).
    """

    def __init__(self, inputs: int, outputs: int, kernel: Axes, stride: Axes = (1, 1, 1)):
        super().__init__(inputs, outputs, kernel, stride)
        rows, columns = kernel[1] - stride[1], kernel[2] - stride[2]
        self.pads = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2, kernel[0] - 1, 0)

    def forward(self, x: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B D t h w"]:
        return super().forward(F.pad(x, self.pads))


class FrameNorm(nn.Module):
    """Root-mean-square norm over channels at each position: no other frame, no other place enters."""

    def __init__(self, width: int):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width, 1, 1, 1))

    def forward(self, x: Float[Tensor, "B D t h w"]) -> Float[Tensor, "B D t h w"]:
        return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-6) * self.gain


class ResidualBlock(nn.Module):
    """x + conv(act(norm(conv(act(norm(x)))))), the last convolution starting at zero."""

    def __init__(self, width: int, kernel: Axes):
        super().__init__()
        self.body = nn.Sequential(
            FrameNorm(width), nn.SiLU(), CausalConv3d(width, width, kernel),
            FrameNorm(width), nn.SiLU(), CausalConv3d(width, width, kernel),
        )  # fmt: skip
        nn.init.zeros_(self.body[-1].weight)
        nn.init.zeros_(self.body[-1].bias)

    def forward(self, x: Float[Tensor, "B D t h w"]) -> Float[Tensor, "B D t h w"]:
        return x + self.body(x)


class Upsample(nn.Module):
    """Each latent cell becomes a block of `stride` cells (depth to space); the frames before the first are dropped."""

    def __init__(self, inputs: int, outputs: int, kernel: Axes, stride: Axes):
        super().__init__()
        t, h, w = stride
        self.extra_frames = t - 1
        self.conv = CausalConv3d(inputs, outputs * t * h * w, kernel)
        self.unfold = Rearrange("b (d i j k) t h w -> b d (t i) (h j) (w k)", i=t, j=h, k=w)

    def forward(self, x: Float[Tensor, "B C t h w"]) -> Float[Tensor, "B D T H W"]:
        return self.unfold(self.conv(x))[:, :, self.extra_frames :]
