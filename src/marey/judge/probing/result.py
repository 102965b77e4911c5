"""What a bench found, as it stands in results/YYYYMMDD_HHMMSS_probe.json."""

from dataclasses import dataclass, field
from typing import Any, Literal

from marey.core.config import strict

Role = Literal["guest", "random control", "control", "ceiling"]
State = Literal["weights found", "random control", "no weights", "not run"]
Verdict = Literal["helps", "does worse", "does not help", "too few clips to tell"]


@strict
@dataclass(frozen=True)
class Card:
    """Who took part. state: never one in place of another; `why` says why it was not run.

    of: the guest whose control it is. networks: how many were drawn (of a random control). sha256, fingerprint: of the
    weights, and of the features of one fixed clip; one for each network. steps, width: of the features at the main tap.
    seconds, cpu_seconds, forward: per clip; forward is the part inside the guest. peak_mb: see `encoders.features`.
    """

    name: str
    role: Role
    state: State
    title: str = ""
    licence: str = ""
    source: str = ""
    input: str = ""
    why: str | None = None
    of: str | None = None
    networks: int = 1
    path: str | None = None
    sha256: str | None = None
    seeds: tuple[int, ...] = ()
    fingerprint: tuple[str, ...] = ()
    taps: tuple[str, ...] = ()
    steps: int | None = None
    width: int | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    forward: float | None = None
    peak_mb: float | None = None


@strict
@dataclass(frozen=True)
class Row:
    """One score. labels: clips learned from, validation included. low, high: 95 %. n: test clips. fits: of the probe.

    spread: standard deviation over the fits. value: None when it was not measured, and then `why` says so.
    """

    guest: str
    tap: str
    task: str
    probe: str
    unit: str
    labels: int
    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    fits: int = 0
    spread: float | None = None
    chance: float | None = None
    why: str | None = None


@strict
@dataclass(frozen=True)
class Comparison:
    """A guest less another, on the same test clips, by the linear probe at the main tap. p: corrected (Holm)."""

    guest: str
    against: str
    task: str
    unit: str
    ours: float
    theirs: float
    difference: float
    low: float
    high: float
    p: float
    n: int
    verdict: Verdict
    clips_needed: int | None
    words: str


@strict
@dataclass(frozen=True)
class TaskCard:
    """A task as it was asked. why: where it was not. baselines: scores of rules that see the true track."""

    name: str
    unit: str
    chance: float | None = None
    baselines: dict[str, float] = field(default_factory=dict)
    why: str | None = None


@strict
@dataclass(frozen=True)
class SetCard:
    """The clips. pool: that probes learned from, validation included."""

    name: str
    fingerprint: str
    pool: int
    test: int
    frames: int
    size: tuple[int, int]
    labels: tuple[str, ...]


@strict
@dataclass(frozen=True)
class Check:
    """Whether the bench itself is in order."""

    name: str
    passed: bool
    words: str


@strict
@dataclass(frozen=True)
class ProbeResult:
    """All of it. rule: how the verdicts follow from the numbers. history: see `probe_history`."""

    set: SetCard
    tasks: list[TaskCard]
    cards: list[Card]
    rows: list[Row]
    comparisons: list[Comparison]
    checks: list[Check]
    rule: str
    seeds: int
    width: int
    environment: dict[str, Any]
    seconds: dict[str, float]
