"""A run folder belongs to one configuration."""

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from marey.core.config import strict
from marey.core.errors import UserError
from marey.core.runs import RunFolder


@strict
@dataclass(frozen=True)
class Config:
    steps: int = 3
    rate: float = 0.5


def test_a_new_folder_holds_its_configuration(tmp_path: Path) -> None:
    folder = RunFolder.start(tmp_path / "run", Config(), resume=False)
    assert json.loads((folder.path / "config.json").read_text()) == {"steps": 3, "rate": 0.5}


def test_an_existing_run_is_refused_without_resume(tmp_path: Path) -> None:
    RunFolder.start(tmp_path, Config(), resume=False)
    with pytest.raises(UserError, match="already holds a run; add --resume"):
        RunFolder.start(tmp_path, Config(), resume=False)
    assert RunFolder.start(tmp_path, Config(), resume=True).path == tmp_path


def test_another_configuration_is_refused_with_the_fields_that_differ(tmp_path: Path) -> None:
    RunFolder.start(tmp_path, Config(), resume=False)
    with pytest.raises(UserError, match=r"another configuration \(rate: 0\.5 != 0\.25; steps: 3 != 4\)"):
        RunFolder.start(tmp_path, replace(Config(), steps=4, rate=0.25), resume=True)


def test_resuming_what_was_never_begun_begins_it(tmp_path: Path) -> None:
    RunFolder.start(tmp_path / "new", Config(), resume=True)
    assert (tmp_path / "new" / "config.json").exists()


def test_metrics_are_json_lines_and_never_nan(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.append(step=1, loss=0.5)
    folder.append(step=2, loss=0.25)
    with pytest.raises(ValueError, match="JSON"):
        folder.append(step=3, loss=math.nan)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rows == [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.25}]


def test_environment_says_what_was_run_where(tmp_path: Path) -> None:
    RunFolder(tmp_path).write_environment(seed=7)
    environment = json.loads((tmp_path / "environment.json").read_text())
    assert environment["seed"] == 7
    assert environment["packages"]["torch"]
    assert environment["cpus"] >= 1
    assert environment["command"].startswith("marey")
