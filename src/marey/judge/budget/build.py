"""From what each clip costs to the rows of the budget: means, intervals, paired differences with their tests."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from marey.judge.budget.costs import UNITS, Costs, Errors
from marey.judge.budget.parts import PARTED, Part, parts
from marey.judge.budget.record import Budget, Estimate, Paired, Row
from marey.judge.probing.statistics import holm
from marey.metrics.statistics import interval_of, paired_p, resampled_means
from marey.world.scenes import Scenes


def budget(
    test: Scenes, costs: Sequence[Costs], seed: int, held_out: tuple[Scenes, Sequence[Costs]] | None = None
) -> Budget:
    """Rows of every task, over all test clips, per law and per bin of each factor. held_out: scenes of values or
    combinations that were held out of training, and their costs; beside the test clips they are the group `split`.
    """
    rows = [row for part in parts(test) for row in _rows(part, costs, seed)]
    if held_out is not None:
        sides = [("test", test, costs), ("held_out", *held_out)]
        for name, scenes, its in sides:
            rows += _rows(Part("split", name, np.arange(len(scenes))), its, seed)
    used = {row.group for row in rows}
    return Budget(_corrected(rows), {name: unit for name, (unit, _) in PARTED.items() if name in used})


def _rows(part: Part, costs: Sequence[Costs], seed: int) -> list[Row]:
    """All rows of a part, on the same draws of its clips."""
    table = _Table(part, seed)
    for each in costs:
        for quantity in each.tracker:
            table.add(each, quantity)
    return table.rows()


class _Table:
    """The columns of one part, one number per clip each, and the rows that are made of them."""

    def __init__(self, part: Part, seed: int):
        self.part, self.seed = part, seed
        self.columns: list[Float64[np.ndarray, n]] = []
        self.plans: list[tuple[str, str, dict[str, int]]] = []  # task, quantity, column of each side

    def add(self, costs: Costs, quantity: str) -> None:
        """The columns of one row."""
        sides: dict[str, Errors] = {"tracker": costs.tracker, "tokenizer": costs.tokenizer}
        sides |= {} if costs.dynamics is None else {"dynamics": costs.dynamics}
        sides |= {f"rule {name}": errors for name, errors in costs.rules.items() if quantity in errors}
        plan = {}
        for side, errors in sides.items():
            plan[side] = len(self.columns)
            self.columns.append(errors[quantity][self.part.rows])
        self.plans.append((costs.task, quantity, plan))

    def rows(self) -> list[Row]:
        """With p values that are not yet corrected."""
        values = np.stack(self.columns, axis=1)
        draws = resampled_means(values, self.seed)
        means = values.mean(axis=0)
        low, high = interval_of(draws)
        estimates = [Estimate(*each) for each in np.stack([means, low, high], axis=1).tolist()]
        return [self._row(task, quantity, plan, values, draws, estimates) for task, quantity, plan in self.plans]

    def _row(
        self,
        task: str,
        quantity: str,
        plan: dict[str, int],
        values: Float64[np.ndarray, "n K"],
        draws: Float64[np.ndarray, "R K"],
        estimates: list[Estimate],
    ) -> Row:
        rules = {side.removeprefix("rule "): column for side, column in plan.items() if side.startswith("rule ")}
        stages = {side: column for side, column in plan.items() if side in ("tokenizer", "dynamics")}
        model = plan.get("dynamics", plan["tokenizer"])
        paired = _paired(values, draws, model, list(rules.values()))
        return Row(
            task=task,
            quantity=quantity,
            unit=UNITS[quantity],
            group=self.part.group,
            value=self.part.value,
            n=len(self.part.rows),
            tracker=estimates[plan["tracker"]],
            tokenizer=estimates[plan["tokenizer"]],
            dynamics=estimates[plan["dynamics"]] if "dynamics" in plan else None,
            baselines={name: estimates[column] for name, column in rules.items()},
            paired=dict(zip(rules, paired, strict=True)),
            times_floor=_ratios(draws, estimates, plan["tracker"], stages) if quantity != "survival" else {},
        )


def _paired(
    values: Float64[np.ndarray, "n K"], draws: Float64[np.ndarray, "R K"], model: int, rules: list[int]
) -> list[Paired]:
    if not rules:
        return []
    differences = values[:, [model]] - values[:, rules]
    ends = interval_of(draws[:, [model]] - draws[:, rules])
    table = np.stack([differences.mean(axis=0), *ends, paired_p(differences)], axis=1)
    return [Paired(*each) for each in table.tolist()]


def _ratios(
    draws: Float64[np.ndarray, "R K"], estimates: list[Estimate], floor: int, stages: dict[str, int]
) -> dict[str, Estimate]:
    """The stages' means over the floor's; none where the floor is, or in some draw would be, zero."""
    if draws[:, floor].min() <= 0:
        return {}
    ends = interval_of(draws[:, list(stages.values())] / draws[:, [floor]]).T.tolist()
    value = estimates[floor].value
    return {
        stage: Estimate(estimates[column].value / value, low, high)
        for (stage, column), (low, high) in zip(stages.items(), ends, strict=True)
    }


def _corrected(rows: list[Row]) -> list[Row]:
    """The p values of all comparisons of the budget, corrected together."""
    corrected = iter(holm([paired.p for row in rows for paired in row.paired.values()]))
    return [
        replace(row, paired={name: replace(paired, p=next(corrected)) for name, paired in row.paired.items()})
        for row in rows
    ]
