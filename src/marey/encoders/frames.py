"""What guests share that look at one frame at a time: the frames of all clips are one batch of images."""

from typing import Any

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from marey.encoders.guest import Features, Guest, collected

Frames = Float[Tensor, "N _ _ _"]  # channels, rows, columns


def images(video: Float[Tensor, "B C T H W"]) -> Frames:
    """The frames of all clips, N = B T."""
    return video.transpose(1, 2).flatten(0, 1)


def over_time(maps: Float[Tensor, "N D h w"], clips: int) -> Float[Tensor, "B t D"]:
    """Mean over space of each frame's maps, by clip."""
    return maps.mean(dim=(2, 3)).unflatten(0, (clips, -1))


class FrameByFrame(Guest):
    """A convolutional network of images, shown each frame by itself. net: its `maps` are what its layers give."""

    framewise = True
    folds = True
    any_size = True
    net: Any

    def read(self, video: Float[Tensor, "B C T H W"], taps: tuple[str, ...]) -> Features:
        return collected(self.net.maps(images(video)), taps, lambda maps: over_time(maps, len(video)))


class SameConv(nn.Conv2d):
    """A convolution padded with zeros as TensorFlow does for "SAME": an odd row or column of them goes to the end."""

    def forward(self, x: Frames) -> Frames:
        pads: list[int] = []
        for length, k, s in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True):
            total = max((-(-length // s) - 1) * s + k - length, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pads))
