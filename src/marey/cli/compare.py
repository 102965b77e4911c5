"""The command that holds judged runs against each other."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from marey.cli.options import PATH, RUN
from marey.core.errors import UserError

if TYPE_CHECKING:
    from marey.judge.compare import Comparison

_WIDE = 160  # columns, where there is no terminal to ask


@click.command(short_help="Hold judged runs against each other, clip by clip.")
@click.argument("runs", type=RUN, nargs=-1, required=True, metavar="RUN1 RUN2...")
@click.option("--markdown", "form", flag_value="markdown", help="Print the table as Markdown.")
@click.option("--json", "form", flag_value="json", help="Print all that was found as JSON.")
@click.option("--out", type=PATH, help="Also write one page that opens from disk here, such as compare.html.")
@click.option("--overwrite", is_flag=True, help="Replace a page that is there already.")
def compare(runs: tuple[Path, ...], form: str | None, out: Path | None, overwrite: bool) -> None:
    """Hold RUN2 and all later runs against RUN1, figure by figure, with intervals and paired tests.

    Runs of recipes, twins, and videos that were judged can be mixed, if they were judged on the same test clips:
    otherwise it says what differs. p values are corrected together for being many.
    """
    from marey.judge.compare import compare as held

    if len(runs) < 2:
        raise UserError(f"{runs[0]} alone cannot be compared; give two runs or more")
    if out is not None and out.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"--out {out} does not end in .html, and the page is that; name it {out.with_suffix('.html')}")
    if out is not None and out.exists() and not overwrite:
        raise UserError(f"{out} is there already; add --overwrite to replace it, or choose another --out")
    comparison = held(runs)
    _print(comparison, form)
    if out is not None:
        from marey.report.compare_page import write_page

        click.echo(write_page(comparison, out), err=form is not None)


def _print(comparison: "Comparison", form: str | None) -> None:
    from rich.console import Console

    from marey.report.compare import markdown, story, table

    if form == "json":
        click.echo(json.dumps(comparison.to_json(), indent=2, allow_nan=False))
    elif form == "markdown":
        click.echo(markdown(comparison))
    else:
        console = Console()
        if not console.is_terminal:
            console = Console(width=_WIDE)
        console.print(table(comparison))
        for line in (story(comparison), *comparison.notes):
            click.echo(line)
