"""From what each clip costs to the rows of the budget: means, intervals, paired differences with their tests."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    """All rows of a part, on the same draws of its clips; none where nothing could be compared with a truth."""
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
        self.plans: list[_Plan] = []

    def add(self, costs: Costs, quantity: str) -> None:
        """The columns of one row."""

        def column(errors: Errors) -> int:
            self.columns.append(errors[quantity][self.part.rows])
            return len(self.columns) - 1

        stages = {"tracker": costs.tracker, "tokenizer": costs.tokenizer, "dynamics": costs.dynamics}
        rules = {name: column(errors) for name, errors in costs.rules.items() if quantity in errors}
        there = {name: column(each) for name, each in stages.items() if each is not None}
        self.plans.append(_Plan(costs.task, quantity, there, rules))

    def rows(self) -> list[Row]:
        """With p values that are not yet corrected."""
        if not self.plans:
            return []
        self.values = np.stack(self.columns, axis=1)
        self.draws = resampled_means(self.values, self.seed)
        table = np.stack([self.values.mean(axis=0), *interval_of(self.draws)], axis=1)
        self.estimates = [Estimate(*each) for each in table.tolist()]
        return [self._row(plan) for plan in self.plans]

    def _row(self, plan: "_Plan") -> Row:
        stages = {name: self.estimates[column] for name, column in plan.stages.items()}
        return Row(
            task=plan.task,
            quantity=plan.quantity,
            unit=UNITS[plan.quantity],
            group=self.part.group,
            value=self.part.value,
            n=len(self.part.rows),
            tracker=stages["tracker"],
            tokenizer=stages.get("tokenizer"),
            dynamics=stages.get("dynamics"),
            baselines={name: self.estimates[column] for name, column in plan.rules.items()},
            paired=self._paired(plan),
            times_floor={} if plan.quantity == "survival" else self._ratios(plan),
        )

    def _paired(self, plan: "_Plan") -> dict[str, Paired]:
        """The model less each rule."""
        model, rules = [list(plan.stages.values())[-1]], list(plan.rules.values())
        if not rules:
            return {}
        differences = self.values[:, model] - self.values[:, rules]
        ends = interval_of(self.draws[:, model] - self.draws[:, rules])
        table = np.stack([differences.mean(axis=0), *ends, paired_p(differences)], axis=1)
        return {name: Paired(*each) for name, each in zip(plan.rules, table.tolist(), strict=True)}

    def _ratios(self, plan: "_Plan") -> dict[str, Estimate]:
        """The stages' means over the floor's; none where the floor is, or in some draw would be, zero."""
        stages = dict(plan.stages)
        floor = stages.pop("tracker")
        if self.draws[:, floor].min() <= 0:
            return {}
        ends = interval_of(self.draws[:, list(stages.values())] / self.draws[:, [floor]]).T.tolist()
        value = self.estimates[floor].value
        return {
            name: Estimate(self.estimates[column].value / value, low, high)
            for (name, column), (low, high) in zip(stages.items(), ends, strict=True)
        }


@dataclass(frozen=True)
class _Plan:
    """A row to be made: the columns of its stages, of which the last is the model's answer, and of its rules."""

    task: str
    quantity: str
    stages: dict[str, int]
    rules: dict[str, int]


def _corrected(rows: list[Row]) -> list[Row]:
    """The p values of all comparisons of the budget, corrected together."""
    corrected = iter(holm([paired.p for row in rows for paired in row.paired.values()]))
    return [
        replace(row, paired={name: replace(paired, p=next(corrected)) for name, paired in row.paired.items()})
        for row in rows
    ]
