"""How a clip is made into what a guest was trained on. Nothing is cut away: an object at the border stays in view."""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor


@dataclass(frozen=True)
class Colours:
    """What is subtracted from pixels in [0, 1], and what they are divided by then, for red, green and blue."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


UNIT = Colours((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))  # [0, 1]
SIGNED = Colours((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))  # [-1, 1], as videos are
IMAGENET = Colours((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True)
class Look:
    """What a guest looks at.

    frames: the clip is resampled to so many, each the nearest one in time; None leaves it as it is. size: rows and
    columns that each frame is resized to, the aspect not kept. channels: 3, or 1 (grey is their mean).
    """

    frames: int | None = None
    size: tuple[int, int] | None = None
    channels: Literal[1, 3] = 3
    colours: Colours = SIGNED

    def __call__(self, video: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B K t h w"]:
        """The video (in [-1, 1]) as the guest takes it."""
        if self.frames is not None and video.shape[2] != self.frames:
            video = video[:, :, nearest_frames(video.shape[2], self.frames).to(video.device)]
        video = resized(video, self.size or (video.shape[3], video.shape[4]))
        if video.shape[1] != self.channels:
            video = video.mean(dim=1, keepdim=True) if self.channels == 1 else video.expand(-1, 3, -1, -1, -1)
        if self.colours == SIGNED:
            return video
        mean, std = (
            torch.tensor(each, device=video.device)[:, None, None, None]
            for each in (self.colours.mean, self.colours.std)
        )
        return torch.addcmul((0.5 - mean) / std, video, 0.5 / std)  # ((video + 1) / 2 - mean) / std in one pass

    def __str__(self) -> str:
        frames = "frames as they are" if self.frames is None else f"resampled to {self.frames} frames"
        size = "at their size" if self.size is None else f"{self.size[0]} x {self.size[1]} pixels (aspect not kept)"
        return f"{'grey' if self.channels == 1 else 'RGB'}, {frames}, {size}"


def nearest_frames(given: int, wanted: int) -> Int64[Tensor, "t"]:
    """Indices of `wanted` frames spread evenly over `given`, both ends included; a single one is the middle frame."""
    if wanted == 1:
        return torch.tensor([(given - 1) // 2])
    return (2 * torch.arange(wanted) * (given - 1) + wanted - 1) // (2 * (wanted - 1))  # rounded, in whole numbers


def resized(video: Float[Tensor, "B C T H W"], size: tuple[int, int]) -> Float[Tensor, "B C T h w"]:
    """Each frame resized, bilinear; downwards without aliases, so that small objects do not flicker."""
    if tuple(video.shape[3:]) == size:
        return video
    frames = video.transpose(1, 2).flatten(0, 1)
    frames = F.interpolate(frames, size, mode="bilinear", align_corners=False, antialias=True)
    return frames.unflatten(0, (len(video), -1)).transpose(1, 2)
