"""What docs/reading.md shows is run as it stands, and what it says is printed."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "reading.md").read_text(encoding="utf-8")


def test_the_code_of_the_page_runs_and_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(code, {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "['linear', 'circular', 'helical', 'parabolic']"
    assert re.fullmatch(r"r = [\d.]+ ± [\d.]+ m", lines[1]) and re.fullmatch(r"w = [\d.]+ ± [\d.]+ rad/s", lines[2])
    assert lines[3].startswith("x(t) = ") and lines[4] == "True"
