"""Quantizers by type: the config is the choice, and `build` makes it. The mathematics is the library's.

The contract, tested for each: `lookup(indices)` gives exactly the codes that came with those indices, and
`join(split(indices)) == indices`, where `split` writes an index as one small digit per factor.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from vector_quantize_pytorch import FSQ

from marey.core.config import strict
from marey.core.errors import UserError


@dataclass(frozen=True)
class Quantized:
    """Codes (quantized vectors) and the integers that stand for them."""

    codes: Float[Tensor, "B D t h w"]
    indices: Int64[Tensor, "B t h w"]


@strict
@dataclass(frozen=True)
class FSQConfig:
    """Finite scalar quantization (arXiv 2309.15505): each of a few numbers is rounded to one of its levels."""

    ordinal: ClassVar[bool] = True  # its digits are numbers, not names

    kind: Literal["fsq"] = "fsq"
    levels: tuple[int, ...] = (1024, 1024, 1024)

    def __post_init__(self) -> None:
        if math.prod(self.levels) >= 1 << 63:
            raise UserError(f"quantizer.levels={self.levels}: keep the codebook under 2**63 codes")
        if not self.levels or min(self.levels) < 3:  # the library has no two levels
            raise UserError(f"quantizer.levels={self.levels}: give at least one level count, each 3 or more")

    @property
    def codebook_size(self) -> int:
        return math.prod(self.levels)

    def build(self) -> "FSQuantizer":
        return FSQuantizer(self.levels)


class FSQuantizer(nn.Module):
    """FSQ over `len(levels)` channels."""

    counts: Tensor
    basis: Tensor

    def __init__(self, levels: tuple[int, ...]):
        super().__init__()
        self.levels = levels
        # Clamped, not squashed: a code is then a straight line in its latent. The library's indices are sums in float32
        # and exact for small codebooks only, so they are counted here.
        self.fsq = FSQ(list(levels), return_indices=False, bound_hard_clamp=True)
        self.register_buffer("counts", torch.tensor(levels), persistent=False)
        self.register_buffer("basis", torch.tensor((1, *levels[:-1])).cumprod(dim=0), persistent=False)

    def forward(self, latents: Float[Tensor, "B D t h w"]) -> Quantized:
        codes, _ = self.fsq(latents)
        half = self.counts // 2
        digits = (codes.detach().movedim(1, -1) * half + half).round().long()
        return Quantized(codes, self.join(digits))

    def lookup(self, indices: Int64[Tensor, "B t h w"]) -> Float[Tensor, "B D t h w"]:
        half = self.counts // 2
        return ((self.split(indices) - half) / half).movedim(-1, 1)

    def split(self, indices: Int64[Tensor, "*shape"]) -> Int64[Tensor, "*shape F"]:
        """The digits of each index, one per level, each in [0, level)."""
        return indices[..., None] // self.basis % self.counts

    def join(self, digits: Int64[Tensor, "*shape F"]) -> Int64[Tensor, "*shape"]:
        """The index with the given digits."""
        return (digits * self.basis).sum(dim=-1)
