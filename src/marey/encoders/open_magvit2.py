"""Open-MAGVIT2, video: the tokenizer `video_128_262144` (Luo et al., arXiv 2409.04410) as a guest and as a tokenizer.

A checkpoint holds the weights twice, as training left them (`encoder.*`, `decoder.*`) and averaged over training
(`model_ema.*`, the same names without dots). The averaged ones are read, as in the published results.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from marey.core.config import strict
from marey.core.errors import UserError
from marey.encoders.guest import Facts, Features, Guest, Weights, collected, over_space
from marey.encoders.look import Look
from marey.encoders.open_magvit2_net import Decoder, Encoder, NetConfig
from marey.encoders.state import State, check_fit, copied, drawn, kept_in_size, read_state
from marey.tokens.quantizers import Quantized

Video = Float[Tensor, "B 3 T H W"]
FILE = "video_128_262144.ckpt"
_SOURCE = "TencentARC/Open-MAGVIT2-Tokenizer-262144-Video"
LOOK = Look(frames=17, size=(128, 128))  # as it was trained; its norms span the clip, so that T must not vary
_EMA = "model_ema."
_PARTS = ("encoder.", "decoder.", "loss.", *(_EMA + part for part in ("encoder", "decoder", "decay", "num_updates")))
Half = TypeVar("Half", bound=nn.Module)


@strict
@dataclass(frozen=True)
class OpenMagvit2Config:
    """path: the released file, a training checkpoint or a bare state dict. seed: instead of it, random weights."""

    path: Path | None = None
    seed: int | None = None
    net: NetConfig = NetConfig()  # noqa: RUF009 (frozen)

    def __post_init__(self) -> None:
        if (self.path is None) == (self.seed is None):
            raise UserError(
                "open-magvit2: give the path of its weights, or a seed for the random control; the released file is "
                f"{FILE} (3 GB) in {_SOURCE} on the hub"
            )

    def build(self) -> "OpenMagvit2":
        encoder, weights, kind = self._made(Encoder, "encoder.")
        return OpenMagvit2(self.net, encoder, weights, kind)

    def control(self, seed: int) -> "OpenMagvit2Config":
        return replace(self, path=None, seed=seed)

    def build_tokenizer(self) -> "OpenMagvit2Tokenizer":
        """The whole tokenizer, decoder included."""
        encoder, ours, _ = self._made(Encoder, "encoder.")
        decoder, theirs, _ = self._made(Decoder, "decoder.")
        return OpenMagvit2Tokenizer(self.net, encoder, decoder, (ours, theirs))

    def _made(self, kind: Callable[[NetConfig], Half], part: str) -> tuple[Half, Weights, str]:
        if self.path is None:
            assert self.seed is not None
            return *drawn(lambda: kept_in_size(kind(self.net)), self.seed), "random weights"
        with torch.device("meta"):
            net = kind(self.net)
        tensors, which = _tensors_of(net, part, read_state(self.path))
        return *copied(net, tensors, self.path), which


class OpenMagvit2(Guest):
    """Its encoder. The main tap is the end of the residual network; `bits` are the signs that make the code."""

    def __init__(self, net: NetConfig, encoder: Encoder, weights: Weights, kind: str):
        taps = {"mid_block": net.widths[-1]} | {f"down.{level}": net.widths[level] for level in (1, 2)}
        taps |= {"latents": net.bits, "bits": net.bits}
        facts = Facts("open-magvit2", "Apache-2.0", f"{_SOURCE}, {kind}", str(LOOK))
        super().__init__(facts, weights, LOOK, taps)
        self.encoder = encoder

    def read(self, video: Video, taps: tuple[str, ...]) -> Features:
        return collected(self._maps(video), taps, over_space)

    def _maps(self, video: Video) -> Iterator[tuple[str, Tensor]]:
        for name, values in self.encoder.maps(video):
            yield name, values
            if name == "latents":
                yield "bits", _signs(values)


class OpenMagvit2Tokenizer(nn.Module):
    """Video to indices and back: lookup-free quantization, one bit a channel (MAGVIT-v2, arXiv 2310.05737).

    weights: of the encoder and of the decoder.
    """

    def __init__(self, net: NetConfig, encoder: Encoder, decoder: Decoder, weights: tuple[Weights, Weights]):
        super().__init__()
        self.net, self.encoder, self.decoder, self.weights = net, encoder, decoder, weights

    @property
    def stride(self) -> tuple[int, int, int]:
        """Frames, rows and columns of pixels per latent."""
        t, h, w = torch.tensor(self.net.strides).prod(dim=0).tolist()
        return t, h, w

    @torch.no_grad()
    def encode(self, video: Video) -> Quantized:
        """Codes and indices of a video in [-1, 1]; t = 1 + (T - 1) / stride.

        UserError: a size that the strides do not divide, a number of frames other than 1 + k strides.
        """
        t, h, w = self.stride
        frames, rows, columns = video.shape[2:]
        if (frames - 1) % t or rows % h or columns % w:
            raise UserError(
                f"video has {frames} frames of {rows} x {columns} pixels; open-magvit2 takes 1 + k * {t} frames "
                f"(others would lose some) of multiples of {h} x {w} pixels"
            )
        codes = _signs(self.encoder(video))
        powers = 2 ** torch.arange(self.net.bits, device=codes.device)  # channel 0 is the lowest bit
        indices = ((codes > 0) * powers[:, None, None, None]).sum(dim=1)
        return Quantized(codes, indices, codes.new_zeros(()))

    @torch.no_grad()
    def decode(self, indices: Int64[Tensor, "B t h w"]) -> Video:
        """Video in [-1, 1] of indices in [0, 2^bits); at least two cells a clip, for the decoder needs their spread."""
        if indices[0].numel() < 2 or indices.min() < 0 or indices.max() >= 2**self.net.bits:
            size = tuple(indices.shape)
            raise UserError(f"indices of shape {size}: give two cells a clip or more, of [0, 2**{self.net.bits})")
        return self.decoder(self.lookup(indices)).clamp(-1, 1)

    def lookup(self, indices: Int64[Tensor, "B t h w"]) -> Float[Tensor, "B D t h w"]:
        """The code of each index, -1 or 1 in each channel."""
        bits = indices[:, None] >> torch.arange(self.net.bits, device=indices.device)[:, None, None, None] & 1
        return 2.0 * bits - 1

    def reconstruct(self, video: Video) -> Video:
        """Through the codes and back."""
        return self.decode(self.encode(video).indices)


def _signs(latents: Float[Tensor, "B D t h w"]) -> Float[Tensor, "B D t h w"]:
    return torch.where(latents > 0, 1.0, -1.0)


def _tensors_of(net: nn.Module, part: str, state: State) -> tuple[dict[str, Tensor], str]:
    """The tensors of encoder or decoder by the names they have in the network, averaged ones if the file has any."""
    _refuse_others(state)
    raw = {name.removeprefix(part): tensor for name, tensor in state.tensors.items() if name.startswith(part)}
    averaged = {name: tensor for name, tensor in state.tensors.items() if name.startswith(_EMA + part[:-1])}
    if not averaged:
        return raw, "raw weights (the file holds no averaged ones)"
    check_fit(net, raw, state.path)
    # Names without dots cannot be taken apart again, but the network's own tell which they are.
    short = {_EMA + (part + name).replace(".", ""): name for name in net.state_dict()}
    return {short.get(key, key): tensor for key, tensor in averaged.items()}, "averaged weights"


def _refuse_others(state: State) -> None:
    """Name the file's kind if it is one of the family's others, or has parts that none of them has."""
    names = state.tensors
    encoder = [name for name in names if name.startswith("encoder.")]
    found = f"{len(encoder)} encoder tensors of {len(names)}"
    if any(name.startswith(("quant_conv.", "post_quant_conv.", "quantize.embed")) for name in names):
        raise state.refused(f"is an IBQ image tokenizer ({found}, and a codebook); give the video tokenizer, {FILE}")
    if encoder and not any(".conv_1." in name for name in encoder):
        raise state.refused(f"is an image tokenizer ({found}, none a 3-D kernel); give the video tokenizer, {FILE}")
    if not encoder:
        raise state.refused(f"has no encoder.* among its {len(names)} tensors; give the video tokenizer, {FILE}")
    if strange := [name for name in names if not name.startswith(_PARTS)]:
        raise state.refused(f"has {strange[0]} and {len(strange) - 1} more that no Open-MAGVIT2 has; give {FILE}")
