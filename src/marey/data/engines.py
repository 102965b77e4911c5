"""Who makes the shards: this process, processes on this machine, or a Ray cluster.

An engine takes a spec and the numbers of shards, and yields each number with its shard's bytes, in any order. Making a
shard is a pure function and an engine never touches the data set: the one process that iterates writes there, so
whatever dies, there is one place to go on from, and every engine gives the same bytes.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pyarrow as pa
from joblib import cpu_count

from marey.core.errors import UserError
from marey.data.shards import make_shard
from marey.data.spec import DatasetSpec

Engine = Callable[[DatasetSpec, Sequence[int]], Iterator[tuple[int, bytes]]]

Made = TypeVar("Made")

_AHEAD = 2  # shards asked for per worker: the next one is there when one is done
_PACKAGES = ("marey", "numpy", "numba", "pyarrow")  # the bytes depend on these


def in_process(spec: DatasetSpec, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """One shard after the other, here: the plain twin of the others."""
    for number in numbers:
        yield number, make_shard(spec, number)


def cpus() -> int:
    """The CPUs that this machine gives us: affinity and the limits of a container count."""
    return int(cpu_count())


def local(workers: int | None = None) -> Engine:
    """Processes on this machine; by default one for each of our CPUs."""
    most = workers or cpus()

    def run(spec: DatasetSpec, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        workers = min(most, len(numbers))
        if workers <= 1:
            yield from in_process(spec, numbers)
            return
        context = multiprocessing.get_context("forkserver")  # a plain fork hangs once OpenMP has run
        context.set_forkserver_preload(["marey.data.shards", "pandas"])  # which pyarrow imports where it is installed
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
        # Shards come back as files. A worker killed while it sends a large result leaves half a message in the pipe,
        # for whose rest the pool waits for ever; the names of files are short enough to arrive whole or not at all.
        folder = TemporaryDirectory(prefix="marey-")
        try:
            for number, path in _in_flight(pool, partial(_to_file, spec, folder.name), iter(numbers), workers * _AHEAD):
                yield number, path.read_bytes()
                path.unlink()
        except BrokenProcessPool:
            raise UserError(
                "a worker process died (was memory short?); finished shards are kept: "
                "run the same marey make again, with fewer --workers"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)
            folder.cleanup()

    return run


def _to_file(spec: DatasetSpec, folder: str, number: int) -> Path:
    path = Path(folder, str(number))
    path.write_bytes(make_shard(spec, number))
    return path


def _in_flight(
    pool: Executor, make: Callable[[int], Made], numbers: Iterator[int], most: int
) -> Iterator[tuple[int, Made]]:
    """Results as they come, with so many asked for at a time: memory does not grow with the number of shards."""
    running: dict[Future[Made], int] = {}
    while True:
        for number in islice(numbers, most - len(running)):
            running[pool.submit(make, number)] = number
        if not running:
            return
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield running.pop(future), future.result()


def _start_worker() -> None:
    """One thread each; Ctrl-C is the parent's to handle; and no worker outlives a parent that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pa.set_cpu_count(1)
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def on_ray(address: str | None = None) -> Engine:
    """A Ray cluster: the one at `address`, else the one RAY_ADDRESS names, else one started on this machine.

    Its machines need no shared disk. Tasks of a machine that dies are run again on another.
    """

    def run(spec: DatasetSpec, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        ray = _ray()
        started = not ray.is_initialized()
        if started:
            ray.init(address=address, log_to_driver=False)
        try:
            task = ray.remote(num_cpus=1, max_retries=-1)(_make_far_away)
            ours, ahead = _versions(), iter(numbers)
            running: dict[Any, int] = {}
            while True:
                most = max(1, int(ray.cluster_resources().get("CPU", 1))) * _AHEAD
                for number in islice(ahead, max(0, most - len(running))):
                    running[task.remote(spec, number, ours)] = number
                if not running:
                    return
                done, _ = ray.wait(list(running), num_returns=1)
                yield running.pop(done[0]), ray.get(done[0])
        finally:
            if started:
                ray.shutdown()

    return run


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise UserError("--engine ray needs Ray, which is not installed; run: pip install 'marey[ray]'") from None
    return ray


def _make_far_away(spec: DatasetSpec, number: int, wanted: dict[str, str]) -> bytes:
    """`make_shard` on another machine, which must have the versions of this one."""
    if (found := _versions()) != wanted:
        raise UserError(f"a machine of the cluster has {found}, this one {wanted}; install the same versions on all")
    return make_shard(spec, number)


def _versions() -> dict[str, str]:
    return {package: version(package) for package in _PACKAGES}
