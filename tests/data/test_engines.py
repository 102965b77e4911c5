"""Every engine gives the bytes of the plain one, and none loses what is finished."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from marey.core.errors import UserError
from marey.data import engines, shards
from marey.data.engines import in_process, local, on_ray
from marey.data.folder import open_dataset, write_dataset
from marey.data.manifest import read_journal
from marey.data.shards import make_shard
from marey.data.spec import DatasetSpec
from tests.data import making


@pytest.fixture
def long(matched: DatasetSpec) -> DatasetSpec:
    """Four shards, of 5000 rows and fewer."""
    return replace(matched, train=5100)


def test_processes_give_the_same_bytes(long: DatasetSpec) -> None:
    plain = dict(in_process(long, range(4)))
    assert dict(local(2)(long, range(4))) == plain
    assert dict(local(1)(long, range(4))) == plain
    assert list(local(2)(long, [])) == []


def test_no_more_is_asked_for_than_is_needed_next(long: DatasetSpec) -> None:
    """Memory does not grow with the number of shards: of an endless row of them, a few are asked for at a time."""
    asked: list[int] = []

    def endless() -> Iterator[int]:
        while True:
            asked.append(2)
            yield 2

    with ThreadPoolExecutor(2) as pool:
        results = engines._in_flight(pool, partial(make_shard, long), endless(), 4)
        for taken in range(1, 20):
            assert next(results)[0] == 2 and len(asked) <= taken + 4
        results.close()  # type: ignore[attr-defined]


def test_a_dead_worker_is_one_line_and_costs_nothing_finished(long: DatasetSpec, tmp_path: Path) -> None:
    """The system kills a worker when memory is short."""

    def unlucky(spec: DatasetSpec, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        for place, result in enumerate(local(2)(spec, numbers)):
            yield result
            if not place:
                for worker in _children():
                    os.kill(worker, signal.SIGKILL)

    with pytest.raises(UserError, match="a worker process died"):
        write_dataset(replace(long, train=60_000), tmp_path / "data", engine=unlucky)
    assert read_journal(tmp_path / "data" / "SHA256SUMS")
    write_dataset(long, tmp_path / "data", overwrite=True, engine=local(2))
    write_dataset(long, tmp_path / "plain")
    files = [file.relative_to(tmp_path / "plain") for file in (tmp_path / "plain").rglob("*") if file.is_file()]
    assert all((tmp_path / "data" / file).read_bytes() == (tmp_path / "plain" / file).read_bytes() for file in files)


def test_workers_do_not_outlive_a_killed_parent(long: DatasetSpec, tmp_path: Path) -> None:
    process = making.start(making.make_by_workers, replace(long, train=10**6), tmp_path / "data", 5000, 2)
    while not (tmp_path / "data" / "SHA256SUMS").exists() or not read_journal(tmp_path / "data" / "SHA256SUMS"):
        time.sleep(0.01)
    assert process.pid is not None
    family = _descendants(process.pid)
    assert len(family) >= 3  # a server and two workers
    process.kill()
    process.join()
    while any(_alive(member) for member in family):  # the time limit of the test is the assertion
        time.sleep(0.05)


def test_ray_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch, long: DatasetSpec) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install 'marey\[ray\]'"):
        list(on_ray()(long, range(4)))


def test_a_machine_with_other_versions_is_refused(long: DatasetSpec) -> None:
    wanted = engines._versions()
    assert engines._make_far_away(long, 3, wanted) == shards.make_shard(long, 3)
    with pytest.raises(UserError, match="install the same versions on all"):
        engines._make_far_away(long, 3, wanted | {"numpy": "1.0"})


@pytest.mark.slow
def test_a_ray_cluster_that_loses_a_machine(long: DatasetSpec, tmp_path: Path) -> None:
    """Two nodes; one is killed once both have work. The bytes are those of the plain engine."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'marey[ray]'")
    spec = replace(long, train=60_000)
    making.finish(making.make_on_ray, spec, tmp_path / "ray")
    write_dataset(spec, tmp_path / "plain", engine=local(2))
    files = [file.relative_to(tmp_path / "plain") for file in (tmp_path / "plain").rglob("*") if file.is_file()]
    assert len(files) == 14 + 5
    assert all((tmp_path / "ray" / file).read_bytes() == (tmp_path / "plain" / file).read_bytes() for file in files)
    assert len(open_dataset(tmp_path / "ray")) == 60_024


@pytest.mark.slow
def test_a_killed_driver_of_a_ray_cluster_is_gone_on_from_by_any_engine(long: DatasetSpec, tmp_path: Path) -> None:
    """What is finished is in the data set's own journal, none of it in the cluster."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'marey[ray]'")
    spec, journal = replace(long, train=60_000), tmp_path / "ray" / "SHA256SUMS"
    process = making.start(making.make_on_a_machine_of_ray, spec, tmp_path / "ray")
    while not journal.exists() or len(read_journal(journal)) < 2:
        assert process.is_alive()
        time.sleep(0.001)
    process.kill()
    process.join()
    kept = {name: (tmp_path / "ray" / name).stat().st_ino for name in read_journal(journal)}
    assert 2 <= len(kept) < 14
    write_dataset(spec, tmp_path / "ray", engine=local(2))
    write_dataset(spec, tmp_path / "plain", engine=local(2))
    assert {name: (tmp_path / "ray" / name).stat().st_ino for name in kept} == kept, "a finished shard was made again"
    files = [file.relative_to(tmp_path / "plain") for file in (tmp_path / "plain").rglob("*") if file.is_file()]
    assert all((tmp_path / "ray" / file).read_bytes() == (tmp_path / "plain" / file).read_bytes() for file in files)


def _children() -> list[int]:
    """The workers: children of our forkserver."""
    return [worker for worker in _descendants(os.getpid()) if _command(worker).count("forkserver")][1:]


def _descendants(process: int) -> list[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    family, found = [process], [process]
    while found:
        found = [child for child, parent in parents.items() if parent in found]
        family += found
    return family[1:]


def _stat(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return ""


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


def _alive(process: int) -> bool:
    return bool(_stat(process)) and _stat(process).rpartition(")")[2].split()[0] != "Z"
