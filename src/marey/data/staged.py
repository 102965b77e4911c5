"""A folder that is made step by step under a name of its own, and gets its final name when nothing is missing.

NAME.partial/       while it is being made, beside NAME
    .journal        a line per finished step: the SHA-256 of each of its files, written after them
    SHA256SUMS      (see `manifest`) written last; then the folder is renamed to NAME

The same call after a kill keeps the finished steps, removes the rest and goes on, to the same bytes.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from marey.core.config import differences
from marey.core.errors import UserError
from marey.core.files import read_json, sha256, write_json, writing
from marey.data.manifest import is_sealed, seal

Progress = Callable[[int, int], object]  # (clips that are done, clips in all)

_JOURNAL, _LOCK = ".journal", ".lock"


def silent(_done: int, _total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Step:
    """A part of the work. `write` makes its files in the given folder and returns their paths in it; the same bytes
    each time, whatever of them is there already. clips: how many are done with it.
    """

    name: str
    clips: int
    write: Callable[[Path], Iterable[str]]


@dataclass(frozen=True)
class Plan:
    """What is made: `content` is kept as the file `name`, which marks the folder as ours; only equal plans go on from
    each other. clips: in all, None where it is not known before the end.
    """

    name: str
    content: dict[str, Any]
    clips: int | None


def build(out: Path, plan: Plan, steps: Iterable[Step], overwrite: bool = False, progress: Progress = silent) -> None:
    """Make the folder `out` by the steps of a plan, or finish what a stopped call of it has begun.

    A folder that exists already is a UserError; with `overwrite`, one of the same kind is replaced when the new one is
    whole. Anything else that stands in the way is a UserError, and so is a second writer.
    """
    partial, replaced = (out.with_name(out.name + suffix) for suffix in (".partial", ".replaced"))
    for folder in (out, partial, replaced):
        _refuse_strangers(folder, plan)
    if not overwrite and _content(out):
        raise UserError(f"{out} is there already; add --overwrite to replace it, or choose another --out")
    with writing(out, f"what is finished is kept in {partial}", "command"), _held(partial):
        _enter(partial, plan, overwrite)
        if not is_sealed(partial):
            _run(partial, plan, steps, progress)
        (partial / _JOURNAL).unlink(missing_ok=True)
        (partial / _LOCK).unlink()
        if _content(out):
            out.rename(replaced)
        partial.rename(out)
    shutil.rmtree(replaced, ignore_errors=True)


def _run(partial: Path, plan: Plan, steps: Iterable[Step], progress: Progress) -> None:
    journal = _read(partial / _JOURNAL)
    finished = {step: files for step, files in journal.items() if all((partial / file).exists() for file in files)}
    _sweep(partial, {plan.name, _JOURNAL, _LOCK}.union(*finished.values()))
    done, sums = 0, {plan.name: sha256(partial / plan.name)}
    try:
        for step in steps:
            if step.name not in finished:
                files = {file: _kept(partial / file) for file in step.write(partial)}
                _record(partial / _JOURNAL, step.name, files)
                finished[step.name] = files
            sums |= finished[step.name]
            done += step.clips
            progress(done, done if plan.clips is None else plan.clips)
    except UserError:  # what was given is wrong: nothing to go on from
        shutil.rmtree(partial)
        raise
    seal(partial, sums)


def _content(folder: Path) -> list[str]:
    """What a folder holds, but for what a kill may leave in one that was just begun."""
    if not folder.is_dir():
        return []
    return sorted(file.name for file in folder.iterdir() if file.name != _LOCK and file.suffix != ".tmp")


def _refuse_strangers(folder: Path, plan: Plan) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; move it, or choose another --out")
    if _content(folder) and not (folder / plan.name).exists():
        raise UserError(f"{folder} holds other files ({_content(folder)[0]}); move them, or choose another --out")


@contextmanager
def _held(partial: Path) -> Iterator[None]:
    partial.mkdir(parents=True, exist_ok=True)
    lock = FileLock(partial / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(f"{partial} is being written by another process; wait, or choose another --out") from None
    try:
        yield
    finally:
        lock.release()


def _enter(partial: Path, plan: Plan, overwrite: bool) -> None:
    """See that what has been begun is of this plan."""
    file = partial / plan.name
    changed = differences(read_json(file), plan.content) if file.exists() else []
    if changed and not overwrite:
        raise UserError(
            f"{partial} was begun otherwise ({'; '.join(changed[:3])}); "
            "add --overwrite to begin anew, or choose another --out"
        )
    if changed or not file.exists():
        _sweep(partial, {_LOCK})
        write_json(file, plan.content)


def _sweep(partial: Path, kept: set[str]) -> None:
    """Remove all files but the kept ones, and the folders that are left empty."""
    for folder, _, files in os.walk(partial, topdown=False):
        for file in files:
            path = Path(folder, file)
            if path.relative_to(partial).as_posix() not in kept:
                path.unlink()
        if Path(folder) != partial and not os.listdir(folder):  # noqa: PTH208
            Path(folder).rmdir()


def _kept(path: Path) -> str:
    """The checksum of a file that is on the disk, not only on its way there."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    return sha256(path)


def _record(journal: Path, step: str, files: dict[str, str]) -> None:
    with journal.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": step, "files": files}) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _read(journal: Path) -> dict[str, dict[str, str]]:
    """The files of each finished step; a last line that a kill has cut counts for nothing, and is removed."""
    text = journal.read_text(encoding="utf-8") if journal.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        journal.write_text(whole, encoding="utf-8")
    return {entry["step"]: entry["files"] for entry in map(json.loads, whole.splitlines())}
