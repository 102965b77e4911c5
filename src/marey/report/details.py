"""What stands behind a run's figures, as details.json holds it; what an older judge did not write is None or empty."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95 % interval; `value` is None when it could not be measured."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Paired:
    """The model minus a baseline, clip by clip: mean difference, its 95 % interval, and p of a paired test."""

    difference: float
    low: float | None = None
    high: float | None = None
    p: float | None = None


@dataclass(frozen=True)
class BudgetRow:
    """The same error, measured by the same ruler on the same n clips, after each stage that adds to it.

    tracker: on the true clips, the ruler's own error. tokenizer: on the reconstructed ones. dynamics: of the task's
    answer; None for reconstruct. group, value: which clips: ("all", "all"), ("law", "linear"), or a factor and a bin.
    """

    task: str
    quantity: str
    unit: str
    group: str
    value: str
    n: int
    tracker: Estimate | None = None
    tokenizer: Estimate | None = None
    dynamics: Estimate | None = None
    baselines: dict[str, Estimate] = field(default_factory=dict)
    paired: dict[str, Paired] = field(default_factory=dict)


@dataclass(frozen=True)
class Budget:
    """The error budget."""

    rows: list[BudgetRow]


@dataclass(frozen=True)
class Bin:
    """n answers given with a confidence in [low, high]: the mean confidence, and the share that was right."""

    low: float
    high: float
    n: int
    said: float | None
    right: float | None


@dataclass(frozen=True)
class Calibration:
    """Whether answers given with a confidence of p are right in a share p of the cases; ece: the mean gap."""

    bins: list[Bin]
    ece: Estimate
    n: int


@dataclass(frozen=True)
class Reading:
    """One parameter of one law in one kind of clip: its true values, and those fitted to what the ruler reads.

    fitted: None where the clip is not read as the law it follows. n: of `read` clips, those that are. low, error, high:
    median distance to the truth in per cent of the truth, and its 95 % interval; None where n is 0.
    """

    unit: str
    read: int
    n: int
    truth: list[float]
    fitted: list[float | None]
    error: float | None = None
    low: float | None = None
    high: float | None = None


Recovered = dict[str, dict[str, dict[str, Reading]]]  # kind of clip, "truth" or a task -> law -> parameter
