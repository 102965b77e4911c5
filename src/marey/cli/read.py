"""The command that reads motion back from pixels."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from marey.cli.options import PATH

if TYPE_CHECKING:
    from marey.judge.reading.dataset import Report
    from marey.metrics.figure import Figure

_TITLES = {
    "read.law_right": "law right",
    "read.none": "called lawless, of clips with a law",
    "read.parameter_error": "parameter error, median",
    "read.covered": "truth inside the 95 % interval",
    "read.depth_error": "error of the position in space, median",
    "read.position_error": "the same",
}


@click.command(short_help="Read laws, parameters and positions in space back from pixels.")
@click.argument("dataset", type=PATH)
@click.option("--split", default="test", show_default=True, help="train, validation, test or held_out.")
@click.option("-n", "count", type=click.IntRange(min=1), default=1000, show_default=True, help="Clips, at most.")
@click.option("--out", type=PATH, help="Table to write, .parquet or .csv.  [default: DATASET/reading-SPLIT.parquet]")
@click.option("--overwrite", is_flag=True, help="Replace a table that is there already.")
def read(dataset: Path, split: str, count: int, out: Path | None, overwrite: bool) -> None:
    """Read the clips of DATASET: track, law, parameters with error bars, equation, and position in space.

    The cameras and the radii of the balls are known; the tracker's noise is measured on the validation split. Prints
    how well the truth was met, and writes a table with a row for each clip.
    """
    from marey.core.errors import UserError
    from marey.data.folder import open_dataset
    from marey.data.progress import bar
    from marey.judge.reading.dataset import read_dataset, write_reading

    file = out or dataset / f"reading-{split}.parquet"
    if file.suffix not in (".parquet", ".csv"):
        raise UserError(f"--out {file} is neither .parquet nor .csv; choose one of these endings")
    if file.exists() and not overwrite:
        raise UserError(f"{file} is there already; add --overwrite to replace it, or choose another --out")
    with bar(f"reading {dataset.name}", "clips") as progress:
        report = read_dataset(open_dataset(dataset), split, count, progress)
    write_reading(report, file)
    _print(report)
    click.echo(file)


def _print(report: "Report") -> None:
    from marey.judge.tracker.floor import TITLES

    if report.noise is None:
        click.echo(
            "the tracker's noise is not known (no other validation clips, or under 20): errors are from the residuals"
        )
    else:
        noise = f"{report.noise.position:.2g} px in position, {report.noise.radius:.2g} px in radius"
        click.echo(f"the tracker errs by {noise}, from frame to frame of validation clips")
    for figure in report.ruler.figures:
        click.echo(f"{'tracker: ' + TITLES[figure.name.removeprefix('floor.')]:46}{_value(figure)}")
    for figure in report.figures:
        click.echo(f"{_TITLES[figure.name]:46}{_value(figure)}")


def _value(figure: "Figure") -> str:
    if figure.value is None:
        return f"not measured: {figure.why}"
    share = figure.unit == "share"
    times, unit = (100, "%") if share else (1, figure.unit)
    numbers = [f"{times * figure.value:.3g} {unit}"]
    if figure.low is not None and figure.high is not None:
        numbers.append(f"({times * figure.low:.3g} to {times * figure.high:.3g})")
    numbers.append(f"n = {figure.n}")
    if figure.floor is not None:
        numbers.append(f"floor {times * figure.floor:.3g}")
    numbers += [f"{name} {times * value:.3g}" for name, value in figure.baselines.items()]
    return "  ".join(numbers)
