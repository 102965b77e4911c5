"""Commands about runs: train a recipe, judge it, report it."""

from pathlib import Path

import click

from marey.cli.handed import TASKS, chosen_guest, handed_in, judge_handed_in
from marey.cli.options import DEVICE, PATH, RECIPE, RESUME, RUN, SEED, chosen_device, chosen_recipe, out_option
from marey.core.processes import place

_TENSORBOARD = click.option("--tensorboard", is_flag=True, help="Write figures and pictures for TensorBoard too.")
_SHARD = click.option("--shard", is_flag=True, help="Each of several devices keeps a part of the weights only.")


@click.command(short_help="Train, judge and report a recipe, from nothing.")
@RECIPE
@out_option("runs/demo")
@SEED
@DEVICE
@RESUME
def demo(recipe_name: str, out: Path, seed: int | None, device: str, resume: bool) -> None:
    """Train, judge and report a recipe, from nothing.

    Prints the path of the report. With --resume a stopped demo goes on, and a finished one only prints its path.
    """
    from marey.recipes.demo import run_recipe

    recipe = chosen_recipe(recipe_name, seed)
    run_recipe(recipe, out, chosen_device(device), click.echo, resume)
    _report(out)


@click.group(short_help="Train one stage of a recipe: the tokenizer, then the dynamics.")
def train() -> None:
    """Train one stage of a recipe: the tokenizer, then the dynamics on its tokens.

    On several devices:  torchrun --nproc-per-node 2 -m marey train tokenizer --out runs/mine
    """


@train.command("tokenizer")
@RECIPE
@click.option("--videos", type=PATH, help="Train on films instead: a folder of videos, or what `marey import` made.")
@out_option()
@SEED
@DEVICE
@RESUME
@_TENSORBOARD
@_SHARD
def train_tokenizer_command(
    recipe_name: str,
    videos: Path | None,
    out: Path,
    seed: int | None,
    device: str,
    resume: bool,
    tensorboard: bool,
    shard: bool,
) -> None:
    """Train the video tokenizer of a recipe into OUT/tokenizer.

    With --videos a tokenizer of natural video is trained on films, all but the last fifth of each, and measured on that
    fifth: OUT/metrics.json, OUT/clips.
    """
    if videos is not None:
        from marey.cli.films import train_on_videos

        train_on_videos(videos, out, seed, chosen_device(device), resume, tensorboard, shard)
        return
    from marey.recipes.stages import start_run, timed, train_tokenizer
    from marey.train import Manner

    recipe = chosen_recipe(recipe_name, seed)
    start_run(recipe, out)
    with timed(out, "tokenizer"):
        train_tokenizer(recipe, out, chosen_device(device), resume, Manner(tensorboard, shard))
    if place() == 0:
        click.echo(out / "tokenizer")


@train.command("dynamics")
@RECIPE
@out_option()
@SEED
@DEVICE
@RESUME
@_TENSORBOARD
@_SHARD
def train_dynamics_command(
    recipe_name: str, out: Path, seed: int | None, device: str, resume: bool, tensorboard: bool, shard: bool
) -> None:
    """Train the token transformer of a recipe into OUT/dynamics, on the tokens of OUT/tokenizer."""
    from marey.recipes.stages import require, start_run, timed, train_dynamics
    from marey.tokens.tokenizer import Tokenizer
    from marey.train import Manner, load_weights

    recipe = chosen_recipe(recipe_name, seed)
    require(out / "tokenizer" / "weights.safetensors", f"marey train tokenizer --recipe {recipe_name} --out {out}")
    start_run(recipe, out)
    chosen = chosen_device(device)
    tokenizer = load_weights(Tokenizer(recipe.tokenizer), out / "tokenizer").to(chosen)
    with timed(out, "dynamics"):
        train_dynamics(recipe, tokenizer, out, chosen, resume, Manner(tensorboard, shard))
    if place() == 0:
        click.echo(out / "dynamics")


@click.command(short_help="Measure the model of a run, or videos of others.")
@click.argument("run", type=RUN, required=False)
@DEVICE
@click.option("--videos", type=PATH, help="Judge these instead: a folder of videos, or an npz with the array videos.")
@click.option("--dataset", type=PATH, help="The data set whose test clips they answer.")
@click.option("--task", type=click.Choice(TASKS), help="What they answer.")
@click.option("--shown", type=click.IntRange(min=1), help="Frames shown: first ones, or at each end of a gap.")
@click.option("--clips", type=click.IntRange(min=1), help="Judge the first test clips alone.  [default: all]")
@click.option("--out", type=PATH, help="Folder for what is found of the videos.")
@click.option("--features", help="An encoder whose features of generated and true clips are compared, as in i3d.")
def judge(
    run: Path | None,
    device: str,
    videos: Path | None,
    dataset: Path | None,
    task: str | None,
    shown: int | None,
    clips: int | None,
    out: Path | None,
    features: str | None,
) -> None:
    """Measure the model in RUN on its test split: metrics.json, details.json, clips.

    Prints the error budget: how much of the error is the ruler's, the tokenizer's and the dynamics'.

    \b
    marey judge --videos V --dataset D --task predict --shown 4 --out J    videos of any model, by the same rulers

    A video answers the test clip whose row its name ends in (clip-00012.mp4: row 12; of an npz the array index), or
    the clips in order. It has all frames, or the hidden ones alone. Half of the clip is shown to predict, a quarter at
    each end to interpolate, unless said. For generate a video names its law in its path, or by labels in the npz.
    """
    guest = chosen_guest(features, device)
    asked = handed_in(run, videos, dataset, task, shown, clips, out, guest)
    if asked is not None:
        judge_handed_in(*asked)
        return
    assert run is not None
    from marey.recipes.demo import judge_once
    from marey.recipes.runs import load_run, read_recipe
    from marey.report.terminal import print_budget

    judge_once(read_recipe(run), load_run(run, chosen_device(device)), run, click.echo, again=True, guest=guest)
    if table := _figures(run):
        click.echo(table)
    else:
        print_budget(run)
    click.echo(run / "metrics.json")


@click.command(short_help="Show what the judge found: one page, or a table.")
@click.argument("run", type=RUN)
@click.option("--gif", type=PATH, help="Also write the moving picture of the run here.")
@click.option("--markdown", "as_table", is_flag=True, help="Print the figures as a Markdown table instead.")
def report(run: Path, gif: Path | None, as_table: bool) -> None:
    """Write RUN/report.html, one file with figures and moving clips, from what the judge has written."""
    if as_table:
        from marey.report import markdown

        click.echo(markdown(run))
        return
    picture = None
    if gif is not None:
        from marey.report import moving_picture

        picture = moving_picture(run, gif)  # first: a path that cannot be is said before any work is done
    _report(run)
    if picture is not None:
        click.echo(picture)


def _report(run: Path) -> None:
    from marey.core.files import read_json
    from marey.report import write_report

    if table := _figures(run):
        click.echo(table)
    elif (run / "config.json").exists() and "videos" in read_json(run / "config.json"):
        from marey.judge.compare import compare
        from marey.report.compare_page import write_page

        click.echo(write_page(compare([run]), run / "report.html"))
    else:
        click.echo(write_report(run))


def _figures(run: Path) -> str | None:
    """The table of a run that is judged by its figures alone, in a world whose laws the law fit does not know."""
    from marey.report import markdown

    alone = (run / "metrics.json").exists() and not (run / "details.json").exists()
    return markdown(run) if alone else None


@click.group(invoke_without_command=True, short_help="List the runs kept by name; pack one, keep one.")
@click.pass_context
def runs(context: click.Context) -> None:
    """List the runs that are kept by name: a name stands for its run wherever one is asked for.

    \b
    marey runs pack runs/mine --out mine.zip    one file to hand on: weights, figures, report
    marey runs keep mine.zip --name mine        on another machine
    marey studio mine
    """
    from marey.core.runs import kept_folder, kept_runs

    if context.invoked_subcommand is None:
        for name in kept_runs():
            click.echo(f"{name:<20}{kept_folder() / name}")


@runs.command("pack", short_help="Write a finished run to one file.")
@click.argument("run", type=RUN)
@click.option("--out", type=PATH, required=True, help="The file, such as mine.zip.")
def pack_command(run: Path, out: Path) -> None:
    """Write a finished run, with what the judge found, to one file; checkpoints and samples stay behind."""
    from marey.recipes.packed import pack

    size = pack(run, out).stat().st_size
    click.echo(f"{out} ({size / 1e6:.1f} MB)")


@runs.command("keep", short_help="Keep a packed run by name.")
@click.argument("packed", type=PATH)
@click.option("--name", help="What it will be called.  [default: the file's name]")
def keep_command(packed: Path, name: str | None) -> None:
    """Unpack a run, make sure that it is whole, and keep it by name in the user's cache folder (marey/runs)."""
    from marey.recipes.packed import keep

    click.echo(keep(packed, name or packed.stem))
