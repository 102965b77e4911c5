"""The result of a bench as tables (Markdown, CSV), plots and one page that opens from disk."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from marey.core.config import to_json
from marey.core.files import write_text
from marey.judge.probing.files import read_result
from marey.judge.probing.result import Card, Comparison, ProbeResult, Row, TaskCard
from marey.report import words
from marey.report.page import flat, page_from
from marey.report.probe_plots import curves, short

_MARKS = {"helps": "yes", "does worse": "no", "does not help": "nil", "too few clips to tell": "open"}

_SAYS = {
    "helps": "the guest helps",
    "does worse": "it does worse",
    "does not help": "it does not help",
    "too few clips to tell": "there are too few clips to tell",
}


@dataclass(frozen=True)
class Mark:
    """A score as the page draws it: places in per cent of a common axis."""

    row: Row
    card: Card
    at: float
    low: float
    high: float


@dataclass(frozen=True)
class Board:
    """A guest's verdicts at a glance: a row for each task, a column for each that it is held against."""

    guest: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Comparison | None, ...]], ...]
    all: list[Comparison]


def write_probe_report(path: Path) -> list[Path]:
    """Write PATH's .md, .csv, .html and a .svg for each task beside it; returns them. The JSON alone is read."""
    result = read_result(path)
    charts = {task.name: chart for task in result.tasks if (chart := curves(result, task)) is not None}
    texts = {".md": markdown(result), ".csv": as_csv(result), ".html": _page(result, path.stem, charts)}
    texts |= {f"_{name}.svg": page_from("probe_plot.svg.jinja", {"c": chart}) for name, chart in charts.items()}
    made = []
    for ending, text in texts.items():
        made.append(path.with_name(path.stem + ending))
        write_text(made[-1], text)
    return made


def markdown(result: ProbeResult) -> str:
    """What was found, in the order of what a reader wants: is the bench in order, who helps, all scores, who is who."""
    lines = [f"# Probe of {result.set.name}", "", story(result), ""]
    lines += [f"- {check.words}" for check in result.checks] + [""]
    lines += ["## Verdicts", "", *glance(result), result.rule, ""]
    lines += [f"- {each.words}" for each in result.comparisons] or ["No guest was compared."]
    for task in result.tasks:
        lines += ["", f"## {task.name}", ""]
        lines += [f"Not run: {task.why}."] if task.why else [*_task_table(result, task), *labels_table(result, task)]
    lines += ["", "## Who took part", "", *_cards_table(result.cards), ""]
    return "\n".join(lines)


def glance(result: ProbeResult) -> list[str]:
    """Every verdict and its difference: a table with a row for each task, for each guest a column by rival."""
    boards = _boards(result.comparisons)
    if not boards:
        return []
    heads = [f"{short(board.guest)} over {head}" for board in boards for head in board.heads]
    lines = [f"| task | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for task in dict.fromkeys(each.task for each in result.comparisons):
        cells = [cell for board in boards for cell in dict(board.rows).get(task, (None,) * len(board.heads))]
        said = ["–" if cell is None else f"{cell.difference:+.3f} {cell.verdict}" for cell in cells]
        lines.append(f"| {task} | {' | '.join(said)} |".replace(" -0", " −0"))
    return [*lines, ""]


def story(result: ProbeResult) -> str:
    """One sentence: how many comparisons came out how."""
    clips = result.set
    counts = {verdict: sum(each.verdict == verdict for each in result.comparisons) for verdict in _MARKS}
    often = {verdict: "once" if count == 1 else f"{count} times" for verdict, count in counts.items() if count}
    told = ", ".join(f"{times} {_SAYS[verdict]}" for verdict, times in often.items())
    head = (
        f"Learned from {clips.pool:,} clips, scored on {clips.test}: {clips.frames} frames of "
        f"{clips.size[1]} x {clips.size[0]} pixels.{_drawn(result)}"
    )
    return f"{head} Of {len(result.comparisons)} comparisons, {told}." if told else f"{head} No guest was compared."


def _drawn(result: ProbeResult) -> str:
    """How far the luck of a random network's draw is in the intervals."""
    counts = {card.networks for card in result.cards if card.role == "random control" and card.state != "not run"}
    if not counts:
        return ""
    if counts == {1}:
        return " Each random control is one network, so that the intervals know nothing of the luck of its draw."
    return f" Each random control is {' or '.join(map(str, sorted(counts)))} networks."


def _task_table(result: ProbeResult, task: TaskCard) -> list[str]:
    probes = list(dict.fromkeys(row.probe for row in result.rows))
    lines = [f"{_unit(task)}; {_chance(task)}.", ""]
    lines += [f"| who | state | tap | {' | '.join(f'{probe} (95 %)' for probe in probes)} | n |"]
    lines += ["|---" * (4 + len(probes)) + "|"]
    for card in result.cards:
        if card.state == "not run":
            lines += [f"| {card.name} | not run: {card.why} |" + " – |" * (2 + len(probes))]
        for tap in card.taps:
            rows = {row.probe: row for row in _rows(result, task.name, card.name, tap)}
            cells = " | ".join(_cell(rows.get(probe)) for probe in probes)
            lines += [f"| {card.name} | {card.state} | {tap} | {cells} | {result.set.test} |"] if rows else []
    return lines


def labels_table(result: ProbeResult, task: TaskCard) -> list[str]:
    """How the linear probe at the main tap gets better with labels: a column for each count, if there are several."""
    main = {card.name: card.taps[0] for card in result.cards if card.taps}
    known: dict[str, dict[int, float]] = {}
    for row in result.rows:
        if (row.task, row.probe, row.tap) == (task.name, "linear", main.get(row.guest)) and row.value is not None:
            known.setdefault(row.guest, {})[row.labels] = row.value
    counts = sorted({count for scores in known.values() for count in scores})
    if len(counts) < 2:
        return []
    lines = ["", f"| labels | {' | '.join(f'{count:,}' for count in counts)} |", "|---" * (1 + len(counts)) + "|"]
    for name, scores in known.items():
        cells = (f"{scores[count]:.3f}" if count in scores else "–" for count in counts)
        lines.append(f"| {name} | {' | '.join(cells)} |".replace(" -", " −"))
    return lines


def _rows(result: ProbeResult, task: str, guest: str, tap: str | None = None) -> list[Row]:
    """The rows that learned from the whole pool."""
    return [
        row
        for row in result.rows
        if (row.task, row.guest, row.labels) == (task, guest, result.set.pool) and tap in (None, row.tap)
    ]


def _cell(row: Row | None) -> str:
    if row is None:
        return "–"
    return f"not run: {row.why}" if row.value is None else f"{row.value:.3f} ({row.low:.3f} to {row.high:.3f})"


def _unit(task: TaskCard) -> str:
    return "Share of test clips whose law is named" if task.unit == "share" else "R2 on the test clips"


def _chance(task: TaskCard) -> str:
    rules = "".join(f"; {name} {value:.3f}" for name, value in task.baselines.items())
    return f"chance {task.chance:.3f}{rules}"


def _cards_table(cards: Iterable[Card]) -> list[str]:
    head = "| who | role | state | weights | licence | input | features | s per clip | of it in the guest | peak MB |"
    return [head, "|---" * 10 + "|", *map(_card_row, cards)]


def _card_row(card: Card) -> str:
    weights = (card.sha256 or "")[:12] or (f"seeds {', '.join(map(str, card.seeds))}" if card.seeds else "–")
    size = f"{card.steps} x {card.width}" if card.steps else "–"
    costs = " | ".join(words.number(each) for each in (card.seconds, card.forward, card.peak_mb))
    state = f"not run: {card.why}" if card.state == "not run" else card.state
    return (
        f"| {card.name} | {card.role} | {state} | {weights} | {card.licence or '–'} | {card.input or '–'} "
        f"| {size} | {costs} |"
    )


def as_csv(result: ProbeResult) -> str:
    """Every score, curves included, one line each."""
    text = io.StringIO()
    names = [field.name for field in fields(Row)]
    table = csv.DictWriter(text, names, lineterminator="\n")
    table.writeheader()
    table.writerows(to_json(row) for row in result.rows)
    return text.getvalue()


def _page(result: ProbeResult, name: str, charts: dict[str, Any]) -> str:
    return page_from("probe.html.jinja", {
        "name": name,
        "short": short,
        "marks_of": _MARKS,
        "result": result,
        "story": story(result),
        "tasks": [(task, _marks(result, task), charts.get(task.name)) for task in result.tasks],
        "boards": _boards(result.comparisons),
        "taps": _taps(result),
        "environment": flat(result.environment | {"seconds": result.seconds}),
    })  # fmt: skip


def _boards(comparisons: list[Comparison]) -> list[Board]:
    """Comparisons by guest."""
    boards = []
    for guest in dict.fromkeys(each.guest for each in comparisons):
        its = {(each.task, each.against): each for each in comparisons if each.guest == guest}
        tasks, others = (tuple(dict.fromkeys(key[place] for key in its)) for place in (0, 1))
        heads = tuple("pixels" if other == "pixels" else other.removesuffix(f"-{guest}") for other in others)
        rows = tuple((task, tuple(its.get((task, other)) for other in others)) for task in tasks)
        boards.append(Board(guest, heads, rows, list(its.values())))
    return boards


def _marks(result: ProbeResult, task: TaskCard) -> list[Mark]:
    """Everyone's score at the main tap by the linear probe, on an axis from a little below zero to one."""
    cards = {card.name: card for card in result.cards if card.taps}
    rows = [
        row
        for card in cards.values()
        for row in _rows(result, task.name, card.name, card.taps[0])
        if row.probe == "linear" and row.value is not None
    ]
    low = min([0.0, *(max(row.low or 0.0, -0.25) for row in rows)])

    def place(value: float | None) -> float:
        return round(100 * (min(max(value or 0.0, low), 1.0) - low) / (1 - low), 2)

    return [Mark(row, cards[row.guest], place(row.value), place(row.low), place(row.high)) for row in rows]


def _taps(result: ProbeResult) -> list[tuple[str, str, dict[str, Row]]]:
    """Guests with several taps: who, tap, and the linear probe's score on each task."""
    return [
        (card.name, tap, {
            row.task: row for row in result.rows
            if (row.guest, row.tap, row.probe, row.labels) == (card.name, tap, "linear", result.set.pool)
        })
        for card in result.cards if len(card.taps) > 1 for tap in card.taps
    ]  # fmt: skip
