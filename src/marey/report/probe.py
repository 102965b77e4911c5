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

_VERDICTS = ("helps", "does worse", "does not help", "too few clips to tell")


@dataclass(frozen=True)
class Mark:
    """A score as the page draws it: places in per cent of a common axis."""

    row: Row
    card: Card
    at: float
    low: float
    high: float


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
    lines += ["## Verdicts", "", result.rule, ""]
    lines += [f"- {each.words}" for each in result.comparisons] or ["No guest was compared."]
    for task in result.tasks:
        lines += ["", f"## {task.name}", ""]
        lines += [f"Not run: {task.why}."] if task.why else _task_table(result, task)
    lines += ["", "## Who took part", "", *_cards_table(result.cards), ""]
    return "\n".join(lines)


def story(result: ProbeResult) -> str:
    """One sentence: how many comparisons came out how."""
    clips = result.set
    counts = {verdict: sum(each.verdict == verdict for each in result.comparisons) for verdict in _VERDICTS}
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    head = (
        f"Learned from {clips.pool} clips, scored on {clips.test}: {clips.frames} frames of "
        f"{clips.size[1]} x {clips.size[0]} pixels."
    )
    return f"{head} Of {len(result.comparisons)} comparisons: {told}." if told else f"{head} No guest was compared."


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
        "result": result,
        "story": story(result),
        "tasks": [(task, _marks(result, task), charts.get(task.name)) for task in result.tasks],
        "groups": _groups(result.comparisons),
        "taps": _taps(result),
        "environment": flat(result.environment | {"seconds": result.seconds}),
    })  # fmt: skip


def _groups(comparisons: list[Comparison]) -> dict[str, list[Comparison]]:
    """Comparisons by guest."""
    groups: dict[str, list[Comparison]] = {}
    for each in comparisons:
        groups.setdefault(each.guest, []).append(each)
    return groups


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
