"""From a spec to pixels, and from pixels to the batches that models are trained on."""

import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Float32, Int32, Int64, Shaped, UInt8
from torch import Tensor

from marey.core.errors import UserError
from marey.core.seeds import uniforms, words
from marey.data.spec import DatasetSpec
from marey.world.look import Picture
from marey.world.matched import MatchedWorld
from marey.world.render import draw, draw_video, quantized, render
from marey.world.render_torch import draw_on

_ORDER_STREAM, _AUGMENT_STREAM = 2 << 32, 3 << 32  # of random numbers; worlds use the streams below 1 << 32
_KEPT = 3  # buffers: of the batch in use, the one a loop's variable still holds, and the next one


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


def draw_there(
    device: torch.device,
    discs: Int32[np.ndarray, "n K M F 4"],
    picture: Picture,
    size: int,
    ways: Int64[np.ndarray, "n"] | None = None,
) -> Float32[Tensor, "n C T S S"]:
    """What `draw_video` draws, to the last bit, drawn on `device`: coordinates travel there, and no pixels."""
    levels = torch.arange(256).div(127.5).sub(1).to(device)  # a GPU's own division by a number is not exact
    video = levels[draw_on(device, discs, picture, size, size).int()].permute(0, 4, 1, 2, 3).contiguous()
    return video if ways is None else augment(video, ways)


@dataclass(frozen=True)
class Batch:
    """Clips as a model sees them, in [-1, 1], with the labels of their laws."""

    video: Float32[Tensor, "B C T H W"]
    law: Int64[Tensor, "B"]


class Batches:
    """Training batches: `batches(step, device)` is a pure function of the spec, the seed and the step.

    The train split is gone through in a new order each time, every clip once. The scenes of the whole split are kept
    (about 2 KB each); their pixels are drawn when they are asked for, on a CUDA device by that device. One thread at a
    time may ask.
    """

    def __init__(self, spec: DatasetSpec, batch_size: int, seed: int, augmented: bool):
        if spec.train < 1 or batch_size < 1:
            raise UserError(f"train={spec.train}, batch_size={batch_size}: both must be at least 1")
        if augmented and not isinstance(spec.world, MatchedWorld):
            raise UserError(f"world {spec.world.kind}: its mirrored clips are not its own; set augmented=False")
        self.batch_size, self.seed, self.augmented = batch_size, seed, augmented
        self.scenes = spec.scenes("train")
        self._discs = quantized(self.scenes)
        T, S, C = spec.world.frames, spec.world.size, spec.world.channels
        self._bytes = _Memory((batch_size, T, S, S, C), torch.uint8)
        self._floats = _Memory((batch_size, C, T, S, S), torch.float32)

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

    def clips(self, step: int) -> UInt8[np.ndarray, "B T H W C"]:
        """The clips of a step's batch as bytes, as they were drawn: before `ways`."""
        rows, size = self.rows(step), self.scenes.camera.size
        return draw(self._discs[rows], self.scenes.take(rows).picture, size, size, self._bytes.take())

    def __call__(self, step: int, device: torch.device) -> Batch:
        rows, size = self.rows(step), self.scenes.camera.size
        scenes, ways = self.scenes.take(rows), self.ways(step) if self.augmented else None
        if device.type == "cuda":
            video = draw_there(device, self._discs[rows], scenes.picture, size, ways)
        else:
            out = self._floats.take()
            video = torch.from_numpy(draw_video(self._discs[rows], scenes.picture, size, size, out, ways=ways))
        return Batch(video.to(device), torch.from_numpy(scenes.law).to(device))

    def _places(self, step: int) -> Int64[np.ndarray, "B"]:
        """Places of a batch's clips in the endless row of epochs."""
        return step * self.batch_size + np.arange(self.batch_size)


Made = TypeVar("Made")


class Ahead(Generic[Made]):
    """The same batches, each made while the one before it is used: `Ahead(batches)(step, device)` is
    `batches(step, device)`, in whatever order the steps are asked for. Drawing leaves Python to other threads.
    """

    def __init__(self, batches: Callable[[int, torch.device], Made]):
        self._batches = batches
        self._thread = ThreadPoolExecutor(1, "ahead")
        self._asked: tuple[int, torch.device] | None = None
        self._next: Future[Made]

    def __call__(self, step: int, device: torch.device) -> Made:
        if self._asked != (step, device):
            self._next = self._thread.submit(self._batches, step, device)
        batch = self._next.result()
        self._asked = step + 1, device
        self._next = self._thread.submit(self._batches, *self._asked)
        return batch


class _Memory:
    """Arrays of one shape; one that nothing refers to any more is handed out again, for fresh memory is slow to touch.

    A tensor made of an array, and all that shares its memory, refers to it.
    """

    def __init__(self, shape: tuple[int, ...], kind: torch.dtype):
        self._shape, self._kind = shape, kind
        self._arrays: list[tuple[np.ndarray, weakref.ref[np.ndarray]]] = []

    def take(self) -> np.ndarray:
        """An array whose content is anything."""
        lent = [reference() is not None for _, reference in self._arrays]
        place = lent.index(False) if False in lent else len(lent)
        fresh = place == len(lent)
        array = torch.empty(self._shape, dtype=self._kind).numpy() if fresh else self._arrays[place][0]  # both aligned
        out = array.view()
        if place < _KEPT:
            self._arrays[place : place + 1] = [(array, weakref.ref(out))]
        return out


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> Int64[np.ndarray, "n"]:
    """The order of an epoch: rows sorted by random words of their own."""
    order = np.argsort(words(seed, _ORDER_STREAM + epoch, np.arange(count), 1)[:, 0], kind="stable")
    order.setflags(write=False)
    return order
