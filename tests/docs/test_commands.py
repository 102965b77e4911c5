"""No page names a command, an option, an extra or a target of make that is not there. Commands are parsed, not run."""

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from marey.cli import main
from tests.docs.snippets import PAGES, ROOT, commands_in_prose, options_of, parsed, shell_lines, targets

_SHELL = {"source", "eval", "_MAREY_COMPLETE=fish_source", "sha256sum"}  # what is no command of ours; see test_shell


def check(line: str) -> None:
    """Raises where a line of shell asks for what there is not."""
    first, *rest = shlex.split(line, comments=True)
    if first == "torchrun":
        first, rest = rest[rest.index("-m") + 1], rest[rest.index("-m") + 2 :]
    if first == "marey":
        parsed(rest)
    elif first == "make":
        assert {word for word in rest if "=" not in word} <= set(targets()), line
    elif not first.startswith(".venv/bin/"):
        assert first in _SHELL, f"{line}: not known to this test"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_line_of_shell_is_one_that_the_command_takes(page: Path) -> None:
    for line in shell_lines(page):
        try:
            check(line)
        except click.UsageError as error:
            pytest.fail(f"{page.name}: {line}: {error.format_message()}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_in_a_sentence_is_there(page: Path) -> None:
    for said in commands_in_prose(page):
        words = said.split()[1:]
        assert words[0] in main.commands or words[0].startswith("-") or words[0].isupper(), f"{page.name}: {said}"
        named, known = options_of(words)
        assert {name.split("=")[0].rstrip(",.") for name in named} <= known, f"{page.name}: {said}"


_WRONG = ("marey make --presets hard --out D", "marey mak --out D", "marey make", "marey train --out D",
          "marey export D --format tape --out E", "make everything", "rm -rf D")  # fmt: skip


@pytest.mark.parametrize("line", _WRONG)
def test_a_wrong_line_is_found(line: str) -> None:
    with pytest.raises((click.UsageError, AssertionError)):
        check(line)


def test_every_extra_that_is_named_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {(page.name, extra) for page in PAGES for extra in re.findall(r"marey\[(\w+)\]", page.read_text("utf-8"))}
    assert {extra for _, extra in named} <= project["optional-dependencies"].keys(), named
