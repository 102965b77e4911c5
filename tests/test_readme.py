"""What the README shows is run as it stands."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from marey.cli import main
from tests.demo import demo

__all__ = ["demo"]

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_lines_of_python_run(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert 8 <= len(code.strip().splitlines()) <= 14
    names: dict[str, object] = {}
    exec(code.replace("runs/demo", demo.as_posix()), names)
    printed = capsys.readouterr().out
    assert "(8, 16, 3, 64, 64)" in printed.replace("torch.Size([", "(").replace("])", ")") and "circular" in printed
    assert names["future"].shape == (4, 1, 8, 32, 32) and names["new"].shape == (2, 1, 8, 32, 32)  # type: ignore[attr-defined]


def test_the_data_set_is_made_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lines,) = [block for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if "marey make" in block]
    monkeypatch.chdir(tmp_path)
    for line in lines.replace("-n 200", "-n 20").splitlines():
        command = shlex.split(line, comments=True)
        result = CliRunner().invoke(main, command[1:], prog_name=command[0])
        assert result.exit_code == 0, result.output
    assert {path.name for path in tmp_path.iterdir()} == {"D", "E", "F"} and (tmp_path / "D" / "look.html").exists()


def test_every_page_that_is_linked_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert {"docs/datasets.md", "docs/formats.md", "docs/conventions.md"} <= set(links)
    assert all((Path(__file__).parent.parent / link).exists() for link in links)


def test_every_folder_of_the_tree_is_in_the_readme() -> None:
    rooms = {path.name for path in Path("src/marey").iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert rooms <= {line.split("/")[0].strip() for line in README.splitlines() if "/  " in line}
