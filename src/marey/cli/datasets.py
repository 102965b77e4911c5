"""Commands about data sets that are there: look at them, check them, export them, import others."""

from pathlib import Path

import click

from marey.cli.options import PATH, out_option


@click.command(short_help="Write one page with a data set's clips in motion.")
@click.argument("dataset", type=PATH)
@click.option("--out", type=PATH, help="Page to write.  [default: DATASET/look.html]")
@click.option("--split", help="Samples of this split.  [default: the first that has any]")
@click.option("--count", type=click.IntRange(min=1), help="Samples of each law.  [default: 5]")
@click.option("--open", "opened", is_flag=True, help="Open the page when it is written.")
def look(dataset: Path, out: Path | None, split: str | None, count: int | None, opened: bool) -> None:
    """Write a contact sheet of DATASET: one page with moving clips, paths in space, equations and histograms."""
    from marey.report.sheet import write_sheet

    page = write_sheet(dataset, out, split, count)
    click.echo(page)
    if opened:
        click.launch(str(page))


@click.command(short_help="Verify every byte of a data set, and make some of it again.")
@click.argument("dataset", type=PATH)
def check(dataset: Path) -> None:
    """Verify every file of DATASET against its checksum, and make some of its rows again from the spec.

    The first thing wrong is named: file, row and field.
    """
    from marey.data.check import check_dataset

    found, rows = check_dataset(dataset)
    click.echo(f"{dataset}: {len(found):,} samples; all checksums hold, and {rows} rows made again are the same")


@click.command(short_help="Write a data set's clips in a format that others read.")
@click.argument("dataset", type=PATH)
@click.option(
    "--format",
    "name",
    type=click.Choice(["npz", "webdataset", "huggingface", "lerobot", "zarr", "mp4", "png", "gif", "webp"]),
    required=True,
    help="mp4 is lossy (PSNR 45 dB on matched in colour, 33 on hard), gif beyond 256 colours a frame (42 on hard); the "
    "others keep every pixel.",
)
@out_option(what="Folder to make.")
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


@click.command("import", short_help="Take in videos or tracks that others recorded.")
@click.argument("source", type=PATH)
@out_option(what="Folder to make.")
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
