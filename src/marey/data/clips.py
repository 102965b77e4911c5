"""From a spec to pixels, and from pixels to the batches that models are trained on."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64, Shaped, UInt8
from torch import Tensor

from marey.core.errors import UserError
from marey.core.seeds import uniforms, words
from marey.data.spec import DatasetSpec
from marey.world.matched import MatchedWorld
from marey.world.render import render

_ORDER_STREAM, _AUGMENT_STREAM = 2 << 32, 3 << 32  # of random numbers; worlds use the streams below 1 << 32


def clips(
    spec: DatasetSpec, split: str, start: int, stop: int, out: UInt8[np.ndarray, "n T H W C"] | None = None
) -> UInt8[np.ndarray, "n T H W C"]:
    """Render rows start to stop - 1 of a split, into `out` when given."""
    return render(spec.scenes(split, start, stop), out)


def as_video(clips: UInt8[np.ndarray, "B T H W C"] | UInt8[Tensor, "B T H W C"]) -> Float32[Tensor, "B C T H W"]:
    """Clips as models see them: -1 is black, 1 is white. The result never shares memory with `clips`."""
    pixels = torch.as_tensor(clips).permute(0, 4, 1, 2, 3)
    return pixels.to(torch.float32, memory_format=torch.contiguous_format).div_(127.5).sub_(1)


def as_clips(video: Float[Tensor, "B C T H W"]) -> UInt8[np.ndarray, "B T H W C"]:
    """The inverse of `as_video`; values outside [-1, 1] are clipped."""
    pixels = video.detach().float().add(1).mul_(127.5).round_().clamp_(0, 255)
    return pixels.to(torch.uint8).permute(0, 2, 3, 4, 1).contiguous().cpu().numpy()


def augment(video: Shaped[Tensor, "B C T S S"], way: Int64[np.ndarray, "B"]) -> Shaped[Tensor, "B C T S S"]:
    """Each clip in one of its WAYS: turned or mirrored (8 ways), played forwards (0 to 7) or backwards (8 to 15).

    A clip of the world `matched` changed in this way is a clip that the same law could have made.
    """
    video = video.clone()
    for bit, change in enumerate(_CHANGES):
        rows = torch.from_numpy(np.flatnonzero(way >> bit & 1)).to(video.device)
        video[rows] = change(video[rows])
    return video


# Each is its own inverse; the first three make the eight symmetries of the square.
_CHANGES = (
    lambda video: video.transpose(-1, -2),
    lambda video: video.flip(-1),
    lambda video: video.flip(-2),
    lambda video: video.flip(-3),
)
WAYS = 1 << len(_CHANGES)


@dataclass(frozen=True)
class Batch:
    """Clips as a model sees them, in [-1, 1], with the labels of their laws."""

    video: Float32[Tensor, "B C T H W"]
    law: Int64[Tensor, "B"]


class Batches:
    """Training batches: `batches(step, device)` is a pure function of the spec, the seed and the step.

    The train split is gone through in a new order each time, every clip once. The scenes of the whole split are kept
    (about 2 KB each); their pixels are drawn when they are asked for, into one buffer.
    """

    def __init__(self, spec: DatasetSpec, batch_size: int, seed: int, augmented: bool):
        if spec.train < 1 or batch_size < 1:
            raise UserError(f"train={spec.train}, batch_size={batch_size}: both must be at least 1")
        if augmented and not isinstance(spec.world, MatchedWorld):
            raise UserError(f"world {spec.world.kind}: its mirrored clips are not its own; set augmented=False")
        self.batch_size, self.seed, self.augmented = batch_size, seed, augmented
        self.scenes = spec.scenes("train")
        world = spec.world
        self._pixels = np.empty((batch_size, world.frames, world.size, world.size, world.channels), np.uint8)

    def rows(self, step: int) -> Int64[np.ndarray, "B"]:
        """Rows of the train split that make the batch of a step."""
        epoch, place = np.divmod(self._places(step), len(self.scenes))
        rows = [_order(self.seed, int(each), len(self.scenes))[place[epoch == each]] for each in np.unique(epoch)]
        return np.concatenate(rows)

    def ways(self, step: int) -> Int64[np.ndarray, "B"]:
        """How each clip of a step's batch is turned, mirrored and played; 0 is as it was drawn."""
        if not self.augmented:
            return np.zeros(self.batch_size, np.int64)
        return (uniforms(self.seed, _AUGMENT_STREAM, self._places(step), 1)[:, 0] * WAYS).astype(np.int64)

    def __call__(self, step: int, device: torch.device) -> Batch:
        scenes = self.scenes.take(self.rows(step))
        pixels = torch.from_numpy(render(scenes, self._pixels)).to(device)
        video = as_video(pixels)
        if self.augmented:
            video = augment(video, self.ways(step))
        return Batch(video, torch.from_numpy(scenes.law).to(device))

    def _places(self, step: int) -> Int64[np.ndarray, "B"]:
        """Places of a batch's clips in the endless row of epochs."""
        return step * self.batch_size + np.arange(self.batch_size)


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> Int64[np.ndarray, "n"]:
    """The order of an epoch: rows sorted by random words of their own."""
    order = np.argsort(words(seed, _ORDER_STREAM + epoch, np.arange(count), 1)[:, 0], kind="stable")
    order.setflags(write=False)
    return order
