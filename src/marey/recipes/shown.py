"""From what is shown of a clip to what is known of its tokens."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from marey.tokens.tokenizer import Tokenizer

Video = Float[Tensor, "B C T H W"]
Shown = Bool[Tensor, "B T h w"]  # pixels of a clip, or whole frames of it: then h and w are 1


@dataclass(frozen=True)
class Cells:
    """What a transformer may be told of each token; h and w are 1 if they are the same for all cells of a frame.

    known: made of shown pixels alone. hinted: it holds a shown pixel, but reaches into hidden ones.
    """

    known: Bool[Tensor, "B t h w"]
    hinted: Bool[Tensor, "B t h w"]


def as_shown(video: Video, shown: Shown) -> Video:
    """The clip as its task shows it: each hidden pixel replaced by what was shown last in its place, else by what is
    shown there next; where nothing ever is, by the median of all that is shown, which mostly is the page.

    Nothing of the hidden pixels is left. With no pixel shown the clip is grey.
    """
    count = shown.shape[1]
    frame = torch.arange(count, device=shown.device)[:, None, None]
    before = torch.where(shown, frame, -1).cummax(dim=1).values
    after = torch.where(shown, frame, count).amin(dim=1, keepdim=True)
    source = torch.where(before >= 0, before, after.clamp(max=count - 1))
    filled = video.gather(2, source[:, None].expand_as(video))
    never = ~shown.any(dim=1)[:, None, None]
    if not never.any():
        return filled
    page = video.masked_fill(~shown[:, None], torch.nan).flatten(2).nanmedian(dim=2).values.nan_to_num(0.0)
    return torch.where(never, page[:, :, None, None, None], filled)


def cells(tokenizer: Tokenizer, shown: Shown) -> Cells:
    """Which tokens are known, and at which the clip as shown gives a hint (COMMIT, MAGVIT section 3.2)."""
    known = tokenizer.settled(shown)
    t, h, w = tokenizer.config.stride
    if shown.shape[2:] == (1, 1):
        h = w = 1
    holds = F.max_pool3d(F.pad(shown.float(), (0, 0, 0, 0, t - 1, 0)), (t, h, w)) > 0
    return Cells(known, holds & ~known)


def pixels(tokenizer: Tokenizer, tokens: Bool[Tensor, "B t h w"]) -> Bool[Tensor, "B T H W"]:
    """The pixels that each token stands for; the first one of a place stands for one frame only."""
    t, h, w = tokenizer.config.stride
    every = tokens.repeat_interleave(t, dim=1).repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)
    return every[:, t - 1 :]
