"""Is a dataset on disk what it says it is? Every byte against its checksum, and some rows made again from the spec."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from marey.core.errors import UserError
from marey.core.files import sha256
from marey.data.folder import StoredDataset, open_dataset
from marey.data.manifest import SUMS, read_seal
from marey.data.shards import Shard, shard, shard_count
from marey.data.table import make_samples, read_columns, to_columns

_SHARDS, _ROWS = 16, 16  # that are made again: so many rows in each of so many shards
_CLOSE = 1e-9  # metres, pixels: sin and cos differ in the last bit between processors
_STEPS = {"discs": 1, "hidden": 64}  # that whole numbers may differ by for this reason


def check_dataset(path: Path) -> tuple[StoredDataset, int]:
    """Verify a dataset; the first thing wrong is a UserError that names file, row and field.

    Returns the dataset and the number of rows that were made again: equal to 1e-9 in floats, to 1/256 pixel in discs
    (and what follows for the hidden shares), and exactly in all else.
    """
    verify(path)
    dataset = open_dataset(path)
    count = shard_count(dataset.spec)
    chosen = [shard(dataset.spec, number) for number in _spread(count, _SHARDS).tolist()]
    if missing := [
        shard(dataset.spec, n).name for n in range(count) if shard(dataset.spec, n).name not in dataset.sums
    ]:
        raise UserError(f"{path / missing[0]} is missing, and from {SUMS} too; make the dataset again with --overwrite")
    return dataset, sum(_make_again(dataset, part) for part in chosen)


def verify(path: Path) -> None:
    """Compare every file with its checksum; a damaged, missing or foreign one is a UserError that names it."""
    sums = read_seal(path)
    for name, digest in sums.items():
        if not (path / name).exists():
            raise UserError(f"{path / name} is missing; restore it, or run the same marey make again")
        if sha256(path / name) != digest:
            again = "make the dataset again with --overwrite"
            if name != "spec.json":
                again = "delete it and run the same marey make again"
            raise UserError(f"{path / name} is damaged (its SHA-256 differs from {SUMS}); restore it, or {again}")
    for file in sorted(path.glob("samples/*")):
        if f"samples/{file.name}" not in sums:
            raise UserError(f"{file} is not part of the dataset ({SUMS} does not name it); move it away")


def _make_again(dataset: StoredDataset, part: Shard) -> int:
    """Make some rows of a shard again; returns how many."""
    file = dataset.path / part.name
    places = _spread(len(part), _ROWS)
    stored, _ = read_columns(file.read_bytes())
    made, _ = to_columns(make_samples(dataset.spec, part.split, part.start + places))
    for name, values in made.items():
        if name not in stored or len(stored[name]) != len(part) or stored[name].shape[1:] != values.shape[1:]:
            raise UserError(f"{file}: column {name} is missing or of another shape; make it again with --overwrite")
        wrong = _differing(name, stored[name][places], values)
        if len(wrong):
            row = wrong[0]
            raise UserError(
                f"{file}: row {places[row]}: {name} is {_shown(stored[name][places[row]])}, but the spec gives "
                f"{_shown(values[row])}; was it made by another version? make it again with --overwrite"
            )
    return len(places)


def _spread(count: int, most: int) -> Int64[np.ndarray, "k"]:
    """At most so many numbers from 0 to count - 1, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, most).astype(np.int64))


def _differing(name: str, ours: np.ndarray, theirs: np.ndarray) -> Int64[np.ndarray, "k"]:
    """The rows in which two columns differ."""
    if ours.dtype == np.float64 == theirs.dtype:
        same = np.isclose(ours, theirs, rtol=_CLOSE, atol=_CLOSE, equal_nan=True)
    elif name in _STEPS:
        same = np.abs(ours.astype(np.int64) - theirs) <= _STEPS[name]
    else:
        same = ours == theirs
    return np.flatnonzero(~same.reshape(len(ours), -1).all(axis=1))


def _shown(value: Any) -> str:
    """A value on one line, cut where it is long."""
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
