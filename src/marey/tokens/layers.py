"""Causal 3D layers: no output frame sees a later input frame, and no statistic mixes frames or places."""

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

Axes = tuple[int, int, int]  # time, height, width


class CausalConv3d(nn.Conv3d):
    """A convolution padded in front in time, and evenly (zeros) in space.

    Output frame j sees input frames up to j * stride and none later. With temporal stride s a clip of 1 + k s frames
    gives 1 + k (MAGVIT-v2, arXiv 2310.05737, section 3.1).
    """

    def __init__(self, inputs: int, outputs: int, kernel: Axes, stride: Axes = (1, 1, 1)):
        kernel = (max(kernel[0], stride[0]), max(kernel[1], stride[1]), max(kernel[2], stride[2]))  # skips nothing
        super().__init__(inputs, outputs, kernel, stride)
        rows, columns = kernel[1] - stride[1], kernel[2] - stride[2]
        self.pads = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2, kernel[0] - 1, 0)

    def forward(self, x: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B D t h w"]:
        if self.kernel_size == (1, 1, 1):  # a product of matrices does the same in half the time
            assert self.bias is not None
            return (self.weight.flatten(1) @ x.flatten(2) + self.bias[:, None]).unflatten(2, x.shape[2:])
        return super().forward(F.pad(x, self.pads))


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
        n = self.stride[0]
        x = rearrange(self.code(codes), "b (d n) t h w -> b (t n) h 1 w 1 d", n=n)[:, n - 1 :]
        return rearrange(
            self.paint(x + self.place), "b t h r w q (c i j) -> b c t (h r i) (w q j)", i=self.block, j=self.block
        )


def _centres(count: int) -> Float[Tensor, "n"]:
    """Middles of `count` equal parts of [-1, 1]."""
    return (torch.arange(count) + 0.5) / count * 2 - 1
