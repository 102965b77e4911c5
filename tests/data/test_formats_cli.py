"""`marey export` and `marey import`, as they are typed."""

import re
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result

from marey.cli import export, main
from marey.data.exports import FORMATS
from marey.data.folder import write_dataset
from marey.data.imports.foreign import open_foreign
from marey.data.spec import DatasetSpec

DOCS = Path(__file__).parents[2] / "docs/formats.md"


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="marey")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_dataset(DatasetSpec(train=5, validation=1, test=0), tmp_path / "data")
    return tmp_path / "data"


def test_the_command_knows_every_format() -> None:
    """They stand in it as words, so that its help need not load them."""
    choice = next(option for option in export.params if option.name == "name").type
    assert isinstance(choice, click.Choice) and list(choice.choices) == list(FORMATS)


def test_there_and_back(data: Path, tmp_path: Path) -> None:
    result = invoke("export", data, "--format", "npz", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{tmp_path / 'out'}: 6 clips; {tmp_path / 'out' / 'README.md'} says how to read them\n"
    result = invoke("import", tmp_path / "out" / "train-00000-of-00001.npz", "--out", tmp_path / "back")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == f"{tmp_path / 'back'}: 5 clips"
    assert "  no camera" in result.stdout and "  not read: " in result.stdout


@pytest.mark.parametrize("command", ["export", "import"])
def test_one_line_says_what_is_wrong(command: str, data: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", videos=np.zeros((2, 3, 1, 8, 8)))
    source = {"export": [data, "--format", "png"], "import": [tmp_path / "a.npz"]}[command]
    assert invoke(command, *source, "--out", tmp_path / "out").exit_code == 0
    again = invoke(command, *source, "--out", tmp_path / "out")
    assert again.exit_code == 2 and again.stdout == ""
    assert again.stderr == (
        f"marey: {tmp_path / 'out'} is there already; add --overwrite to replace it, or choose another --out\n"
    )
    assert invoke(command, *source, "--out", tmp_path / "out", "--overwrite").exit_code == 0
    lost = invoke(command, tmp_path / "none", *source[1:], "--out", tmp_path / "new")
    assert lost.exit_code == 2 and lost.stderr.count("\n") == 1 and str(tmp_path / "none") in lost.stderr


def test_the_documents_way_to_read_an_import(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", videos=np.zeros((2, 3, 1, 8, 8)))
    assert invoke("import", tmp_path / "a.npz", "--out", tmp_path / "out").exit_code == 0
    (snippet,) = re.findall(r"```python\n(from marey\.data\.imports.*?)```", DOCS.read_text(), re.DOTALL)
    found = {"folder": tmp_path / "out"}
    exec(snippet, found)
    assert np.asarray(found["pixels"]).shape == (3, 8, 8, 1)
    assert open_foreign(tmp_path / "out").lacks[0] in (tmp_path / "out" / "README.md").read_text()


def test_the_documents_way_to_save_a_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (snippet,) = re.findall(r"```python\n(import marey\n.*?)```", DOCS.read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(snippet, {})
    assert [file.name for file in tmp_path.iterdir()] == ["circular.gif"]
