"""LeRobot's layout, version 3.0: an episode per clip, its frames as lossless images in Parquet, its law as the task.

There is no action, because nobody acts; `observation.state` is where the first body is. What LeRobot has no word for
is in the columns of meta/episodes. LeRobot counts time in frames of one rate; the clips' own times are there too.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from marey.core.files import write_atomically, write_json
from marey.data.exports.frame import Export, Format, Shard, columns
from marey.data.exports.parquet import nested, png
from marey.data.extras import library
from marey.data.table import Samples

_DATA, _EPISODES = "data/chunk-{:03}/file-{:03}.parquet", "meta/episodes/chunk-{:03}/file-{:03}.parquet"
_CHUNK = 1000  # files in a folder
_COUNTERS = ("frame_index", "episode_index", "index", "task_index")


def _write(folder: Path, export: Export, shard: Shard) -> Iterable[str]:
    samples, place = export.samples(shard), divmod(export.shards.index(shard), _CHUNK)
    frames = _frames(export, samples, shard.first)
    types = _hf_features(_features(export)).arrow_schema
    images = [{"bytes": png(image), "path": None} for image in frames.pop("observation.image")]
    table = [pa.array(images, types.field("observation.image").type)]
    table += [nested(values, types.field(name).type) for name, values in frames.items()]
    _save(folder / _DATA.format(*place), pa.Table.from_arrays(table, schema=types))
    _save(folder / _EPISODES.format(*place), _episodes(export, samples, shard.first, place))
    return _DATA.format(*place), _EPISODES.format(*place)


def _frames(export: Export, samples: Samples, first: int) -> dict[str, np.ndarray]:
    """The columns of meta/info.json, a row per frame."""
    clips, scenes = export.clips(samples), samples.scenes
    n, T = clips.shape[:2]
    frame, episode = np.tile(np.arange(T), n), np.repeat(np.arange(first, first + n), T)
    return {
        "observation.image": clips.reshape(n * T, *clips.shape[2:]),
        "observation.state": scenes.trajectory.reshape(n * T, 3).astype(np.float32),
        "timestamp": (frame / _rate(export)).astype(np.float32),
        "frame_index": frame,
        "episode_index": episode,
        "index": episode * T + frame,
        "task_index": np.repeat(scenes.law, T),
    }


def _episodes(export: Export, samples: Samples, first: int, place: tuple[int, int]) -> Any:
    """A row per clip: where its frames are, all else that is known about it, and the statistics of its frames."""
    n, T = len(samples), export.dataset.spec.world.frames
    episode = np.arange(first, first + n)
    files: dict[str, np.ndarray] = {}
    for name in ("data", "meta/episodes"):
        files |= {f"{name}/chunk_index": np.full(n, place[0]), f"{name}/file_index": np.full(n, place[1])}
    names = np.array(samples.scenes.names, object)[samples.scenes.law]
    rows: dict[str, Any] = {"episode_index": episode, "tasks": names[:, None], "length": np.full(n, T)}
    rows |= {"dataset_from_index": episode * T, "dataset_to_index": (episode + 1) * T} | files | columns(samples)
    for feature, values in _frames(export, samples, first).items():
        rows |= {f"stats/{feature}/{name}": value for name, value in _statistics(values, n).items()}
    return pa.table({name: nested(values, _type(values)) for name, values in rows.items()})


def _statistics(values: np.ndarray, n: int) -> dict[str, np.ndarray]:
    """Of each clip, over its frames; for images over their pixels too, in [0, 1], as C 1 1."""
    parts = values.reshape(n, -1, *values.shape[1:]).astype(np.float64)
    if parts.ndim == 5:
        parts = parts.reshape(n, -1, parts.shape[-1], 1, 1) / 255
    parts = parts.reshape(*parts.shape, 1) if parts.ndim == 2 else parts
    return {
        "min": parts.min(axis=1),
        "max": parts.max(axis=1),
        "mean": parts.mean(axis=1),
        "std": parts.std(axis=1),
        "count": np.full((n, 1), len(values) // n),
    }


def _end(folder: Path, export: Export) -> Iterable[str]:
    """What holds for all: the features, the tasks, the statistics."""
    names, total = export.dataset.rows(0, 1).scenes.names, len(export.dataset)
    tasks = library("pandas").DataFrame({"task_index": np.arange(len(names))}, index=list(names))
    write_atomically(folder / "meta/tasks.parquet", tasks.to_parquet)
    write_json(folder / "meta/stats.json", _all_statistics(sorted(folder.glob("meta/episodes/*/*.parquet")), export))
    first, splits = 0, {}
    for split, count in export.splits.items():
        splits[split], first = f"{first}:{first + count}", first + count
    info: dict[str, Any] = {
        "codebase_version": "v3.0",
        "robot_type": None,
        "total_episodes": total,
        "total_frames": total * export.dataset.spec.world.frames,
        "total_tasks": len(names),
        "chunks_size": _CHUNK,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": _rate(export),
        "splits": splits,
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": None,
        "features": _features(export),
    }
    write_json(folder / "meta/info.json", info)
    return "meta/tasks.parquet", "meta/stats.json", "meta/info.json"


def _all_statistics(files: list[Path], export: Export) -> dict[str, dict[str, Any]]:
    """Those of the clips put together, a file at a time; all clips have as many frames."""
    result: dict[str, dict[str, Any]] = {}
    for feature in _features(export):
        low, high, total, squares = np.inf, -np.inf, np.float64(0), np.float64(0)
        for file in files:
            table = pq.read_table(file, columns=[f"stats/{feature}/{name}" for name in ("min", "max", "mean", "std")])
            least, most, mean, std = (np.array(column.to_pylist()) for column in table.columns)
            low, high = np.minimum(low, least.min(axis=0)), np.maximum(high, most.max(axis=0))
            total, squares = total + mean.sum(axis=0), squares + (std**2 + mean**2).sum(axis=0)
        n = len(export.dataset)
        std = np.sqrt(np.maximum(squares / n - (total / n) ** 2, 0))
        numbers = {"min": low, "max": high, "mean": total / n, "std": std}
        result[feature] = {name: np.asarray(value).tolist() for name, value in numbers.items()}
        result[feature]["count"] = [n * export.dataset.spec.world.frames]
    return result


def _features(export: Export) -> dict[str, dict[str, Any]]:
    world = export.dataset.spec.world
    shape, axes = [world.size, world.size, world.channels], ["height", "width", "channels"]
    number = {"shape": [1], "names": None}
    return {
        "observation.image": {"dtype": "image", "shape": shape, "names": axes},
        "observation.state": {"dtype": "float32", "shape": [3], "names": ["x", "y", "z"]},
        "timestamp": {"dtype": "float32", **number},
        **{name: {"dtype": "int64", **number} for name in _COUNTERS},
    }


def _hf_features(features: dict[str, dict[str, Any]]) -> Any:
    hf = library("datasets")
    vectors = {"observation.image": hf.Image(), "observation.state": hf.List(hf.Value("float32"), length=3)}
    return hf.Features({name: vectors.get(name) or hf.Value(kind["dtype"]) for name, kind in features.items()})


def _rate(export: Export) -> int:
    """Frames per second, which LeRobot wants whole and the same for all; of the first clip."""
    times = export.dataset.rows(0, 1).scenes.times[0]
    return max(1, round((len(times) - 1) / (times[-1] - times[0]))) if len(times) > 1 else 1


def _type(values: np.ndarray) -> Any:
    kind = pa.string() if values.dtype == object else pa.from_numpy_dtype(values.dtype)
    for length in reversed(values.shape[1:]):
        kind = pa.list_(kind, length)
    return kind


def _save(file: Path, table: Any) -> None:
    write_atomically(file, lambda path: pq.write_table(table, path))


LEROBOT = Format(
    what="LeRobot 3.0: an episode per clip, PNG frames in Parquet, the law as `task`; the rest in `meta/episodes`",
    write=_write,
    end=_end,
    needs=("datasets",),
    reading="""\
import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset

films = LeRobotDataset("marey/clips", root=folder)
first = films.meta.episodes[0]
frames = [films[i] for i in range(first["dataset_from_index"], first["dataset_to_index"])]
pixels = np.stack([frame["observation.image"].numpy() for frame in frames])  # T C H W in [0, 1]
clip = np.rint(255 * pixels).astype(np.uint8).transpose(0, 2, 3, 1)
law = frames[0]["task"]
""",
)
