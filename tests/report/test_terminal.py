"""The budget on the terminal, from what the judge wrote."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from marey.core.errors import UserError
from marey.core.files import write_json
from marey.judge.budget.record import Budget, Estimate, Paired, Row
from marey.report.terminal import best_baseline, budget_table, print_budget, read_budget, where_from


def estimate(value: float) -> Estimate:
    return Estimate(value, 0.9 * value, 1.1 * value)


def row(task: str, quantity: str, *stages: float, group: str = "all", p: float = 0.001, **rules: float) -> Row:
    tracker, tokenizer, *rest = (estimate(stage) for stage in stages)
    model = rest[0] if rest else tokenizer
    paired = {name: Paired(model.value - value, 0, 0, p) for name, value in rules.items()}
    unit = {"position": "px", "survival": "share", "acceleration": "px/frame2"}[quantity]
    ratio = {"tokenizer": estimate(tokenizer.value / tracker.value)}
    baselines = {name: estimate(value) for name, value in rules.items()}
    return Row(task, quantity, unit, group, "all", 40, tracker, tokenizer, *(rest or [None]), baselines, paired, ratio)


ROWS = [
    row("reconstruct", "position", 0.01, 0.05, middle_of_frame=8.0),
    row("predict", "position", 0.01, 0.05, 0.51, fitted_law=0.02, copy_last=2.5, nearest_train=1.25),
    row("predict", "survival", 1.0, 1.0, 0.98, copy_last=0.99, p=0.4),
    row("interpolate", "acceleration", 0.01, 0.05, 0.06, cubic=0.04),
    row("predict", "position", 0.01, 0.05, 99.0, group="law"),
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_json(tmp_path / "details.json", {"laws": [], "budget": Budget(ROWS).to_json()})
    figure = {"name": "classify.calibration_error", "value": 0.021, "unit": "share", "n": 40, "low": 0.01, "high": 0.03}
    absent = {"name": "ruler.interval_coverage", "value": None, "unit": "share", "n": 0, "why": "nobody looked"}
    write_json(tmp_path / "metrics.json", [figure | {"baselines": {"calibrated_model": 0.012}}, absent])
    return tmp_path


def test_what_is_written_is_what_is_read(run: Path) -> None:
    assert read_budget(run).to_json() == Budget(ROWS).to_json()


def test_the_page_says_all_of_it_in_lines_that_fit(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_budget(run)
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 112
    lines = {line.split(",")[0].strip(): " ".join(line.split()) for line in text.splitlines()}
    assert lines["acceleration"] == "acceleration, px/frame² 0.0100 0.0500 5× 0.0600 ±0.006 0.0400 cubic ✗"
    assert lines["survival"] == "survival, % 100.0 100.0 1× 98.0 ±9.8 99.0 copy last ≈"
    assert "position, px 0.0100 0.0500 5× 0.510 ±0.05 1.25 nearest train ✓ 0.0200" in " ".join(text.split())
    assert "99" not in lines["position"]  # of a law alone
    assert "Position: 90 % of the prediction error is the dynamics." in text
    assert "Calibration error: 2.1 % (1.0 to 3.0, n = 40, calibrated model 1.2)" in text
    assert "Interval coverage: not measured, nobody looked" in text


def test_narrow_terminals_lose_intervals_first_and_nothing_else() -> None:
    def heads(width: int) -> set[str]:
        table = budget_table(ROWS[:-1], width)
        Console(width=width).print(table)
        return {str(column.header) for column in table.columns}

    assert heads(120) - heads(100) == {"±"} and heads(100) - heads(80) == {"× floor"}


def test_a_ceiling_is_no_baseline_and_more_survival_is_better() -> None:
    assert best_baseline(ROWS[1]) == "nearest_train"
    assert best_baseline(row("predict", "survival", 1, 1, 1, blank_page=0.0, copy_last=0.9)) == "copy_last"
    assert best_baseline(row("predict", "position", 1, 1, 1, fitted_law=0.1)) is None


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ((0.01, 0.05, 0.51), "90 % of the prediction error is the dynamics"),
        ((0.01, 0.05, 0.06), "67 % of the prediction error is the tokenizer"),
        ((0.01, 0.05, 0.04), "80 % of the prediction error is the tokenizer"),  # which the dynamics made up for
        ((0.05, 0.05, 0.05), "100 % of the prediction error is the tracker"),
    ],
)
def test_the_sentence_names_the_largest_step(stages: tuple[float, ...], said: str) -> None:
    assert where_from([row("predict", "position", *stages)]) == f"Position: {said}."


def test_a_run_of_an_older_judge_is_told_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "details.json").write_text(json.dumps({"laws": []}))
    with pytest.raises(UserError, match=r"details\.json holds no error budget, .* marey judge "):
        read_budget(tmp_path)
