"""A learned codebook: the codes follow the latents that choose them."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from jaxtyping import Float, Int64
from torch import Tensor
from vector_quantize_pytorch import VectorQuantize

from marey.core.config import strict
from marey.core.errors import UserError
from marey.tokens.quantizer import Quantized, Quantizer, exactly


@strict
@dataclass(frozen=True)
class VQConfig:
    """Vector quantization (arXiv 1711.00937): each latent becomes the nearest of `codes` vectors of `channels` numbers,
    which are running averages of the latents that chose them.

    decay: of those averages, per step. dead_share: a code chosen less often than this share of the average code begins
    anew at some latent of the batch. commitment: weight of the latents' distance from their codes.
    """

    ordinal: ClassVar[bool] = False

    kind: Literal["vq"] = "vq"
    codes: int = 1024
    channels: int = 4
    decay: float = 0.99
    dead_share: float = 0.1
    commitment: float = 0.25

    def __post_init__(self) -> None:
        if self.codes < 2 or self.channels < 1:
            raise UserError(f"quantizer.codes={self.codes}, quantizer.channels={self.channels}: give at least 2 and 1")
        if not (0 <= self.decay < 1 and 0 < self.dead_share < 1):
            raise UserError(
                f"quantizer.decay={self.decay}, quantizer.dead_share={self.dead_share}: give numbers between 0 and 1"
            )
        if not 0 <= self.commitment < float("inf"):
            raise UserError(f"quantizer.commitment={self.commitment}: give 0 or more")

    @property
    def levels(self) -> tuple[int, ...]:
        return (self.codes,)

    def build(self) -> "VectorQuantizer":
        return VectorQuantizer(self)


class VectorQuantizer(Quantizer):
    """VQ with a moving codebook: in training a batch is quantized first, and then moves the codes. The law of `lookup`
    therefore holds for the codebook that quantized; outside of training none moves.
    """

    def __init__(self, config: VQConfig):
        super().__init__(config.channels, config.levels, config.ordinal)
        self.dead_share = config.dead_share
        self.vq = VectorQuantize(
            dim=config.channels,
            codebook_size=config.codes,
            decay=config.decay,
            commitment_weight=config.commitment,
            threshold_ema_dead_code=1,  # set anew for each batch
            rotation_trick=False,
        )
        # The library's codebook begins as if each random code had been chosen once. This one begins with none chosen:
        # the first batches' latents fill it, and a resumed training never fills it again.
        self.vq._codebook.cluster_size.zero_()
        self.vq._codebook.embed_avg.zero_()

    def forward(self, latents: Float[Tensor, "B D t h w"]) -> Quantized:
        shape, book = latents.shape, self.vq.codebook.clone()  # the library moves its own in place
        latents = latents.flatten(2).transpose(1, 2)
        average = latents.shape[:2].numel() / len(book)
        self.vq._codebook.threshold_ema_dead_code = self.dead_share * average
        self.vq._codebook.reset_cluster_size = average
        passed, indices, loss = self.vq(latents)
        codes = exactly(book[indices], passed).transpose(1, 2).reshape(shape)
        return Quantized(codes, indices.view(shape[0], *shape[2:]), loss.sum())

    def lookup(self, indices: Int64[Tensor, "B t h w"]) -> Float[Tensor, "B D t h w"]:
        return self.vq.codebook[indices].movedim(-1, 1)
