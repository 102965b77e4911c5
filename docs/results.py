"""Writes results.md and phyworld.md: python docs/results.py [RUN ...]. What was measured is nowhere typed by hand.

With RUN, a finished run of the recipe small or of a phyworld-one, what its judge found becomes docs/results/RECIPE.json
first, and the moving picture that of the run of small. The pages, the picture and the cards of the front page are made
from those files alone.
"""

import sys
from math import log10
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from marey.core.config import from_json
from marey.core.files import read_json, write_json, write_text
from marey.report import moving_picture
from marey.report.files import Figure, Metrics
from marey.report.table import table
from marey.report.words import number, plain, title_of, unit_of

DOCS = Path(__file__).resolve().parent
CEILINGS = ("probe_on_true_tracks", "law_fit", "fitted_law", "true_clips", "reconstructed_clips", "real_clips",
            "calibrated_model", "asked")  # fmt: skip
LIMIT = 0.05  # of a corrected p value
RESULTS = DOCS / "results" / "small.json"
MOTIONS = ("uniform", "parabola", "collision")
KEPT = ("python", "processor", "cpus", "packages", "seed")  # of environment.json: what a reader can compare with
CARDS = ("classify.accuracy", "predict.ade", "interpolate.ade", "generate.law_right")
NAMES = {"classify.accuracy": "of hidden laws named", "predict.ade": "mean error of predicted frames",
         "interpolate.ade": "mean error of frames filled in", "generate.law_right": "generated as asked"}  # fmt: skip


def take(run: Path) -> None:
    """Keep what the judge of a finished run found, and of the recipe small the run's moving picture."""
    config, environment = read_json(run / "config.json"), read_json(run / "environment.json")
    shown = (RESULTS.stem, *(f"phyworld-{motion}" for motion in MOTIONS))
    assert config["name"] in shown, f"{run} is no run of {', '.join(shown)}"
    world = config["dataset"]["world"]
    kept = {
        "recipe": config["name"],
        "world": {name: world[name] for name in ("kind", "frames", "size", "channels")},
        "clips": {split: config["dataset"][split] for split in ("train", "validation", "test")},
        "environment": {name: environment[name] for name in KEPT},
        "times": read_json(run / "times.json"),
        "metrics": read_json(run / "metrics.json"),
    }
    if kept["recipe"] == RESULTS.stem:
        details = read_json(run / "details.json")
        kept["details"] = {name: details[name] for name in ("laws", "confusion", "gate")}
        kept["budget"] = [row for row in details.get("budget", {"rows": []})["rows"] if row["group"] == "all"]
        moving_picture(run, DOCS / "demo.gif")
    write_json(RESULTS.with_stem(kept["recipe"]), kept)


def figures(entries: list[dict[str, Any]]) -> list[Figure]:
    return from_json(Metrics, {"figures": entries}, str(RESULTS)).figures


def amount(figure: Figure, value: float | None) -> str:
    return f"{number(value, figure.unit)} {unit_of(figure.unit)}".strip()


def ahead(figure: Figure) -> list[str]:
    """Trivial rules beside a figure that are better than the model by more than its interval."""
    low, high, better = figure.low, figure.high, title_of(figure.name).better
    if low is None or high is None or not better:
        return []
    rules = {name: value for name, value in figure.baselines.items() if value is not None and not ceiling(name)}
    found = {name: value for name, value in rules.items() if (value < low if lower(figure) else value > high)}
    return [f"{plain(name)} ({amount(figure, value)})" for name, value in found.items()]


def lower(figure: Figure) -> bool:
    return title_of(figure.name).better.startswith("lower")


def ceiling(name: str) -> bool:
    """Whether this is no trivial rule but something that sees the truth."""
    return name in CEILINGS


def behind(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Where, clip by clip, a trivial rule does better than the model (paired, corrected p below 5 %): in words."""
    found = []
    for row in rows:
        for rule, paired in row["paired"].items():
            worse = paired["difference"] < 0 if row["unit"] == "share" else paired["difference"] > 0
            if worse and paired["p"] < LIMIT and not ceiling(rule):
                by = [number(paired[name], row["unit"]) for name in ("difference", "low", "high")]
                what = f"{row['task']}: {row['quantity']}, {unit_of(row['unit'])} (n = {row['n']})"
                found.append((what, plain(rule), f"{by[0]} ({by[1]} to {by[2]})"))
    return found


def cards() -> str:
    """The main figures for the front page, each with what stands beside it."""
    known = {figure.name: figure for figure in figures(read_json(RESULTS)["metrics"])}
    lines = ['<div class="figures" markdown>', ""]
    for figure in (known[name] for name in CARDS):
        rules = [(value, name) for name, value in figure.baselines.items() if value is not None and not ceiling(name)]
        best, rule = (min if lower(figure) else max)(rules)
        interval = f"{number(figure.low, figure.unit)} to {number(figure.high, figure.unit)}, n = {figure.n}"
        beside = f"{plain(rule)}: {amount(figure, best)}"
        lines += [f"**{amount(figure, figure.value)}** {NAMES[figure.name]} ({interval}; {beside})", ""]
    return "\n".join([*lines, "</div>"])


def template(name: str) -> Template:
    loader = FileSystemLoader(DOCS / "results")
    markdown = {"autoescape": False, "trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
    environment = Environment(loader=loader, undefined=StrictUndefined, **markdown)  # noqa: S701
    return environment.get_template(f"{name}.md.jinja")


def physics_page() -> str:
    """The text of phyworld.md."""
    runs = {motion: read_json(RESULTS.with_stem(f"phyworld-{motion}")) for motion in MOTIONS}
    known = {motion: {each.name: each for each in figures(run["metrics"])} for motion, run in runs.items()}
    levels = [figure for motion in MOTIONS for figure in known[motion].values() if figure.reached is not None]

    def said(motion: str, name: str) -> str:
        figure = known[motion][name]
        if figure.value is None:
            return "–"
        value, low, high = (number(each, figure.unit) for each in (figure.value, figure.low, figure.high))
        told = {None: "", True: ", reached", False: ", **missed**"}[figure.reached]
        return f"{value} ({low} to {high}){told}"

    def asked(name: str) -> str:
        level = known[MOTIONS[0]][name].level  # the same of all motions
        return "–" if level is None else f"{level:g}"

    def rule(motion: str, name: str, baseline: str) -> str:
        return number(known[motion][name].baselines[baseline], known[motion][name].unit)

    def floor(motion: str, name: str) -> str:
        return number(known[motion][name].floor, known[motion][name].unit)

    return template("phyworld").render(
        motions=MOTIONS,
        runs=runs,
        known=known,
        asked=asked,
        said=said,
        rule=rule,
        floor=floor,
        reached=sum(bool(each.reached) for each in levels),
        levels=len(levels),
    )


def page() -> str:
    """The text of results.md."""
    results = read_json(RESULTS)
    found = figures(results["metrics"])
    return template("page").render(
        results=results,
        table=table(found),
        gate=figures(results["details"]["gate"]),
        by_name={figure.name: figure for figure in found},
        ahead=[(figure, ahead(figure)) for figure in found if ahead(figure)],
        behind=behind(results["budget"]),
        missed=[figure for figure in found if figure.reached is False],
        unmeasured=[figure for figure in found if figure.value is None],
        title=lambda figure: title_of(figure.name).title,
        number=number,
        amount=amount,
    )


def picture() -> str:
    """Errors of prediction and interpolation, the ruler's own and the trivial rules', on one logarithmic axis."""
    known = {figure.name: figure for figure in figures(read_json(RESULTS)["metrics"])}
    body, top = [], 24
    for name, heading in (("predict.ade", "Prediction"), ("interpolate.ade", "Interpolation")):
        rows = dots(known[name], known["reconstruction.track_error"])
        body += [panel(f"{heading}: mean distance to the truth, pixels (n = {known[name].n})", rows, top)]
        top += 22 * len(rows) + 64
    size = f'viewBox="0 0 {WIDTH} {top}" font-family="sans-serif" font-size="12"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<rect width="{WIDTH}" height="{top}" fill="#fafafa"/>\n'
        + ("\n".join(body) + "\n</svg>\n")
    )


WIDTH, LEFT, RIGHT = 600, 172, 400  # pixels: of the picture, and where the axis begins and ends
LOW, DECADES = 1e-3, 4
INK, GREY, RULE, MODEL = "#222", "#767676", "#dcdcdc", "#d55e00"


def dots(figure: Figure, tokenizer: Figure) -> list[tuple[str, float, float | None, float | None, str]]:
    """(name, value, low, high, colour), the least first."""
    assert figure.value is not None and figure.floor is not None and tokenizer.value is not None
    rows = [("the ruler itself", figure.floor, None, None, GREY),
            ("reconstruction", tokenizer.value, tokenizer.low, tokenizer.high, GREY),
            ("the model", figure.value, figure.low, figure.high, MODEL)]  # fmt: skip
    for name, value in figure.baselines.items():
        if value is not None:
            rows.append((plain(name), value, None, None, GREY if ceiling(name) else INK))
    return sorted(rows, key=lambda row: row[1])


def panel(heading: str, rows: list[tuple[str, float, float | None, float | None, str]], top: int) -> str:
    def x(value: float) -> float:
        return LEFT + (RIGHT - LEFT) * (log10(value) - log10(LOW)) / DECADES

    bottom = top + 22 * len(rows) + 10
    parts = [f'<text x="12" y="{top}" font-weight="bold" fill="{INK}">{heading}</text>']
    for power in range(DECADES + 1):
        at = x(LOW * 10**power)
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{top + 10}" y2="{bottom}" stroke="{RULE}"/>')
        label = f"{LOW * 10**power:g}"
        parts.append(f'<text x="{at:.1f}" y="{bottom + 14}" fill="{GREY}" text-anchor="middle">{label}</text>')
    for row, (name, value, low, high, colour) in enumerate(rows):
        y = top + 24 + 22 * row
        said = number(value, "px") + (f" ({number(low, 'px')} to {number(high, 'px')})" if low and high else "")
        weight = ' font-weight="bold"' if colour == MODEL else ""
        parts.append(f'<text x="{LEFT - 14}" y="{y + 4}" fill="{colour}" text-anchor="end"{weight}>{name}</text>')
        if low and high:
            ends = f'x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y}" y2="{y}"'
            parts.append(f'<line {ends} stroke="{colour}" stroke-width="3" stroke-opacity="0.5"/>')
        parts.append(f'<circle cx="{x(value):.1f}" cy="{y}" r="4.5" fill="{colour}"/>')
        parts.append(f'<text x="{RIGHT + 14}" y="{y + 4}" fill="{colour}"{weight}>{said}</text>')
    return "\n".join(parts)


if __name__ == "__main__":
    for run in sys.argv[1:]:
        take(Path(run))
    write_text(DOCS / "results" / "errors.svg", picture())
    write_text(DOCS / "results.md", page())
    write_text(DOCS / "phyworld.md", physics_page())
