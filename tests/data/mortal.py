"""Exports and imports in processes that are killed. No import here starts threads, so a forkserver may preload it."""

import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import av  # noqa: F401 - loaded once for all the processes
import datasets  # noqa: F401
import zarr  # noqa: F401

from marey.core.errors import UserError
from marey.data.clips import clips
from marey.data.exports import export_dataset
from marey.data.folder import open_dataset
from marey.data.imports import import_foreign, npz, tracks
from marey.data.spec import DatasetSpec

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.data.mortal"])
clips(DatasetSpec(), "test", 0, 1)  # the kernels are loaded once too


def start(target: Any, *arguments: Any) -> BaseProcess:
    process = CONTEXT.Process(target=target, args=arguments)
    process.start()
    return process


def export(dataset: Path, out: Path, name: str) -> None:
    export_dataset(open_dataset(dataset), out, name, per_shard=2)


def take_in(source: Path, out: Path) -> None:
    npz._MOST = tracks._CLIPS = 2
    import_foreign(source, out)


def on_a_small_disk(target: Any, largest: int, said: Any, *arguments: Any) -> None:
    """No file may grow beyond `largest` bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    try:
        target(*arguments)
    except (OSError, UserError) as error:
        said.send(repr(error))
    else:
        said.send("")


def kill_often(begin: Callable[[Path], BaseProcess], out: Path, check: Callable[[], None], times: int = 20) -> int:
    """Kill so many runs, each going on from the last: every other one at a random moment, the others as soon as a file
    is seen that is being written. Then finish.

    `check` looks at a finished folder. Returns how many kills left the files of a step that was under way.
    """
    partial, moments, span = out.with_name(f"{out.name}.partial"), random.Random(0), 0.1
    kills = landed = 0
    while kills < times:
        process = begin(out)
        while process.is_alive() and not (partial.exists() if kills % 2 else _unrecorded(partial)):
            time.sleep(0.0005)
        time.sleep(moments.uniform(0, span) if kills % 2 else 0)
        process.kill()
        process.join()
        if process.exitcode == 0:  # too late: begin again, and be quicker
            span /= 2
        else:
            assert process.exitcode == -signal.SIGKILL
            kills, span = kills + 1, span * 1.1
            landed += bool(_unrecorded(partial))
        if out.exists():
            check()
            shutil.rmtree(out)
    last = begin(out)
    last.join()
    assert last.exitcode == 0
    check()
    return landed


def tree(folder: Path) -> dict[str, bytes]:
    """All files of a folder and their bytes."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def _unrecorded(partial: Path) -> set[str]:
    """Files of a step that is under way, or was when the process died."""
    try:
        lines = (partial / ".journal").read_text().splitlines(keepends=True)
    except FileNotFoundError:  # not yet, or no longer
        lines = []
    recorded = {name for line in lines if line.endswith("\n") for name in json.loads(line)["files"]}
    there = {os.path.relpath(Path(folder, file), partial) for folder, _, files in os.walk(partial) for file in files}
    return {name for name in there - recorded if "/" in name or name.startswith((".train", ".validation"))}
