"""The command that measures the ruler itself."""

from pathlib import Path

import click

from marey.cli.options import PATH


@click.command(short_help="Measure how finely the tracker reads the clips of a data set.")
@click.argument("dataset", type=PATH)
@click.option("-n", "count", type=click.IntRange(min=2), default=96, show_default=True, help="Clips to draw.")
def floor(dataset: Path, count: int) -> None:
    """Measure the tracker's own error on clips like those of DATASET: no motion can be measured more finely on them.

    Prints position, radius, velocity and what is found, with 95 % intervals, for the first camera and up to all bodies
    of a clip, and writes them to DATASET/floor.json. The clips are the first of the test split, or fresh ones that
    would follow them.
    """
    from marey.core.files import write_json
    from marey.data.folder import open_dataset
    from marey.data.progress import bar
    from marey.judge.tracker.floor import floor_notes, floor_of

    spec = open_dataset(dataset).spec
    with bar(f"floor of {dataset.name}", "clips") as progress:
        measured = floor_of(spec, count, lambda done: progress(done, count))
    write_json(dataset / "floor.json", {"clips": count, "figures": measured.to_json()})
    click.echo(floor_notes(measured).partition("\n\n")[2], nl=False)
    click.echo(dataset / "floor.json")
