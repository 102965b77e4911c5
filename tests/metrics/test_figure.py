import json

import numpy as np
import pytest

from marey.metrics.figure import Figure, Level, mean_figure, share_figure


def test_a_figure_becomes_the_entry_that_the_report_reads() -> None:
    figure = Figure("predict.ade", 1.5, "px", 10, 1.0, 2.0, 0.01, {"copy_last": 3.0}, level=Level("at most", 2.0))
    entry = json.loads(json.dumps(figure.to_json()))
    assert entry == {
        "name": "predict.ade",
        "value": 1.5,
        "unit": "px",
        "n": 10,
        "low": 1.0,
        "high": 2.0,
        "floor": 0.01,
        "baselines": {"copy_last": 3.0},
        "level": 2.0,
        "direction": "at most",
        "reached": True,
    }


def test_a_missing_figure_says_why_and_reaches_nothing() -> None:
    figure = mean_figure("predict.ade", np.empty(0), "px", 0)
    assert figure.value is None and figure.why
    assert figure.to_json()["value"] is None and "reached" not in figure.to_json()
    assert Figure("a", None, "px", 0, why="not run", level=Level("at most", 9.0)).reached is False


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_figure_without_a_number_and_a_reason_is_refused(value: float | None) -> None:
    with pytest.raises(AssertionError):
        Figure("predict.ade", value, "px", 3)


@pytest.mark.parametrize(("direction", "reached"), [("at least", False), ("at most", True)])
def test_levels_have_a_direction(direction: str, reached: bool) -> None:
    assert Figure("a", 0.5, "share", 3, level=Level(direction, 0.6)).reached is reached  # type: ignore[arg-type]


def test_intervals_hold_their_values() -> None:
    share = share_figure("a", np.array([True] * 9 + [False]))
    mean = mean_figure("b", np.arange(10.0), "px", 0)
    for figure in (share, mean):
        assert figure.n == 10 and figure.low < figure.value < figure.high
