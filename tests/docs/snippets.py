"""The snippets of the README and of docs/, and the command lines in them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from marey.cli import main

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`(marey [a-z][^`]*)`")


@dataclass(frozen=True)
class Snippet:
    """A fenced block of a page: its language and its text."""

    page: Path
    kind: str
    text: str

    @property
    def where(self) -> str:
        return self.page.relative_to(ROOT).as_posix()


def snippets(page: Path) -> list[Snippet]:
    """The blocks of a page, in their order."""
    return [Snippet(page, kind, text) for kind, text in _FENCE.findall(page.read_text(encoding="utf-8"))]


def shell_lines(page: Path) -> list[str]:
    """The lines of its shell blocks, without comments, and commands set apart by four spaces."""
    lines = [line for each in snippets(page) if each.kind == "sh" for line in each.text.splitlines()]
    lines += re.findall(r"^    (marey .*)$", _FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return [line for line in lines if shlex.split(line, comments=True)]


def commands_in_prose(page: Path) -> list[str]:
    """What stands as `marey ...` in a sentence or a table."""
    return _INLINE.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))


def parsed(words: list[str]) -> click.Context:
    """The command line as click reads it, for the real command, not run; a wrong option or argument is a UsageError."""
    context, command = main.make_context("marey", list(words)), main
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        if not rest and command.invoke_without_command:
            return context
        name, found, rest = command.resolve_command(context, rest)
        assert name is not None and found is not None
        command, context = found, found.make_context(name, rest, parent=context)
    return context


def options_of(words: list[str]) -> tuple[list[str], set[str]]:
    """The options that a sentence names, and those that the command it names has."""
    command, rest = main, list(words)
    while isinstance(command, click.Group) and rest and rest[0] in command.commands:
        command = command.commands[rest.pop(0)]
    known = {name for option in command.params for name in option.opts}
    return [word for word in rest if word.startswith("-")], known | {"--help", "-h"}


def targets() -> Iterator[str]:
    """What `make` can be asked for."""
    yield from re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
