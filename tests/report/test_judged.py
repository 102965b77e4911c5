"""What the judge writes is what the page shows: the real files of a judged model, a perfect one."""

import json

import numpy as np

from marey.core.runs import RunFolder
from marey.judge.exam import JudgeConfig
from marey.judge.verdict import judge
from marey.report import write_report
from marey.report.files import read_run
from marey.report.spaces import views
from marey.world.matched import MatchedWorld
from tests.judge.models import Oracle
from tests.report.conftest import LAWS, make_run


def test_the_page_shows_what_the_judge_wrote(tmp_path):
    world = MatchedWorld()
    train, test, fresh = (world.sample(seed, np.arange(count)) for seed, count in ((0, 64), (1, 48), (2, 200)))
    run = make_run(tmp_path / "run")
    config = JudgeConfig(generated=32, shown=8, train_clips=64)
    judge(Oracle(test, fresh), train, test, config, RunFolder(run), lambda _: None)

    files = read_run(run)
    kept = json.loads((run / "details.json").read_text())
    assert files.details.budget is not None and len(files.details.budget.rows) == len(kept["budget"]["rows"]) > 100
    assert set(files.details.recovered) == {"truth", "reconstruct", "predict", "interpolate"}
    assert files.details.calibration is not None and set(files.details.error_intervals) == {"predict", "interpolate"}
    shown = views(files.clips, files.details.laws)
    assert [view["law"] for view in shown] == LAWS
    for view in shown:  # a perfect model: where its law is read, its path is the true one
        truth, read = np.array(view["paths"]["truth"]), view["paths"]["predict"]
        assert truth.shape == (4 * 7 + 1, 3)
        assert read is None or np.abs(np.array(read) - truth).max() < 0.3
    page = write_report(run).read_text(encoding="utf-8")
    for section in ("budget", "clips", "plates", "space", "figures", "errors", "confusions", "recovered", "curves"):
        assert f'<section id="{section}"' in page
    assert "judge it again" not in page
