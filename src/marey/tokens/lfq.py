"""Quantization without a codebook to look up: each channel keeps its sign."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from jaxtyping import Float, Int64
from torch import Tensor
from vector_quantize_pytorch import LFQ

from marey.core.config import strict
from marey.core.errors import UserError
from marey.tokens.quantizer import Quantized, Quantizer, exactly

_MOST_BITS = 16  # the entropy is a sum over all codes for every latent


@strict
@dataclass(frozen=True)
class LFQConfig:
    """Lookup-free quantization (MAGVIT-v2, arXiv 2310.05737): `bits` signs make a code.

    entropy_weight: of the entropy loss, which asks for sure signs in each latent and for all codes over a batch;
    diversity: how much more the second counts. commitment: weight of the latents' distance from their codes.
    """

    ordinal: ClassVar[bool] = False

    kind: Literal["lfq"] = "lfq"
    bits: int = 12
    entropy_weight: float = 0.1
    diversity: float = 1.0
    commitment: float = 0.25

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= _MOST_BITS:
            raise UserError(f"quantizer.bits={self.bits}: give 1 to {_MOST_BITS}, or choose FSQ for more codes")
        for name in ("entropy_weight", "diversity", "commitment"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise UserError(f"quantizer.{name}={getattr(self, name)}: give 0 or more")

    @property
    def channels(self) -> int:
        return self.bits

    @property
    def levels(self) -> tuple[int, ...]:
        return (2,) * self.bits

    def build(self) -> "LookupFreeQuantizer":
        return LookupFreeQuantizer(self)


class LookupFreeQuantizer(Quantizer):
    """LFQ over `bits` channels."""

    def __init__(self, config: LFQConfig):
        super().__init__(config.channels, config.levels, config.ordinal)
        self.lfq = LFQ(
            dim=config.bits,
            codebook_size=2**config.bits,
            entropy_loss_weight=config.entropy_weight,
            diversity_gamma=config.diversity,
            commitment_loss_weight=config.commitment,
        )

    def forward(self, latents: Float[Tensor, "B D t h w"]) -> Quantized:
        found = self.lfq(latents)
        indices = found.indices.long()
        return Quantized(exactly(self.lookup(indices), found.quantized), indices, found.entropy_aux_loss.sum())

    def lookup(self, indices: Int64[Tensor, "B t h w"]) -> Float[Tensor, "B D t h w"]:
        return self.lfq.indices_to_codes(indices)
