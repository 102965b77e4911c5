"""What the pages show in Python is run as it stands: here, or by the test of the page that has one."""

import ast
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from marey.cli import main
from tests.demo import demo
from tests.docs.snippets import PAGES, ROOT, snippets

__all__ = ["demo"]

DOCS = ROOT / "docs"
ELSEWHERE = {
    "README.md": "tests/test_readme.py",
    "docs/conventions.md": "tests/world/test_conventions.py",
    "docs/datasets.md": "tests/test_datasets_page.py",
    "docs/formats.md": "tests/data/test_formats_cli.py",
    "docs/reading.md": "tests/judge/test_reading_page.py",
    "docs/studio.md": "tests/studio/test_studio_page.py",
}
HERE = {"docs/guests.md", "docs/judging.md", "docs/tokenizers.md", "docs/tutorial.md"} | {
    f"docs/how-to/{name}.md" for name in ("own-data", "own-encoder", "own-law", "pictures")
}


def test_every_page_with_python_is_run_by_a_test() -> None:
    shown = {each.where for page in PAGES for each in snippets(page) if each.kind == "python"}
    assert shown == HERE | ELSEWHERE.keys()
    for page, test in ELSEWHERE.items():
        assert Path(page).name in (ROOT / test).read_text(encoding="utf-8")


def follow(page: str, names: dict[str, Any], leave: tuple[str, ...] = (), **instead: str) -> None:
    """Do what a page says, in order, in the current folder: its Python and its commands of marey.

    leave: commands that begin so are not run (see test_commands.py). instead: Python to put in place of other Python.
    """
    for each in snippets(DOCS / page):
        if each.kind == "python":
            code = each.text
            for old, new in instead.items():
                code = code.replace(f"{old}()", new)
            exec(compile(code, page, "exec"), names)
        for line in each.text.splitlines() if each.kind == "sh" else ():
            words = shlex.split(line, comments=True)
            if words and not " ".join(words).startswith(leave or ("\n",)):
                result = CliRunner().invoke(main, words[1:], prog_name=words[0])
                assert result.exit_code == 0, f"{line}\n{result.output}"


def promised(page: str) -> list[str]:
    """What comments behind print(...) say of the output; a promise in words is left out."""
    said = re.findall(r"^print\(.*\)  # (.*)$", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)
    return [each.split(": ")[0].split(", in ")[0].split(", and ")[0] for each in said if re.match(r"[(\[{T0-9]", each)]


def assert_kept(page: str, printed: str) -> None:
    """Every promise is a line of the output, or begins one."""
    lines = printed.splitlines()
    for each in promised(page):
        assert any(line.startswith(each) for line in lines), f"{page}: {each!r} is not in {lines}"


@pytest.fixture
def run_in_place(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the finished run that the pages train in runs/first."""
    shutil.copytree(demo, tmp_path / "runs" / "first")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_the_tutorial(run_in_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its demo finds the run finished, as a reader's second call would."""
    names: dict[str, Any] = {}
    follow("tutorial.md", names)
    printed = capsys.readouterr().out
    assert_kept("tutorial.md", printed)
    assert len(promised("tutorial.md")) == 4 and "px, straight on" in printed
    assert names["model"] > 0 and {"first", "future.gif", "runs"} == {file.name for file in run_in_place.iterdir()}


def test_pictures(run_in_place: Path) -> None:
    follow("how-to/pictures.md", {})
    assert {file.name for file in run_in_place.iterdir()} == {"D", "G", "W", "helix.webp", "plate.png", "runs"}


def test_own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    long = ("marey import tracks", "marey import films", "marey track", "marey train", "marey probe", "marey classify")
    follow("how-to/own-data.md", names, leave=long)
    assert_kept("how-to/own-data.md", capsys.readouterr().out)
    assert names["foreign"].lacks[0].startswith("no camera") and names["tracks"].found.all()


def test_own_law(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    follow("how-to/own-law.md", names)
    assert_kept("how-to/own-law.md", capsys.readouterr().out)
    np.testing.assert_allclose(names["path"][0], [[0, 0, 0], [0.5, 0, 0], [0, 0, 0]], atol=1e-12)
    text = (DOCS / "how-to/own-law.md").read_text(encoding="utf-8")
    for file in re.findall(r"`(\w+/\w+\.py)`", text):
        assert (ROOT / "src" / "marey" / file).exists(), file
    for test in re.findall(r"`(tests/[\w/]+\.py)`", text):
        assert (ROOT / test).exists(), test


def test_own_encoder(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    follow("how-to/own-encoder.md", names, leave=("marey probe",))
    assert_kept("how-to/own-encoder.md", capsys.readouterr().out)
    assert names["guest"].weights.state == "random"


def test_judging(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(demo, tmp_path / "runs" / "demo")
    monkeypatch.chdir(tmp_path)
    follow("judging.md", {}, leave=("marey",))
    worst = ast.literal_eval(capsys.readouterr().out)
    assert len(worst["value"]) == 5 and worst["value"] == sorted(worst["value"], reverse=True)


def test_tokenizers() -> None:
    names: dict[str, Any] = {}
    follow("tokenizers.md", names, leave=("marey train",))
    assert names["recipe"].tokenizer.quantizer.codes == 1024


def test_guests(capsys: pytest.CaptureFixture[str]) -> None:
    """With random weights in place of those that a reader has got."""
    names: dict[str, Any] = {"video": torch.zeros(1, 1, 9, 32, 32)}
    follow("guests.md", names, I3DConfig="I3DConfig(seed=1)")
    assert names["random"].weights.state == "random" and "Mixed_5c" in capsys.readouterr().out
