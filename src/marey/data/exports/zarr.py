"""A Zarr v3 store: one group per split, one array per column, one file per shard; each clip is its own chunk."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from marey.data.exports.frame import Export, Format, Shard, columns
from marey.data.extras import library


def _begin(folder: Path, export: Export) -> Iterable[str]:
    """The arrays, still empty."""
    samples = export.dataset.rows(0, 1)
    root = library("zarr").create_group(folder, overwrite=False, zarr_format=3)
    for split, count in export.splits.items():
        group = root.create_group(split, attributes={"label_names": list(samples.scenes.names)})
        for name, values in _arrays(export, samples).items():
            shard = (export.per_shard, *values.shape[1:])
            group.create_array(
                name,
                shape=(count, *values.shape[1:]),
                dtype=str if values.dtype == object else values.dtype,
                chunks=(1, *values.shape[1:]) if name == "videos" else shard,
                shards=shard if name == "videos" else None,
                attributes={"camera": export.camera} if name == "videos" else {},
            )
    return [file.relative_to(folder).as_posix() for file in sorted(folder.rglob("zarr.json"))]


def _write(folder: Path, export: Export, shard: Shard) -> Iterable[str]:
    group = library("zarr").open_group(folder / shard.split, mode="r+")
    files: list[Path] = []
    for name, values in _arrays(export, export.samples(shard)).items():
        group[name][shard.start : shard.stop] = values
        place = folder / shard.split / name / "c" / str(shard.number)
        files += [place] if place.is_file() else sorted(file for file in place.rglob("*") if file.is_file())
    return [file.relative_to(folder).as_posix() for file in files]


def _arrays(export: Export, samples: Any) -> dict[str, np.ndarray]:
    values = {"videos": export.videos(samples)} | columns(samples)
    return {
        name: np.where(column == None, "", column) if column.dtype == object else column  # noqa: E711
        for name, column in values.items()
        if name != "split"
    }


ZARR = Format(
    what="a Zarr v3 store: groups by split; `videos` uint8 N T C H W, a chunk per clip, a file per shard; and the rest",
    begin=_begin,
    write=_write,
    needs=("zarr",),
    reading="""\
import zarr

train = zarr.open_group(folder, mode="r")["train"]
clip = train["videos"][0].transpose(0, 2, 3, 1)
law = train.attrs["label_names"][train["labels"][0]]
""",
)
