"""The CSV files beside folders of clips: metadata.csv, a line per clip, and tracks.csv, a line per frame and body."""

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from marey.core.files import write_atomically
from marey.data.exports.frame import Export, Shard, columns, one

_FRAMEWISE = ("times", "trajectories", "tracks", "radii", "visible")  # these are in tracks.csv


def write_tables(folder: Path, export: Export, name: str) -> Iterable[str]:
    """Write both tables. name: of a clip's file, with fields {shard} and {row}.

    metadata.csv has the column `file_name` that Hugging Face's videofolder and imagefolder look for; arrays are JSON.
    tracks.csv can be read back by `marey import` where there is one body.
    """
    write_atomically(folder / "metadata.csv", lambda file: _save(file, _clips(export, name)))
    write_atomically(folder / "tracks.csv", lambda file: _save(file, _frames(export, name)))
    return "metadata.csv", "tracks.csv"


def file_name(name: str, shard: Shard, row: int) -> str:
    return name.format(shard=shard.name, row=shard.start + row)


def _save(file: Path, lines: Iterator[dict[str, Any]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        first = next(lines)
        writer = csv.DictWriter(stream, first, lineterminator="\n")
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(lines)


def _clips(export: Export, name: str) -> Iterator[dict[str, Any]]:
    for shard in export.shards:
        samples = export.samples(shard)
        table = columns(samples)
        kept = {key: values for key, values in table.items() if key not in (*_FRAMEWISE, "trajectory_3d")}
        for row in range(len(shard)):
            values = {key: _cell(value) for key, value in one(kept, row).items()}
            law = samples.scenes.names[values["labels"]]
            first = {"file_name": file_name(name, shard, row), "split": values.pop("split"), "law": law}
            yield first | {"label": values.pop("labels")} | values


def _frames(export: Export, name: str) -> Iterator[dict[str, Any]]:
    for shard in export.shards:
        samples = export.samples(shard)
        table = columns(samples)
        for row in range(len(shard)):
            for body in np.flatnonzero(samples.scenes.laws[row] >= 0):
                yield from _track(one(table, row), file_name(name, shard, row), int(body), export.camera)


def _track(values: dict[str, Any], clip: str, body: int, camera: int) -> Iterator[dict[str, Any]]:
    for frame, time in enumerate(values["times"]):
        (u, v), (x, y, z) = values["tracks"][camera, body, frame], values["trajectories"][body, frame]
        radius, visible = values["radii"][camera, body, frame], values["visible"][camera, body, frame]
        numbers = {"u": u, "v": v, "radius": radius, "visible": int(visible), "time": time, "x": x, "y": y, "z": z}
        yield {"clip": clip, "body": body, "frame": frame} | {key: _cell(value) for key, value in numbers.items()}


def _cell(value: Any) -> Any:
    """A number that reads back exactly, nothing for NaN, arrays as JSON."""
    if isinstance(value, np.ndarray):
        return json.dumps(_without_nan(value.tolist()))
    value = value.item() if isinstance(value, np.generic) else value
    return "" if isinstance(value, float) and not np.isfinite(value) else value


def _without_nan(values: Any) -> Any:
    if isinstance(values, list):
        return [_without_nan(value) for value in values]
    return None if isinstance(values, float) and not np.isfinite(values) else values
