"""Oracles with faults, judged: each fault once for all files of tests, unless its files are asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from marey.core.runs import RunFolder
from marey.judge.exam import JudgeConfig
from marey.judge.verdict import Verdict, judge
from marey.world.scenes import Scenes
from tests.judge import models
from tests.judge.models import Oracle

CONFIG = JudgeConfig(generated=80, shown=12, batch_size=32)
Examine = Callable[..., Verdict]


@pytest.fixture(scope="session")
def examine(train: Scenes, scenes: Scenes, fresh: Scenes, tmp_path_factory: pytest.TempPathFactory) -> Examine:
    """Judge an oracle with a fault; each fault once, unless its files are asked for."""
    known: dict[models.Fault, Verdict] = {}

    def run(fault: models.Fault = models.none, path: Path | None = None, **changes: Any) -> Verdict:
        if path is None and not changes and fault in known:
            return known[fault]
        oracle = Oracle(scenes, changes.get("fresh", fresh), fault, changes.get("laws", lambda law: law))
        folder = RunFolder(path or tmp_path_factory.mktemp("run"))
        verdict = judge(oracle, train, scenes, CONFIG, folder, lambda _: None)
        if not changes:
            known[fault] = verdict
        return verdict

    return run
