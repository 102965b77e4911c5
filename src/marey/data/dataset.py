"""Datasets in memory: a torch dataset that draws its samples on demand, and one dict with everything."""

import os
from typing import Any, NamedTuple, overload

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor
from torch.utils.data import Dataset

from marey.core.errors import UserError
from marey.core.numbers import whole_number
from marey.data.spec import DatasetSpec, dataset_from_preset
from marey.world.descriptions import descriptions
from marey.world.equations import equations
from marey.world.render import draw_video, quantized, render

_CHUNK = 64  # clips drawn at a time: their buffer is small and reused


class Sample(NamedTuple):
    """One sample, or a batch of them with a leading axis B: video in [-1, 1], label of the law, index in the spec."""

    video: Float32[Tensor, "*B C T H W"]
    law: int | Int64[Tensor, "B"]
    index: int | Int64[Tensor, "B"]  # type: ignore[assignment]  # a tuple has a method of this name


class ClipDataset(Dataset[Sample]):
    """A split, held_out too, as a map-style torch dataset; made of numbers only, so workers of any kind take it up at
    once.

    `dataset[i]` is a Sample (negative i count from the end, a wrong one is an IndexError), `dataset[a:b]` a batched
    Sample. Samples are drawn when they are asked for, and a DataLoader asks for a batch at once.
    """

    def __init__(self, spec: DatasetSpec, split: str = "train"):
        self.spec, self.split = spec, split
        self._count = spec.count(split)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Sample: ...
    @overload
    def __getitem__(self, place: slice) -> Sample: ...
    def __getitem__(self, place: int | slice) -> Sample:
        if isinstance(place, slice):
            return self._draw(np.arange(len(self))[place])
        return self.__getitems__([place])[0]

    def __getitems__(self, places: list[int]) -> list[Sample]:
        """Samples at several places, drawn together; what a DataLoader calls."""
        rows = np.array([self._row(place) for place in places], np.int64)
        video, law, index = self._draw(rows)
        assert isinstance(law, Tensor) and isinstance(index, Tensor)
        return [Sample(*each) for each in zip(video, law.tolist(), index.tolist(), strict=True)]

    def _draw(self, rows: Int64[np.ndarray, "n"]) -> Sample:
        scenes = self.spec.scenes_at(self.split, rows)
        index = self.spec.index(self.split, rows)
        size = scenes.camera.size
        video = torch.from_numpy(draw_video(quantized(scenes), scenes.picture, size, size))
        return Sample(video, torch.from_numpy(scenes.law), torch.from_numpy(index))

    def _row(self, place: int) -> int:
        if not -len(self) <= place < len(self):
            raise IndexError(f"{place} is out of range; the {self.split} split holds {len(self)} samples")
        return place % len(self)


def generate_dataset(
    num_samples: int = 200,
    num_frames: int = 16,
    image_size: int = 64,
    channels: int = 3,
    preset: str = "classic",
    seed: int = 0,
) -> dict[str, Any]:
    """Render a dataset into one dict. The laws take turns; sample i does not depend on num_samples.

    videos: float32 torch (N, T, C, H, W) in [0, 1]. labels: int64 torch (N,), indices into label_names, the laws of
    that world. trajectory_3d: float64 numpy (N, T, 3), metres, without noise. Where a clip shows several bodies, these
    two are the first body's. equations, descriptions: N strings each, true of that sample's own numbers. The memory
    needed is 4 N T C H W bytes.

    preset: a name in `marey.data.spec.PRESETS`, say "classic" (textbook laws, one view) or "matched" (random view,
    place, size, phase; see `MatchedWorld`); the samples are those of its train split. An argument out of range is a
    UserError.
    """
    for name, value in (("num_samples", num_samples), ("num_frames", num_frames), ("image_size", image_size)):
        whole_number(value, name, 1)
    spec = dataset_from_preset(preset, num_samples, num_frames, image_size, channels, seed)
    needed = 4 * num_samples * num_frames * channels * image_size**2
    if needed > (there := os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")):
        raise UserError(
            f"num_samples={num_samples}: these clips take {needed / 1e9:,.0f} GB and this machine has "
            f"{there / 1e9:,.0f}; draw them as they are needed, with ClipDataset, or write their table with marey make"
        )
    scenes = spec.scenes("train")
    videos = torch.empty(num_samples, num_frames, channels, image_size, image_size)
    pixels = np.empty((_CHUNK, num_frames, image_size, image_size, channels), np.uint8)
    for start in range(0, num_samples, _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, num_samples))
        drawn = render(scenes.take(rows), pixels[: len(rows)])
        videos[start : start + len(rows)] = torch.from_numpy(drawn).permute(0, 1, 4, 2, 3)
    return {
        "videos": videos.div_(255),
        "labels": torch.from_numpy(scenes.law),
        "trajectory_3d": scenes.trajectory,
        "equations": equations(scenes),
        "descriptions": descriptions(scenes),
        "label_names": list(scenes.names),
    }
