"""A dataset as a folder: a table with everything that is true about each sample, from which its pixels are drawn.

spec.json   the DatasetSpec; written first, it marks the folder as ours
samples/    part-00000-train.parquet, ...: shards of the table, each written whole or not at all
README.md   the data card          strip.png  a few clips          LICENSE
SHA256SUMS  checksums: a journal while the shards are made, sealed when all is there

The table holds the canonical discs, so the pixels are the same bytes on any machine, whatever its sin and cos.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from marey.core.config import from_json
from marey.core.errors import UserError
from marey.core.files import read_json, sha256, write_atomically, write_text, writing
from marey.data import claim
from marey.data.card import LICENCE, card, strip
from marey.data.engines import Engine, in_process
from marey.data.manifest import SUMS, read_journal, read_seal, record, seal, to_lines
from marey.data.shards import Shard, shard, shard_at, shard_count
from marey.data.spec import SPLITS, DatasetSpec
from marey.data.staged import Progress, silent
from marey.data.table import Samples, from_parquet

_KEPT = "finished shards are kept"


@dataclass(frozen=True)
class StoredDataset:
    """A finished dataset on disk. Rows are counted through the splits, in their order in `SPLITS`.

    A shard is read when its rows are asked for, checked against its checksum, and kept until the next but one is.
    """

    path: Path
    spec: DatasetSpec
    sums: dict[str, str]

    def __len__(self) -> int:
        return sum(map(self.spec.count, SPLITS))

    def rows(self, start: int, stop: int) -> Samples:
        """Samples start to stop - 1; at least one. A damaged or missing shard is a UserError that names it."""
        if not 0 <= start < stop <= len(self):
            raise UserError(f"rows {start} to {stop} are not in the dataset; give 0 <= start < stop <= {len(self)}")
        parts = []
        while start < stop:
            part = shard_at(self.spec, start)
            end = min(stop, part.first + len(part))
            parts.append(self._read(part).take(np.arange(start - part.first, end - part.first)))
            start = end
        return Samples.join(parts)

    def shards(self) -> Iterator[Samples]:
        """All samples in their order, shard by shard (5000 at most): memory does not grow with their number."""
        for number in range(shard_count(self.spec)):
            yield self._read(shard(self.spec, number))

    def _read(self, part: Shard) -> Samples:
        return _read(self.path / part.name, self.sums.get(part.name, ""))


def open_dataset(path: str | Path) -> StoredDataset:
    """Open a finished dataset; a missing, unfinished or damaged folder is a UserError that names the file."""
    path = Path(path)
    if not path.is_dir():
        raise UserError(f"{path} is not a folder; give that of a data set, made with marey make --out {path}")
    for kind, use in (("import", "give it to marey probe"), ("export", "give its files to the programs it is for")):
        if (path / f"{kind}.json").exists():
            raise UserError(f"{path} is an {kind}, from whose pixels no scene can be made again; {use}")
    if not (path / "spec.json").exists():
        raise UserError(f"{path} holds no dataset (there is no spec.json); make one with marey make --out {path}")
    sums = read_seal(path)
    if sums.get("spec.json") != sha256(path / "spec.json"):
        raise UserError(f"{path / 'spec.json'} is damaged (its SHA-256 differs from {SUMS}); restore it")
    return StoredDataset(path, from_json(DatasetSpec, read_json(path / "spec.json"), str(path / "spec.json")), sums)


def write_dataset(
    spec: DatasetSpec,
    out: Path,
    overwrite: bool = False,
    engine: Engine = in_process,
    progress: Progress = silent,
    notes: Callable[[], str] = str,
) -> None:
    """Make a dataset in the folder `out`, or go on with one of the same spec. The same spec gives the same bytes.

    notes: gives Markdown for the end of the data card; called once all samples are there. A folder that holds a
    finished dataset, or one of another spec, is a UserError; with `overwrite` it is made again.
    """
    _refuse_nothing(spec)
    spec.check()
    with writing(out, _KEPT, "marey make"), claim.whole(out, spec, overwrite):
        sums = _take_up(out, spec, range(shard_count(spec)))
        journals = sorted(out.glob(f"{SUMS}.*"))
        write_text(out / SUMS, to_lines(sums))
        for left in [*journals, *out.glob(".*.tmp"), *out.glob("samples/.*.tmp"), *_unrecorded(out, sums)]:
            left.unlink()
        sums |= _make(spec, out, range(shard_count(spec)), sums, out / SUMS, engine, progress)
        first = from_parquet((out / shard(spec, 0).name).read_bytes())
        stored = sum((out / name).stat().st_size for name in sums)
        write_text(out / "README.md", card(spec, first, stored, notes()))
        write_atomically(out / "strip.png", lambda file: file.write_bytes(strip(first)))
        write_text(out / "LICENSE", LICENCE)
        sums |= {name: sha256(out / name) for name in ("spec.json", "README.md", "strip.png", "LICENSE")}
        seal(out, sums)
        claim.leave(out)


def write_part(
    spec: DatasetSpec, out: Path, index: int, parts: int, engine: Engine = in_process, progress: Progress = silent
) -> None:
    """Make every `parts`-th shard of a dataset, from number `index`; `write_dataset` finishes it when all are there.

    Parts may be made at the same time, in one folder or in folders of their own whose files are then moved together.
    """
    _refuse_nothing(spec)
    if not 0 <= index < parts:
        raise UserError(f"--shard-index {index} is not one of --num-shards {parts}; give 0 to {parts - 1}")
    spec.check()
    name = f"{index:05}-of-{parts:05}"
    numbers = range(index, shard_count(spec), parts)
    with writing(out, _KEPT, "marey make"), claim.part(out, spec, name):
        journal = out / f"{SUMS}.{name}"
        sums = _take_up(out, spec, numbers)
        write_text(journal, to_lines(sums))
        _make(spec, out, numbers, sums, journal, engine, progress)


def _make(
    spec: DatasetSpec,
    out: Path,
    numbers: range,
    done: dict[str, str],
    journal: Path,
    engine: Engine,
    progress: Progress,
) -> dict[str, str]:
    """Make and record the shards that are not done; returns their checksums."""
    sizes = {number: len(shard(spec, number)) for number in numbers}
    todo = [number for number in numbers if shard(spec, number).name not in done]
    total, ready = sum(sizes.values()), sum(sizes.values()) - sum(sizes[number] for number in todo)
    progress(ready, total)
    sums = {}
    for number, content in engine(spec, todo):
        name = shard(spec, number).name
        _write(out / name, content)
        sums[name] = hashlib.sha256(content).hexdigest()
        record(journal, name, sums[name])
        ready += sizes[number]
        progress(ready, total)
    return sums


def _write(file: Path, content: bytes) -> None:
    write_atomically(file, lambda temporary: temporary.write_bytes(content))


def _take_up(out: Path, spec: DatasetSpec, numbers: range) -> dict[str, str]:
    """Checksums of the shards that are recorded and that are on disk as recorded."""
    recorded: dict[str, str] = {}
    for journal in sorted(out.glob(f"{SUMS}*")):
        recorded |= read_journal(journal)
    names = [shard(spec, number).name for number in numbers]
    kept = [name for name in names if name in recorded and (out / name).exists()]
    return {name: recorded[name] for name in kept if sha256(out / name) == recorded[name]}


def _unrecorded(out: Path, sums: dict[str, str]) -> list[Path]:
    return [file for file in out.glob("samples/part-*.parquet") if f"samples/{file.name}" not in sums]


def _refuse_nothing(spec: DatasetSpec) -> None:
    if not shard_count(spec):
        counts = ", ".join(f"{split}=0" for split in SPLITS)
        raise UserError(f"{counts}: the dataset is empty; give at least one split some samples")


@lru_cache(maxsize=2)
def _read(file: Path, digest: str) -> Samples:
    if not file.exists():
        raise UserError(f"{file} is missing; restore it, or run the same marey make again")
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise UserError(f"{file} is damaged (its SHA-256 differs from {SUMS}); delete it and run the same marey make")
    try:
        return from_parquet(content)
    except KeyError as error:
        raise UserError(
            f"{file}: column {error} is missing: another version made it; use that, or --overwrite"
        ) from None
