"""NumPy archives with the keys of the research documents; what `generate_dataset` returns, as uint8."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from marey.core.files import write_atomically
from marey.data.exports.frame import Export, Format, Shard, columns


def _write(folder: Path, export: Export, shard: Shard) -> Iterable[str]:
    samples, name = export.samples(shard), f"{shard.name}.npz"
    arrays = {key: _plain(values) for key, values in columns(samples).items()}
    arrays["label_names"] = np.array(samples.scenes.names)

    def save(file: Path) -> None:
        with file.open("wb") as stream:  # savez would add .npz to the name of a path
            np.savez_compressed(stream, videos=export.videos(samples), **arrays)  # type: ignore[arg-type]

    write_atomically(folder / name, save)
    return [name]


def _plain(values: np.ndarray) -> np.ndarray:
    """Strings of a fixed length, the empty one for none: an array of objects would be a pickle, which can run code."""
    return np.where(values == None, "", values).astype(str) if values.dtype == object else values  # noqa: E711


NPZ = Format(
    what="NumPy archives: `videos` uint8 N T C H W, `labels`, `trajectory_3d`, `equations`, `descriptions`, the rest",
    write=_write,
    reading="""\
import numpy as np

with np.load(folder / "train-00000-of-00001.npz") as shard:
    clip = shard["videos"][0].transpose(0, 2, 3, 1)
    law = shard["label_names"][shard["labels"][0]]
""",
)
