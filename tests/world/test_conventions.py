"""The page of conventions: its code runs and says the truth, and its picture is what the script draws."""

import re
import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "conventions.md").read_text(encoding="utf-8")


def test_the_code_prints_what_its_comments_say(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 2
    exec("".join(blocks), {})
    said = re.findall(r"^print\(.*\)  # (.*)$", PAGE, re.MULTILINE)
    assert len(said) == 3 and capsys.readouterr().out.splitlines() == said


def test_the_picture_is_up_to_date() -> None:
    drawn, stored = runpy.run_path(str(DOCS / "conventions.py"))["picture"](), (DOCS / "conventions.svg").read_text()
    number = re.compile(r"-?\d+\.\d+")
    assert number.sub("#", drawn) == number.sub("#", stored)
    pairs = zip(number.findall(drawn), number.findall(stored), strict=True)
    assert all(abs(float(a) - float(b)) < 0.11 for a, b in pairs)  # the last digit may differ between processors
