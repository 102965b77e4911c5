"""The command line. Each command imports its rooms when it is called, so that `--help` answers at once."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marey.core.errors import UserError

if TYPE_CHECKING:
    import torch

    from marey.data.engines import Engine
    from marey.data.spec import DatasetSpec
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
    marey check D                               is every byte of it what it was?
    marey look D                                a page of its clips in motion
    marey export D --format npz --out E         for other programs; marey import takes their data in
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
@click.option(
    "--preset", default="matched", show_default=True, help="matched, hard, varied, classic, phyworld-uniform, ..."
)
@click.option("-n", "count", type=click.IntRange(min=4), default=10_000, show_default=True, help="Training clips.")
@click.option("--frames", type=int, default=None, help="Default: the preset's own.")
@click.option("--size", type=int, default=None, help="Width and height, pixels. Default: the preset's own.")
@click.option("--channels", type=int, default=None, help="1 (grey) or 3 (RGB). Default: the preset's own.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@_out(what="Folder to make.")
@click.option("--overwrite", is_flag=True, help="Replace a data set that is there already.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True)
@click.option("--workers", type=click.IntRange(min=1), default=None, help="Processes. Default: one for each CPU.")
@click.option("--shard-index", type=click.IntRange(min=0), default=None, help="Make one part only: which, from 0.")
@click.option("--num-shards", type=click.IntRange(min=1), default=None, help="Number of such parts.")
@click.option("--dry-run", is_flag=True, help="Make nothing; say what it would take, and for 10^6 and 10^9 clips.")
@click.option("--price", type=float, default=0.05, show_default=True, help="Of a CPU hour, dollars, for --dry-run.")
def make(
    preset: str,
    count: int,
    frames: int | None,
    size: int | None,
    channels: int | None,
    seed: int,
    out: Path,
    overwrite: bool,
    engine: str,
    workers: int | None,
    shard_index: int | None,
    num_shards: int | None,
    dry_run: bool,
    price: float,
) -> None:
    """Make a data set: parameters, trajectories, cameras, equations and descriptions.

    Pixels are not stored but drawn on demand, the same bytes each time. Validation and test splits of a tenth of the
    clips each come with it. Stop it at any moment: the same command goes on. Prints how well trivial facts tell the
    laws apart.

    \b
    Parts for a batch system: run all of --shard-index 0 --num-shards 9 to --shard-index 8 --num-shards 9,
    at once or not, then the same command without these two; it finishes the data set.
    """
    from marey.data.spec import dataset_from_preset

    spec = dataset_from_preset(preset, count, frames, size, channels, seed)
    if (shard_index is None) != (num_shards is None):
        raise UserError("--shard-index and --num-shards belong together; give both or neither")
    if overwrite and shard_index is not None:
        raise UserError("--overwrite would remove the other parts; leave it out, or remove the folder first")
    if dry_run:
        _estimate(spec, workers, price)
    elif shard_index is not None and num_shards is not None:
        _make_part(spec, out, engine, workers, shard_index, num_shards)
    else:
        _make_all(spec, out, engine, workers, overwrite)


@main.command()
@click.argument("dataset", type=click.Path(path_type=Path))
def check(dataset: Path) -> None:
    """Verify every file of DATASET against its checksum, and make some of its rows again from the spec.

    The first thing wrong is named: file, row and field.
    """
    from marey.data.check import check_dataset

    found, rows = check_dataset(dataset)
    click.echo(f"{dataset}: {len(found):,} samples; all checksums hold, and {rows} rows made again are the same")


@main.command()
@click.argument("dataset", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "name",
    type=click.Choice(["npz", "webdataset", "huggingface", "lerobot", "zarr", "mp4", "png"]),
    required=True,
    help="mp4 is lossy (PSNR 45 dB on matched in colour, 33 on hard); the others keep every pixel.",
)
@_out(what="Folder to make.")
@click.option("--camera", type=click.IntRange(min=0), default=0, show_default=True, help="Whose pixels.")
@click.option("--per-shard", type=click.IntRange(min=1), help="Clips in a shard.  [default: about 64 MiB of pixels]")
@click.option("--overwrite", is_flag=True, help="Replace an export that is there already.")
def export(dataset: Path, name: str, out: Path, camera: int, per_shard: int | None, overwrite: bool) -> None:
    """Write the clips of DATASET, as uint8 pixels, in a format that others read.

    Everything else that is known about them comes along. OUT/README.md says how to read it. Stop it at any moment: the
    same command goes on.
    """
    from marey.data.exports import export_dataset
    from marey.data.folder import open_dataset
    from marey.data.progress import bar

    stored = open_dataset(dataset)
    with bar(out.name, "clips") as progress:
        export_dataset(stored, out, name, camera, per_shard, overwrite, progress)
    click.echo(f"{out}: {len(stored):,} clips; {out / 'README.md'} says how to read them")


@main.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@_out(what="Folder to make.")
@click.option("--overwrite", is_flag=True, help="Replace an import that is there already.")
def import_command(source: Path, out: Path, overwrite: bool) -> None:
    """Take in motion that others recorded, and say what is not known about it.

    \b
    SOURCE is one of
      .npz             videos, labels, trajectory_3d (or trajectories), equations, descriptions; none but clips needed
      .csv, .parquet   tracks: columns clip, frame, u, v in pixels, and radius and visible if they are known
      a folder         of videos: mp4, avi, gif and others
    """
    from marey.data.imports import import_foreign
    from marey.data.imports.foreign import open_foreign
    from marey.data.progress import bar

    with bar(out.name, "clips") as progress:
        import_foreign(source, out, overwrite, progress)
    foreign = open_foreign(out)
    click.echo("\n  ".join([f"{out}: {len(foreign):,} clips", *foreign.lacks]))


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


def _make_all(spec: "DatasetSpec", out: Path, engine: str, workers: int | None, overwrite: bool) -> None:
    from marey.data.folder import open_dataset, write_dataset
    from marey.data.progress import bar
    from marey.judge.shortcuts import gate_of, notes

    with bar(out.name, "clips") as progress:
        write_dataset(spec, out, overwrite, _engine(engine, workers), progress, lambda: notes(gate_of(spec)))
    click.echo(f"{out}: {len(open_dataset(out)):,} samples")
    _, heading, gate = (out / "README.md").read_text(encoding="utf-8").rpartition("## Shortcuts")
    click.echo(heading + gate, nl=False)


def _make_part(spec: "DatasetSpec", out: Path, engine: str, workers: int | None, index: int, parts: int) -> None:
    from marey.data.folder import write_part
    from marey.data.progress import bar

    with bar(f"{out.name}, part {index} of {parts}", "clips") as progress:
        write_part(spec, out, index, parts, _engine(engine, workers), progress)
    click.echo(f"{out}: part {index} of {parts} is there; when all are, run the same command without --shard-index")


def _engine(name: str, workers: int | None) -> "Engine":
    from marey.data.engines import local, on_ray

    return on_ray() if name == "ray" else local(workers)


def _estimate(spec: "DatasetSpec", workers: int | None, price: float) -> None:
    from marey.data.engines import cpus
    from marey.data.estimate import estimate, in_words
    from marey.data.spec import SPLITS

    spec.check()
    counts = sorted({sum(map(spec.count, SPLITS)), 10**6, 10**9})
    click.echo(in_words(estimate(spec), counts, workers or cpus(), price))


@main.command()
@click.argument("dataset", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Page to write.  [default: DATASET/look.html]")
@click.option("--split", help="Samples of this split.  [default: the first that has any]")
@click.option("--count", type=click.IntRange(min=1), help="Samples of each law.  [default: 5]")
@click.option("--open", "opened", is_flag=True, help="Open the page when it is written.")
def look(dataset: Path, out: Path | None, split: str | None, count: int | None, opened: bool) -> None:
    """Write a contact sheet of a data set: one page with moving clips, paths in space, equations and histograms."""
    from marey.report.sheet import write_sheet

    page = write_sheet(dataset, out, split, count)
    click.echo(page)
    if opened:
        click.launch(str(page))


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
