"""Samples as a Parquet table: one row per sample, one column per array, and back without a bit lost.

A column holds one array per sample as nested fixed-size lists, so its shape is in its type. The columns of `Scenes`
(with those of its camera and picture, as camera_..., picture_...) are all that a sample is; the others follow from
them and are there for readers without marey. What all samples share (the names of the laws, the size of the frame)
is JSON in the schema's metadata.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool, Int8, Int32, Int64, UInt8, UInt16

from marey.data.spec import SPLITS, DatasetSpec
from marey.world.descriptions import descriptions
from marey.world.equations import equations
from marey.world.hidden import hidden
from marey.world.kernels import FULL
from marey.world.render import draw, quantized
from marey.world.scenes import Scenes

_SHARED = b"marey"  # key of the schema's metadata


@dataclass(frozen=True)
class Samples:
    """n samples of a dataset: M bodies, K cameras, T frames.

    split: index into `SPLITS`. index: in the spec. discs: canonical (u, v, radius, depth), see `quantized`.
    visible: whether the disc can be seen, see `visible`.
    """

    split: Int8[np.ndarray, "n"]
    index: Int64[np.ndarray, "n"]
    scenes: Scenes
    discs: Int32[np.ndarray, "n K M F 4"]
    equations: tuple[str, ...]
    descriptions: tuple[str, ...]
    visible: Bool[np.ndarray, "n K M T"]

    def __len__(self) -> int:
        return len(self.index)

    def take(self, rows: Int64[np.ndarray, "k"]) -> "Samples":
        """The samples at the given rows, in that order."""
        return Samples(
            split=self.split[rows],
            index=self.index[rows],
            scenes=self.scenes.take(rows),
            discs=self.discs[rows],
            equations=tuple(self.equations[row] for row in rows),
            descriptions=tuple(self.descriptions[row] for row in rows),
            visible=self.visible[rows],
        )

    @classmethod
    def join(cls, parts: Sequence["Samples"]) -> "Samples":
        """Several batches as one."""
        return cls(
            split=np.concatenate([part.split for part in parts]),
            index=np.concatenate([part.index for part in parts]),
            scenes=Scenes.join([part.scenes for part in parts]),
            discs=np.concatenate([part.discs for part in parts]),
            equations=tuple(text for part in parts for text in part.equations),
            descriptions=tuple(text for part in parts for text in part.descriptions),
            visible=np.concatenate([part.visible for part in parts]),
        )

    @property
    def hidden(self) -> UInt16[np.ndarray, "n K M T"]:
        """Share, in 1/4096, of each disc's part inside the frame that occluders or nearer bodies hide."""
        size = self.scenes.camera.size
        return hidden(self.discs, self.scenes.picture, size, size).astype(np.uint16)

    def clips(self, camera: int = 0) -> UInt8[np.ndarray, "n T H W C"]:
        """Draw what one of the cameras sees, from the stored whole numbers: the same bytes on any machine."""
        size = self.scenes.camera.size
        return draw(self.discs, self.scenes.picture, size, size, camera=camera)


def make_samples(spec: DatasetSpec, split: str, rows: Int64[np.ndarray, "n"]) -> Samples:
    """The samples at the given rows of a split, from nothing."""
    scenes = spec.scenes_at(split, rows)
    discs = quantized(scenes)
    return Samples(
        split=np.full(len(scenes), SPLITS.index(split), np.int8),
        index=spec.index(split, rows),
        scenes=scenes,
        discs=discs,
        equations=tuple(equations(scenes)),
        descriptions=tuple(descriptions(scenes)),
        visible=visible(scenes, discs),
    )


def visible(scenes: Scenes, discs: Int32[np.ndarray, "n K M F 4"]) -> Bool[np.ndarray, "n K M T"]:
    """Whether any of the disc lies inside the frame, before the camera, and at most half of that part is hidden."""
    size = scenes.camera.size
    return scenes.seen & (2 * hidden(discs, scenes.picture, size, size) <= FULL)


def to_columns(samples: Samples) -> tuple[dict[str, Any], dict[str, Any]]:
    """Everything that is true about the samples, by column; and what they all share."""
    arrays, shared = _flattened(samples.scenes)
    names = np.array([*samples.scenes.names, None], object)
    columns: dict[str, Any] = {
        "split": np.array(SPLITS, object)[samples.split],
        "index": samples.index,
        "law_names": names[samples.scenes.laws],
        **arrays,
        "trajectories": samples.scenes.trajectories,
        "tracks": samples.scenes.tracks,
        "whole": samples.scenes.whole,
        "seen": samples.scenes.seen,
        "hidden": samples.hidden,
        "visible": samples.visible,
        "discs": samples.discs,
        "equation": np.array(samples.equations, object),
        "description": np.array(samples.descriptions, object),
    }
    return columns, shared


def to_parquet(samples: Samples) -> bytes:
    """The samples as the bytes of one Parquet file, a pure function of them."""
    columns, shared = to_columns(samples)
    arrays = {name: _to_lists(values) for name, values in columns.items()}
    schema = pa.schema(
        [pa.field(name, array.type, nullable=False) for name, array in arrays.items()],
        metadata={_SHARED: json.dumps(shared, sort_keys=True)},
    )
    table = pa.Table.from_arrays(list(arrays.values()), schema=schema)
    numbers = [_leaf(field) for field in schema if _leaf_type(field.type) in (pa.float64(), pa.int32())]
    others = [_leaf(field) for field in schema if _leaf(field) not in numbers]
    sink = io.BytesIO()
    encoding = {"compression": "zstd", "use_dictionary": others, "use_byte_stream_split": numbers}
    pq.write_table(table, sink, row_group_size=len(samples), **encoding)
    return sink.getvalue()


def read_columns(content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """`to_columns` of the samples in a Parquet file."""
    table = pq.read_table(pa.BufferReader(content), use_threads=False)
    columns = {name: _from_lists(table[name]) for name in table.column_names}
    return columns, json.loads(table.schema.metadata[_SHARED])


def from_parquet(content: bytes) -> Samples:
    """The inverse of `to_parquet`."""
    columns, shared = read_columns(content)
    return Samples(
        split=np.array([SPLITS.index(split) for split in columns["split"]], np.int8),
        index=columns["index"],
        scenes=_rebuilt(Scenes, columns, shared),
        discs=columns["discs"],
        equations=tuple(columns["equation"]),
        descriptions=tuple(columns["description"]),
        visible=columns["visible"],
    )


def _flattened(record: Any, prefix: str = "") -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays of a record and of the records in it, and all that is not an array, by name."""
    arrays: dict[str, np.ndarray] = {}
    shared: dict[str, Any] = {}
    for field in fields(record):
        name, value = prefix + field.name, getattr(record, field.name)
        if is_dataclass(value):
            inner = _flattened(value, f"{name}_")
            arrays |= inner[0]
            shared |= inner[1]
        elif isinstance(value, np.ndarray) and 0 in value.shape[1:]:  # Parquet has no lists of size 0
            shared[name] = {"type": str(value.dtype), "shape": value.shape[1:]}
        elif isinstance(value, np.ndarray):
            arrays[name] = value
        else:
            shared[name] = value
    return arrays, shared


def _rebuilt(kind: Any, arrays: dict[str, Any], shared: dict[str, Any], prefix: str = "") -> Any:
    """The inverse of `_flattened`."""
    values = {}
    for field in fields(kind):
        name = prefix + field.name
        if is_dataclass(field.type):
            values[field.name] = _rebuilt(field.type, arrays, shared, f"{name}_")
        elif name in arrays:
            values[field.name] = arrays[name]
        elif isinstance(shared[name], dict):
            values[field.name] = np.empty((len(arrays["index"]), *shared[name]["shape"]), shared[name]["type"])
        else:
            values[field.name] = tuple(shared[name]) if isinstance(shared[name], list) else shared[name]
    return kind(**values)


def _to_lists(values: np.ndarray) -> Any:
    """An array (n ...) as a column of nested lists of fixed sizes."""
    column = pa.array(np.ascontiguousarray(values).ravel())
    for size in reversed(values.shape[1:]):
        item = pa.field("item", column.type, nullable=column.null_count > 0)
        column = pa.FixedSizeListArray.from_arrays(column, type=pa.list_(item, size))
    return column


def _from_lists(column: Any) -> np.ndarray:
    """The inverse of `_to_lists`."""
    shape, flat = [len(column)], column.combine_chunks()
    while pa.types.is_fixed_size_list(flat.type):
        shape.append(flat.type.list_size)
        flat = flat.flatten()
    return np.array(flat.to_numpy(zero_copy_only=False)).reshape(shape)


def _leaf_type(kind: Any) -> Any:
    return _leaf_type(kind.value_type) if pa.types.is_fixed_size_list(kind) else kind


def _leaf(field: Any) -> str:
    """The path of a column's numbers in the file."""
    kind, path = field.type, field.name
    while pa.types.is_fixed_size_list(kind):
        kind, path = kind.value_type, f"{path}.list.element"
    return str(path)
