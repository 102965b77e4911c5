"""The command that follows a marked object through a real video."""

from pathlib import Path

import click

from marey.cli.options import PATH, out_option
from marey.core.errors import UserError


@click.command(short_help="Follow a marked object through a real video.")
@click.argument("video", type=PATH)
@click.option("--box", type=(float, float, float, float), required=True, metavar="X Y W H", help="Around it, pixels.")
@click.option("--start", type=click.IntRange(min=0), default=0, show_default=True, help="The frame of the box.")
@out_option(what="Table to write.")
def track(video: Path, box: tuple[float, float, float, float], start: int, out: Path) -> None:
    """Follow what lies in the box through VIDEO, by its likeness to what it was (needs marey[video]).

    X Y is the box's upper left corner. OUT is a table (CSV): frame, x, y, w, h, found; the place is empty where the
    object was not found.
    """
    from marey.judge.tracker.follow import Mark, follow_video, write_csv

    if out.exists():
        raise UserError(f"{out} is there already; remove it, or choose another --out")
    followed = follow_video(video, Mark(*box), start)
    write_csv(followed, out)
    click.echo(f"{out}: found in {int(followed.found.sum()):,} of {len(followed.frames):,} frames")
