"""The tokens of every training clip, encoded once."""

import numpy as np
import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from marey.data.clips import WAYS, Batches, as_video, augment
from marey.recipes.model import Digits, VideoModel
from marey.recipes.zoom import left
from marey.world.render import render

_PIXELS = 1 << 18  # encoded at a time: few enough for their features to stay in the processor's cache


class Views:
    """Digits of every training clip in all its views: `views(step)` equals `model.digits(batches(step).video)`.

    A tokenizer that looks at one frame at a time gives a view the same tokens whenever it is asked, and a clip played
    backwards the same tokens backwards. Encoding each batch anew would cost about as much as a step of the transformer.
    """

    def __init__(self, model: VideoModel, batches: Batches):
        assert model.tokenizer.local
        self.batches, scenes = batches, batches.scenes
        ways = WAYS if batches.augmented else 1
        layout = model.dynamics.layout
        dtype = torch.int16 if max(layout.levels) <= 1 << 15 else torch.int32
        self.law = torch.from_numpy(scenes.law)
        self.left = torch.empty(len(scenes), layout.grid[0], dtype=torch.bool)
        self.digits = torch.empty(len(scenes), ways, *layout.grid, len(layout.levels), dtype=dtype)
        chunk = max(1, _PIXELS // (model.shape.frames * model.shape.size**2))
        for start in range(0, len(scenes), chunk):
            rows = np.arange(start, min(start + chunk, len(scenes)))
            video = as_video(render(scenes.take(rows))).to(model.device)
            self.left[rows] = left(video)[:, :: model.tokenizer.config.stride[0]].cpu()
            for way in range(max(ways // 2, 1)):
                digits = model.digits(augment(video, np.full(len(rows), way))).cpu().to(dtype)
                self.digits[rows, way] = digits
                if batches.augmented:
                    self.digits[rows, way + ways // 2] = digits.flip(1)

    def gone(self, step: int) -> Bool[Tensor, "B t"]:
        """Frames of the clips of a step's batch that something leaves or has left. In a world whose clips are played
        backwards too nothing ever does.
        """
        return self.left[torch.from_numpy(self.batches.rows(step))]

    def __call__(self, step: int) -> tuple[Digits, Int64[Tensor, "B"]]:
        """Digits and laws of the clips of a step's batch."""
        rows = torch.from_numpy(self.batches.rows(step))
        return self.digits[rows, torch.from_numpy(self.batches.ways(step))].long(), self.law[rows]
