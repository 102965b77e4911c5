"""A run folder as one page that opens from disk: no server, no network, nothing beside it."""

from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from marey.core.files import write_text
from marey.report import plates, plots, words
from marey.report.files import TASKS, Clips, Figure, RunFiles, read_run

CAPTIONS = {
    "reconstruct": ("Reconstruction", "The tokenizer alone: clip to tokens and back. No dynamics involved."),
    "predict": ("Prediction", "Shown the first frames, the model draws those that follow."),
    "interpolate": ("Interpolation", "Shown the first and the last frames, the model draws the middle."),
    "generate": ("Generation", "Shown nothing but the name of a law, the model draws a whole clip."),
}


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
    shown = {task: plates.choose(clips.law, clips.model[0].nbytes) for task, clips in files.clips.items()}
    return {
        "run": files.path.resolve().name,
        "story": words.story(files.figures),
        "details": files.details,
        "tasks": [_task(files.clips[task], shown[task], files.details.laws) for task in TASKS],
        "player": {task: _player(files.clips[task], shown[task]) for task in TASKS},
        "plates": {task: _plates(files.clips[task], files.details.laws) for task in TASKS},
        "time_colours": [f"rgb{colour}" for colour in plates.TIME_COLOURS],
        "groups": _groups(files.figures),
        "gate": [_row(figure) for figure in files.details.gate],
        "absent": [figure for figure in [*files.figures, *files.details.gate] if figure.value is None],
        "errors": _errors(files.details.errors),
        "curves": [(stage, plots.curve_charts(rows)) for stage, rows in files.curves.items()],
        "spreads": _spreads(files.details.parameters),
        "times": _times(files.times),
        "peak_memory_gb": files.times.get("peak_memory_gb"),
        "config": flat(files.config),
        "environment": flat(files.environment),
    }


def _task(clips: Clips, shown: list[int], laws: list[str]) -> dict[str, Any]:
    """One task's clips: its words, the sheets, and a caption for each clip."""
    title, caption = CAPTIONS[clips.task]
    kinds = {"truth": clips.truth, "model": clips.model}
    return {
        "name": clips.task,
        "title": title,
        "caption": caption,
        "given": clips.given.tolist(),
        "sheets": {kind: plates.sprite_sheet(array[shown]) for kind, array in kinds.items() if array is not None},
        "clips": [{"law": laws[clips.law[i]], "said": [*laws, None][clips.said[i]]} for i in shown],
        "count": len(clips.law),
        "size": clips.model.shape[2:4],
    }


def _player(clips: Clips, shown: list[int]) -> dict[str, Any]:
    """What the script needs to play a task: sizes and the tracks of both sides (null where the dot was lost)."""
    _, frames, height, width, _ = clips.model.shape
    tracks = {"truth": clips.truth_track, "model": clips.model_track}
    return {"frames": frames, "height": height, "width": width, "given": clips.given.tolist()} | {
        kind: [[_point(xy) for xy in track[i]] for i in shown] for kind, track in tracks.items() if track is not None
    }


def _point(xy: np.ndarray) -> list[float] | None:
    return [round(float(v), 2) for v in xy] if np.isfinite(xy).all() else None


def _plates(clips: Clips, laws: list[str]) -> dict[str, Any]:
    """The first clip of each law as chronophotographs, truth beside model."""
    first = {int(law): int(np.flatnonzero(clips.law == law)[0]) for law in np.unique(clips.law)}
    sides = [(kind, array) for kind, array in (("truth", clips.truth), ("model", clips.model)) if array is not None]
    cells = [
        {"law": laws[law], "images": [(kind, plates.chronophotograph(array[i])) for kind, array in sides]}
        for law, i in first.items()
    ]
    return {"title": CAPTIONS[clips.task][0], "cells": cells}


def _errors(errors: dict[str, dict[str, list[float | None]]]) -> list[plots.Chart]:
    known = {task: series for task, series in errors.items() if series.get("frame")}
    return [plots.error_chart(CAPTIONS.get(task, (task,))[0], series) for task, series in known.items()]


def _groups(figures: list[Figure]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Figures by the part of the name before the dot, in order of appearance."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for figure in figures:
        groups.setdefault(figure.name.split(".", 1)[0], []).append(_row(figure))
    return [(words.GROUPS.get(name, words.plain(name).capitalize()), rows) for name, rows in groups.items()]


def _row(figure: Figure) -> dict[str, Any]:
    """A figure with its words and the places, in per cent of a common axis, of everything drawn for it."""
    level = float(figure.level) if isinstance(figure.level, int | float) else None
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


def _spreads(parameters: dict[str, dict[str, dict[str, list]]]) -> list[tuple[str, list[plots.Spread]]]:
    out = []
    for law, fitted in parameters.items():
        drawn = [plots.spread(name, both.get("data", []), both.get("generated", [])) for name, both in fitted.items()]
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
