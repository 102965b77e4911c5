"""What docs/datasets.md shows is run as it stands, and its figures are right."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.demo import environment

PAGE = (Path(__file__).parent.parent / "docs" / "datasets.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_every_snippet_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order, in one folder; the first data set has fewer clips here."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    Image.effect_mandelbrot((90, 60), (-2, -1, 1, 1), 50).save(tmp_path / "pictures" / "mine.png")
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment()['PATH']}"
    names: dict[str, object] = {}
    for kind, code in re.findall(r"```(sh|python)\n(.*?)```", PAGE, re.DOTALL):
        if kind == "python":
            exec(code, names)
            continue
        lines = code.replace("-n 30000", "-n 300")
        result = subprocess.run(
            ["bash", "-ec", lines], env={**environment(), "PATH": path}, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
    assert names["samples"].clips().shape == (8, 16, 64, 64, 3)  # type: ignore[attr-defined]
    assert names["table"].num_rows == 300  # type: ignore[attr-defined]
    assert "1,000,000,000" in result.stdout


def test_the_sizes_are_right() -> None:
    count = 30_000 * 16 * 64 * 64 * 3
    for kind, size in (("uint8", count), ("float32", 4 * count)):
        assert f"| {kind} | {size:,} | {size / 1e9:.2f} | {size / 2**30:.2f} |" in PAGE
