"""The tokenizer: a causal 3D-convolutional autoencoder with a quantizer in the middle."""

from collections.abc import Callable
from typing import Annotated, Any

import torch
from jaxtyping import Bool, Float, Int64
from pydantic import Discriminator, Tag
from torch import Tensor, nn

from marey.core.errors import UserError
from marey.tokens.adversary import Adversary
from marey.tokens.layers import CausalConv3d
from marey.tokens.magvit import MagvitConfig
from marey.tokens.moments import TokenizerConfig
from marey.tokens.quantizers import Quantized
from marey.tokens.reach import reached
from marey.train import Loss
from marey.train.precision import in_full

Video = Float[Tensor, "B C T H W"]
Latents = Float[Tensor, "B D t h w"]
Perceptual = Callable[[Video, Video], Float[Tensor, ""]]  # (decoded, true) -> a term of the loss, weighted already


def _kind(given: Any) -> str:
    """Which of the two a config or its JSON is; files from before there was a choice do not say."""
    return given.get("kind", "moments") if isinstance(given, dict) else getattr(given, "kind", "moments")


AnyTokenizerConfig = Annotated[
    Annotated[TokenizerConfig, Tag("moments")] | Annotated[MagvitConfig, Tag("magvit")], Discriminator(_kind)
]

__all__ = ["AnyTokenizerConfig", "MagvitConfig", "Perceptual", "Tokenizer", "TokenizerConfig", "background"]


def background(video: Video) -> Float[Tensor, "B C 1 1 1"]:
    """The colour of a clip's page: the median of its pixels, each channel for itself."""
    return video.flatten(2).median(dim=2).values[..., None, None, None]


class Tokenizer(nn.Module):
    """Video to indices and back. `forward(video)` is the training loss; with an adversary in its config,
    `adversary_loss(video)` is the other player's.

    perceptual: one more term of the loss, a function of (decoded, true) video; its weights are no part of the model.
    """

    adversary: Adversary | None  # None in averaged and finished weights too

    def __init__(self, config: AnyTokenizerConfig, perceptual: Perceptual | None = None):
        super().__init__()
        self.config = config
        self.quantizer = config.quantizer.build()
        self.encoder, self.decoder = config.encoder(), config.decoder()
        self.adversary = config.adversary.build(config.channels) if config.adversary else None
        self._perceptual = (perceptual,) if perceptual else ()  # in a tuple: not a submodule

    def encode(self, video: Video) -> Quantized:
        """Codes and indices; the video must have 1 + k * stride frames, else a UserError names the nearest number."""
        return self._quantized(self.latents(video))

    def decode(self, indices: Int64[Tensor, "B t h w"]) -> Video:
        """The video that the indices stand for."""
        return self.decoder(self.quantizer.lookup(indices)).clamp(-1, 1)

    @property
    def local(self) -> bool:
        """Whether each latent frame depends on a single frame of the video."""
        layers = self.encoder.modules()
        return all(layer.kernel_size[0] == 1 for layer in layers if isinstance(layer, CausalConv3d))

    def settled(self, shown: Bool[Tensor, "B T H W"]) -> Bool[Tensor, "B t h w"]:
        """Latents that depend on shown pixels only, whatever the hidden ones hold.

        Where H and W are 1 whole frames are shown, and h and w are 1.
        """
        return ~reached(self.encoder, ~shown)

    def forward(self, video: Video) -> Loss:
        """Squared error, weighted so that small objects live: on a white page a blank page is nearly right already."""
        latents = self.latents(video)
        quantized = self._quantized(latents)
        output = self.decoder(quantized.codes).float()
        objects = (video - background(video)).abs().amax(dim=1, keepdim=True) / 2
        error = ((1 + self.config.object_weight * objects) * (output - video).square()).mean()
        spread = latents.square().mean()
        total = error + self.config.latent_weight * spread + quantized.loss
        parts = {"error": error, "latents": spread, "quantizer": quantized.loss}
        for perceptual in self._perceptual:
            parts["perceptual"] = perceptual(output, video)
            total = total + parts["perceptual"]
        if self.training and self.adversary and self.config.adversary:
            parts["fooled"] = self.adversary.fooled(output)
            total = total + self.config.adversary.weight * parts["fooled"]
        return Loss(total, parts)

    def adversary_loss(self, video: Video) -> Loss:
        """What the adversary minimises: it sees the video and what the tokenizer now makes of it."""
        assert self.adversary, "this tokenizer plays alone"
        training = self.quantizer.training
        self.quantizer.eval()  # a codebook moves once a step, in the tokenizer's turn
        with torch.no_grad():
            decoded = self.decoder(self.encode(video).codes)
        self.quantizer.train(training)
        return self.adversary.loss(video, decoded)

    def latents(self, video: Video) -> Latents:
        """What the encoder makes of the video, before it is rounded to codes."""
        self._check(video)
        return self.encoder(video).float()

    @in_full
    def _quantized(self, latents: Latents) -> Quantized:
        """In float32, whatever precision the convolutions are computed in: a rounding error may be another code."""
        return self.quantizer(latents)

    def _check(self, video: Video) -> None:
        (t, h, w), (frames, rows, columns) = self.config.stride, video.shape[2:]
        if (frames - 1) % t:
            nearest = 1 + t * max(0, round((frames - 1) / t))
            raise UserError(f"video has {frames} frames; this tokenizer takes 1 + k * {t}: cut or fill it to {nearest}")
        if rows % h or columns % w:
            raise UserError(f"video has {rows} x {columns} pixels; this tokenizer takes multiples of {h} and {w}")
        least = self.config.least
        if min(rows // h, columns // w) < least:
            raise UserError(
                f"video has {rows} x {columns} pixels; this tokenizer, whose edges are reflected, takes {least * h} x "
                f"{least * w} or more"
            )
