"""What stands behind a run's figures, as details.json holds it: records of what the judge keeps beside the budget."""

from dataclasses import dataclass

from marey.metrics.calibration import Bin


@dataclass(frozen=True)
class Gap:
    """The mean distance between confidence and the share that is right, with its 95 % interval.

    calibrated_model: what a model of the same confidences would show by chance alone, were it always right to trust.
    """

    value: float
    low: float
    high: float
    calibrated_model: float | None = None


@dataclass(frozen=True)
class Calibration:
    """Whether answers given with a confidence of p are right in a share p of the n cases; ece: the mean gap."""

    bins: list[Bin]
    ece: Gap
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
