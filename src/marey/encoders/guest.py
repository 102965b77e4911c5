"""The contract of a guest: a frozen network that turns any video into features over time."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from marey.core.errors import UserError
from marey.data.clips import as_video
from marey.encoders.look import Look
from marey.world.matched import MatchedWorld
from marey.world.render import render

Features = dict[str, Float[Tensor, "B t D"]]
_DIRECTIONS = 4  # on which the features of each tap are projected for the fingerprint


@dataclass(frozen=True)
class Facts:
    """What a reader must know of a guest before believing a figure of it. input: what is resampled to what."""

    name: str
    licence: str
    source: str
    input: str


@dataclass(frozen=True)
class Weights:
    """Where the numbers come from, never one state in place of another.

    state: "pretrained" (read from `path`), "random" (the same network with random weights, drawn from `seed`: a
    control), "none" (a rule without weights). sha256: of the tensors read, their names, types, shapes and bytes, in
    the order of the names: the same for the same weights whatever file holds them. copied of expected: tensors.
    """

    state: Literal["pretrained", "random", "none"]
    path: str | None = None
    sha256: str | None = None
    copied: int = 0
    expected: int = 0
    seed: int | None = None

    def __post_init__(self) -> None:
        assert (self.state == "pretrained") == (self.path is not None) == (self.sha256 is not None), self
        assert (self.state == "random") == (self.seed is not None), self
        assert self.copied == (self.expected if self.state == "pretrained" else 0), self


class Guest(nn.Module):
    """A frozen network. It is built in evaluation mode, without gradients.

    taps: names of the places where features are read, the main one first. widths: the features of each, D.
    A subclass implements `read`.

    framewise: each step of the features is of one frame alone, in the order of the clip. folds: each batch norm takes
    what the convolution registered before it gives, which nothing else sees (see `folded`). any_size: its layers take
    frames of any size (see `at_own_size`).
    """

    framewise = False
    folds = False
    any_size = False

    def __init__(self, facts: Facts, weights: Weights, look: Look, taps: Mapping[str, int]):
        super().__init__()
        self.training = False
        self.facts, self.weights, self.look = facts, weights, look
        self.taps, self.widths = tuple(taps), tuple(taps.values())

    def read(self, video: Float[Tensor, "B C T H W"], taps: tuple[str, ...]) -> Features:
        """Features at (at least) the asked taps of a video as `look` made it: space pooled, time kept."""
        raise NotImplementedError

    @torch.no_grad()
    def features(self, video: Float[Tensor, "B C T H W"], taps: tuple[str, ...] | None = None) -> Features:
        """Features of any video in [-1, 1], of 1 or 3 channels, any size and length; by default at the main tap only.

        Space is pooled (mean), time is kept: t depends on the guest and on T. Clips do not see each other.
        UserError: an unknown tap; an empty video, values outside [-1, 1], or another number of channels.
        """
        wanted = self.taps[:1] if taps is None else taps
        if unknown := [tap for tap in wanted if tap not in self.taps]:
            raise UserError(f"{self.facts.name} has no tap {unknown[0]!r}; its taps are {', '.join(self.taps)}")
        if 0 in video.shape or video.shape[1] not in (1, 3):
            raise UserError(f"video has shape {tuple(video.shape)}; give (B, 1 or 3, T, H, W), each at least 1")
        if not (video.abs() <= 1).all():  # NaN fails too
            raise UserError("video has values outside [-1, 1]; scale pixels as uint8 / 127.5 - 1")
        found = self.read(self.look(video), wanted)
        return {tap: found[tap] for tap in wanted}

    def fingerprint(self) -> str:
        """Twelve hex digits of the features of one fixed rendered clip, at all taps.

        Of each tap a few fixed sums over its features count, to three digits: the last bits of a float depend on the
        machine, and other weights, another input or another tap do not get past the third digit.
        """
        video = fixed_clip().to(next((each.device for each in self.parameters()), "cpu"))
        found = self.features(video, self.taps)
        sums = [f"{tap} {number:.2e}" for tap in self.taps for number in _projected(found[tap])]
        return hashlib.sha256("\n".join(sums).encode()).hexdigest()[:12]


def at_own_size(guest: Guest) -> Guest:
    """The guest itself, shown frames at the size they have, if it takes any; else as it is.

    Objects then have another size than those it learned from. That is another guest, and its facts say so.
    """
    if guest.any_size and guest.look.size is not None:
        rows, columns = guest.look.size
        guest.look = replace(guest.look, size=None)
        guest.facts = replace(guest.facts, input=f"{guest.look} (it learned at {rows} x {columns} pixels)")
    return guest


class GuestConfig(Protocol):
    """A value that says which guest, with which weights; `build` makes it or raises a UserError with the next step."""

    @property
    def path(self) -> Path | None: ...

    def build(self) -> Guest: ...

    def control(self, seed: int) -> "GuestConfig":
        """The same network with random weights."""
        ...


def collected(
    maps: Iterable[tuple[str, Tensor]], taps: tuple[str, ...], pooled: Callable[[Tensor], Tensor]
) -> Features:
    """Of what a network gives layer by layer, the features at the taps; layers after the last of them are not run."""
    found: Features = {}
    for name, values in maps:
        if name in taps:
            found[name] = pooled(values)
        if len(found) == len(set(taps)):
            break
    return found


def over_space(maps: Float[Tensor, "B D t h w"]) -> Float[Tensor, "B t D"]:
    """Mean over space, time kept."""
    return maps.mean(dim=(3, 4)).transpose(1, 2)


def fixed_clip() -> Float[Tensor, "1 3 17 128 128"]:
    """A ball of the world `matched`, 17 frames of 128 x 128: the same bytes for everyone."""
    scenes = MatchedWorld(frames=17, size=128, channels=3).sample(seed=0, index=np.arange(1, 2))
    return as_video(render(scenes))


def _projected(features: Float[Tensor, "1 t D"]) -> list[float]:
    """Sums of the features with fixed waves as coefficients, over their root mean square times sqrt(count)."""
    row = features.double().flatten().cpu()
    places = torch.arange(1, len(row) + 1, dtype=torch.float64)
    waves = torch.stack([torch.cos(places * k**0.5) for k in range(2, 2 + _DIRECTIONS)])
    norm = row.norm().item()
    return [norm, *(waves @ row / max(norm, 1e-30)).tolist()]
