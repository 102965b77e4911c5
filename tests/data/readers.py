"""Each export, read back by its format's own library and by nothing of ours."""

import csv
import gc
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import datasets
import numpy as np
import pyarrow.parquet as pq
import webdataset
import zarr
from PIL import Image, ImageSequence

Back = dict[str, Any]  # clips n T H W C, and lists of law, equation, description, index, trajectory


def npz(folder: Path, split: str) -> Back:
    parts = []
    for file in sorted(folder.glob(f"{split}-*.npz")):
        with np.load(file, allow_pickle=False) as shard:
            parts.append(dict(shard))
    back = {key: np.concatenate([part[key] for part in parts]) for key in parts[0] if key != "label_names"}
    return _arrays(back, parts[0]["label_names"])


def zarr_store(folder: Path, split: str) -> Back:
    group = zarr.open_group(folder, mode="r")[split]
    return _arrays({name: array[:] for name, array in group.arrays()}, np.array(group.attrs["label_names"]))


def _arrays(back: Back, names: np.ndarray) -> Back:
    return {
        "clips": back["videos"].transpose(0, 1, 3, 4, 2),
        "law": names[back["labels"]].tolist(),
        "equation": back["equations"].tolist(),
        "description": back["descriptions"].tolist(),
        "index": back["index"].tolist(),
        "trajectory": back["trajectory_3d"],
    }


@contextmanager
def files_left_open() -> Iterator[None]:
    """webdataset leaves the closing of its files to the garbage collector, which warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


def web(folder: Path, split: str) -> Back:
    tars = sorted(str(file) for file in folder.glob(f"{split}-*.tar"))
    with files_left_open():
        rows = list(webdataset.WebDataset(tars, shardshuffle=False).decode())
    return {
        "clips": np.stack([row["clip.npy"] for row in rows]),
        "trajectory": np.stack([row["truth.npz"]["trajectory_3d"] for row in rows]),
    } | {name: [row["json"][name] for row in rows] for name in ("law", "equation", "description", "index")}


def huggingface(folder: Path, split: str) -> Back:
    cache = folder.with_name(f"{folder.name}-cache")
    rows = datasets.load_dataset(str(folder), split=split, cache_dir=str(cache))
    frames = np.stack([[np.asarray(frame) for frame in row["frames"]] for row in rows])
    columns = {name: list(rows[name]) for name in ("equation", "description", "index")}
    return columns | {
        "clips": frames.reshape(*frames.shape[:4], -1),
        "law": [rows.features["label"].int2str(label) for label in rows["label"]],
        "trajectory": np.array(list(rows["trajectory_3d"])),
    }


def lerobot(folder: Path, split: str) -> Back:
    """By the libraries under LeRobot; its own reader is tried in test_lerobot.py."""
    info = json.loads((folder / "meta/info.json").read_text())
    first, stop = map(int, info["splits"][split].split(":"))
    files = [str(file) for file in sorted((folder / "data").glob("*/*.parquet"))]
    frames = datasets.Dataset.from_parquet(files, cache_dir=str(folder.with_name(f"{folder.name}-cache")))
    length = info["total_frames"] // info["total_episodes"]
    assert list(frames["index"]) == list(range(info["total_frames"]))
    pixels = np.stack([np.asarray(image) for image in frames["observation.image"]])
    clips = pixels.reshape(-1, length, *pixels.shape[1:3], *(pixels.shape[3:] or (1,)))
    files = sorted((folder / "meta/episodes").glob("*/*.parquet"))
    rows = [row for file in files for row in pq.read_table(file).to_pylist()][first:stop]
    tasks = pq.read_table(folder / "meta/tasks.parquet").to_pandas().index
    labels = np.array(list(frames["task_index"])).reshape(-1, length)
    assert [row["tasks"] for row in rows] == [[tasks[label]] for label in labels[first:stop, 0]]
    return {
        "clips": clips[first:stop],
        "law": [row["tasks"][0] for row in rows],
        "equation": [row["equations"] for row in rows],
        "description": [row["descriptions"] for row in rows],
        "index": [row["index"] for row in rows],
        "trajectory": np.array([row["trajectory_3d"] for row in rows]),
    }


def png(folder: Path, split: str) -> Back:
    def clip(file: Path) -> np.ndarray:
        strip = np.asarray(Image.open(file))
        height = strip.shape[0]
        frames = strip.reshape(height, -1, height, *strip.shape[2:]).swapaxes(0, 1)
        return frames.reshape(*frames.shape[:3], -1)

    return _tables(folder, split, clip)


def mp4(folder: Path, split: str) -> Back:
    def clip(file: Path) -> np.ndarray:
        with av.open(str(file)) as film:
            return np.stack([frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)])

    return _tables(folder, split, clip)


def moving(folder: Path, split: str) -> Back:
    """A frame that equals the one before it is stored as that one, shown longer."""

    def clip(file: Path) -> np.ndarray:
        with Image.open(file) as film:
            shown = [(np.asarray(f.convert("RGB")), f.info["duration"]) for f in ImageSequence.Iterator(film)]
        least = min(time for _, time in shown)
        return np.concatenate([[pixels] * round(time / least) for pixels, time in shown])

    return _tables(folder, split, clip)


def _tables(folder: Path, split: str, clip: Any) -> Back:
    with (folder / "metadata.csv").open(newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["split"] == split]
    with (folder / "tracks.csv").open(newline="") as table:
        points: dict[str, list[list[float]]] = {}
        for line in csv.DictReader(table):
            points.setdefault(line["clip"], []).append([float(line[axis]) for axis in "xyz"])
    return {
        "clips": np.stack([clip(folder / row["file_name"]) for row in rows]),
        "law": [row["law"] for row in rows],
        "equation": [row["equations"] for row in rows],
        "description": [row["descriptions"] for row in rows],
        "index": [json.loads(row["index"]) for row in rows],
        "trajectory": np.array([points[row["file_name"]] for row in rows]),
    }


READERS = {
    "npz": npz,
    "webdataset": web,
    "huggingface": huggingface,
    "lerobot": lerobot,
    "zarr": zarr_store,
    "mp4": mp4,
    "png": png,
    "gif": moving,
    "webp": moving,
}
