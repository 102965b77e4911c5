"""Whose folder it is: one writer at a time, nothing of anybody else's touched, and what a stopped writer left."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from marey.core.config import differences, to_json
from marey.core.errors import UserError
from marey.core.files import read_json, write_json
from marey.data.manifest import SUMS, is_sealed, read_journal
from marey.data.spec import DatasetSpec

_LOCK = ".lock"
_PATIENCE = 5.0  # seconds: a part holds the folder's lock while it starts
_OURS = ("README.md", "strip.png", "LICENSE", "look.html", "samples/part-*.parquet")


@contextmanager
def whole(out: Path, spec: DatasetSpec, overwrite: bool) -> Iterator[None]:
    """Hold the folder for making all of a dataset; no other writer, of all or of a part, may be at work."""
    with _held(out, _LOCK, _PATIENCE):
        for lock in sorted(out.glob(f"{_LOCK}-*")):
            with _held(out, lock.name, 0):
                pass
        _enter(out, spec, overwrite)
        yield


@contextmanager
def part(out: Path, spec: DatasetSpec, name: str) -> Iterator[None]:
    """Hold one part of the folder, beside other parts that are being made."""
    with _held(out, _LOCK, _PATIENCE):
        _enter(out, spec, overwrite=False)
        lock = FileLock(out / f"{_LOCK}-{name}")
        _take(lock, out, 0)
    try:
        yield
    finally:
        lock.release()


def leave(out: Path) -> None:
    """Take away all that only writers need; the last act of a finished dataset."""
    for file in out.glob(f"{_LOCK}*"):
        file.unlink()


@contextmanager
def _held(out: Path, name: str, patience: float) -> Iterator[None]:
    _refuse_strangers(out)
    out.mkdir(parents=True, exist_ok=True)
    lock = FileLock(out / name)
    _take(lock, out, patience)
    try:
        yield
    finally:
        lock.release()


def _take(lock: FileLock, out: Path, patience: float) -> None:
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        raise UserError(f"{out} is being written by another process ({lock.lock_file} is held); wait for it") from None


def _refuse_strangers(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; choose another --out")
    if out.exists() and not _is_dataset(out):
        others = [file for file in out.iterdir() if file.suffix != ".tmp" and not file.name.startswith(_LOCK)]
        if others:  # the rest is left by a kill
            raise UserError(f"{out} holds other files and no dataset; choose another --out")


def _is_dataset(out: Path) -> bool:
    """Whether the folder is one of ours: a file of that name may be anybody's."""
    file = out / "spec.json"
    return file.is_file() and (b'"world"' in file.read_bytes() or (out / SUMS).exists())


def _enter(out: Path, spec: DatasetSpec, overwrite: bool) -> None:
    """See that the folder is this spec's, and not finished."""
    file, wanted = out / "spec.json", to_json(spec)
    if overwrite or not file.exists():
        _empty(out)
        write_json(file, wanted)
    state = "a dataset" if is_sealed(out) else "an unfinished dataset"
    if changed := differences(read_json(file), wanted):
        fields = "; ".join(changed[:5])
        raise UserError(
            f"{out} already holds {state} of another spec ({fields}); add --overwrite to replace it, "
            "or choose another --out"
        )
    if is_sealed(out) and all((out / name).exists() for name in read_journal(out / SUMS)):
        raise UserError(f"{out} already holds {state}; add --overwrite to make it again, or choose another --out")


def _empty(out: Path) -> None:
    """Remove a dataset, checksums first: what is left by a kill is unfinished, not damaged."""
    for pattern in (f"{SUMS}*", *_OURS):
        for file in out.glob(pattern):
            file.unlink()
