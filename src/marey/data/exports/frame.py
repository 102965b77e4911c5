"""What all exports share: how a dataset is cut, and which columns stand beside the pixels."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, UInt8

from marey.core.errors import UserError
from marey.data.folder import StoredDataset
from marey.data.spec import SPLITS
from marey.data.table import Samples, to_columns

_BYTES = 64 << 20  # of pixels in a shard, about: what has to fit in memory, and what a kill costs


@dataclass(frozen=True)
class Shard:
    """Rows start to stop - 1 of a split. first: the first of them among the rows of all splits. number: in its split,
    which has `of` shards.
    """

    split: str
    number: int
    of: int
    start: int
    stop: int
    first: int

    @property
    def name(self) -> str:
        return f"{self.split}-{self.number:05}-of-{self.of:05}"

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class Export:
    """A dataset on its way out: the pixels of one camera, in shards of `per_shard` clips."""

    dataset: StoredDataset
    camera: int
    per_shard: int

    @property
    def splits(self) -> dict[str, int]:
        """Number of clips of each split that has some."""
        counts = {split: self.dataset.spec.count(split) for split in SPLITS}
        return {split: count for split, count in counts.items() if count}

    @property
    def shards(self) -> list[Shard]:
        parts, first = [], 0
        for split, count in self.splits.items():
            of = -(-count // self.per_shard)
            for number in range(of):
                start = number * self.per_shard
                parts.append(Shard(split, number, of, start, min(start + self.per_shard, count), first + start))
            first += count
        return parts

    def samples(self, shard: Shard) -> Samples:
        return self.dataset.rows(shard.first, shard.first + len(shard))

    def clips(self, samples: Samples) -> UInt8[np.ndarray, "n T H W C"]:
        return samples.clips(self.camera)

    def videos(self, samples: Samples) -> UInt8[np.ndarray, "n T C H W"]:
        return self.clips(samples).transpose(0, 1, 4, 2, 3)


Write = Callable[[Path, Export], Iterable[str]]


@dataclass(frozen=True)
class Format:
    """How a dataset is written. what: its files and pixels, in a line. reading: Python that reads the first training
    clip from `folder` with the format's own library, as `clip`, uint8 T H W C, and the name of its `law`.

    write: a shard. begin, end: what comes before the first shard and after the last. These return the paths of the
    files they have written. check: refuses what the format cannot hold. head: of the README.md. needs: libraries.
    """

    what: str
    reading: str
    write: Callable[[Path, Export, Shard], Iterable[str]]
    begin: Write | None = None
    end: Write | None = None
    check: Callable[[Export], object] | None = None
    head: Callable[[Export], str] | None = None
    needs: tuple[str, ...] = ()


def columns(samples: Samples) -> dict[str, np.ndarray]:
    """All that is known about the samples beside their pixels, by name; the research documents' names come first.

    labels: of the first body. trajectory_3d: its clean positions in the world, n T 3 metres. The others are those of
    the dataset's own table.
    """
    table, _ = to_columns(samples)
    words = {"equations": table.pop("equation"), "descriptions": table.pop("description")}
    return {"labels": samples.scenes.law, "trajectory_3d": samples.scenes.trajectory} | words | table


def one(values: dict[str, np.ndarray], row: int) -> dict[str, Any]:
    """One row of columns."""
    return {name: column[row] for name, column in values.items()}


def default_per_shard(dataset: StoredDataset) -> int:
    """Clips in a shard of about 64 MiB of pixels."""
    world = dataset.spec.world
    return max(1, _BYTES // (world.frames * world.size**2 * world.channels))


def checked_camera(dataset: StoredDataset, camera: int) -> int:
    """The number of a camera that the dataset has, else a UserError."""
    cameras = dataset.rows(0, 1).discs.shape[1]
    if not 0 <= camera < cameras:
        raise UserError(f"--camera {camera} is not in the dataset; it has cameras 0 to {cameras - 1}")
    return camera


def frame_rate(times: Float64[np.ndarray, "T"]) -> float:
    """Frames per second of a clip; of a single frame 1."""
    return float((len(times) - 1) / (times[-1] - times[0])) if len(times) > 1 else 1.0
