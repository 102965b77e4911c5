"""One probe on one set of features: fitted with several seeds, scored clip by clip on the test clips."""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal

import numpy as np
from jaxtyping import Float32, Float64, Int64

from marey.core.errors import UserError
from marey.core.seeds import words
from marey.judge.probing.attentive import TOKEN, attentive
from marey.judge.probing.fit import Kind, Lesson, Probe, linear, neighbours
from marey.judge.probing.set import ProbeSet
from marey.judge.probing.space import fit_space
from marey.judge.probing.statistics import Gains
from marey.judge.probing.tasks import Task, standard

ProbeName = Literal["linear", "knn", "attentive"]
PROBES: tuple[ProbeName, ...] = ProbeName.__args__  # type: ignore[attr-defined]
_VALIDATED = 0.2  # of the labels
_STEPS_ASKED = 8  # of each clip, for the time index
_ORDER_STREAM = 10 << 32

Features = Float32[np.ndarray, "N t D"]


def parse_probes(text: str) -> tuple[ProbeName, ...]:
    """Names apart by commas; an unknown one is a UserError."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in PROBES:
            raise UserError(f"--probes {name!r} is unknown; the probes are {', '.join(PROBES)}")
    return tuple(probe for probe in PROBES if probe in names)


@dataclass(frozen=True)
class Table:
    """Rows that a probe sees (r to a clip) and what it is to say of them; numbers are standardised.

    steps: moments of a clip that lie side by side in a row.
    """

    kind: Kind
    rows: Float32[np.ndarray, "N r D"]
    values: Float64[np.ndarray, "N r C"]
    pool: Int64[np.ndarray, "p"]
    test: Int64[np.ndarray, "n"]
    steps: int


@dataclass(frozen=True)
class Seen:
    """Features of one network at one tap, brought to one width in each way in which a probe takes them, once for all.

    pool: clips that show what to bring them to, without their labels.
    """

    features: Features
    pool: Int64[np.ndarray, "p"]
    width: int

    @cached_property
    def clips(self) -> Float32[np.ndarray, "N 1 K"]:
        """A clip in a row."""
        flat = self.features.reshape(len(self.features), -1)
        return fit_space(flat[self.pool], self.width)(flat)[:, None]

    @cached_property
    def tokens(self) -> Float32[np.ndarray, "N 1 tK"]:
        """The steps of a clip side by side in a row, for the attentive probe."""
        rows = _by_step(self.features, self.pool, min(self.width, TOKEN))
        return rows.reshape(len(rows), 1, -1)

    @cached_property
    def steps(self) -> Float32[np.ndarray, "N r K"]:
        """Some steps of each clip, a row each."""
        return _by_step(self.features[:, _spread(self.features.shape[1])], self.pool, self.width)


def table(seen: Seen, task: Task, clips: ProbeSet, probe: ProbeName) -> Table:
    """The features as the probe takes them, and what it is asked."""
    steps = seen.features.shape[1]
    if task.values is None:
        values = np.broadcast_to(_spread(steps) / max(steps - 1, 1), seen.steps.shape[:2])[..., None]
    else:
        values = task.values[:, None]
    if task.kind == "number":
        centre, scale = standard(values[clips.pool].reshape(-1, values.shape[2]))
        values = (values - centre) / scale
    if task.values is None:
        return Table(task.kind, seen.steps, values, clips.pool, clips.test, 1)
    rows = seen.tokens if probe == "attentive" else seen.clips
    return Table(task.kind, rows, values, clips.pool, clips.test, steps)


def _spread(steps: int) -> Int64[np.ndarray, "k"]:
    return np.unique(np.round(np.linspace(0, steps - 1, min(steps, _STEPS_ASKED))).astype(np.int64))


def _by_step(features: Features, pool: Int64[np.ndarray, "p"], width: int) -> Float32[np.ndarray, "N t K"]:
    """Each step of each clip in one space for all steps."""
    learned = features[pool].reshape(-1, features.shape[2])
    space = fit_space(learned[:: -(-len(learned) // 8000)], width)
    return space(features.reshape(-1, features.shape[2])).reshape(*features.shape[:2], -1)


def gains(asked: Table, probe: ProbeName, seeds: int, labels: int | None = None) -> Gains:
    """What the test clips gain. Each seed draws its own training and validation clips from the pool.

    labels: clips to learn from, a fifth of them for validation; by default the whole pool.
    """
    fits = [_gained(asked, probe, seed, labels or len(asked.pool)) for seed in range(seeds)]
    return Gains(np.stack(fits), _weight(asked), np.zeros(seeds, np.int64))


def _weight(asked: Table) -> Float64[np.ndarray, "n"]:
    if asked.kind == "class":
        return np.ones(len(asked.test))
    return np.square(np.nan_to_num(asked.values[asked.test])).sum(axis=(1, 2))


def _gained(asked: Table, probe: ProbeName, seed: int, labels: int) -> Float64[np.ndarray, "n"]:
    said = _said(asked, _method(asked, probe, seed), *splits(asked.pool, seed, labels))
    wanted = asked.values[asked.test]
    if asked.kind == "class":
        return (said == wanted)[:, 0, 0].astype(np.float64)
    known = np.isfinite(wanted)
    wanted = np.nan_to_num(wanted)
    return np.where(known, np.square(wanted) - np.square(wanted - said), 0).sum(axis=(1, 2))


def splits(
    pool: Int64[np.ndarray, "p"], seed: int, labels: int
) -> tuple[Int64[np.ndarray, "a"], Int64[np.ndarray, "b"]]:
    """Training and validation clips of a seed: `labels` clips of the pool, a fifth of them for validation."""
    order = np.argsort(words(seed, _ORDER_STREAM, pool, 1)[:, 0], kind="stable")
    chosen, validated = pool[order[:labels]], max(1, round(_VALIDATED * labels))
    return chosen[validated:], chosen[:validated]


def _method(asked: Table, probe: ProbeName, seed: int) -> Probe:
    if probe == "attentive":
        return partial(attentive, steps=asked.steps, seed=seed)
    return linear if probe == "linear" else neighbours


def _said(
    asked: Table, method: Probe, train: Int64[np.ndarray, "a"], validation: Int64[np.ndarray, "b"]
) -> Float64[np.ndarray, "n r C"]:
    """What the probe says of the test clips; columns that are known of the same clips are learned together.

    Where a column is known of too few of the clips to learn from, its mean is said.
    """
    n, r, columns = len(asked.test), asked.rows.shape[1], asked.values.shape[2]
    rows = asked.rows[asked.test].reshape(n * r, -1)
    out = np.zeros((n * r, columns))
    known = np.isfinite(asked.values).all(axis=1)
    patterns, which = np.unique(known.T, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        group = np.flatnonzero(which.ravel() == number)
        parts = [_rows(asked, some[pattern[some]], group) for some in (train, validation)]
        if min(len(part[0]) for part in parts) and len(parts[0][0]) > 1:
            out[:, group] = method(Lesson(asked.kind, *parts[0], *parts[1]), rows)
    return out.reshape(n, r, columns)


def _rows(
    asked: Table, clips: Int64[np.ndarray, "a"], columns: Int64[np.ndarray, "g"]
) -> tuple[Float32[np.ndarray, "k D"], Float64[np.ndarray, "k g"]]:
    values = asked.values[clips][:, :, columns]
    return asked.rows[clips].reshape(-1, asked.rows.shape[2]), values.reshape(-1, len(columns))
