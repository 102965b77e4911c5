"""A dataset cut into shards: fixed ranges of rows of one split each, so that longer datasets begin alike."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from marey.data.spec import SPLITS, DatasetSpec
from marey.data.table import make_samples, to_parquet
from marey.world.scenes import Scenes

ROWS = 5000  # per shard, at most: about 5 MB, made in about a second
DISCS = 1_000_000  # per shard, at most: some 100 MB while it is made


@dataclass(frozen=True)
class Shard:
    """Rows start to stop - 1 of a split; `first` is the first of them among the rows of all splits."""

    number: int
    split: str
    start: int
    stop: int
    first: int

    @property
    def name(self) -> str:
        """Path in the dataset's folder."""
        return f"samples/part-{self.number:05}-{self.split}.parquet"

    def __len__(self) -> int:
        return self.stop - self.start


def shard_rows(spec: DatasetSpec) -> int:
    """Rows per shard; a function of the world alone."""
    scenes = _none(spec)
    discs = np.prod(scenes.radii.shape[1:]) * scenes.picture.moments.shape[1]
    return int(min(ROWS, max(1, DISCS // discs)))


def shard_count(spec: DatasetSpec) -> int:
    """Number of shards of all splits."""
    rows = shard_rows(spec)
    return sum(-(-spec.count(split) // rows) for split in SPLITS)


def shard(spec: DatasetSpec, number: int) -> Shard:
    """The shard of that number, counted through all splits."""
    rows, place, before = shard_rows(spec), number, 0
    for split in SPLITS:
        count = spec.count(split)
        if place * rows < count:
            return Shard(number, split, place * rows, min((place + 1) * rows, count), before + place * rows)
        place, before = place - -(-count // rows), before + count
    raise AssertionError(f"there is no shard {number}")


def shard_at(spec: DatasetSpec, row: int) -> Shard:
    """The shard that holds a row, counted through all splits."""
    rows, number = shard_rows(spec), 0
    for split in SPLITS:
        if row < spec.count(split):
            return shard(spec, number + row // rows)
        row, number = row - spec.count(split), number + -(-spec.count(split) // rows)
    raise AssertionError("there is no such row")


def make_shard(spec: DatasetSpec, number: int) -> bytes:
    """The content of a shard's file, a pure function of the spec and the shard's number."""
    part = shard(spec, number)
    return to_parquet(make_samples(spec, part.split, np.arange(part.start, part.stop)))


@lru_cache(maxsize=16)
def _none(spec: DatasetSpec) -> Scenes:
    """No scenes of a world; their arrays show its sizes."""
    return spec.world.sample(0, np.arange(0))
