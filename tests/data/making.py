"""Data sets made in processes that can be killed. No import here starts threads, so a forkserver may preload it."""

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Iterator, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from marey.core.errors import UserError
from marey.data import engines, folder, shards
from marey.data.spec import DatasetSpec

DatasetSpec().scenes("test", 0, 1)  # compiled once, in the server that the processes are forked from
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.data.making", "pandas"])  # which pyarrow imports where it is installed


def start(target: Any, *arguments: Any) -> BaseProcess:
    process = CONTEXT.Process(target=target, args=arguments)
    process.start()
    return process


def finish(target: Any, *arguments: Any) -> None:
    process = start(target, *arguments)
    process.join()
    assert process.exitcode == 0


def make(spec: DatasetSpec, out: Path, rows: int) -> None:
    """A data set in shards of so many rows."""
    shards.ROWS = rows
    folder.write_dataset(spec, out)


def make_on_a_small_disk(spec: DatasetSpec, out: Path, rows: int, largest: int, said: Any) -> None:
    """No file may grow beyond `largest` bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    _say(said, make, spec, out, rows)


def make_without_rights(spec: DatasetSpec, out: Path, said: Any) -> None:
    """As a user who may not write there; a superuser becomes nobody."""
    if os.geteuid() == 0:
        os.setuid(65534)
    _say(said, make, spec, out, 1000)


def make_by_workers(spec: DatasetSpec, out: Path, rows: int, workers: int) -> None:
    """Workers take the number of rows from this process's shards, so theirs are the usual ones."""
    shards.ROWS = rows
    folder.write_dataset(spec, out, engine=engines.local(workers))


def _say(said: Any, function: Any, *arguments: Any) -> None:
    try:
        function(*arguments)
    except UserError as error:
        said.send(str(error))
    else:
        said.send("")


def make_on_ray(spec: DatasetSpec, out: Path) -> None:
    """On a cluster of two nodes with one CPU each, of which the second is killed when three shards are there."""
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False)
    assert ray.cluster_resources()["CPU"] == 2

    def unlucky(spec: DatasetSpec, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        for place, result in enumerate(engines.on_ray()(spec, numbers)):
            yield result
            if place == 3:
                cluster.remove_node(second, allow_graceful=False)

    folder.write_dataset(spec, out, engine=unlucky)
    while [node["Alive"] for node in ray.nodes()].count(True) != 1:  # the time limit of the test is the assertion
        time.sleep(0.1)
    ray.shutdown()
    cluster.shutdown()


def make_on_a_machine_of_ray(spec: DatasetSpec, out: Path) -> None:
    """On a cluster that this process starts, and that dies with it."""
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    folder.write_dataset(spec, out, engine=engines.on_ray())
