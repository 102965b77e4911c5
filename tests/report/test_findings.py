"""What the page makes of the judge's findings: the error budget, the clips side by side, truth against fit."""

import json

import numpy as np
import pytest

from marey.core.errors import UserError
from marey.metrics.tracks import displacement
from marey.report import write_report
from marey.report.budget import panels, shares, split_panels
from marey.report.cases import KINDS, MEASURED, mean_errors, reel
from marey.report.confusions import confusions
from marey.report.details import Reading
from marey.report.files import read_run
from marey.report.recovered import reliability, scatters
from marey.report.remarks import remarks
from tests.report.conftest import LAWS, TASKS, make_run


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return read_run(make_run(tmp_path_factory.mktemp("findings") / "run"))


@pytest.fixture(scope="module")
def rows(files):
    return files.details.budget.rows


def test_ladders_climb_from_the_ruler_to_the_model(rows):
    position = panels(rows)[0]
    assert (position.quantity, [ladder.name for ladder in position.ladders]) == (
        "position",
        ["Reconstruction", "Prediction", "Interpolation"],
    )
    for ladder in position.ladders:
        places = [mark.x for mark in ladder.marks]
        assert places == sorted(places) and all(mark.low <= mark.x <= mark.high for mark in ladder.marks)
    predict = position.ladders[1]
    assert [mark.text for mark in predict.marks] == ["0.00160", "0.0534", "0.576"]
    rules = {ring.name: ring.x for ring in predict.rings}
    assert predict.marks[2].x < rules["nearest train"] < rules["constant velocity"] < rules["copy last"]
    # a logarithmic axis: equal ratios are equally far apart
    unit = rules["copy last"] - rules["nearest train"]
    assert unit / np.log(2.84 / 1.19) == pytest.approx(
        (places_of(predict)[2] - places_of(predict)[1]) / np.log(0.576 / 0.0534), rel=0.02
    )
    assert predict.note == "best rule nearest train 1.19 · fitted law 0.0812"
    assert "n = 1000" in predict.words and "dynamics 0.576" in predict.words


def places_of(ladder):
    return [mark.x for mark in ladder.marks]


def test_survival_is_a_share_and_higher_is_better(rows):
    survival = panels(rows)[-1]
    assert survival.better == "higher is better" and survival.ticks[0] == (survival.left, "0 %")
    predict = survival.ladders[1]
    assert places_of(predict) == sorted(places_of(predict), reverse=True)
    assert predict.note == "best rule copy last 93.0"


def test_clips_are_divided_by_law_and_by_factor(files):
    split = split_panels(files.details.budget)
    ways = {(task, group) for task in MEASURED for group in ("law", "speed")}
    assert {(panel.task, panel.group) for panel in split} == ways
    assert [ladder.name for ladder in split[0].ladders] == LAWS
    speed = next(panel for panel in split if panel.group == "speed")
    assert speed.group_unit == "m/s" and [ladder.name for ladder in speed.ladders] == ["0.1 – 0.4", "0.4 – 0.9"]


def test_shares_are_the_steps_of_the_ladder(rows):
    parts = dict(shares(rows, "predict"))
    assert parts["dynamics"] == pytest.approx((0.576 - 0.0534) / 0.576) and sum(parts.values()) == pytest.approx(1)
    assert shares(rows, "reconstruct") == [], "no dynamics, hence no shares"
    assert shares(rows, "predict", "survival") == [], "an error that a stage takes away has no share"


def test_remarks_say_what_should_not_be_missed(files):
    said = "\n".join(remarks(files.figures, files.details)).replace("\u00a0", " ")
    assert "reached 1 of the 2 levels asked of it, and missed survival of reconstruction (91.7 for 95.0 %)" in said
    assert "91 % to the dynamics" in said
    assert "predicts better: linear motion (constant velocity 0.0147 px, the model 0.576 px)." in said
    assert "takes parabolic motion for linear, 1 times in 13" in said
    assert "asked for" not in said, "there is no slip in generation"


def test_clips_stand_beside_their_truth_with_their_errors(files):
    shown = reel(files.clips, files.details.laws)
    assert [case.number for case in shown.cases] == list(range(1, 9))
    assert [case.law for case in shown.cases[:4]] == LAWS
    predict = files.clips["predict"]
    for task in MEASURED:
        asked = ~files.clips[task].given if task != "reconstruct" else np.ones(8, bool)
        wanted = displacement(predict.model_track[:, asked], predict.truth_track[:, asked], 32).mean(axis=1)
        assert [case.errors[task] for case in shown.cases] == pytest.approx(wanted)
    lost = shown.cases[1]
    assert lost.errors["reconstruct"] > 2 and lost.lost == {
        "reconstruct": 1,
        "predict": 1,
        "interpolate": 1,
        "generate": 1,
    }
    assert shown.cases[2].said == dict.fromkeys(TASKS)
    assert all(case.rows["generate"] == i for i, case in enumerate(shown.cases))
    assert set(shown.sheets) == set(KINDS)


def test_a_lost_dot_is_no_small_error(files):
    predict = files.clips["interpolate"]
    errors = mean_errors(predict)
    assert errors.argmax() != 1, "the dot of clip 1 is lost in a frame that was given"
    assert mean_errors(files.clips["reconstruct"]).argmax() == 1


def test_clips_of_other_truths_are_refused(tmp_path):
    run = make_run(tmp_path / "run")
    file = run / "clips" / "predict.npz"
    arrays = dict(np.load(file))
    np.savez(file, **(arrays | {"truth": arrays["truth"][::-1]}))
    with pytest.raises(UserError, match=r"predict\.npz holds other clips than reconstruct\.npz"):
        write_report(run)


def test_generated_clips_may_be_fewer(tmp_path):
    run = make_run(tmp_path / "run")
    file = run / "clips" / "generate.npz"
    arrays = dict(np.load(file))
    np.savez(file, **{name: array if name == "given" else array[:3] for name, array in arrays.items()})
    files = read_run(run)
    rows = [case.rows.get("generate") for case in reel(files.clips, files.details.laws).cases]
    assert rows == [0, 1, 2, None, None, None, None, None]
    assert "none stored" in write_report(run).read_text(encoding="utf-8")


def test_confusions_carry_their_intervals(files):
    classify, generate = confusions(files.details)
    assert (classify.chance, generate.columns[-1]) == ("25.0", "none")
    assert (classify.rows[0].right, classify.rows[0].n) == ("76.9", 13)
    low, high = (float(end) for end in classify.rows[0].interval.split(" – "))
    assert low < 76.9 < high
    assert generate.rows[0].interval == "20.7 – 100.0"


def test_scatter_puts_what_agrees_on_the_diagonal(files):
    (speed,) = scatters(files.details.recovered)
    assert (speed.law, speed.name, [scatter.kind for scatter in speed.scatters]) == (
        "linear",
        "speed",
        ["truth", *MEASURED],
    )
    assert [(scatter.n, scatter.read) for scatter in speed.scatters] == [(8, 9)] * 4
    exact = scatters({"truth": {"linear": {"speed": Reading("m", 3, 3, [1.0, 2.0, 3.0], [1.0, 2.0, 9.0])}}})[
        0
    ].scatters[0]
    assert exact.dots == "M16.7 83.3h0M50.0 50.0h0M83.3 0.0h0"
    assert exact.beyond == 1 and exact.interval == "none"


def test_reliability_has_a_bar_for_each_range_of_confidence(files):
    drawn = reliability(files.details.calibration)
    assert [(round(x), round(height), n) for x, _, height, n, _ in drawn.bars] == [(40, 55, 20), (80, 98, 480)]
    assert (drawn.gap, drawn.chance, drawn.n) == ("2.1", "1.2", 500)


def test_what_an_older_judge_did_not_write_is_said(run):
    details = json.loads((run / "details.json").read_text())
    for late in ("budget", "calibration", "recovered", "error_intervals"):
        del details[late]
    (run / "details.json").write_text(json.dumps(details))
    for task in MEASURED:
        file = run / "clips" / f"{task}.npz"
        arrays = {name: array for name, array in np.load(file).items() if not name.endswith("space")}
        np.savez(file, **arrays)
    page = write_report(run).read_text(encoding="utf-8")
    for said in (
        "judged without an error budget",
        "kept no paths in space",
        "no fitted parameters beside the true ones",
    ):
        assert said in page
    assert 'id="calibration"' not in page and 'class="panels"' not in page


def test_every_row_of_the_budget_is_in_the_table(run, rows):
    page = write_report(run).read_text(encoding="utf-8")
    table = page[page.index('<table class="rows">') :]
    assert table[: table.index("</table>")].count('<tr><th scope="row">') == len(rows)
    assert "p 0.0001" in table
