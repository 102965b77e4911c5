"""Parquet for Hugging Face `datasets`: frames as a list of lossless images, which their viewer shows too."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from marey.core.files import write_atomically
from marey.data.exports.frame import Export, Format, Shard, columns
from marey.data.exports.parquet import nested, png
from marey.data.extras import library

_ROWS = 100  # in a group: what a reader has to take at once
_SINGULAR = {"labels": "label", "equations": "equation", "descriptions": "description"}  # a row holds one of each


def _write(folder: Path, export: Export, shard: Shard) -> Iterable[str]:
    samples, name = export.samples(shard), f"data/{shard.name}.parquet"
    values = {_SINGULAR.get(key, key): column for key, column in columns(samples).items() if key != "split"}
    features = _features(values, samples.scenes.names)
    frames = [[{"bytes": png(frame), "path": None} for frame in clip] for clip in export.clips(samples)]
    types = features.arrow_schema
    arrays = [pa.array(frames, types.field("frames").type)]
    arrays += [nested(column, types.field(key).type) for key, column in values.items()]
    table = pa.Table.from_arrays(arrays, schema=types)
    write_atomically(folder / name, lambda file: pq.write_table(table, file, row_group_size=_ROWS))
    return [name]


def _features(values: dict[str, np.ndarray], names: tuple[str, ...]) -> Any:
    hf = library("datasets")
    features: dict[str, Any] = {"frames": hf.List(hf.Image())}
    for key, column in values.items():
        feature = hf.Value("string" if column.dtype == object else str(column.dtype))
        if key == "label":
            feature = hf.ClassLabel(names=list(names))
        for length in reversed(column.shape[1:]):
            feature = hf.List(feature, length=length)
        features[key] = feature
    return hf.Features(features)


_CARD = """\
---
configs:
- config_name: default
  data_files:
{files}
task_categories:
- video-classification
tags:
- motion
- synthetic
---

"""


def _head(export: Export) -> str:
    """The YAML that tells the library, and the hub, where the splits are."""
    lines = [f"  - split: {split}\n    path: data/{split}-*.parquet" for split in export.splits]
    return _CARD.format(files="\n".join(lines))


HUGGINGFACE = Format(
    what="Parquet for Hugging Face `datasets`: `frames` a list of PNG images, `label` a ClassLabel, and the rest",
    write=_write,
    head=_head,
    needs=("datasets",),
    reading="""\
import datasets
import numpy as np

rows = datasets.load_dataset(str(folder), split="train")
clip = np.stack([np.asarray(frame) for frame in rows[0]["frames"]])
clip = clip.reshape(*clip.shape[:3], -1)  # grey images have no axis of channels
law = rows.features["label"].int2str(rows[0]["label"])
""",
)
