"""The command that makes a data set: all of it, one part of it, or only an estimate."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from marey.cli.held_out import hold_out
from marey.cli.images import with_images
from marey.cli.options import PATH, out_option
from marey.core.errors import UserError

if TYPE_CHECKING:
    from marey.data.engines import Engine
    from marey.data.spec import DatasetSpec


@click.command(short_help="Make a data set of clips whose causes are known.")
@click.option(
    "--preset",
    default="matched",
    show_default=True,
    help="Which world; see above.",
)
@click.option("-n", "count", type=click.IntRange(min=4), default=10_000, show_default=True, help="Training clips.")
@click.option("--frames", type=int, default=None, help="Default: the preset's own.")
@click.option("--size", type=int, default=None, help="Width and height, pixels. Default: the preset's own.")
@click.option("--channels", type=int, default=None, help="1 (grey) or 3 (RGB). Default: the preset's own.")
@click.option("--images", type=PATH, default=None, help="A folder of pictures to show behind the bodies.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--held-out",
    "factors",
    multiple=True,
    metavar="FACTOR=LOW:HIGH",
    help="Keep these values for a split of their own, held_out. Default: the preset's own, if it has any.",
)
@click.option("--held-out-n", type=click.IntRange(min=0), default=None, help="Its clips. Default: a tenth of -n.")
@out_option(what="Folder to make.")
@click.option("--overwrite", is_flag=True, help="Replace a data set that is there already.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True)
@click.option("--workers", type=click.IntRange(min=1), default=None, help="Processes. Default: one for each CPU.")
@click.option("--shard-index", type=click.IntRange(min=0), default=None, help="Make one part only: which, from 0.")
@click.option("--num-shards", type=click.IntRange(min=1), default=None, help="Number of such parts.")
@click.option("--dry-run", is_flag=True, help="Make nothing; say what it would take, and for 10^6 and 10^9 clips.")
@click.option(
    "--price",
    type=click.FloatRange(min=0, max=1e6),
    default=0.05,
    show_default=True,
    help="Of a CPU hour, dollars, for --dry-run.",
)
def make(
    preset: str,
    count: int,
    frames: int | None,
    size: int | None,
    channels: int | None,
    images: Path | None,
    seed: int,
    factors: tuple[str, ...],
    held_out_n: int | None,
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
    laws apart, and how finely the tracker reads the clips: the floor of every measurement on them.

    \b
    The presets:
      matched     four laws, any view; no trivial fact tells them apart
      hard        the same with shading, backgrounds, occluders, blur, noise and drift
      classic     the textbook's four laws in one view, for teaching: their lengths give them away
      varied      thirteen laws, one to four bodies, collisions
      phyworld-uniform, -parabola, -collision     PhyWorld's three motions, radii and speeds held out

    \b
    Held-out values: --held-out speed=2:3 keeps every scene with a body that fast out of training, validation and
    test; all bodies of the split held_out are. Several factors hold out their combination: each value may occur in
    training, and both at once do not. The same factor again adds a range. The factors:
      law         names, as in law=circular,parabolic
      speed       m/s, at the first frame
      radius      of the body, metres
      turns       about the axis, over the clip
      direction   degrees, from the first place in the image to the last: 0 right, 90 up
      extent      longer side of the box around the track, widths of the frame
      across      mean place from the left border, widths of the frame
      down        mean place from the upper border, widths of the frame
      bodies      how many

    \b
    Parts for a batch system: run all of --shard-index 0 --num-shards 9 to --shard-index 8 --num-shards 9,
    at once or not, then the same command without these two; it finishes the data set.
    """
    from marey.data.spec import dataset_from_preset

    spec = dataset_from_preset(preset, count, frames, size, channels, seed)
    spec = hold_out(spec if images is None else with_images(spec, images), factors, held_out_n)
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


def _make_all(spec: "DatasetSpec", out: Path, engine: str, workers: int | None, overwrite: bool) -> None:
    from marey.data.folder import open_dataset, write_dataset
    from marey.data.progress import bar
    from marey.judge.shortcuts import gate_of, notes
    from marey.judge.tracker.floor import floor_notes, floor_of

    def measured() -> str:
        return f"{notes(gate_of(spec))}\n{floor_notes(floor_of(spec))}"

    with bar(out.name, "clips") as progress:
        write_dataset(spec, out, overwrite, _engine(engine, workers), progress, measured)
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
