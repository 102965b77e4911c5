"""The command that opens the interactive page."""

from pathlib import Path

import click

from marey.cli.options import DEVICE, RUN, chosen_device


@click.command(short_help="Open a page to make, draw and hide motion, and watch a model.")
@click.argument("run", type=RUN, required=False)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of the page.  [default: any free one]")
@click.option("--no-open", is_flag=True, help="Do not open it in the browser; its address is printed anyway.")
@DEVICE
def studio(run: Path | None, port: int, no_open: bool, device: str) -> None:
    """Open a page on this machine (needs marey[studio]): make a clip with sliders, by hand, by the model of RUN or from
    a video, and see what the model makes of it, beside the ruler.

    Without RUN there is no model, and the page says so. It answers to this machine only and writes nothing. Stop it
    with Ctrl-C.
    """
    from marey.studio.serve import listen, open_studio, serve, server_library, warm

    for name in ("starlette", "uvicorn"):
        server_library(name)
    with listen(port) as ear:
        chosen = open_studio(run, chosen_device(device))
        click.echo("getting ready (the first time, kernels are compiled: half a minute) ...", err=True)
        warm(chosen)
        serve(chosen, ear, click.echo, show=not no_open)
