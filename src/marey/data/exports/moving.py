"""Moving pictures that any browser shows: GIF, of 256 colours a frame, and WebP, which loses nothing."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from marey.data.exports.frame import Export, Format, Shard, frame_rate
from marey.data.exports.spreadsheet import file_name, write_tables

Kind = Literal["gif", "webp"]
_COLOURS = 256  # of a GIF's frame
_NAME = "{{shard}}/{{row:08}}.{kind}"


def write_moving(file: Path, clip: UInt8[np.ndarray, "T H W C"], rate: float, kind: Kind) -> None:
    """Write one clip, which plays for ever. rate: frames per second, as near as the format can tell it.

    A GIF counts hundredths of a second, a WebP thousandths. Both store a frame that equals the one before it as that
    one, shown longer. A frame of at most 256 colours is exact in a GIF; where there are more, Pillow chooses 256.
    """
    frames = [_indexed(frame) if kind == "gif" else _coloured(frame) for frame in clip]
    frames[0].save(
        file, kind.upper(), save_all=True, append_images=frames[1:], duration=milliseconds(rate, kind), loop=0,
        **({"lossless": True, "exact": True} if kind == "webp" else {}),
    )  # fmt: skip


def milliseconds(rate: float, kind: Kind) -> int:
    """How long a frame is shown; at least the 20 ms that browsers take for more than none."""
    step = 10 if kind == "gif" else 1
    return max(20, step * round(1000 / rate / step))


def _coloured(frame: UInt8[np.ndarray, "H W C"]) -> Image.Image:
    return Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame).convert("RGB")


def _indexed(frame: UInt8[np.ndarray, "H W C"]) -> Image.Image:
    """The frame with a palette of its own colours where there are few enough, else of those Pillow chooses."""
    colours, where = np.unique(frame.reshape(-1, frame.shape[-1]), axis=0, return_inverse=True)
    if len(colours) > _COLOURS:
        return _coloured(frame).quantize(_COLOURS, dither=Image.Dither.NONE)
    image = Image.fromarray(where.reshape(frame.shape[:2]).astype(np.uint8), "P")
    image.putpalette(np.broadcast_to(colours, (len(colours), 3)).astype(np.uint8).ravel().tolist())
    return image


def _write(kind: Kind, folder: Path, export: Export, shard: Shard) -> Iterable[str]:
    (folder / shard.name).mkdir(exist_ok=True)
    samples = export.samples(shard)
    names = [file_name(_NAME.format(kind=kind), shard, row) for row in range(len(shard))]
    for name, clip, times in zip(names, export.clips(samples), samples.scenes.times, strict=True):
        write_moving(folder / name, clip, frame_rate(times), kind)
    return names


def _format(kind: Kind, what: str) -> Format:
    return Format(
        what=f"{what}; and the tables of png; to look at",
        write=partial(_write, kind),
        end=lambda folder, export: write_tables(folder, export, _NAME.format(kind=kind)),
        reading="""\
import csv
import numpy as np
from PIL import Image, ImageSequence

with open(folder / "metadata.csv", newline="") as table:
    row = next(line for line in csv.DictReader(table) if line["split"] == "train")
with Image.open(folder / row["file_name"]) as film:  # a frame equal to the one before it is not stored again
    clip = np.stack([np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(film)])
law = row["law"]
""",
    )


GIF = _format("gif", "moving GIF pictures, 256 colours a frame (exact on `matched`, PSNR 42 dB on `hard` in colour)")
WEBP = _format("webp", "moving WebP pictures, lossless")
