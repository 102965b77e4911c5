"""PNG strips: one lossless picture per clip, its frames side by side from left to right."""

from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from marey.data.exports.frame import Export, Format, Shard
from marey.data.exports.spreadsheet import file_name, write_tables

_NAME = "{shard}/{row:08}.png"


def _write(folder: Path, export: Export, shard: Shard) -> Iterable[str]:
    (folder / shard.name).mkdir(exist_ok=True)
    names = [file_name(_NAME, shard, row) for row in range(len(shard))]
    for name, clip in zip(names, export.clips(export.samples(shard)), strict=True):
        frames, height, width, channels = clip.shape
        strip = clip.transpose(1, 0, 2, 3).reshape(height, frames * width, channels)
        Image.fromarray(strip[..., 0] if channels == 1 else strip).save(folder / name, "PNG", compress_level=1)
    return names


PNG = Format(
    what="PNG strips, frames from left to right; `metadata.csv` (law, words ...), `tracks.csv` (a line per frame)",
    write=_write,
    end=lambda folder, export: write_tables(folder, export, _NAME),
    reading="""\
import csv
import numpy as np
from PIL import Image

with open(folder / "metadata.csv", newline="") as table:
    row = next(line for line in csv.DictReader(table) if line["split"] == "train")
strip, law = np.asarray(Image.open(folder / row["file_name"])), row["law"]
height = strip.shape[0]  # frames are square
clip = strip.reshape(height, -1, height, *strip.shape[2:]).swapaxes(0, 1)
clip = clip.reshape(*clip.shape[:3], -1)  # grey strips have no axis of channels
""",
)
