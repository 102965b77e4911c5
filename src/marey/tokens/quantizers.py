"""Quantizers by type: the config is the choice, and `build` makes it. The mathematics is the library's.

The contract, tested for each: `lookup(indices)` gives exactly the codes that came with those indices, and
`join(split(indices)) == indices`, where `split` writes an index as one small digit per factor.
"""

import math
from dataclasses import dataclass
from typing import Literal

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

    kind: Literal["fsq"] = "fsq"
    levels: tuple[int, ...] = (256, 256, 16)

    def __post_init__(self) -> None:
        if math.prod(self.levels) >= 1 << 31:  # the library counts in 32 bits
            raise UserError(f"quantizer.levels={self.levels}: keep the codebook under 2**31 codes")
        if not self.levels or min(self.levels) < 3:  # the library has no two levels
            raise UserError(f"quantizer.levels={self.levels}: give at least one level count, each 3 or more")

    @property
    def codebook_size(self) -> int:
        return math.prod(self.levels)

    def build(self) -> "FSQuantizer":
        return FSQuantizer(self.levels)


class FSQuantizer(nn.Module):
    """FSQ over `len(levels)` channels."""

    def __init__(self, levels: tuple[int, ...]):
        super().__init__()
        self.levels = levels
        self.fsq = FSQ(list(levels))

    def forward(self, latents: Float[Tensor, "B D t h w"]) -> Quantized:
        codes, indices = self.fsq(latents)
        return Quantized(codes, indices.long())

    def lookup(self, indices: Int64[Tensor, "B t h w"]) -> Float[Tensor, "B D t h w"]:
        return self.fsq.indices_to_codes(indices)

    def split(self, indices: Int64[Tensor, "*shape"]) -> Int64[Tensor, "*shape F"]:
        """The digits of each index, one per level, each in [0, level)."""
        return self.fsq.indices_to_level_indices(indices).long()

    def join(self, digits: Int64[Tensor, "*shape F"]) -> Int64[Tensor, "*shape"]:
        """The index with the given digits."""
        basis = torch.cumprod(torch.tensor((1, *self.levels[:-1]), device=digits.device), dim=0)
        return (digits * basis).sum(dim=-1)
