"""What a bench is held on: clips, what is true of them, and which of them may be learned from.

A set is a data set made by `marey make`, a spec in memory, or clips of others with labels (imported, an npz, a folder
of videos in a folder per label). Test clips are the set's own test split; clips of others are split here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from jaxtyping import Int64, UInt8

from marey.core.config import fingerprint
from marey.core.errors import UserError
from marey.core.files import sha256
from marey.core.seeds import words
from marey.data.folder import StoredDataset, open_dataset
from marey.data.imports import import_foreign
from marey.data.imports.foreign import PLAN, Foreign, open_foreign
from marey.data.manifest import SUMS
from marey.data.spec import DatasetSpec
from marey.judge.probing.truth import Truth, truth_of, truth_of_foreign
from marey.world.render import render
from marey.world.scenes import Scenes

_SPLITS = ("train", "validation", "test")
_TEST_SHARE = 0.25  # of clips that come without splits
_SPLIT_STREAM = 9 << 32
_FEWEST = (10, 2)  # clips to learn from, test clips

Clip = UInt8[np.ndarray, "n T H W C"]


@dataclass(frozen=True)
class ProbeClips:
    """Clips in a fixed order.

    read: gives clips start to stop - 1 of what lies behind, those of one shape together. rows: which of them, in
    ascending order (None: all). shown: how many first frames (None: all).
    """

    content: str
    total: int
    read: Callable[[int, int], Iterator[Clip]]
    rows: Int64[np.ndarray, "k"] | None = None
    shown: int | None = None

    @property
    def fingerprint(self) -> str:
        """Changes when any byte of the clips does."""
        rows = "" if self.rows is None else f", rows {fingerprint(self.rows.tolist())}"
        return self.content + rows + ("" if self.shown is None else f", first {self.shown} frames")

    def __len__(self) -> int:
        return self.total if self.rows is None else len(self.rows)

    def runs(self, start: int, stop: int) -> Iterator[Clip]:
        """Clips start to stop - 1 in their order, those of one shape together."""
        rows = np.arange(self.total) if self.rows is None else self.rows
        chosen = rows[start:stop]
        for block in np.split(chosen, np.flatnonzero(np.diff(chosen) != 1) + 1):
            for run in self.read(int(block[0]), int(block[-1]) + 1):
                yield run[:, : self.shown]


@dataclass(frozen=True)
class ProbeSet:
    """pool: rows that probes may learn from, validation clips included. test: rows on which they are scored.

    size: rows and columns of the first clip.
    """

    name: str
    clips: ProbeClips
    truth: Truth
    pool: Int64[np.ndarray, "p"]
    test: Int64[np.ndarray, "n"]
    frames: int
    size: tuple[int, int]

    @property
    def prefix(self) -> int:
        """Frames that are shown where the future is asked."""
        return (self.frames + 1) // 2

    @property
    def before(self) -> ProbeClips:
        """The clips without their future."""
        return replace(self.clips, shown=self.prefix)

    def few(self, count: int) -> "ProbeSet":
        """At most `count` clips, pool and test in the same proportion."""
        total = len(self.pool) + len(self.test)
        if count >= total:
            return self
        tested = round(count * len(self.test) / total)
        _refuse_few(self.name, count - tested, tested)
        pool, test = self.pool[: count - tested], self.test[:tested]
        rows = np.sort(np.concatenate([pool, test]))
        clips = replace(self.clips, rows=rows)
        places = np.searchsorted(rows, pool), np.searchsorted(rows, test)
        return replace(self, clips=clips, truth=self.truth.take(rows), pool=places[0], test=places[1])


def set_of_spec(spec: DatasetSpec, name: str) -> ProbeSet:
    """The clips of a spec, drawn when they are asked for."""
    scenes = Scenes.join([spec.scenes(split) for split in _SPLITS])

    def read(start: int, stop: int) -> Iterator[Clip]:
        yield render(scenes.take(np.arange(start, stop)))

    return _with_splits(name, f"spec {fingerprint(spec)}", read, scenes, spec)


@contextmanager
def open_set(path: Path) -> Iterator[ProbeSet]:
    """The set in a folder or file, to be used inside `with`; UserErrors say what it lacks."""
    if (path / "spec.json").exists():
        yield _set_of_dataset(open_dataset(path))
    else:
        with opened_foreign(path) as foreign:
            yield _set_of_foreign(foreign, path.resolve().name)


@contextmanager
def opened_foreign(path: Path) -> Iterator[Foreign]:
    """An import; anything else that can be imported is, for as long as it is used."""
    if (path / PLAN).exists():
        yield open_foreign(path)
        return
    with TemporaryDirectory(prefix="marey-") as folder:
        import_foreign(path, Path(folder) / "clips")
        yield open_foreign(Path(folder) / "clips")


def _set_of_dataset(stored: StoredDataset) -> ProbeSet:
    total = sum(map(stored.spec.count, _SPLITS))
    if not total:
        raise UserError(f"{stored.path} has no clips in train, validation and test; make it with -n 1000 or more")

    def read(start: int, stop: int) -> Iterator[Clip]:
        yield stored.rows(start, stop).clips()

    content = f"data set {sha256(stored.path / SUMS)[:16]}"
    return _with_splits(stored.path.resolve().name, content, read, stored.rows(0, total).scenes, stored.spec)


def _with_splits(
    name: str, content: str, read: Callable[[int, int], Iterator[Clip]], scenes: Scenes, spec: DatasetSpec
) -> ProbeSet:
    pool = spec.train + spec.validation
    _refuse_few(name, pool, spec.test)
    clips, size = ProbeClips(content, pool + spec.test, read), (spec.world.size, spec.world.size)
    rows = np.arange(pool + spec.test)
    return ProbeSet(name, clips, truth_of(scenes), rows[:pool], rows[pool:], spec.world.frames, size)


def _set_of_foreign(foreign: Foreign, name: str) -> ProbeSet:
    """Clips of others, each as as many evenly spaced frames as the shortest has."""
    clips = clips_of_foreign(foreign)
    rows = list(foreign.rows())
    truth = truth_of_foreign(rows, foreign)
    order = np.argsort(words(0, _SPLIT_STREAM, np.arange(len(rows)), 1)[:, 0], kind="stable")
    tested = max(1, round(_TEST_SHARE * len(rows)))
    _refuse_few(name, len(rows) - tested, tested)
    _, frames, height, width, _ = next(clips.runs(0, 1)).shape
    pool, test = np.sort(order[tested:]), np.sort(order[:tested])
    return ProbeSet(name, clips, truth, pool, test, frames, (height, width))


def clips_of_foreign(foreign: Foreign, frames: int | None = None) -> ProbeClips:
    """Clips of others, each as `frames` evenly spaced frames: by default as many as the shortest has."""
    if "pixels" not in foreign.has:
        raise UserError(f"{foreign.path} has no pixels; import videos")
    rows = list(foreign.rows())
    shortest = min(int(row["frames"]) for row in rows)
    wanted = frames or shortest

    def read(start: int, stop: int) -> Iterator[Clip]:
        shots = (foreign.clip(row)[_evenly(int(row["frames"]), wanted)] for row in rows[start:stop])
        for _, run in groupby(shots, key=lambda clip: clip.shape):
            yield np.stack(list(run))

    content = f"import {sha256(foreign.path / SUMS)[:16]}, {wanted} frames"
    return ProbeClips(content, len(rows), read)


def _evenly(given: int, wanted: int) -> Int64[np.ndarray, "k"]:
    """Indices of `wanted` frames evenly spread over `given`, both ends included."""
    return np.round(np.linspace(0, given - 1, wanted)).astype(np.int64)


def _refuse_few(name: str, pool: int, test: int) -> None:
    if pool < _FEWEST[0] or test < _FEWEST[1]:
        raise UserError(f"{name} has {pool} clips to learn from and {test} test clips; give at least 10 and 2")
