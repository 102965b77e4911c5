"""Tables of tracks: a row per frame with the columns clip, frame, u, v and, if known, radius and visible."""

import csv
import math
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from marey.core.errors import UserError
from marey.data.imports.foreign import Piece, Source

_NEEDED, _WELCOME = ("clip", "frame", "u", "v"), ("radius", "visible")
_CLIPS = 5000  # in a piece
_TRUTH = {"1": True, "true": True, "0": False, "false": False}

Row = tuple[int, dict[str, Any]]  # its number in the file, and its values


def read_tracks(path: Path) -> Source:
    """The tracks of a CSV file with a header, or of a Parquet file; rows of one clip follow each other.

    u, v, radius: pixels; they may be missing where visible is 0. frame: 0, 1, 2 ... in any order, each once.
    """
    rows = _csv if path.suffix.lower() == ".csv" else _parquet
    columns = _columns(path)
    if missing := [name for name in _NEEDED if name not in columns]:
        raise UserError(f"{path} has no column {missing[0]!r} (it has {', '.join(columns)}); name it so in its header")
    known = tuple(name for name in _WELCOME if name in columns)
    return Source(
        path=path,
        kind="tracks",
        has=("track", *known),
        pieces=lambda: _pieces(path, rows(path), known),
        stamp=[path.stat().st_size],
        ignored=tuple(name for name in columns if name not in (*_NEEDED, *known)),
    )


def _columns(path: Path) -> list[str]:
    if path.suffix.lower() == ".csv":
        with _opened(path) as file:
            return _checked(path, lambda: next(csv.reader(file), []))
    return _checked(path, lambda: pq.read_schema(path).names)


def _opened(path: Path) -> Any:
    return path.open(newline="", encoding="utf-8-sig")


def _checked(path: Path, read: Any, after: int = 0) -> Any:
    try:
        return read()
    except (csv.Error, UnicodeDecodeError, pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        where = f" after row {after}" if after else ""
        reason = str(error).splitlines()[0].rstrip(".")
        raise UserError(f"{path} cannot be read{where} ({reason}); restore it, or save it again") from None


def _csv(path: Path) -> Iterator[Row]:
    """Rows by their line in the file."""
    with _opened(path) as file:
        reader = csv.DictReader(file)
        while (row := _checked(path, lambda: next(reader, None), reader.line_num)) is not None:
            if None in row or None in row.values():
                raise UserError(f"{path}: row {reader.line_num} has not as many cells as the header; correct it")
            yield reader.line_num, row


def _parquet(path: Path) -> Iterator[Row]:
    """Rows counted from 0."""
    number = 0
    with pq.ParquetFile(path) as file:
        batches = file.iter_batches(batch_size=10_000)
        while (batch := _checked(path, lambda: next(batches, None), number)) is not None:
            for row in batch.to_pylist():
                yield number, row
                number += 1


def _pieces(path: Path, rows: Iterator[Row], known: tuple[str, ...]) -> Iterator[Piece]:
    seen: set[str] = set()
    clips: list[dict[str, Any]] = []
    for name, group in groupby(rows, lambda row: str(row[1]["clip"])):
        members = list(group)
        if name in seen:
            raise UserError(f"{path}: row {members[0][0]} goes back to clip {name!r}; sort the rows by clip")
        seen.add(name)
        clips.append(_clip(path, name, members, known))
        if len(clips) == _CLIPS:
            yield _piece(len(seen), clips)
            clips = []
    if not seen:
        raise UserError(f"{path} has no rows; give at least one clip")
    if clips:
        yield _piece(len(seen), clips)


def _piece(last: int, clips: list[dict[str, Any]]) -> Piece:
    def read(_folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
        return clips, []

    return Piece(f"{(last - 1) // _CLIPS:05}", len(clips), read)


def _clip(path: Path, name: str, rows: list[Row], known: tuple[str, ...]) -> dict[str, Any]:
    frames = [_frame(path, number, row, known) for number, row in rows]
    order = sorted(range(len(rows)), key=lambda place: frames[place]["frame"])
    for wanted, place in enumerate(order):
        if frames[place]["frame"] != wanted:
            found = frames[place]["frame"]
            raise UserError(
                f"{path}: row {rows[place][0]} is frame {found} of clip {name!r} where {wanted} is next; "
                "give each frame from 0 once (with visible 0 where nothing is seen)"
            )
    columns = {column: [frames[place][column] for place in order] for column in ("track", *known)}
    return {"clip": name, "frames": len(rows)} | columns


def _frame(path: Path, number: int, row: dict[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    """One row as numbers."""

    def refuse(column: str, fix: str) -> UserError:
        return UserError(f"{path}: row {number}: {column} is {row[column]!r}; {fix}")

    frame = _number(row["frame"])
    if not (frame >= 0 and frame == int(frame)):
        raise refuse("frame", "give a whole number from 0")
    visible = _TRUTH.get(str(row["visible"]).strip().lower()) if "visible" in known else True
    if visible is None:
        raise refuse("visible", "give 1 or 0")
    values = {column: _number(row[column]) for column in ("u", "v", "radius") if column in row}
    for column, value in values.items():
        if not math.isfinite(value) and (visible or str(row[column]).strip().lower() not in _BLANK):
            raise refuse(column, "give a number (or nothing, with visible 0)")
    return {
        "frame": int(frame),
        "track": [values["u"], values["v"]],
        "radius": values.get("radius"),
        "visible": visible,
    }


_BLANK = ("", "nan", "none")


def _number(cell: Any) -> float:
    """The number in a cell, NaN for none."""
    try:
        return float(cell)
    except (TypeError, ValueError):
        return math.nan
