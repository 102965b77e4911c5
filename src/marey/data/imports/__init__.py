"""Motion that others recorded: what is known about it is kept, what is not is said."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from marey.core.errors import UserError
from marey.core.files import write_text
from marey.data.imports.foreign import PLAN, Source, card, write_rows
from marey.data.imports.npz import read_npz
from marey.data.imports.tracks import read_tracks
from marey.data.imports.videos import read_videos
from marey.data.staged import Plan, Progress, Step, build, silent

_READERS = {".npz": read_npz, ".csv": read_tracks, ".parquet": read_tracks}


def import_foreign(
    source: Path, out: Path, overwrite: bool = False, progress: Progress = silent, shorter: int | None = None
) -> None:
    """Import a file or a folder of videos into the folder `out`, to be opened by `open_foreign`.

    source: an npz file with the keys of the research documents (`videos`, `labels`, `trajectory_3d` or `trajectories`,
    `equations`, `descriptions`, each of them optional), a CSV or Parquet table of tracks, or a folder of videos. It is
    read and written a piece at a time; a stopped import goes on when it is called again (see `staged`). Anything that
    cannot be read is a UserError that names the file and the row. shorter: pixels of a frame's shorter side to shrink
    videos to.
    """
    found = open_source(source, shorter)
    build(out, Plan(PLAN, found.plan, found.total), _steps(found), overwrite, progress)


def open_source(source: Path, shorter: int | None = None) -> Source:
    """What is to be imported, by its kind."""
    if source.is_dir():
        return read_videos(source, shorter)
    if not source.is_file():
        raise UserError(f"{source} does not exist; give an npz, CSV or Parquet file, or a folder of videos")
    if source.suffix.lower() not in _READERS:
        raise UserError(f"{source} is of no known kind; give an npz, CSV or Parquet file, or a folder of videos")
    return _READERS[source.suffix.lower()](source)


def _steps(source: Source) -> Iterator[Step]:
    """Steps as the source gives its pieces: how many there are may not be known before the end."""

    def write_card(folder: Path) -> list[str]:
        write_text(folder / "README.md", card(folder, source))
        return ["README.md"]

    for piece in source.pieces():
        yield Step(piece.name, piece.clips, partial(write_rows, source, piece))
    yield Step("card", 0, write_card)
