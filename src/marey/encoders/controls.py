"""Controls: what every guest must be held against. None of them has learned anything.

Each is a guest like any other, so that nothing but its features differs. Randomness inside `features` is torch's own,
and who extracts features seeds it (see `features`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from marey.core.config import strict
from marey.core.errors import UserError
from marey.encoders.guest import Facts, Features, Guest, Weights
from marey.encoders.look import Look

_LICENCE, _SOURCE = "Apache-2.0", "marey"
_CHANNELS, _PROJECTED = 128, 512  # of the historical encoder

Video = Float[Tensor, "B C T H W"]


@strict
@dataclass(frozen=True)
class PixelsConfig:
    """Each frame as `side` x `side` RGB pixels."""

    kind: Literal["pixels"] = "pixels"
    side: int = 8

    def build(self) -> Guest:
        return _Pixels(self.side)


@strict
@dataclass(frozen=True)
class MeanFrameConfig:
    """The mean of all frames as `side` x `side` RGB pixels: where something was, and not when."""

    kind: Literal["mean-frame"] = "mean-frame"
    side: int = 16

    def build(self) -> Guest:
        return _MeanFrame(self.side)


@strict
@dataclass(frozen=True)
class ShuffledConfig:
    """The pixels of the frames in an order drawn anew for each clip: what remains without time."""

    kind: Literal["shuffled"] = "shuffled"
    side: int = 8

    def build(self) -> Guest:
        return Shuffled(PixelsConfig(side=self.side).build())


@strict
@dataclass(frozen=True)
class NoiseConfig:
    """Numbers that ignore the input. What is read from them tests the bench: it must sit at chance."""

    kind: Literal["noise"] = "noise"
    width: int = 192

    def build(self) -> Guest:
        return _Noise(self.width)


@strict
@dataclass(frozen=True)
class FirstConvConfig:
    """The historical "encoder": one 3D convolution and a random projection, both drawn from the seed."""

    kind: Literal["first-conv"] = "first-conv"
    seed: int = 0
    side: int = 32

    def build(self) -> Guest:
        return _FirstConv(self.seed, self.side)

    def control(self, seed: int) -> "FirstConvConfig":
        """Another draw."""
        return replace(self, seed=seed)


ControlConfig = PixelsConfig | MeanFrameConfig | ShuffledConfig | NoiseConfig | FirstConvConfig


class _Pixels(Guest):
    framewise = True

    def __init__(self, side: int):
        look = Look(size=(side, side))
        facts = Facts(f"pixels {side} x {side}", _LICENCE, _SOURCE, str(look))
        super().__init__(facts, Weights("none"), look, {"frames": 3 * side * side})
        self.eval()

    def read(self, video: Video, taps: tuple[str, ...]) -> Features:  # noqa: ARG002 - there is one
        return {"frames": video.transpose(1, 2).flatten(2)}


class _MeanFrame(Guest):
    def __init__(self, side: int):
        look = Look(size=(side, side))
        facts = Facts(f"mean frame {side} x {side}", _LICENCE, _SOURCE, str(look))
        super().__init__(facts, Weights("none"), look, {"mean": 3 * side * side})
        self.eval()

    def read(self, video: Video, taps: tuple[str, ...]) -> Features:  # noqa: ARG002
        return {"mean": video.mean(dim=2).flatten(1)[:, None]}


class Shuffled(Guest):
    """Any guest, shown the frames of each clip in an order of its own."""

    def __init__(self, guest: Guest):
        facts = Facts(
            f"{guest.facts.name}, frames shuffled", guest.facts.licence, guest.facts.source, guest.facts.input
        )
        taps = dict(zip(guest.taps, guest.widths, strict=True))
        super().__init__(facts, guest.weights, Look(channels=3), taps)
        self.guest = guest
        self.eval()

    def read(self, video: Video, taps: tuple[str, ...]) -> Features:
        order = torch.rand(video.shape[0], video.shape[2], device=video.device).argsort(dim=1)
        places = order[:, None, :, None, None].expand_as(video)
        return self.guest.features(video.gather(2, places), taps)


class _Noise(Guest):
    def __init__(self, width: int):
        look = Look()
        super().__init__(Facts("noise", _LICENCE, _SOURCE, "nothing"), Weights("none"), look, {"noise": width})
        self.eval()

    def read(self, video: Video, taps: tuple[str, ...]) -> Features:  # noqa: ARG002
        return {"noise": torch.randn(video.shape[0], video.shape[2], self.widths[0], device=video.device)}


class _FirstConv(Guest):
    def __init__(self, seed: int, side: int):
        look = Look(size=(side, side))
        facts = Facts("first convolution and random projection", _LICENCE, _SOURCE, str(look))
        super().__init__(facts, Weights("random", seed=seed), look, {"projection": _PROJECTED})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.convolution = nn.Conv3d(3, _CHANNELS, 3, padding=1)
            self.projection = nn.Linear(_CHANNELS, _PROJECTED, bias=False)
        self.requires_grad_(False).eval()

    def read(self, video: Video, taps: tuple[str, ...]) -> Features:  # noqa: ARG002
        pooled = F.relu(self.convolution(video)).mean(dim=(3, 4)).transpose(1, 2)
        return {"projection": self.projection(pooled)}


def calibrated(guest: Guest, videos: Iterable[Video]) -> Guest:
    """The guest itself, with the running statistics of its batch norms measured on these videos.

    A random network whose norms expect another world than ours is a weaker control than it could be. A guest without
    batch norms is a UserError: there is nothing to calibrate.
    """
    norms = batch_norms(guest)
    if not norms:
        raise UserError(f"{guest.facts.name} has no batch norms, so there is nothing to calibrate; leave it out")
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
        norm.train()
    for video in videos:
        guest.features(video, guest.taps)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    guest.eval()
    return guest


def batch_norms(guest: Guest) -> list[nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d]:
    """The batch norms of a guest that keep running statistics."""
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    return [module for module in guest.modules() if isinstance(module, kinds) and module.track_running_stats]
