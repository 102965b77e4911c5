"""A dataset as a folder: a table with everything that is true about each sample, from which its pixels are drawn.

spec.json       the DatasetSpec; written first, it marks the folder as ours
samples.npz     one row per sample           words.jsonl    its equation and description, line by line
README.md       the data card                checksums.json SHA-256 of each file; written last: all is there

The table holds the canonical discs, so the pixels are the same bytes on any machine, whatever its sin and cos.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int8, Int32, Int64, UInt8

from marey.core.config import from_json, to_json
from marey.core.errors import UserError
from marey.core.files import read_json, sha256, write_atomically, write_json, write_text
from marey.data.card import card
from marey.data.spec import SPLITS, DatasetSpec
from marey.world.camera import Camera
from marey.world.laws import BASE_LAWS
from marey.world.look import Picture
from marey.world.render import draw_discs, quantized
from marey.world.scenes import Scenes
from marey.world.words import descriptions, equations

Progress = Callable[[int, int], object]  # (samples done, samples in all)

_SEAL = "checksums.json"
_FILES = ("spec.json", "samples.npz", "words.jsonl", "README.md")
_CHUNK = 1000  # samples between two reports of progress


def _silent(done: int, total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Samples:
    """The samples of a dataset, in the order of its splits; split is an index into `SPLITS`."""

    spec: DatasetSpec
    split: Int8[np.ndarray, "n"]
    index: Int64[np.ndarray, "n"]
    scenes: Scenes
    discs: Int32[np.ndarray, "n T 3"]
    equations: tuple[str, ...]
    descriptions: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.index)

    def clips(self, rows: Int64[np.ndarray, "k"]) -> UInt8[np.ndarray, "k T H W C"]:
        """Draw the clips of the given rows, from the stored discs."""
        world = self.spec.world
        out = np.empty((len(rows), world.frames, world.size, world.size, world.channels), np.uint8)
        draw_discs(self.discs[rows], self.scenes.picture.ink[rows, 0], self.scenes.picture.paper[rows], out)
        return out


def make_samples(spec: DatasetSpec, progress: Progress = _silent) -> Samples:
    """All samples of a spec; `progress` is called after each thousand."""
    total, done, parts = sum(map(spec.count, SPLITS)), 0, []
    for split in SPLITS:
        for start in range(0, spec.count(split), _CHUNK):
            parts.append(spec.scenes(split, start, min(start + _CHUNK, spec.count(split))))
            done += len(parts[-1])
            progress(done, total)
    if not parts:
        raise UserError("train=0, validation=0, test=0: the dataset is empty; give at least one split some samples")
    scenes = Scenes.join(parts)
    return Samples(
        spec=spec,
        split=np.repeat(np.arange(len(SPLITS), dtype=np.int8), [spec.count(split) for split in SPLITS]),
        index=np.concatenate([spec.index(split, np.arange(spec.count(split))) for split in SPLITS]),
        scenes=scenes,
        discs=quantized(scenes),
        equations=tuple(equations(scenes)),
        descriptions=tuple(descriptions(scenes)),
    )


def write_dataset(
    spec: DatasetSpec,
    out: Path,
    overwrite: bool = False,
    progress: Progress = _silent,
    notes: str = "",
) -> Samples:
    """Make a dataset in the folder `out`. The same spec gives the same bytes.

    notes: Markdown for the end of the data card. A folder that exists already is a UserError; with `overwrite`, one
    that holds a dataset, finished or not, is made again.
    """
    _claim(out, overwrite)
    write_json(out / "spec.json", to_json(spec))
    samples = make_samples(spec, progress)
    write_atomically(out / "samples.npz", lambda file: _save(file, _to_table(samples)))
    write_text(out / "words.jsonl", _to_lines(samples))
    write_text(out / "README.md", card(spec, notes))
    write_json(out / _SEAL, {name: sha256(out / name) for name in _FILES})
    return samples


def read_dataset(path: Path) -> Samples:
    """Read a dataset folder; a missing, unfinished or damaged file is a UserError that names it."""
    _verify(path)
    spec = from_json(DatasetSpec, read_json(path / "spec.json"), str(path / "spec.json"))
    with np.load(path / "samples.npz", allow_pickle=False) as file:
        table = {name: file[name] for name in file.files}
    lines = [json.loads(line) for line in (path / "words.jsonl").read_text(encoding="utf-8").splitlines()]
    return Samples(
        spec=spec,
        split=table["split"],
        index=table["index"],
        scenes=_to_scenes(spec, table),
        discs=table["discs"],
        equations=tuple(line["equation"] for line in lines),
        descriptions=tuple(line["description"] for line in lines),
    )


def _claim(out: Path, overwrite: bool) -> None:
    """Make sure that `out` is a folder to write in, and break its seal."""
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; choose another --out")
    if out.exists() and any(path.suffix != ".tmp" for path in out.iterdir()):  # those are left by a kill
        if not (out / "spec.json").exists():
            raise UserError(f"{out} holds other files and no dataset; choose another --out")
        if not overwrite:
            state = "a dataset" if (out / _SEAL).exists() else "a half-written dataset"
            raise UserError(f"{out} already holds {state}; add --overwrite to make it again, or choose another --out")
    (out / _SEAL).unlink(missing_ok=True)


def _verify(path: Path) -> None:
    if not (path / "spec.json").exists():
        raise UserError(f"{path} holds no dataset (there is no spec.json); make one with marey make --out {path}")
    if not (path / _SEAL).exists():
        raise UserError(f"{path} was not written to its end ({_SEAL} is missing); make it again with --overwrite")
    sums = read_json(path / _SEAL)
    for name in _FILES:
        file = path / name
        if not file.exists():
            raise UserError(f"{file} is missing; restore it, or make the dataset again with --overwrite")
        if not isinstance(sums, dict) or sums.get(name) != sha256(file):
            raise UserError(f"{file} is damaged (its SHA-256 differs from {_SEAL}); restore it, or make it again")


def _to_table(samples: Samples) -> dict[str, np.ndarray]:
    scenes, camera = samples.scenes, samples.scenes.camera
    return {
        "split": samples.split,
        "index": samples.index,
        "laws": scenes.laws,
        "times": scenes.times,
        "parameters": scenes.parameters,
        "origins": scenes.origins,
        "axes": scenes.axes,
        "trajectories": scenes.trajectories,
        "camera_focal": camera.focal,
        "camera_rotation": camera.rotation,
        "camera_position": camera.position,
        "tracks": scenes.tracks,
        "radii": scenes.radii,
        "whole": scenes.whole,
        "discs": samples.discs,
        "ink": scenes.picture.ink,
        "paper": scenes.picture.paper,
    }


def _to_scenes(spec: DatasetSpec, table: dict[str, np.ndarray]) -> Scenes:
    camera = Camera(spec.world.size, table["camera_focal"], table["camera_rotation"], table["camera_position"])
    names = ("laws", "times", "parameters", "origins", "axes", "radii")
    picture = Picture(table["ink"], table["paper"])
    return Scenes(names=BASE_LAWS, camera=camera, picture=picture, **{name: table[name] for name in names})


def _to_lines(samples: Samples) -> str:
    rows: Any = zip(samples.split, samples.index, samples.equations, samples.descriptions, strict=True)
    return "".join(
        json.dumps({"split": SPLITS[split], "index": int(index), "equation": equation, "description": description})
        + "\n"
        for split, index, equation, description in rows
    )


def _save(file: Path, table: dict[str, np.ndarray]) -> None:
    with file.open("wb") as stream:  # np.savez would add .npz to the name of a path
        np.savez_compressed(stream, **table)  # type: ignore[arg-type]
