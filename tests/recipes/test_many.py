"""The command line, started by torchrun in two processes, trains what it trains in one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from marey.core.errors import UserError
from marey.recipes.catalogue import recipe
from marey.recipes.demo import run_recipe

pytestmark = pytest.mark.slow


def rows(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_torchrun_trains_a_stage(demo: Path, tmp_path: Path) -> None:
    """Rounding differs, and grows: the first losses are the same within 1e-5, all of them within a hundredth."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*torchrun, "-m", "marey", "train", "tokenizer", "--recipe", "smoke", "--out", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == str(tmp_path / "tokenizer")  # said once
    one, two = rows(demo / "tokenizer"), rows(tmp_path / "tokenizer")
    assert [row["step"] for row in two] == [row["step"] for row in one]
    losses = [[row["loss"] for row in each if "loss" in row] for each in (one, two)]
    assert losses[1][:2] == pytest.approx(losses[0][:2], abs=1e-5)
    assert losses[1] == pytest.approx(losses[0], rel=1e-2)
    assert (tmp_path / "tokenizer" / "log.txt").read_text().count("training from step 0") == 1


def test_a_demo_is_for_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="a demo is one process"):
        run_recipe(recipe("smoke"), tmp_path / "run", torch.device("cpu"), print, resume=False)
    assert not (tmp_path / "run").exists()
