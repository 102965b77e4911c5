"""The command that trains a recipe's twin on coordinates and puts it beside the recipe's own run."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from marey.cli.options import DEVICE, PATH, RECIPE, RESUME, SEED, chosen_device, chosen_recipe, out_option
from marey.core.errors import UserError

if TYPE_CHECKING:
    from marey.recipes.recipe import Recipe


@click.command(short_help="Train the same transformer on coordinates, to compare with images.")
@RECIPE
@click.option(
    "--of",
    "kind",
    type=click.Choice(["tracks", "trajectories"]),
    required=True,
    help="tracks: place and radius in the picture (u, v, radius). trajectories: positions in space (x, y, z).",
)
@out_option()
@click.option("--steps", type=click.IntRange(min=1), help="Of the training.  [default: the recipe's own]")
@click.option(
    "--beside", type=PATH, multiple=True, metavar="RUN", help="Another column of the table; as many as wanted."
)
@SEED
@DEVICE
@RESUME
def twin(
    recipe_name: str,
    kind: str,
    out: Path,
    steps: int | None,
    beside: tuple[Path, ...],
    seed: int | None,
    device: str,
    resume: bool,
) -> None:
    """Train the transformer of a recipe on coordinates instead of images, and judge it on the same clips.

    Prints a table: what the clips take, what making them and training costs, and the figures of every task.

    The twin is a control: it is told what a video model must see. --beside runs/demo puts a run of the same recipe
    next to it. With --resume a stopped twin goes on, and a finished one only prints the table.
    """
    from marey.data.coordinates import OfTracks, OfTrajectories
    from marey.recipes.twin import Twin, run_twin
    from marey.report.twin import side_by_side

    recipe = _with_steps(chosen_recipe(recipe_name, seed), steps)
    of = OfTracks() if kind == "tracks" else OfTrajectories()
    run_twin(Twin(recipe, of), out, chosen_device(device), lambda text: click.echo(text, err=True), resume)
    click.echo(side_by_side([*beside, out]))


def _with_steps(recipe: "Recipe", steps: int | None) -> "Recipe":
    if steps is None:
        return recipe
    try:
        return replace(recipe, dynamics_training=replace(recipe.dynamics_training, steps=steps))
    except ValueError as error:
        raise UserError(f"--steps {steps} is too few: {error}") from None
