"""The budget as it stands in details.json: records of plain numbers, read without a model."""

from dataclasses import asdict, dataclass, field
from typing import Any

CEILINGS = ("fitted_law",)  # stand among the baselines, and no model is expected to pass them


@dataclass(frozen=True)
class Estimate:
    """A mean over clips, or a ratio of two, with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Paired:
    """The model's error less a rule's, clip by clip. p: of the paired t test, corrected (Holm) for all that are made in
    one budget. Of survival, which is better when it is larger, a positive difference is the model's gain.
    """

    difference: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Row:
    """One quantity of one task, over the n clips of a part.

    tracker: the ruler's error, on true clips; tokenizer: on reconstructed ones, None where there is none to ask;
    dynamics: of the task's answer, None where that is the reconstruction. times_floor: the model's errors as multiples
    of the tracker's, absent where that is zero.
    """

    task: str
    quantity: str
    unit: str
    group: str
    value: str
    n: int
    tracker: Estimate
    tokenizer: Estimate | None
    dynamics: Estimate | None
    baselines: dict[str, Estimate] = field(default_factory=dict)
    paired: dict[str, Paired] = field(default_factory=dict)
    times_floor: dict[str, Estimate] = field(default_factory=dict)

    @property
    def model(self) -> Estimate:
        """The error of the answer."""
        answer = self.tokenizer if self.dynamics is None else self.dynamics
        assert answer is not None
        return answer


@dataclass(frozen=True)
class Budget:
    """units: of the values of the factors by which clips were parted."""

    rows: list[Row]
    units: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """With six digits, which no interval of clips needs."""
        rounded: dict[str, Any] = _rounded(asdict(self))
        return rounded


def _rounded(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _rounded(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_rounded(value) for value in data]
    return float(f"{data:.6g}") if isinstance(data, float) else data
