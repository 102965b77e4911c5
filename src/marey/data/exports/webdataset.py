"""WebDataset: tar files that are read from front to back; each clip is one npy file beside a JSON and an npz file."""

import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from marey.core.files import write_atomically
from marey.data.exports.frame import Export, Format, Shard, columns, one


def _write(folder: Path, export: Export, shard: Shard) -> Iterable[str]:
    name = f"{shard.name}.tar"
    write_atomically(folder / name, lambda file: _fill(file, export, shard))
    return [name]


def _fill(file: Path, export: Export, shard: Shard) -> None:
    samples = export.samples(shard)
    table, clips = columns(samples), export.clips(samples)
    with tarfile.open(file, "w", format=tarfile.GNU_FORMAT) as tar:
        for row in range(len(shard)):
            key = f"{shard.split}-{shard.start + row:012}"
            values = one(table, row)
            _add(tar, f"{key}.clip.npy", lambda stream, clip=clips[row]: np.save(stream, clip))
            words = {
                "split": shard.split,
                "index": int(values.pop("index")),
                "label": int(values.pop("labels")),
                "law": samples.scenes.names[samples.scenes.law[row]],
                "equation": values.pop("equations"),
                "description": values.pop("descriptions"),
            }
            _add(tar, f"{key}.json", lambda stream, words=words: stream.write(json.dumps(words).encode()))
            arrays = {name: value for name, value in values.items() if np.asarray(value).dtype != object}
            _add(tar, f"{key}.truth.npz", lambda stream, arrays=arrays: np.savez(stream, **arrays))


def _add(tar: tarfile.TarFile, name: str, write: Any) -> None:
    """A file whose time, owner and rights are always the same: equal clips give equal bytes."""
    stream = io.BytesIO()
    write(stream)
    entry = tarfile.TarInfo(name)
    entry.size = stream.tell()
    stream.seek(0)
    tar.addfile(entry, stream)


WEBDATASET = Format(
    what="WebDataset tar files: per clip `clip.npy` uint8 T H W C, `json` (label, law, words), `truth.npz` (the rest)",
    write=_write,
    reading="""\
import webdataset

tars = sorted(str(file) for file in folder.glob("train-*.tar"))
sample = next(iter(webdataset.WebDataset(tars, shardshuffle=False).decode()))
clip, law = sample["clip.npy"], sample["json"]["law"]
""",
)
