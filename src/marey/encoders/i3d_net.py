"""The network of I3D: Inception-v1 inflated to three dimensions. Modules carry the names of `rgb_imagenet.pt`."""

from collections import OrderedDict
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Map = Float[Tensor, "B _ _ _ _"]  # channels, frames, rows, columns
Axes = tuple[int, ...]  # time, height, width
CLASSES = 400
_MIXED = {  # widths of b0, b1a, b1b, b2a, b2b, b3b
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}


class Network(nn.Sequential):
    """The layers in their order; `maps` runs them."""

    def __init__(self) -> None:
        layers = OrderedDict[str, nn.Module](
            Conv3d_1a_7x7=Unit(3, 64, 7, stride=2),
            MaxPool3d_2a_3x3=Pool((1, 3, 3), (1, 2, 2)),
            Conv3d_2b_1x1=Unit(64, 64, 1),
            Conv3d_2c_3x3=Unit(64, 192, 3),
            MaxPool3d_3a_3x3=Pool((1, 3, 3), (1, 2, 2)),
        )
        inputs = 192
        for name, widths in _MIXED.items():
            if name == "Mixed_4b":
                layers["MaxPool3d_4a_3x3"] = Pool((3, 3, 3), (2, 2, 2))
            if name == "Mixed_5b":
                layers["MaxPool3d_5a_2x2"] = Pool((2, 2, 2), (2, 2, 2))
            layers[name] = Mixed(inputs, widths)
            inputs = widths[0] + widths[2] + widths[4] + widths[5]
        super().__init__(layers)
        self.logits = Logits(inputs, CLASSES)

    def maps(self, video: Map) -> Iterator[tuple[str, Map]]:
        """What each layer gives, in their order."""
        x = video
        for name, layer in self.named_children():
            x = layer(x)
            yield name, x


class Unit(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1):
        super().__init__()
        self.conv3d = nn.Conv3d(inputs, outputs, kernel, stride, bias=False)
        self.bn = nn.BatchNorm3d(outputs, eps=1e-3)

    def forward(self, x: Map) -> Map:
        return F.relu(self.bn(self.conv3d(_same(x, self.conv3d.kernel_size, self.conv3d.stride))))


class Pool(nn.Module):
    """Largest values. The zeros around a map count for nothing: a ReLU came before."""

    def __init__(self, kernel: Axes, stride: Axes):
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Map) -> Map:
        return F.max_pool3d(_same(x, self.kernel, self.stride), self.kernel, self.stride)


class Mixed(nn.Module):
    """Four branches side by side."""

    def __init__(self, inputs: int, widths: tuple[int, ...]):
        super().__init__()
        b0, b1a, b1b, b2a, b2b, b3b = widths
        self.b0 = Unit(inputs, b0, 1)
        self.b1a, self.b1b = Unit(inputs, b1a, 1), Unit(b1a, b1b, 3)
        self.b2a, self.b2b = Unit(inputs, b2a, 1), Unit(b2a, b2b, 3)
        self.b3a, self.b3b = Pool((3, 3, 3), (1, 1, 1)), Unit(inputs, b3b, 1)

    def forward(self, x: Map) -> Map:
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))], dim=1)


class Logits(nn.Module):
    """Means over two frames and over all of space, then a linear layer."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv3d = nn.Conv3d(inputs, outputs, 1)

    def forward(self, x: Map) -> Map:
        return self.conv3d(F.avg_pool3d(x, (min(2, x.shape[2]), *x.shape[3:]), stride=1))


def _same(x: Map, kernel: Axes, stride: Axes) -> Map:
    """Padded with zeros as TensorFlow does for "SAME": n / stride outputs, rounded up; an odd zero goes to the end."""
    pads: list[int] = []
    for length, k, s in reversed(list(zip(x.shape[2:], kernel, stride, strict=True))):
        total = max((-(-length // s) - 1) * s + k - length, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)
