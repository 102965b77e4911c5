"""The command line. Each command imports its rooms when it is called, so that `--help` answers at once."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marey.core.errors import UserError

if TYPE_CHECKING:
    import torch

    from marey.recipes.recipe import Recipe

RECIPE = click.option("--recipe", "recipe_name", default="small", show_default=True, help="smoke, small or base.")
DEVICE = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
SEED = click.option("--seed", type=click.IntRange(min=0), default=None, help="Another seed than the recipe's own.")
RESUME = click.option("--resume", is_flag=True, help="Go on with the run in --out where it was stopped.")


def _out(default: str | None = None, what: str = "Folder of the run.") -> Any:
    folder = click.Path(path_type=Path)
    if default is None:  # click takes a default of None for an answer
        return click.option("--out", type=folder, required=True, help=what)
    return click.option("--out", type=folder, default=default, show_default=True, help=what)


class Commands(click.Group):
    """A group whose commands turn a UserError into one line and exit status 2."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except UserError as error:
            click.echo(f"marey: {error}", err=True)
            sys.exit(2)
        except OSError as error:
            click.echo(f"marey: {error.filename or 'disk'}: {error.strerror or error}", err=True)
            sys.exit(2)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="marey")
def main() -> None:
    """Render motion to video, learn it from pixels, measure what was learned.

    \b
    marey demo                                  everything, from nothing to a report
    marey make --preset classic -n 200 --out D  a data set, and a look at its shortcuts
    marey train tokenizer --out runs/mine       one stage at a time ...
    marey train dynamics --out runs/mine
    marey judge runs/mine                       ... measured ...
    marey report runs/mine                      ... and shown
    """


@main.command()
@RECIPE
@_out("runs/demo")
@SEED
@DEVICE
@RESUME
def demo(recipe_name: str, out: Path, seed: int | None, device: str, resume: bool) -> None:
    """Train, judge and report a recipe, from nothing.

    Prints the path of the report. With --resume a stopped demo goes on, and a finished one only prints its path.
    """
    from marey.recipes.demo import run_recipe

    recipe = _recipe(recipe_name, seed)
    run_recipe(recipe, out, _device(device), click.echo, resume)
    _report(out)


@main.command()
@click.option("--preset", default="matched", show_default=True, help="matched or classic.")
@click.option("-n", "count", type=click.IntRange(min=4), default=10_000, show_default=True, help="Training clips.")
@click.option("--frames", type=int, default=8, show_default=True)
@click.option("--size", type=int, default=32, show_default=True, help="Width and height, pixels.")
@click.option("--channels", type=int, default=1, show_default=True, help="1 (grey) or 3 (RGB).")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@_out(what="Folder to make.")
@click.option("--overwrite", is_flag=True, help="Replace a data set that is there already.")
def make(preset: str, count: int, frames: int, size: int, channels: int, seed: int, out: Path, overwrite: bool) -> None:
    """Make a data set: parameters, trajectories, cameras, equations and descriptions.

    Only parameters are stored; pixels are drawn from them on demand, the same bytes each time. Validation and test
    splits of a tenth of the clips each come with it. Prints how well trivial facts tell the laws apart.
    """
    from marey.data.folder import write_dataset
    from marey.data.spec import DatasetSpec, world_from_preset
    from marey.judge.shortcuts import gate

    world = world_from_preset(preset, frames, size, channels)
    spec = DatasetSpec(world, train=count, validation=count // 10, test=count // 10, seed=seed)
    write_dataset(spec, out, overwrite=overwrite)
    click.echo(f"{out}: {count + 2 * (count // 10):,} samples")
    probe = DatasetSpec(world, train=4000, validation=0, test=4000, seed=seed)
    for figure in gate(probe.scenes("train"), probe.scenes("test")).figures:
        click.echo(f"  a depth-3 tree on {figure.name.removeprefix('gate.')}: {figure.value:.3f} (chance 0.25)")


@main.group()
def train() -> None:
    """Train one stage of a recipe."""


@train.command("tokenizer")
@RECIPE
@_out()
@SEED
@DEVICE
@RESUME
def train_tokenizer_command(recipe_name: str, out: Path, seed: int | None, device: str, resume: bool) -> None:
    """Train the video tokenizer of a recipe into OUT/tokenizer."""
    from marey.recipes.stages import start_run, timed, train_tokenizer

    recipe = _recipe(recipe_name, seed)
    start_run(recipe, out)
    with timed(out, "tokenizer"):
        train_tokenizer(recipe, out, _device(device), resume)
    click.echo(out / "tokenizer")


@train.command("dynamics")
@RECIPE
@_out()
@SEED
@DEVICE
@RESUME
def train_dynamics_command(recipe_name: str, out: Path, seed: int | None, device: str, resume: bool) -> None:
    """Train the token transformer of a recipe into OUT/dynamics, on the tokens of OUT/tokenizer."""
    from marey.recipes.stages import require, start_run, timed, train_dynamics
    from marey.tokens.tokenizer import Tokenizer
    from marey.train import load_weights

    recipe = _recipe(recipe_name, seed)
    require(out / "tokenizer" / "weights.safetensors", f"marey train tokenizer --recipe {recipe_name} --out {out}")
    start_run(recipe, out)
    chosen = _device(device)
    tokenizer = load_weights(Tokenizer(recipe.tokenizer), out / "tokenizer").to(chosen)
    with timed(out, "dynamics"):
        train_dynamics(recipe, tokenizer, out, chosen, resume)
    click.echo(out / "dynamics")


@main.command()
@click.argument("run", type=click.Path(path_type=Path))
@DEVICE
def judge(run: Path, device: str) -> None:
    """Measure the model in RUN on its test split: metrics.json, details.json, clips."""
    from marey.recipes.demo import judge_once
    from marey.recipes.runs import load_run, read_recipe

    judge_once(read_recipe(run), load_run(run, _device(device)), run, click.echo, again=True)
    click.echo(run / "metrics.json")


@main.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--gif", type=click.Path(path_type=Path), help="Also write the moving picture of the run here.")
@click.option("--markdown", "as_table", is_flag=True, help="Print the figures as a Markdown table instead.")
def report(run: Path, gif: Path | None, as_table: bool) -> None:
    """Write RUN/report.html, one file with figures and moving clips, from what the judge has written."""
    if as_table:
        from marey.report import markdown

        click.echo(markdown(run))
        return
    _report(run)
    if gif is not None:
        from marey.report import moving_picture

        click.echo(moving_picture(run, gif))


def _recipe(name: str, seed: int | None) -> "Recipe":
    from dataclasses import replace

    from marey.recipes.catalogue import recipe

    chosen = recipe(name)
    return chosen if seed is None else replace(chosen, seed=seed, dataset=replace(chosen.dataset, seed=seed))


def _device(name: str) -> "torch.device":
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError):
        raise UserError(f"--device {name} is not usable on this machine; choose cpu") from None
    return torch.device(name)


def _report(run: Path) -> None:
    from marey.report import write_report

    click.echo(write_report(run))
