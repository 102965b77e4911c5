"""A dataset folder is whole and checked, or named as what it is; and whatever stops its making, it can go on."""

import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marey.core.errors import UserError
from marey.core.files import sha256
from marey.data import claim, folder, shards
from marey.data.clips import clips
from marey.data.engines import in_process
from marey.data.folder import open_dataset, write_dataset, write_part
from marey.data.manifest import read_journal, read_seal, seal
from marey.data.spec import SPLITS, DatasetSpec
from tests.data import making

FILES = ["LICENSE", "README.md", "SHA256SUMS", "samples", "spec.json", "strip.png"]
PARTS = ["part-00000-train.parquet", "part-00001-validation.parquet", "part-00002-test.parquet"]


def contents(out: Path) -> dict[str, bytes]:
    return {file.relative_to(out).as_posix(): file.read_bytes() for file in out.rglob("*") if file.is_file()}


# -- what is there ---------------------------------------------------------------------------------------------------


def test_what_is_read_is_what_was_written(spec: DatasetSpec, tmp_path: Path) -> None:
    out = tmp_path / "data"
    write_dataset(spec, out)
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert sorted(path.name for path in (out / "samples").iterdir()) == PARTS
    dataset = open_dataset(out)
    assert dataset.spec == spec and len(dataset) == 64
    start = 0
    for number, split in enumerate(SPLITS):
        if not spec.count(split):
            continue
        samples, scenes = dataset.rows(start, start + spec.count(split)), spec.scenes(split)
        assert (samples.split == number).all()
        np.testing.assert_array_equal(samples.index, spec.index(split, np.arange(len(samples))))
        np.testing.assert_array_equal(samples.clips(), clips(spec, split, 0, len(samples)))
        np.testing.assert_array_equal(samples.visible, scenes.whole)
        for name in ("laws", "trajectories", "tracks", "radii", "parameters", "origins", "axes"):
            np.testing.assert_array_equal(getattr(samples.scenes, name), getattr(scenes, name))
        assert samples.scenes.names == scenes.names
        start += spec.count(split)
    assert start == 64


def test_the_table_alone_says_where_every_pixel_comes_from(spec: DatasetSpec, tmp_path: Path) -> None:
    """Read without marey, by the names of the columns."""
    write_dataset(spec, tmp_path / "data")
    table = pa.concat_tables([pq.read_table(tmp_path / "data" / "samples" / name) for name in PARTS])
    assert table["split"].to_pylist() == ["train"] * 40 + ["validation"] * 12 + ["test"] * 12
    assert set(table["law_names"].to_pylist()[0]) <= set(spec.scenes("train").names)
    assert all("(t) = " in text for text in table["equation"].to_pylist()) and all(table["description"].to_pylist())
    trajectories, position, rotation, focal, tracks, radii, discs = (
        np.array(table[name].to_pylist())
        for name in ("trajectories", "camera_position", "camera_rotation", "camera_focal", "tracks", "radii", "discs")
    )
    camera = np.einsum("nkij,nmtj->nkmti", rotation, trajectories - position[:, 0, None, None])
    track = focal[..., None, None, None] * camera[..., :2] / camera[..., 2:] + spec.world.size / 2
    np.testing.assert_allclose(tracks, track, atol=1e-9)
    drawn = np.concatenate([tracks, radii[..., None]], axis=-1)
    assert np.abs(discs[..., :3] / 256 - drawn).max() <= 1 / 512 + 1e-12


def test_rows_are_read_across_shards(matched: DatasetSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "ROWS", 7)
    write_dataset(matched, tmp_path)
    assert len(list((tmp_path / "samples").iterdir())) == 6 + 2 + 2
    dataset, rows = open_dataset(tmp_path), [matched.index(split, np.arange(matched.count(split))) for split in SPLITS]
    every = np.concatenate(rows)
    for start, stop in ((0, 1), (6, 8), (3, 45), (39, 64), (0, 64), (63, 64)):
        np.testing.assert_array_equal(dataset.rows(start, stop).index, every[start:stop])
    streamed = list(dataset.shards())
    assert max(map(len, streamed)) == 7
    np.testing.assert_array_equal(np.concatenate([part.index for part in streamed]), every)
    for start, stop in ((-1, 3), (3, 3), (60, 65)):
        with pytest.raises(UserError, match=f"rows {start} to {stop} are not in the dataset"):
            dataset.rows(start, stop)


def test_the_same_spec_gives_the_same_bytes(spec: DatasetSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "ROWS", 7)
    calls: list[tuple[int, int]] = []
    write_dataset(spec, tmp_path / "a", progress=lambda *counts: calls.append(counts))
    write_dataset(spec, tmp_path / "b", engine=_backwards)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert calls[:3] == [(0, 64), (7, 64), (14, 64)] and calls[-1] == (64, 64)


def test_a_longer_dataset_begins_with_the_same_shards(
    matched: DatasetSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "ROWS", 20)
    write_dataset(matched, tmp_path / "short")
    write_dataset(replace(matched, train=60), tmp_path / "long")
    for name in ("part-00000-train.parquet", "part-00001-train.parquet"):
        assert (tmp_path / "short/samples" / name).read_bytes() == (tmp_path / "long/samples" / name).read_bytes()


def test_shards_of_large_scenes_have_fewer_rows(matched: DatasetSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shards.shard_rows(matched) == shards.ROWS
    monkeypatch.setattr(shards, "DISCS", 80)  # 8 frames, 1 body, 1 camera
    assert shards.shard_rows(matched) == 10 and shards.shard_count(matched) == 4 + 2 + 2
    parts = [shards.shard(matched, number) for number in range(8)]
    assert [part.first for part in parts] == [0, 10, 20, 30, 40, 50, 52, 62] and sum(map(len, parts)) == 64
    assert all(
        shards.shard_at(matched, row) == part for part in parts for row in range(part.first, part.first + len(part))
    )


def test_the_card_says_what_there_is(spec: DatasetSpec, tmp_path: Path) -> None:
    write_dataset(spec, tmp_path, notes=lambda: "Trivial facts: none.")
    card = (tmp_path / "README.md").read_text()
    head, body = card.removeprefix("---\n").split("\n---\n")
    assert "license: apache-2.0" in head and "- n<1K" in head
    for split in ("train", "validation", "test"):
        assert f"  - split: {split}\n    path: samples/part-*-{split}.parquet" in head
        assert len(list(tmp_path.glob(f"samples/part-*-{split}.parquet"))) == 1
    assert "held_out" not in head
    assert spec.world.kind in body and "| train | 40 |" in body and body.rstrip().endswith("Trivial facts: none.")
    columns = pq.read_schema(tmp_path / "samples" / PARTS[0]).names
    assert all(f"| {name} | " in body for name in columns)
    code = body.split("```python\n")[1].split("```")[0]
    names: dict[str, object] = {}
    exec(code.replace('Path(".")', f"Path({str(tmp_path)!r})"), names)
    size = spec.world.size
    assert names["clips"].shape == (4, spec.world.frames, size, size, spec.world.channels)  # type: ignore[attr-defined]


# -- whose folder it is ----------------------------------------------------------------------------------------------


def test_an_existing_folder_is_kept_unless_told_otherwise(matched: DatasetSpec, tmp_path: Path) -> None:
    out = tmp_path / "data"
    write_dataset(matched, out)
    before = contents(out)
    with pytest.raises(UserError, match=r"already holds a dataset; add --overwrite"):
        write_dataset(matched, out)
    other = replace(matched, seed=8)
    with pytest.raises(UserError, match=r"a dataset of another spec \(seed: 3 != 8\); add --overwrite"):
        write_dataset(other, out)
    with pytest.raises(UserError, match=r"already holds a dataset"):
        write_part(matched, out, 0, 2)
    assert contents(out) | {".lock": b""} == before | {".lock": b""}
    write_dataset(other, out, overwrite=True)
    assert open_dataset(out).spec == other
    write_dataset(matched, out, overwrite=True)
    assert contents(out) == before


def test_overwriting_leaves_no_shard_behind(
    matched: DatasetSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dataset(matched, tmp_path / "new")
    monkeypatch.setattr(shards, "ROWS", 5)
    write_dataset(matched, tmp_path / "old")
    monkeypatch.undo()
    write_dataset(matched, tmp_path / "old", overwrite=True)
    assert contents(tmp_path / "old") == contents(tmp_path / "new")


def test_a_folder_of_someone_else_is_never_touched(matched: DatasetSpec, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "spec.json").write_text('{"openapi": "3.1.0"}')
    with pytest.raises(UserError, match="holds other files and no dataset"):
        write_dataset(matched, tmp_path, overwrite=True)
    assert (tmp_path / "README.md").read_text() == "mine" and len(list(tmp_path.iterdir())) == 2
    with pytest.raises(UserError, match=r"README\.md is a file"):
        write_dataset(matched, tmp_path / "README.md")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".spec.json.abc.tmp").touch()  # of a process killed before it had written anything
    write_dataset(matched, tmp_path / "empty")
    assert sorted(path.name for path in (tmp_path / "empty").iterdir()) == FILES


def test_two_writers(matched: DatasetSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is refused while the first is at work, and takes over when the first is dead."""
    monkeypatch.setattr(claim, "_PATIENCE", 0.0)
    out, spec = tmp_path / "data", replace(matched, train=20_000)
    first = making.start(making.make, spec, out, 5)
    _wait_for(lambda: len(read_journal(out / "SHA256SUMS")) > 2)
    with pytest.raises(UserError, match="is being written by another process"):
        write_dataset(spec, out, overwrite=True)
    with pytest.raises(UserError, match="is being written by another process"):
        write_part(spec, out, 0, 2)
    assert first.is_alive()
    first.kill()
    first.join()
    write_dataset(matched, out, overwrite=True)
    assert len(open_dataset(out)) == 64


def test_a_folder_without_a_dataset_and_an_empty_dataset_are_refused(matched: DatasetSpec, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing is not a folder; .* marey make"):
        open_dataset(tmp_path / "nothing")
    with pytest.raises(UserError, match="the dataset is empty"):
        write_dataset(replace(matched, train=0, validation=0, test=0), tmp_path / "none")
    assert not (tmp_path / "none").exists()
    write_dataset(replace(matched, train=4, validation=0, test=0), tmp_path / "few")
    assert len(open_dataset(tmp_path / "few")) == 4
    with pytest.raises(UserError, match=r"holds no dataset .* marey make"):
        open_dataset(tmp_path)
    for kind in ("import", "export"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / f"{kind}.json").write_text("{}")
        with pytest.raises(UserError, match=f"{kind} is an {kind}, from whose pixels"):
            open_dataset(tmp_path / kind)


# -- stopped and gone on with ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("writes", range(12))
@pytest.mark.parametrize("again", [False, True])
def test_death_after_any_number_of_writes(
    matched: DatasetSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int, again: bool
) -> None:
    """In a new folder, and in one that held another dataset. A write is a file, or a line in the journal."""
    write_dataset(matched, tmp_path / "whole")
    out = tmp_path / "data"
    if again:
        write_dataset(replace(matched, seed=1), out)
    _die_after(writes, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        write_dataset(matched, out, overwrite=again)
    monkeypatch.undo()
    if writes:  # before, there is at most an empty folder
        with pytest.raises(UserError, match=r"the same marey make again|holds no dataset"):
            open_dataset(out)
        with pytest.raises(UserError, match=r"an unfinished dataset of another spec .* add --overwrite"):
            write_dataset(replace(matched, seed=2), out)
    write_dataset(matched, out, overwrite=not writes)
    assert contents(out) == contents(tmp_path / "whole")


def test_twenty_kills_at_any_moment(matched: DatasetSpec, tmp_path: Path) -> None:
    spec, moments = replace(matched, train=1200), random.Random(5)
    making.finish(making.make, spec, tmp_path / "whole", 8)
    whole, out = contents(tmp_path / "whole"), tmp_path / "data"
    recorded, unfinished, halves = 0, 0, 0
    for _ in range(20):
        process = making.start(making.make, spec, out, 8)
        _wait_for(lambda: len(read_journal(out / "SHA256SUMS")) > recorded or not process.is_alive())  # noqa: B023
        time.sleep(moments.uniform(0, 0.015))
        process.kill()
        process.join()
        there = {name: content for name, content in contents(out).items() if name.startswith("samples/part-")}
        assert all(whole[name] == content for name, content in there.items())  # nothing unfinished has a final name
        recorded = len(read_journal(out / "SHA256SUMS"))
        unfinished += 0 < recorded < 154 and b"# sealed" not in (out / "SHA256SUMS").read_bytes()
        halves += any(out.glob("samples/.*.tmp"))
    assert unfinished == 20, (unfinished, halves)
    making.finish(making.make, spec, out, 8)
    assert contents(out) == whole


def test_what_is_finished_is_not_made_again_unless_it_is_damaged(
    matched: DatasetSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "ROWS", 8)
    made: list[int] = []

    def listed(spec: DatasetSpec, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        for number, content in in_process(spec, numbers):
            made.append(number)
            yield number, content
            if len(made) == 4:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dataset(matched, tmp_path, engine=listed)
    _flip(tmp_path / "samples/part-00002-train.parquet", 3000)
    (tmp_path / "samples/part-00001-train.parquet").unlink()
    with (tmp_path / "SHA256SUMS").open("a") as journal:
        journal.write("0123456789abcdef  samples/part-0")  # a line that a kill has cut short
    write_dataset(matched, tmp_path, engine=listed)
    assert made == [0, 1, 2, 3, 1, 2, 4, 5, 6, 7, 8]
    assert len(open_dataset(tmp_path)) == 64


def test_a_finished_dataset_is_repaired_by_making_what_was_deleted(matched: DatasetSpec, tmp_path: Path) -> None:
    write_dataset(matched, tmp_path)
    before = contents(tmp_path)
    for name in ("samples/part-00001-validation.parquet", "README.md"):
        (tmp_path / name).unlink()
        write_dataset(matched, tmp_path)
        assert contents(tmp_path) == before


def test_parts_of_a_batch_system(matched: DatasetSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some parts in one folder, one in a folder of its own whose files are moved there; then all is sealed."""
    monkeypatch.setattr(shards, "ROWS", 8)
    write_dataset(matched, tmp_path / "whole")
    out, own = tmp_path / "data", tmp_path / "own"
    made: list[int] = []

    def listed(spec: DatasetSpec, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        made.extend(numbers)
        return in_process(spec, numbers)

    for index, where in ((2, out), (0, out), (1, own)):
        write_part(matched, where, index, 4, engine=listed)
    write_part(matched, out, 0, 4, engine=listed)  # once more: there is nothing left to do
    assert sorted(made) == [0, 1, 2, 4, 5, 6, 8]
    with pytest.raises(UserError, match=r"SHA256SUMS is missing"):
        open_dataset(out)
    for file in [file for file in own.rglob("*") if file.is_file()]:
        shutil.copy(file, out / file.relative_to(own))
    write_dataset(matched, out, engine=listed)
    assert made[7:] == [3, 7]
    assert contents(out) == contents(tmp_path / "whole")
    with pytest.raises(UserError, match="--shard-index 3 is not one of --num-shards 3; give 0 to 2"):
        write_part(matched, tmp_path / "none", 3, 3)
    assert not (tmp_path / "none").exists()


def test_a_full_disk_and_a_missing_right_are_named(matched: DatasetSpec, tmp_path: Path) -> None:
    """The limit lets through what is smaller than the largest shard; what got there stays and is gone on with."""
    spec, out = replace(matched, train=100), tmp_path / "data"
    making.finish(making.make, spec, tmp_path / "whole", 30)
    sizes = sorted((tmp_path / "whole" / "samples").glob("*"), key=lambda file: file.stat().st_size)
    read, write = making.CONTEXT.Pipe(duplex=False)
    process = making.start(making.make_on_a_small_disk, spec, out, 30, sizes[-1].stat().st_size - 1, write)
    assert read.poll(60)
    assert f"{out}: File too large; finished shards are kept: make room" in read.recv()
    process.join()
    assert read_journal(out / "SHA256SUMS").keys() < {f"samples/{file.name}" for file in sizes}
    assert not list(out.glob("samples/.*"))
    for file in out.glob("samples/*"):  # nothing unfinished has a final name
        assert file.read_bytes() == (tmp_path / "whole" / "samples" / file.name).read_bytes()
    making.finish(making.make, spec, out, 30)
    assert contents(out) == contents(tmp_path / "whole")

    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    process = making.start(making.make_without_rights, spec, locked / "data", write)
    assert read.poll(60)
    said = read.recv()
    assert "locked/data" in said and "Permission denied" in said and "see to the rights" in said
    process.join()


# -- damage ----------------------------------------------------------------------------------------------------------


def test_damage_is_found_when_it_is_read(matched: DatasetSpec, tmp_path: Path) -> None:
    write_dataset(matched, tmp_path)
    _flip(tmp_path / "samples" / PARTS[1], 1000)
    dataset = open_dataset(tmp_path)
    assert len(dataset.rows(0, 40)) == 40
    with pytest.raises(UserError, match=rf"{PARTS[1]} is damaged"):
        dataset.rows(39, 41)
    _flip(tmp_path / "spec.json", 30)
    with pytest.raises(UserError, match=r"spec\.json is damaged"):
        open_dataset(tmp_path)
    _flip(tmp_path / "SHA256SUMS", 10)
    with pytest.raises(UserError, match=r"SHA256SUMS is damaged"):
        open_dataset(tmp_path)


def test_a_table_of_another_version_is_named(matched: DatasetSpec, tmp_path: Path) -> None:
    write_dataset(matched, tmp_path)
    file = tmp_path / "samples" / PARTS[0]
    pq.write_table(pq.read_table(file).drop_columns(["axes"]), file)
    seal(tmp_path, read_seal(tmp_path) | {f"samples/{PARTS[0]}": sha256(file)})
    with pytest.raises(UserError, match=rf"{PARTS[0]}: column 'axes' is missing: another version made it"):
        open_dataset(tmp_path).rows(0, 1)


def _flip(file: Path, byte: int) -> None:
    content = bytearray(file.read_bytes())
    content[byte] ^= 1
    file.write_bytes(content)


def _backwards(spec: DatasetSpec, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    return in_process(spec, list(reversed(numbers)))


def _wait_for(there: Callable[[], bool]) -> None:
    while not there():
        time.sleep(0.001)


def _die_after(writes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let so many writes be done, then die."""
    done = 0

    def mortal(write: Callable[..., None]) -> Callable[..., None]:
        def wrapped(*args: object) -> None:
            nonlocal done
            if done == writes:
                raise KeyboardInterrupt
            done += 1
            write(*args)

        return wrapped

    for name in ("write_text", "write_atomically", "record", "seal"):
        monkeypatch.setattr(folder, name, mortal(getattr(folder, name)))
    monkeypatch.setattr(claim, "write_json", mortal(claim.write_json))
