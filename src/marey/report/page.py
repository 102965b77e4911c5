"""A run folder as one page that opens from disk: no server, no network, nothing beside it."""

from pathlib import Path
from typing import Any

import jinja2

from marey.core.files import write_text
from marey.report import budget, cases, plates, plots, spaces, words
from marey.report.confusions import confusions
from marey.report.curves import curves
from marey.report.files import Figure, RunFiles, read_run
from marey.report.histograms import Spread, spread
from marey.report.recovered import reliability, scatters
from marey.report.remarks import remarks


def write_report(run: Path) -> Path:
    """Write `report.html` into a finished run folder and return its path.

    A missing or malformed file is a UserError that names it. The page holds everything it shows, and a content
    security policy that forbids it to fetch anything.
    """
    files = read_run(run)
    out = files.path / "report.html"
    write_text(out, page_from("report.html.jinja", _context(files)))
    return out


def page_from(template: str, context: dict[str, Any]) -> str:
    """A page as text; everything that comes from files is escaped."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"number": words.number, "unit": words.unit_of, "plain": words.plain, "share": words.is_share}
    templates.filters["amount"] = words.count
    return templates.get_template(template).render(context)


def _context(files: RunFiles) -> dict[str, Any]:
    details, reel = files.details, cases.reel(files.clips, files.details.laws)
    rows, gate = details.budget.rows if details.budget else [], {figure.name: figure for figure in details.gate}
    return {
        "run": files.path.resolve().name,
        "story": words.story(files.figures),
        "remarks": remarks(files.figures, details),
        "headline": [_row(figure) | _group(figure) for figure in files.figures if figure.name in words.HEADLINE],
        "details": details,
        "captions": words.CAPTIONS,
        "budget": {
            "panels": budget.panels(rows),
            "split": budget.split_panels(details.budget) if details.budget else [],
            "rows": rows,
        },
        "reel": reel,
        "spaces": spaces.views(files.clips, details.laws),
        "exposures": cases.exposures(files.clips, details.laws),
        "kinds": {"truth": "truth"} | {task: title.lower() for task, (title, _) in words.CAPTIONS.items()},
        "broken": words.BROKEN,
        "time_colours": [f"rgb{colour}" for colour in plates.TIME_COLOURS],
        "groups": _groups([figure for figure in files.figures if figure.name not in gate]),
        "gate": [_row(figure) for figure in details.gate],
        "absent": [figure for figure in ({f.name: f for f in files.figures} | gate).values() if figure.value is None],
        "confusions": confusions(details),
        "errors": _errors(files),
        "curves": {stage: curves(rows) for stage, rows in files.curves.items()},
        "recovered": scatters(details.recovered),
        "spreads": _spreads(details.parameters),
        "calibration": reliability(details.calibration) if details.calibration else None,
        "times": _times(files.times),
        "peak_memory_gb": files.times.get("peak_memory_gb"),
        "config": flat(files.config),
        "environment": flat(files.environment),
        "player": reel.player | {"ramp": plates.TIME_COLOURS, "spaces": spaces.views(files.clips, details.laws)},
    }


def _errors(files: RunFiles) -> list[tuple[plots.Chart, int | None]]:
    """Charts of the errors per frame, with the number of clips."""
    n, details = {figure.name: figure.n for figure in files.figures}, files.details
    out = []
    for task, series in details.errors.items():
        if series.get("frame"):
            title = words.CAPTIONS.get(task, (task,))[0]
            out.append((plots.error_chart(title, series, details.error_intervals.get(task)), n.get(f"{task}.ade")))
    return out


def _groups(figures: list[Figure]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Figures by the part of the name before the dot, in order of appearance."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for figure in figures:
        groups.setdefault(figure.name.split(".", 1)[0], []).append(_row(figure))
    return [(words.GROUPS.get(name, words.plain(name).capitalize()), rows) for name, rows in groups.items()]


def _group(figure: Figure) -> dict[str, str]:
    """What a figure is of, and the best trivial rule, for where it stands alone."""
    return {"group": words.GROUPS[figure.name.split(".")[0]], "rule": words.best_rule(figure)}


def _row(figure: Figure) -> dict[str, Any]:
    """A figure with its words and the places, in per cent of a common axis, of everything drawn for it."""
    level = figure.level
    marks = [figure.value, figure.low, figure.high, figure.floor, figure.limit, level, *figure.baselines.values()]
    known = [value for value in marks if value is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    high = 1.0 if words.is_share(figure.unit) and high <= 1 else (low + (high - low) * 1.04 or 1.0)

    def place(value: float | None) -> float | None:
        return None if value is None else round(100 * (value - low) / (high - low), 2)

    return {
        "figure": figure,
        "words": words.title_of(figure.name),
        "at": {name: place(getattr(figure, name)) for name in ("value", "low", "high", "floor", "limit")}
        | {"level": place(level)},
        "baselines": [(words.plain(name), value, place(value)) for name, value in figure.baselines.items()],
    }


def _spreads(parameters: dict[str, dict[str, dict[str, list]]]) -> list[tuple[str, list[Spread]]]:
    out = []
    for law, fitted in parameters.items():
        drawn = [spread(name, both.get("data", []), both.get("generated", [])) for name, both in fitted.items()]
        out.append((law, [one for one in drawn if one]))
    return out


def _times(times: dict[str, Any]) -> list[dict[str, Any]]:
    """Stages with their seconds and their width in per cent of the longest."""
    stages = {name: entry for name, entry in times.items() if isinstance(entry, dict)}
    longest = max([entry.get("seconds") or 0 for entry in stages.values()], default=0) or 1
    return [
        {"stage": words.plain(name), "seconds": entry.get("seconds"), "cpu_seconds": entry.get("cpu_seconds"),
         "width": round(100 * (entry.get("seconds") or 0) / longest, 1)}
        for name, entry in stages.items()
    ]  # fmt: skip


def flat(data: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Nested JSON as (dotted path, value) pairs, for a table."""
    if isinstance(data, dict) and data:
        return [pair for key, value in data.items() for pair in flat(value, f"{prefix}.{key}" if prefix else str(key))]
    return [(prefix, ", ".join(map(str, data)) if isinstance(data, list) else str(data))]
