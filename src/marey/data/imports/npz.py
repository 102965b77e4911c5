"""NumPy archives with the keys of the research documents, or of their older files; read a part at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped, UInt8

from marey.core.errors import UserError
from marey.data.imports.archive import Member, members
from marey.data.imports.foreign import Piece, Source, write_pixels

_COLUMNS = {  # of two keys for one column the first counts
    "videos": "pixels",
    "labels": "label",
    "label_names": "law",
    "trajectory_3d": "trajectory",
    "trajectories": "trajectory",
    "equations": "equation",
    "descriptions": "description",
}
_BYTES = 64 << 20  # of videos at a time
_MOST = 5000  # clips at a time


def read_npz(path: Path) -> Source:
    """The clips of an archive; an array of the wrong shape, length or kind is a UserError that names it."""
    found = members(path)
    known: dict[str, Member] = {}
    for key, column in _COLUMNS.items():
        if key in found:
            known.setdefault(column, found[key])
    names = _names(known.pop("law", None)) if "label" in known else None
    if not {"pixels", "trajectory"} & set(known):
        raise UserError(f"{path} has no clips ({', '.join(found) or 'it is empty'}); it needs videos or trajectory_3d")
    for column, member in known.items():
        _check(member, column)
    _check_sizes(path, known)
    read = {member.key for member in known.values()} | ({"label_names"} if names else set())
    return Source(
        path=path,
        kind="npz",
        has=(*known, "law") if names else tuple(known),
        pieces=lambda: _pieces(known, names),
        stamp=[path.stat().st_size],
        total=next(iter(known.values())).shape[0],
        ignored=tuple(key for key in found if key not in read),
    )


def _pieces(known: dict[str, Member], names: list[str] | None) -> Iterator[Piece]:
    """Parts of all columns side by side."""
    size, start = _MOST, 0
    if "pixels" in known:
        size = max(1, min(size, _BYTES // known["pixels"].row))
    for number, parts in enumerate(zip(*(member.parts(size) for member in known.values()), strict=True)):
        columns = dict(zip(known, parts, strict=True))
        yield _piece(number, start, known, columns, names)
        start += len(parts[0])


def _piece(
    number: int, start: int, known: dict[str, Member], columns: dict[str, np.ndarray], names: list[str] | None
) -> Piece:
    count = len(next(iter(columns.values())))

    def read(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
        file = f"pixels/{number:05}.npy"
        rows: list[dict[str, Any]] = [{"clip": f"{row:09}"} for row in range(start, start + count)]
        for column, member in known.items():
            if column == "pixels":
                clips = _uint8(member, start, columns[column])
                write_pixels(folder / file, (frame for clip in clips for frame in clip))
                values = [{"pixels": file, "first": row * len(clip)} for row, clip in enumerate(clips)]
            else:
                values = [{column: value} for value in _finite(member, start, columns[column]).tolist()]
            for row, value in zip(rows, values, strict=True):
                row |= value | ({"frames": member.shape[1]} if column in ("pixels", "trajectory") else {})
        for row in rows if names else ():
            row["law"] = _law(names or [], row["label"], known["label"], row["clip"])
        return rows, [file] if "pixels" in known else []

    return Piece(f"{number:05}", count, read)


def _names(member: Member | None) -> list[str] | None:
    return [str(name) for part in member.parts(1000) for name in part] if member else None


def _law(names: list[str], label: int, member: Member, clip: str) -> str:
    if not 0 <= label < len(names):
        raise UserError(f"{member.path}: labels[{int(clip)}] is {label} and label_names has {len(names)}; correct one")
    return names[label]


def _check(member: Member, column: str) -> None:
    """See that an array is of the right kind and shape."""
    shape, kind = member.shape, member.dtype.kind
    wanted = {
        "pixels": (len(shape) == 5 and (shape[2] in (1, 3) or shape[4] in (1, 3)) and kind in "uf", "N T C H W pixels"),
        "label": (len(shape) == 1 and kind in "iu", "N whole numbers"),
        "trajectory": (len(shape) == 3 and shape[2:] == (3,) and kind in "iuf", "N T 3 numbers"),
        "equation": (len(shape) == 1 and kind == "U", "N strings, as np.array(list_of_strings)"),
        "description": (len(shape) == 1 and kind == "U", "N strings, as np.array(list_of_strings)"),
    }
    right, what = wanted[column]
    if not right or (column == "pixels" and kind == "u" and member.dtype.itemsize > 1):
        raise UserError(f"{member.path}: {member.key} is {member.dtype} {shape}; store {what}")


def _check_sizes(path: Path, known: dict[str, Member]) -> None:
    for name, axis, members_ in (("clips", 0, known), ("frames", 1, {"pixels", "trajectory"} & set(known))):
        sizes = {known[column].key: known[column].shape[axis] for column in known if column in members_}
        if len(set(sizes.values())) > 1 or 0 in sizes.values():
            raise UserError(f"{path}: the numbers of {name} are {sizes}; they must be the same, and at least 1")


def _finite(member: Member, start: int, values: Shaped[np.ndarray, "n *shape"]) -> Shaped[np.ndarray, "n *shape"]:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        row = start + int(np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))[0])
        raise UserError(f"{member.path}: {member.key}[{row}] is not finite; correct or remove the clip")
    return values


def _uint8(member: Member, start: int, videos: Shaped[np.ndarray, "n T a b c"]) -> UInt8[np.ndarray, "n T H W C"]:
    """Pixels as they are, or numbers in [0, 1] as whole numbers to 255; the documents' order of axes, or T H W C."""
    clips = videos.transpose(0, 1, 3, 4, 2) if videos.shape[2] in (1, 3) else videos
    if clips.dtype == np.uint8:
        return clips
    _finite(member, start, clips)
    outside = np.flatnonzero(((clips < 0) | (clips > 1)).reshape(len(clips), -1).any(axis=1))
    if len(outside):
        row = outside[0]
        raise UserError(
            f"{member.path}: {member.key}[{start + row}] has values from {clips[row].min():.4g} to "
            f"{clips[row].max():.4g}; store uint8, or numbers in [0, 1]"
        )
    return np.rint(clips * np.float64(255)).astype(np.uint8)
