"""The contract of a quantizer: latents in; codes, and the integers that stand for them, out."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn


@dataclass(frozen=True)
class Quantized:
    """Codes (quantized vectors), the integers that stand for them, and what the quantizer itself asks to minimise.

    Gradients reach the latents through the codes, past the rounding. The loss is 0 outside of training.
    """

    codes: Float[Tensor, "B D t h w"]
    indices: Int64[Tensor, "B t h w"]
    loss: Float[Tensor, ""]


class Quantizer(nn.Module):
    """A finite set of codes of `channels` numbers each. The law: `lookup(indices)` gives exactly the codes that came
    with those indices, and `join(split(indices)) == indices`.

    An index is written as one small digit for each of `levels`, lowest first, so that a model of indices needs no
    vocabulary of the whole codebook. ordinal: whether a digit is a number, near when its codes are near, or a name.
    settles: whether `settle` is to be called when training ends.
    """

    counts: Tensor
    basis: Tensor
    settles = False

    def __init__(self, channels: int, levels: tuple[int, ...], ordinal: bool):
        super().__init__()
        self.channels, self.levels, self.ordinal = channels, levels, ordinal
        self.register_buffer("counts", torch.tensor(levels), persistent=False)
        self.register_buffer("basis", torch.tensor((1, *levels[:-1])).cumprod(dim=0), persistent=False)

    def forward(self, latents: Float[Tensor, "B D t h w"]) -> Quantized:
        raise NotImplementedError

    def lookup(self, indices: Int64[Tensor, "B t h w"]) -> Float[Tensor, "B D t h w"]:
        """The codes that the indices stand for."""
        raise NotImplementedError

    def settle(self, latents: Float[Tensor, "B D t h w"]) -> None:
        """Take leave of training: what the latents of many clips decide, before the weights are kept."""
        raise NotImplementedError

    def split(self, indices: Int64[Tensor, "*shape"]) -> Int64[Tensor, "*shape F"]:
        """The digits of each index, one per level, each in [0, level)."""
        return indices[..., None] // self.basis % self.counts

    def join(self, digits: Int64[Tensor, "*shape F"]) -> Int64[Tensor, "*shape"]:
        """The index with the given digits."""
        return (digits * self.basis).sum(dim=-1)


def exactly(codes: Tensor, passed: Tensor) -> Tensor:
    """The value of `codes` with the gradient of `passed`, which equals it but for rounding."""
    return codes.detach() + (passed - passed.detach())
