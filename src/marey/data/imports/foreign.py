"""A folder of clips that marey did not make: whatever is known about each, and a list of what is not.

import.json             where it came from, which columns there are, what it lacks
samples/PIECE.parquet   a row per clip: its name, frames and what else is known
pixels/PIECE.npy        uint8 (frames of all clips of the piece) H W C; the column `first` says where a clip begins
README.md, SHA256SUMS   the card; the checksums of all files
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import UInt8

from marey.core.errors import UserError
from marey.core.files import read_json, sha256, write_atomically
from marey.data.manifest import read_seal

PLAN = "import.json"
_POINT = {axes: pa.list_(pa.list_(pa.float64(), axes)) for axes in (2, 3)}
_TYPES = {
    "clip": pa.string(),
    "frames": pa.int64(),
    "label": pa.int64(),
    "law": pa.string(),
    "fps": pa.float64(),
    "track": _POINT[2],
    "radius": pa.list_(pa.float64()),
    "visible": pa.list_(pa.bool_()),
    "trajectory": _POINT[3],
    "equation": pa.string(),
    "description": pa.string(),
    "pixels": pa.string(),
    "first": pa.int64(),
}
_LACKS = {
    "pixels": "no pixels: no model can be trained on it",
    "track": "no tracks in pixels: errors of motion have no truth to be measured against",
    "trajectory": "no trajectories in 3D",
    "label": "no labels of laws",
    "equation": "no equations",
    "description": "no descriptions",
}


@dataclass(frozen=True)
class Piece:
    """Some clips of a source. read: writes their pixels, if there are any, in the given folder; gives the row of each
    clip and the paths of the files.
    """

    name: str
    clips: int
    read: Callable[[Path], tuple[list[dict[str, Any]], list[str]]]


@dataclass(frozen=True)
class Source:
    """What is imported. has: the columns beside `clip` and `frames`. total: clips, where it is known before the end.
    ignored: what of it is not read.
    """

    path: Path
    kind: str
    has: tuple[str, ...]
    pieces: Callable[[], Iterator[Piece]]
    stamp: list[Any]
    total: int | None = None
    ignored: tuple[str, ...] = ()

    @property
    def plan(self) -> dict[str, Any]:
        """What is kept of it in `import.json`. stamp: names and sizes, by which a resumed import knows its source."""
        return {
            "kind": self.kind,
            "source": self.path.name,
            "stamp": self.stamp,
            "has": list(self.has),
            "lacks": list(lacks(self.has, self.ignored)),
        }


def lacks(has: tuple[str, ...], ignored: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What a foreign dataset with these columns cannot say, a sentence each."""
    camera = "no camera: positions in metres cannot be had from its pixels or tracks"
    if "trajectory" in has:
        camera = "no camera, and no unit of its trajectories: where they appear in the pixels is not known"
    unread = (f"not read: {', '.join(ignored)}",) if ignored else ()
    return (camera, *(text for column, text in _LACKS.items() if column not in has), *unread)


def write_rows(source: Source, piece: Piece, folder: Path) -> list[str]:
    """Import a piece; the paths of its files."""
    rows, files = piece.read(folder)
    named = {"clip", "frames", *source.has} | ({"first"} if "pixels" in source.has else set())
    names = [name for name in _TYPES if name in named]
    table = pa.Table.from_pylist(rows, schema=pa.schema([(name, _TYPES[name]) for name in names]))
    name = f"samples/{piece.name}.parquet"
    write_atomically(folder / name, lambda file: pq.write_table(table, file, compression="zstd"))
    return [*files, name]


def write_pixels(file: Path, frames: Iterator[UInt8[np.ndarray, "H W C"]]) -> int:
    """Write an npy file frame by frame, and return their number; the header, whose length is fixed, comes last."""
    count, shape = 0, (0, 0, 0)
    file.parent.mkdir(exist_ok=True)
    with file.open("wb") as stream:
        _header(stream, (1, 1, 1, 1))
        start = stream.tell()
        for count, frame in enumerate(frames, 1):
            assert count == 1 or frame.shape == shape
            shape = frame.shape
            stream.write(np.ascontiguousarray(frame).data)
        stream.seek(0)
        _header(stream, (count, *shape))
        assert stream.tell() == start
    return count


def _header(stream: Any, shape: tuple[int, ...]) -> None:
    text = repr({"descr": "|u1", "fortran_order": False, "shape": shape})
    stream.write(b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + text.ljust(117).encode() + b"\n")


def card(folder: Path, source: Source) -> str:
    """README.md of an import."""
    count = sum(pq.read_metadata(file).num_rows for file in folder.glob("samples/*.parquet"))
    listed = "\n".join(f"- {text}" for text in lacks(source.has, source.ignored))
    return _CARD.format(count=count, name=source.path.name, has=", ".join(source.has), lacks=listed)


_CARD = """\
# Imported clips

{count} clips, imported by `marey import` from `{name}`. Known of each: {has}.

What is not known:

{lacks}

```python
from pathlib import Path
from marey.data.imports.foreign import open_foreign

foreign = open_foreign(Path("."))    # checks every file against SHA256SUMS
for row in foreign.rows(0, 1):
    print(row["clip"], foreign.clip(row).shape if "pixels" in row else row["frames"])
```
"""


@dataclass(frozen=True)
class Foreign:
    """An imported folder, checked. has, lacks: columns beside `clip` and `frames`, and what cannot be known."""

    path: Path
    has: tuple[str, ...]
    lacks: tuple[str, ...]

    @cached_property
    def _pieces(self) -> list[tuple[Path, int]]:
        files = sorted((self.path / "samples").glob("*.parquet"))
        return [(file, pq.read_metadata(file).num_rows) for file in files]

    def __len__(self) -> int:
        return sum(count for _, count in self._pieces)

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[dict[str, Any]]:
        """Clips start to stop - 1, one by one, in the order of the source. track (T 2, pixels), radius, visible (T),
        trajectory (T 3) are arrays; a value that one clip lacks is None.
        """
        stop, first = len(self) if stop is None else stop, 0
        for file, count in self._pieces:
            if first < stop and start < first + count:
                rows = pq.read_table(file).slice(max(0, start - first), min(stop, first + count) - max(start, first))
                yield from map(_arrays, rows.to_pylist())
            first += count

    def clip(self, row: dict[str, Any]) -> UInt8[np.ndarray, "T H W C"]:
        """The pixels of one of `rows`, read from disk where they are looked at. Needs the column `pixels`."""
        if "pixels" not in self.has:
            raise UserError(f"{self.path} has no pixels; import videos")
        frames = np.load(self.path / row["pixels"], mmap_mode="r")
        return frames[row["first"] : row["first"] + row["frames"]]


def _arrays(row: dict[str, Any]) -> dict[str, Any]:
    kinds = {"track": np.float64, "radius": np.float64, "trajectory": np.float64, "visible": np.bool_}
    return {
        name: np.array(value, kinds[name]) if name in kinds and value is not None else value
        for name, value in row.items()
    }


def open_foreign(path: str | Path) -> Foreign:
    """Open an imported folder; a missing, unfinished or damaged file is a UserError that names it."""
    path = Path(path)
    if not (path / PLAN).exists():
        raise UserError(f"{path} holds no import (there is no {PLAN}); make one with marey import SOURCE --out {path}")
    for name, digest in read_seal(path).items():
        if not (path / name).exists() or sha256(path / name) != digest:
            raise UserError(f"{path / name} is missing or damaged (see SHA256SUMS); restore it, or import it again")
    plan = read_json(path / PLAN)
    return Foreign(path, tuple(plan["has"]), tuple(plan["lacks"]))
