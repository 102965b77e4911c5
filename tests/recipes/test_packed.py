"""A finished run as one file, kept by name."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import marey as package
from marey.core.errors import UserError
from marey.core.runs import kept_folder, kept_runs, located
from marey.recipes.packed import keep, pack
from tests.demo import marey, one_line

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def packed(demo: Path, tmp_path: Path) -> Path:
    return pack(demo, tmp_path / "mine.zip")


def rewritten(packed: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    """The same file with other members."""
    with zipfile.ZipFile(packed) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed


def test_a_run_goes_into_one_file_and_is_loaded_by_its_name(demo: Path, packed: Path, tmp_path: Path) -> None:
    assert pack(demo, tmp_path / "again.zip").read_bytes() == packed.read_bytes()
    folder = keep(packed, "mine")
    assert folder == kept_folder() / "mine" == located("mine") and kept_runs() == ["mine"]
    for file in folder.rglob("*"):
        assert file.is_dir() or file.read_bytes() == (demo / file.relative_to(folder)).read_bytes()
    assert (folder / "report.html").exists() and (folder / "clips" / "generate.npz").exists()
    ours, theirs = package.load_run("mine"), package.load_run(demo)
    for name, tensor in ours.state_dict().items():
        assert torch.equal(tensor, theirs.state_dict()[name]), name


def test_a_folder_of_that_name_goes_first(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(packed, "mine")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    assert located("mine") == Path("mine")


def test_commands(demo: Path, tmp_path: Path) -> None:
    file = tmp_path / "a-run.zip"
    assert marey("runs", "pack", demo, "--out", file).stdout.startswith(str(file))
    assert "there already" in one_line(marey("runs", "pack", demo, "--out", file))
    assert marey("runs", "keep", file).stdout.strip() == str(kept_folder() / "a-run")
    assert "choose another --name" in one_line(marey("runs", "keep", file))
    assert marey("runs").stdout.split() == ["a-run", str(kept_folder() / "a-run")]
    assert "accuracy" in marey("report", "a-run", "--markdown").stdout.lower()


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "A"])
def test_names_that_are_no_names(packed: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"^--name "):
        keep(packed, name)


HOSTILE: dict[str, tuple[Callable[[dict[str, bytes]], object], str]] = {
    "a path out of the folder": (lambda members: members.update({"../../evil": b""}), r"holds '../../evil'"),
    "a stranger": (lambda members: members.update({"setup.py": b""}), r"holds 'setup.py'"),
    "no weights": (lambda members: members.pop("dynamics/weights.safetensors"), r"has no dynamics/weights"),
    "other weights": (
        lambda members: members.update({"tokenizer/weights.safetensors": members["dynamics/weights.safetensors"]}),
        r"does not fit this model",
    ),
    "no recipe": (lambda members: members.update({"config.json": b"{}"}), r"config.json"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_nothing_is_kept_of_what_is_no_run(packed: Path, what: str) -> None:
    change, message = HOSTILE[what]
    with pytest.raises(UserError, match=message):
        keep(rewritten(packed, change), "mine")
    assert not list(kept_folder().glob("*")) and kept_runs() == []


def test_damaged_and_missing_files(packed: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"does not exist; give a file that marey runs pack wrote$"):
        keep(tmp_path / "none.zip", "mine")
    content = bytearray(packed.read_bytes())
    for cut in (0, 100, len(content) // 2, len(content) - 10):
        (tmp_path / "cut.zip").write_bytes(content[:cut])
        with pytest.raises(UserError, match=r"is damaged or no zip file"):
            keep(tmp_path / "cut.zip", "mine")
    content[len(content) // 2] ^= 1  # in the middle of the weights
    (tmp_path / "flipped.zip").write_bytes(content)
    with pytest.raises(UserError, match=r"is damaged or no zip file"):
        keep(tmp_path / "flipped.zip", "mine")
    assert not list(kept_folder().glob("*"))


def test_a_run_that_is_not_finished_is_not_packed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is not a folder"):
        pack(tmp_path / "none", tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()
