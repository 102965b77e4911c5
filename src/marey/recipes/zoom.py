"""The same clips seen from nearer and from farther: objects of sizes that were not drawn, out of the pixels alone."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from marey.core.config import strict
from marey.core.errors import UserError
from marey.tokens.tokenizer import background

Video = Float[Tensor, "B C T H W"]


@strict
@dataclass(frozen=True)
class Zoom:
    """An augmentation of clips for the tokenizer. Each is magnified by a factor of its own, e^u with u uniform in
    [log least, log most], to a whole number of pixels.

    Of a magnified clip a window of the frame's size is cut out, of a reduced one the rest of the frame is page; where
    is drawn at random. Frames of a reduced clip that show something at their edge, which would end in the middle of the
    page, are page altogether.
    """

    least: float = 1.0
    most: float = 1.0

    def __post_init__(self) -> None:
        if not 0.1 <= self.least <= 1 <= self.most <= 10:
            raise UserError(
                f"zoom.least={self.least}, zoom.most={self.most}: choose 0.1 to 1 for least, 1 to 10 for most"
            )

    def __call__(self, video: Video) -> Video:
        """The clips magnified, by torch's own random numbers."""
        low, high = math.log(self.least), math.log(self.most)
        power = low + (high - low) * torch.rand(len(video))
        out, places = background(video).expand_as(video).clone(), torch.rand(len(video), 2)
        cut = touched(video)[:, None, :, None, None]
        whole = torch.where(cut & (power < 0).to(video.device)[:, None, None, None, None], out, video)
        for clip, page, factor, where in zip(whole, out, power.exp().tolist(), places, strict=True):
            size = [round(side * factor) for side in clip.shape[-2:]]
            seen = F.interpolate(clip.transpose(0, 1), size, mode="bilinear", antialias=True).transpose(0, 1)
            window, free = (page, seen) if factor < 1 else (seen, page)
            spare = torch.tensor([window.shape[-2] - free.shape[-2], window.shape[-1] - free.shape[-1]])
            top, left = (where * (spare + 1)).long().tolist()
            part = window[..., top : top + free.shape[-2], left : left + free.shape[-1]]
            if factor < 1:
                part.copy_(seen)
            else:
                page.copy_(part)
        return out


def touched(video: Video) -> Bool[Tensor, "B T"]:
    """Frames that show something in their outermost pixels, which are not all alike then."""
    sides = video[..., 0, :], video[..., -1, :], video[..., :, 0], video[..., :, -1]
    edge = torch.cat(sides, dim=-1)
    return (edge.amax(dim=-1) - edge.amin(dim=-1)).amax(dim=1) > 0


def left(video: Video) -> Bool[Tensor, "B T"]:
    """Frames that show nothing, and those of the same clip that show something at the edge: there it comes or goes."""
    nothing = (video.amax(dim=(-2, -1)) - video.amin(dim=(-2, -1))).amax(dim=1) == 0
    return nothing | touched(video) & nothing.any(dim=1, keepdim=True)
