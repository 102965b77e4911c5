"""Each format gives back the clips, by its own library; and an export is whole, or not there."""

import csv
import re
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from filelock import FileLock

from marey.core.errors import UserError
from marey.core.files import sha256
from marey.data.exports import FORMATS, export_dataset
from marey.data.folder import StoredDataset, open_dataset, write_dataset
from marey.data.imports import import_foreign
from marey.data.manifest import read_seal
from marey.data.spec import SPLITS, DatasetSpec, dataset_from_preset
from marey.data.table import Samples
from marey.world.matched import MatchedWorld
from marey.world.rig import Rig
from tests.data.conftest import SPECS
from tests.data.mortal import export, kill_often, on_a_small_disk, start, tree
from tests.data.readers import READERS, files_left_open

DOCS = Path(__file__).parents[2] / "docs/formats.md"


@pytest.fixture(scope="module", params=SPECS)
def stored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StoredDataset:
    return _make(request.param, tmp_path_factory)


@pytest.fixture(scope="module")
def matched(tmp_path_factory: pytest.TempPathFactory) -> StoredDataset:
    return _make("matched", tmp_path_factory)


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> StoredDataset:
    """Of the documents' size, so that writing takes a while."""
    out = tmp_path_factory.mktemp("larger") / "data"
    world = MatchedWorld(frames=16, size=64, channels=3)
    write_dataset(DatasetSpec(world, train=7, validation=2, test=0), out)
    return open_dataset(out)


def _make(name: str, folders: pytest.TempPathFactory) -> StoredDataset:
    out = folders.mktemp(name) / "data"
    write_dataset(replace(SPECS[name], train=9, validation=2, test=0), out)
    return open_dataset(out)


def samples_of(stored: StoredDataset, split: str) -> Samples:
    first = sum(stored.spec.count(before) for before in SPLITS[: SPLITS.index(split)])
    return stored.rows(first, first + stored.spec.count(split))


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_read_is_what_was_stored(name: str, stored: StoredDataset, tmp_path: Path) -> None:
    counts: list[tuple[int, int]] = []
    export_dataset(stored, tmp_path / "out", name, per_shard=4, progress=lambda *done: counts.append(done))
    assert counts[-1] == (11, 11) and (4, 11) in counts
    for split in ("train", "validation"):
        back, samples = READERS[name](tmp_path / "out", split), samples_of(stored, split)
        names = samples.scenes.names
        assert back["law"] == [names[label] for label in samples.scenes.law]
        assert back["index"] == samples.index.tolist()
        assert tuple(back["equation"]) == samples.equations and tuple(back["description"]) == samples.descriptions
        np.testing.assert_array_equal(back["trajectory"], samples.scenes.trajectory)
        clips = samples.clips()
        assert back["clips"].dtype == np.uint8
        if name == "mp4":
            assert back["clips"].shape == (*clips.shape[:-1], 3)
        elif name in ("gif", "webp"):
            np.testing.assert_array_equal(back["clips"], np.broadcast_to(clips, back["clips"].shape))
        else:
            np.testing.assert_array_equal(back["clips"], clips)


def test_the_chosen_camera_is_shown(tmp_path: Path) -> None:
    world = MatchedWorld(rig=Rig(cameras=2))
    write_dataset(DatasetSpec(world, train=3, validation=0, test=0), tmp_path / "data")
    stored = open_dataset(tmp_path / "data")
    for camera in (0, 1):
        export_dataset(stored, tmp_path / f"{camera}", "png", camera=camera)
        shown = READERS["png"](tmp_path / f"{camera}", "train")["clips"]
        np.testing.assert_array_equal(shown, stored.rows(0, 3).clips(camera))
    first, second = (tree(tmp_path / f"{camera}")["tracks.csv"] for camera in (0, 1))
    assert first != second, "the tracks are those of the camera"


def test_every_body_has_its_own_tracks(tmp_path: Path) -> None:
    """And an import, which holds one body, says what stands in the way."""
    write_dataset(dataset_from_preset("phyworld-collision", 4, 6, 32, 1, 0), tmp_path / "data")
    stored = open_dataset(tmp_path / "data")
    export_dataset(stored, tmp_path / "out", "png")
    with (tmp_path / "out" / "tracks.csv").open(newline="") as table:
        lines = [line for line in csv.DictReader(table) if line["clip"] == "train-00000-of-00001/00000002.png"]
    found = np.array([[float(line["u"]), float(line["v"])] for line in lines]).reshape(2, 6, 2)
    np.testing.assert_array_equal(found, stored.rows(2, 3).scenes.tracks[0, 0])
    assert [line["body"] for line in lines] == ["0"] * 6 + ["1"] * 6
    with pytest.raises(UserError, match=r"tracks\.csv: row \d+ is frame 0 of clip .* where 1 is next"):
        import_foreign(tmp_path / "out" / "tracks.csv", tmp_path / "in")


@pytest.mark.parametrize(
    ("preset", "lossy", "page"), [("matched", {"mp4": [39, 45]}, 21), ("hard", {"mp4": [29, 33], "gif": [38, 42]}, 12)]
)
def test_the_loss_of_films_is_what_their_help_says(
    preset: str, lossy: dict[str, list[int]], page: int, tmp_path: Path
) -> None:
    """Least and mean PSNR of 40 clips in dB, beside that of a white page in their place."""
    write_dataset(replace(dataset_from_preset(preset, 40, 16, 64, 3, 0), validation=0, test=0), tmp_path / "data")
    stored = open_dataset(tmp_path / "data")
    clips = stored.rows(0, 40).clips().astype(float)

    def psnr(shown: np.ndarray | int) -> np.ndarray:
        return 10 * np.log10(255**2 / np.square(shown - clips).mean(axis=(1, 2, 3, 4)))

    assert round(psnr(255).mean()) == page
    for name, loss in lossy.items():
        export_dataset(stored, tmp_path / name, name)
        found = psnr(READERS[name](tmp_path / name, "train")["clips"])
        assert [round(found.min()), round(found.mean())] == loss
        assert str(loss[1]) in FORMATS[name].what and f"`{preset}`" in FORMATS[name].what


def assert_documented(name: str) -> None:
    """The page of the formats says of this one what the code says."""
    form = FORMATS[name]
    assert f"```python\n{form.reading}```" in DOCS.read_text() and f"| `{name}` | {form.what} |" in DOCS.read_text()


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "lerobot"])  # see test_lerobot.py
def test_the_reading_in_the_documents_reads(
    name: str, matched: StoredDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = FORMATS[name]
    assert_documented(name)
    found: dict[str, Any] = {"folder": tmp_path / "out"}
    export_dataset(matched, tmp_path / "out", name)
    assert form.reading in (tmp_path / "out" / "README.md").read_text()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    with files_left_open():
        exec(form.reading, found)
        clip, law = np.asarray(found["clip"], int), found["law"]
        found.clear()
    samples = matched.rows(0, 1)
    assert law == samples.scenes.names[samples.scenes.law[0]]
    assert np.abs(clip - samples.clips()[0]).max() <= (60 if name == "mp4" else 0)


@pytest.mark.parametrize("name", FORMATS)
def test_every_file_is_sealed_and_the_bytes_are_always_the_same(
    name: str, matched: StoredDataset, tmp_path: Path
) -> None:
    for out in ("a", "b"):
        export_dataset(matched, tmp_path / out, name, per_shard=4)
    once = tree(tmp_path / "a")
    assert once == tree(tmp_path / "b")
    sums = read_seal(tmp_path / "a")
    assert sums.keys() == once.keys() - {"SHA256SUMS"}
    assert all(sha256(tmp_path / "a" / file) == digest for file, digest in sums.items())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "b"]


@dataclass(frozen=True)
class Narrow(StoredDataset):
    """A dataset from which no more than a shard may be taken at once."""

    def rows(self, start: int, stop: int) -> Samples:
        assert stop - start <= 2
        return super().rows(start, stop)


@pytest.mark.parametrize("name", FORMATS)
def test_no_more_than_a_shard_is_ever_in_memory(name: str, matched: StoredDataset, tmp_path: Path) -> None:
    export_dataset(Narrow(matched.path, matched.spec, matched.sums), tmp_path / "out", name, per_shard=2)


@pytest.mark.parametrize("name", FORMATS)
def test_killed_twenty_times_it_ends_in_the_same_bytes(name: str, larger: StoredDataset, tmp_path: Path) -> None:
    export_dataset(larger, tmp_path / "whole", name, per_shard=2)
    whole = tree(tmp_path / "whole")

    def check() -> None:
        assert tree(tmp_path / "out") == whole

    landed = kill_often(lambda out: start(export, larger.path, out, name), tmp_path / "out", check)
    assert landed, "no kill landed while a shard was being written"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out", "whole"]


def test_a_full_disk_leaves_nothing_under_the_final_name(matched: StoredDataset, tmp_path: Path) -> None:
    here, there = Pipe()
    process = start(on_a_small_disk, export, 20_000, there, matched.path, tmp_path / "out", "webdataset")
    assert re.search("File too large; what is finished is kept in .*out.partial: make room, and run", here.recv())
    process.join()
    assert [file.name for file in tmp_path.iterdir()] == ["out.partial"]
    export_dataset(matched, tmp_path / "out", "webdataset", per_shard=2)
    export_dataset(matched, tmp_path / "whole", "webdataset", per_shard=2)
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_finished_shards_are_kept_and_the_old_export_stays_until_the_new_is_whole(
    matched: StoredDataset, tmp_path: Path
) -> None:
    out, partial = tmp_path / "out", tmp_path / "out.partial"
    export_dataset(matched, out, "png")
    before = tree(out)

    def stop(done: int, total: int) -> None:
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_dataset(matched, out, "npz", per_shard=4, overwrite=True, progress=stop)
    first = {file.name: file.stat().st_ino for file in partial.glob("*.npz")}
    assert len(first) == 2 and tree(out) == before
    export_dataset(matched, out, "npz", per_shard=4, overwrite=True)
    assert {name: (out / name).stat().st_ino for name in first} == first, "a finished shard was written again"


def test_an_existing_folder_is_kept_unless_told_otherwise(matched: StoredDataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_dataset(matched, out, "png")
    before = tree(out)
    with pytest.raises(UserError, match=r"out is there already; add --overwrite"):
        export_dataset(matched, out, "npz")
    assert tree(out) == before
    export_dataset(matched, out, "npz", overwrite=True)
    assert "train-00000-of-00001.npz" in tree(out) and "metadata.csv" not in tree(out)
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_what_is_no_export_is_never_touched(matched: StoredDataset, tmp_path: Path) -> None:
    before = tree(matched.path)
    with pytest.raises(UserError, match=r"holds other files \(LICENSE\); move them, or choose another --out"):
        export_dataset(matched, matched.path, "npz", overwrite=True)
    assert tree(matched.path) == before
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match=r"file is a file"):
        export_dataset(matched, tmp_path / "file", "npz", overwrite=True)
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial" / "letter").write_text("mine")
    with pytest.raises(UserError, match=r"out\.partial holds other files \(letter\)"):
        export_dataset(matched, tmp_path / "out", "npz", overwrite=True)
    assert (tmp_path / "out.partial" / "letter").read_text() == "mine"


def test_another_export_that_was_begun_is_not_mixed_in(matched: StoredDataset, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_dataset(matched, tmp_path / "out", "npz", per_shard=2, progress=stop)
    with pytest.raises(UserError, match=r"out\.partial was begun otherwise \(per_shard: 2 != 3\); add --overwrite"):
        export_dataset(matched, tmp_path / "out", "npz", per_shard=3)
    export_dataset(matched, tmp_path / "out", "npz", per_shard=3, overwrite=True)
    assert len(list((tmp_path / "out").glob("*.npz"))) == 4


def test_a_second_writer_is_refused(matched: StoredDataset, tmp_path: Path) -> None:
    (tmp_path / "out.partial").mkdir()
    lock, message = FileLock(tmp_path / "out.partial" / ".lock"), r"out\.partial is being written by another process"
    with lock, pytest.raises(UserError, match=message):
        export_dataset(matched, tmp_path / "out", "npz")
    export_dataset(matched, tmp_path / "out", "npz")


def test_impossible_exports(matched: StoredDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"format='tape' is unknown; the formats are npz, webdataset"):
        export_dataset(matched, tmp_path / "out", "tape")
    with pytest.raises(UserError, match=r"--camera 1 is not in the dataset; it has cameras 0 to 0"):
        export_dataset(matched, tmp_path / "out", "npz", camera=1)
    with pytest.raises(UserError, match=r"per_shard=0 is out of range"):
        export_dataset(matched, tmp_path / "out", "npz", per_shard=0)
    odd = replace(matched, spec=replace(matched.spec, world=replace(matched.spec.world, size=33)))
    with pytest.raises(UserError, match=r"size=33: .* must be even; choose --format png"):
        export_dataset(odd, tmp_path / "out", "mp4")
    monkeypatch.setitem(__import__("sys").modules, "zarr", None)
    with pytest.raises(UserError, match=r"zarr is needed and not installed; run: pip install 'marey\[formats\]'"):
        export_dataset(matched, tmp_path / "out", "zarr")
    assert list(tmp_path.iterdir()) == []
