"""MP4 films (H.264): for looking, and for tools that read nothing else. Lossy, so they are not for measuring."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from marey.core.errors import UserError
from marey.data.exports.frame import Export, Format, Shard, frame_rate
from marey.data.exports.spreadsheet import file_name, write_tables
from marey.data.extras import library

_NAME = "{shard}/{row:08}.mp4"
# With the tree, or the look ahead that feeds it, x264 does not always give the same bytes for the same small frames.
_X264 = {"crf": "14", "x264-params": "mbtree=0:rc-lookahead=0"}  # constant rate factor: 0 loses nothing, 23 is usual


def _check(export: Export) -> None:
    size = export.dataset.spec.world.size
    if size % 2:
        raise UserError(f"size={size}: mp4 halves the colours, so the frame must be even; choose --format png")


def _write(folder: Path, export: Export, shard: Shard) -> Iterable[str]:
    (folder / shard.name).mkdir(exist_ok=True)
    samples = export.samples(shard)
    names = [file_name(_NAME, shard, row) for row in range(len(shard))]
    for name, clip, times in zip(names, export.clips(samples), samples.scenes.times, strict=True):
        write_film(folder / name, clip, frame_rate(times))
    return names


def write_film(file: Path, clip: UInt8[np.ndarray, "T H W C"], rate: float) -> None:
    """Write one clip of even height and width. rate: frames per second."""
    av = library("av")
    with av.open(str(file), "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(rate).limit_denominator(1000), options=_X264)
        stream.height, stream.width = clip.shape[1:3]
        stream.pix_fmt = "yuv420p"  # what every player knows
        stream.codec_context.thread_count = 1  # the bytes depend on it
        for frame in np.broadcast_to(clip, (*clip.shape[:3], 3)):  # grey is equal parts of all colours
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())


MP4 = Format(
    what="MP4 films, lossy (H.264; PSNR 45 dB on `matched` in colour, 33 on `hard`), and the tables of png; to look at",
    check=_check,
    write=_write,
    end=lambda folder, export: write_tables(folder, export, _NAME),
    needs=("av",),
    reading="""\
import csv
import av
import numpy as np

with open(folder / "metadata.csv", newline="") as table:
    row = next(line for line in csv.DictReader(table) if line["split"] == "train")
with av.open(str(folder / row["file_name"])) as film:
    clip = np.stack([frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)])
law = row["law"]
""",
)
