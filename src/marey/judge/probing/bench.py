"""The bench: every guest and every control asked the same questions on the same clips, and whether it helps."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from marey.core.errors import UserError
from marey.core.runs import environment
from marey.data.staged import Progress
from marey.judge.probing.entrant import Entrant, Extraction, enter
from marey.judge.probing.gains import ProbeName, gains, table
from marey.judge.probing.guests import NETWORKS, Entry, entries
from marey.judge.probing.result import Card, Check, ProbeResult, Row, SetCard, TaskCard
from marey.judge.probing.set import ProbeSet
from marey.judge.probing.space import WIDTH
from marey.judge.probing.statistics import Draws, Gains
from marey.judge.probing.tasks import TASKS, Task, TaskName, task_on
from marey.judge.probing.verdict import RULE, Pair, ceiling_check, compare, noise_check

LABELS = (10, 30, 100, 300, 1000, 3000, 10_000)  # of the label-efficiency curves, as far as the pool goes
Say = Callable[[str], object]


@dataclass(frozen=True)
class ProbeConfig(Extraction):
    """What is asked. probes: the linear one makes the verdicts and the curves, others stand beside it.

    networks: of each random control; with fewer the bench is quicker, and says less of the luck of their draw.
    """

    tasks: tuple[TaskName, ...] = TASKS
    probes: tuple[ProbeName, ...] = ("linear", "knn")
    seeds: int = 5
    networks: int = NETWORKS

    def __post_init__(self) -> None:
        if "linear" not in self.probes:
            raise UserError(f"--probes {','.join(self.probes)} lacks linear, by which guests are compared; add it")
        if self.seeds < 2:
            raise UserError(f"--seeds {self.seeds} is too few to see how much they differ; give 2 or more")


@dataclass
class _Book:
    """What has been found so far."""

    rows: list[Row] = field(default_factory=list)
    kept: dict[tuple[str, str], Gains] = field(default_factory=dict)  # (guest, task): linear, main tap, all labels


def run_probe(clips: ProbeSet, names: list[str], config: ProbeConfig, say: Say, progress: Progress) -> ProbeResult:
    """Hold the bench. names: see `probe_guests`. say: told of every step. progress: of the clips of each guest."""
    begun = time.perf_counter()
    asked = _tasks(clips, config.tasks)
    draws, book = Draws(len(clips.test), seed=0), _Book()
    cards: list[Card] = []
    seconds = {"extract": 0.0, "probe": 0.0}
    for entry in entries(names, config.networks):
        start = time.perf_counter()
        say(f"{entry.name}: features")
        entrant = _absent(entry, cards) or enter(entry, clips, _views(asked), config, progress)
        cards.append(entrant.card)
        middle = time.perf_counter()
        say(f"{entry.name}: {entrant.card.why or 'probes'}")
        for task in asked.values():
            if isinstance(task, Task) and entrant.card.state != "not run":
                _ask(entrant, task, clips, config, draws, book)
        seconds["extract"] += middle - start
        seconds["probe"] += time.perf_counter() - middle
    comparisons = compare(_pairs(cards, asked, book), draws)
    seconds["whole"] = time.perf_counter() - begun
    return ProbeResult(
        set=_set_card(clips),
        tasks=[_task_card(name, task) for name, task in asked.items()],
        cards=cards,
        rows=book.rows,
        comparisons=comparisons,
        checks=_checks(asked, book, draws),
        rule=RULE,
        seeds=config.seeds,
        width=min(WIDTH, len(clips.pool) - 1),
        environment=environment() | {"threads": torch.get_num_threads()},
        seconds={name: round(value, 2) for name, value in seconds.items()},
    )


def _absent(entry: Entry, cards: list[Card]) -> Entrant | None:
    """A control whose guest was not run has nothing to control."""
    if not any(card.name == entry.of and card.state == "not run" for card in cards):
        return None
    return Entrant(Card(entry.name, entry.role, "not run", why=f"{entry.of} was not run", of=entry.of))


def _tasks(clips: ProbeSet, names: tuple[TaskName, ...]) -> dict[str, Task | str]:
    """Each task, or why it cannot be asked."""
    asked: dict[str, Task | str] = {}
    for name in names:
        try:
            asked[name] = task_on(name, clips)
        except UserError as error:
            asked[name] = str(error)
    if not any(isinstance(task, Task) for task in asked.values()):
        raise UserError(f"{clips.name}: no task can be asked ({'; '.join(map(str, asked.values()))})")
    return asked


def views_of(clips: ProbeSet, names: tuple[TaskName, ...]) -> tuple[bool, ...]:
    """The views that these tasks need."""
    return _views(_tasks(clips, names))


def _views(asked: dict[str, Task | str]) -> tuple[bool, ...]:
    """Which views of the clips are needed: whole ones (False), and those without their future (True)."""
    return tuple(sorted({task.before for task in asked.values() if isinstance(task, Task)}))


def _ask(entrant: Entrant, task: Task, clips: ProbeSet, config: ProbeConfig, draws: Draws, book: _Book) -> None:
    """All that one task asks of one entrant."""
    name, main = entrant.card.name, entrant.card.taps[0]
    for tap in entrant.card.taps:
        for probe in config.probes if tap == main else ("linear",):
            if (why := _not_asked(entrant, task, tap, probe)) is not None:
                book.rows.append(_row(entrant, tap, task, probe, len(clips.pool), len(clips.test), why=why))
                continue
            tables = [table(each, task, clips, probe) for each in entrant.seen(tap, task.before)]
            counts = [count for count in LABELS if count < len(clips.pool)] if (tap, probe) == (main, "linear") else []
            for count in [*counts, len(clips.pool)]:
                found = Gains.join([gains(each, probe, config.seeds, count) for each in tables])
                book.rows.append(_scored(_row(entrant, tap, task, probe, count, len(clips.test)), found, task, draws))
                if (tap, probe, count) == (main, "linear", len(clips.pool)):
                    book.kept[name, task.name] = found


def _not_asked(entrant: Entrant, task: Task, tap: str, probe: ProbeName) -> str | None:
    """Why a question cannot be asked, if so."""
    steps = entrant.seen(tap, task.before)[0].features.shape[1]
    if task.values is None and steps == 1:
        return "its features have no time: one step for the whole clip"
    if task.values is None and probe == "attentive":
        return "an attentive probe sees all steps at once, and each is asked alone"
    return None


def _row(entrant: Entrant, tap: str, task: Task, probe: str, labels: int, n: int, why: str | None = None) -> Row:
    return Row(entrant.card.name, tap, task.name, probe, task.unit, labels, n, chance=task.chance, why=why)


def _scored(row: Row, found: Gains, task: Task, draws: Draws) -> Row:
    interval = draws.interval(found)
    return Row(
        row.guest, row.tap, row.task, row.probe, row.unit, row.labels, row.n, found.score, interval.low, interval.high,
        len(found.gained), float(found.fits.std()), task.chance,
    )  # fmt: skip


def _pairs(cards: list[Card], asked: dict[str, Task | str], book: _Book) -> list[Pair]:
    """Each guest with each of its own random controls, and with pixels."""
    pairs = []
    for card in (card for card in cards if card.role == "guest" and card.state != "not run"):
        others = [other.name for other in cards if other.of == card.name and other.role == "random control"]
        for against in [*others, "pixels"]:
            for task in asked.values():
                if isinstance(task, Task) and {(card.name, task.name), (against, task.name)} <= book.kept.keys():
                    both = book.kept[card.name, task.name], book.kept[against, task.name]
                    pairs.append(Pair(card.name, against, task.name, task.unit, *both))
    return pairs


def _checks(asked: dict[str, Task | str], book: _Book, draws: Draws) -> list[Check]:
    law = asked.get("law")
    if not isinstance(law, Task):
        return []
    checks = [noise_check(book.kept["noise", "law"], law.chance, draws)]
    if ("true-track", "law") in book.kept:
        checks.append(ceiling_check(book.kept["true-track", "law"].score, draws.n))
    return checks


def _task_card(name: str, task: Task | str) -> TaskCard:
    if isinstance(task, str):
        return TaskCard(name, "", why=task)
    return TaskCard(name, task.unit, task.chance, task.baselines)


def _set_card(clips: ProbeSet) -> SetCard:
    pool, test = len(clips.pool), len(clips.test)
    return SetCard(clips.name, clips.clips.fingerprint, pool, test, clips.frames, clips.size, clips.truth.names)
