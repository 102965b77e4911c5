"""A dataset folder is whole and checked, or named as what it is."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from marey.core.errors import UserError
from marey.data import folder
from marey.data.clips import clips
from marey.data.folder import read_dataset, write_dataset
from marey.data.spec import SPLITS, DatasetSpec
from marey.world.words import descriptions, equations

FILES = ["README.md", "checksums.json", "samples.npz", "spec.json", "words.jsonl"]


def test_what_is_read_is_what_was_written(spec: DatasetSpec, tmp_path: Path) -> None:
    out = tmp_path / "data"
    write_dataset(spec, out)
    assert sorted(path.name for path in out.iterdir()) == FILES
    samples = read_dataset(out)
    assert samples.spec == spec and len(samples) == 64
    for number, split in enumerate(SPLITS):
        rows, scenes = np.flatnonzero(samples.split == number), spec.scenes(split)
        np.testing.assert_array_equal(samples.index[rows], spec.index(split, np.arange(len(rows))))
        np.testing.assert_array_equal(samples.clips(rows), clips(spec, split, 0, len(rows)))
        ours = samples.scenes.take(rows)
        for name in ("law", "trajectory", "track", "visible", "apparent_radius", "parameters"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(scenes, name))
        assert [samples.equations[row] for row in rows] == equations(scenes)
        assert [samples.descriptions[row] for row in rows] == descriptions(scenes)


def test_the_table_alone_says_where_every_pixel_comes_from(spec: DatasetSpec, tmp_path: Path) -> None:
    write_dataset(spec, tmp_path / "data")
    with np.load(tmp_path / "data" / "samples.npz", allow_pickle=False) as table:
        camera = np.einsum(
            "nkij,nmtj->nkmti",
            table["camera_rotation"],
            table["trajectories"] - table["camera_position"][:, 0, None, None],
        )
        track = table["camera_focal"][..., None, None, None] * camera[..., :2] / camera[..., 2:] + spec.world.size / 2
        np.testing.assert_allclose(table["tracks"], track, atol=1e-9)
        discs = np.concatenate([table["tracks"], table["radii"][..., None]], axis=-1)[:, 0, 0]
        assert np.abs(table["discs"] / 256 - discs).max() <= 1 / 512 + 1e-12
    lines = (tmp_path / "data" / "words.jsonl").read_text().splitlines()
    assert len(lines) == 64 and set(json.loads(lines[-1])) == {"split", "index", "equation", "description"}


def test_the_same_spec_gives_the_same_bytes(spec: DatasetSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_dataset(spec, tmp_path / "a")
    monkeypatch.setattr(folder, "_CHUNK", 7)
    calls: list[tuple[int, int]] = []
    write_dataset(spec, tmp_path / "b", progress=lambda *counts: calls.append(counts))
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert calls[0] == (7, 64) and calls[-1] == (64, 64)


def test_the_card_says_what_there_is(spec: DatasetSpec, tmp_path: Path) -> None:
    write_dataset(spec, tmp_path / "data", notes="Trivial facts: none.")
    card = (tmp_path / "data" / "README.md").read_text()
    assert spec.world.kind in card and "train: 40" in card and card.rstrip().endswith("Trivial facts: none.")
    with np.load(tmp_path / "data" / "samples.npz") as table:
        assert all(name in card for name in table.files)


def test_an_existing_folder_is_kept_unless_told_otherwise(matched: DatasetSpec, tmp_path: Path) -> None:
    out = tmp_path / "data"
    write_dataset(matched, out)
    with pytest.raises(UserError, match=r"already holds a dataset; add --overwrite"):
        write_dataset(matched, out)
    other = replace(matched, seed=8)
    write_dataset(other, out, overwrite=True)
    assert read_dataset(out).spec == other


def test_a_folder_of_someone_else_is_never_touched(matched: DatasetSpec, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(UserError, match="holds other files and no dataset"):
        write_dataset(matched, tmp_path, overwrite=True)
    assert (tmp_path / "README.md").read_text() == "mine" and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(UserError, match=r"README\.md is a file"):
        write_dataset(matched, tmp_path / "README.md")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".spec.json.abc.tmp").touch()  # of a process killed before it had written anything
    write_dataset(matched, tmp_path / "empty")


@pytest.mark.parametrize("last", range(4))
@pytest.mark.parametrize("again", [False, True])
def test_a_half_written_folder_is_recognised_and_made_again(
    matched: DatasetSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: int, again: bool
) -> None:
    """Death after each number of files, in a new folder and in one that held another dataset."""
    if again:
        write_dataset(replace(matched, seed=1), tmp_path / "data")
    _die_after(last + 1, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        write_dataset(matched, tmp_path / "data", overwrite=again)
    monkeypatch.undo()
    with pytest.raises(UserError, match=r"was not written to its end \(checksums\.json is missing\)"):
        read_dataset(tmp_path / "data")
    with pytest.raises(UserError, match="half-written dataset; add --overwrite"):
        write_dataset(matched, tmp_path / "data")
    write_dataset(matched, tmp_path / "data", overwrite=True)
    assert read_dataset(tmp_path / "data").spec == matched


@pytest.mark.parametrize("name", [name for name in FILES if name != "checksums.json"])
def test_a_flipped_bit_and_a_missing_file_are_named(matched: DatasetSpec, tmp_path: Path, name: str) -> None:
    write_dataset(matched, tmp_path)
    file = tmp_path / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match=f"{name} is damaged"):
        read_dataset(tmp_path)
    file.unlink()
    with pytest.raises(UserError, match=name):
        read_dataset(tmp_path)


def test_a_folder_without_a_dataset_and_an_empty_dataset_are_refused(matched: DatasetSpec, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no dataset .* marey make"):
        read_dataset(tmp_path / "nothing")
    with pytest.raises(UserError, match="the dataset is empty"):
        write_dataset(replace(matched, train=0, validation=0, test=0), tmp_path / "none")
    write_dataset(replace(matched, train=4, validation=0, test=0), tmp_path / "few")
    assert len(read_dataset(tmp_path / "few")) == 4


def _die_after(files: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first so many files be written, then die."""
    written = 0

    def mortal(write: Callable[..., None]) -> Callable[..., None]:
        def wrapped(*args: object) -> None:
            nonlocal written
            if written == files:
                raise KeyboardInterrupt
            written += 1
            write(*args)

        return wrapped

    for name in ("write_json", "write_text", "write_atomically"):
        monkeypatch.setattr(folder, name, mortal(getattr(folder, name)))
