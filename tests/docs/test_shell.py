"""The shell completes commands and options, as docs/how-to/shell.md says."""

import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete, get_completion_class

from marey.cli import main
from tests.demo import environment
from tests.docs.snippets import ROOT

PAGE = (ROOT / "docs/how-to/shell.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "begun", "offered"),
    [([], "tr", {"track", "train"}), (["train"], "", {"tokenizer", "dynamics"}), (["encoders"], "g", {"get"}),
     (["make"], "--shard", {"--shard-index"}), (["export", "D", "--format"], "w", {"webdataset", "webp"})],
)  # fmt: skip
def test_what_is_offered(words: list[str], begun: str, offered: set[str]) -> None:
    completions = ShellComplete(main, {}, "marey", "_MAREY_COMPLETE").get_completions(words, begun)
    assert {each.value for each in completions} == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_line_of_the_page_is_what_the_shell_asks_for(shell: str) -> None:
    assert f"_MAREY_COMPLETE={shell}_source marey" in PAGE and get_completion_class(shell) is not None


def test_marey_answers_the_shell() -> None:
    """In a process of its own, as the shell asks; the list is its words, one to a line."""
    asked = {"_MAREY_COMPLETE": "zsh_complete", "COMP_WORDS": "marey expo", "COMP_CWORD": "1"}
    code = "from marey.cli import main; main(prog_name='marey')"
    answer = subprocess.run(
        [sys.executable, "-c", code], env={**environment(), **asked}, capture_output=True, text=True, check=False
    )
    assert answer.stdout.splitlines()[:2] == ["plain", "export"], answer.stderr
