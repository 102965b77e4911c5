"""Reading a data set of marey: cameras and balls are known, the truth is only compared with what was read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from jaxtyping import Bool, Float64

from marey.core.errors import UserError
from marey.core.files import write_atomically
from marey.data.folder import StoredDataset
from marey.data.spec import SPLITS
from marey.judge.exam import contrasts
from marey.judge.law.fit import turning_prior
from marey.judge.law.fits import FITTED, TURNING, Range
from marey.judge.reading.figures import figures
from marey.judge.reading.lift import by_size
from marey.judge.reading.noise import Noise
from marey.judge.reading.read import Reading, read
from marey.judge.tracker import Tracks, track_clips
from marey.judge.tracker.floor import Floor, floor
from marey.metrics.figure import Figure
from marey.world.classic import ClassicWorld
from marey.world.phyworld import PhyWorld
from marey.world.scenes import Scenes

_CHUNK = 50  # clips at a time
_KNOWN = 500  # validation clips on which the tracker's noise is measured

Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class Report:
    """What was read, the scenes it was compared with, and the figures. noise: None where it is not known. ruler: the
    tracker's own error on the clips that were read.
    """

    reading: Reading
    scenes: Scenes
    figures: list[Figure]
    noise: Noise | None
    ruler: Floor


@dataclass(frozen=True)
class _Seen:
    """Stored clips through the tracker; visible: whether the ball can be seen."""

    scenes: Scenes
    tracks: Tracks
    visible: Bool[np.ndarray, "n T"]

    @property
    def truth(self) -> Tracks:
        scenes = self.scenes
        return Tracks(scenes.track, scenes.apparent_radius, scenes.whole[:, 0, 0])

    def ruler(self, seed: int) -> Floor:
        off = np.concatenate([self.tracks.track - self.truth.track, self._radius_off[..., None]], axis=-1)
        there = self.visible.astype(np.int64) + (self.visible & self.truth.found)
        return floor(off[:, None], self.tracks.found[:, None], there[:, None], seed)

    @property
    def _radius_off(self) -> Float64[np.ndarray, "n T"]:
        return self.tracks.radius - self.truth.radius


def read_dataset(stored: StoredDataset, split: str, count: int, progress: Progress) -> Report:
    """Read the first `count` clips of a split through the first camera. Noise and turns are learned on the validation
    split, never on the split that is read; the balls' radii are those of the truth.

    With fewer than 20 validation clips that the tracker follows the noise is unknown, see `read`. Worlds whose discs do
    not show the depth, and clips with several bodies, are a UserError.
    """
    first = _first(stored, split)
    count = min(count, stored.spec.count(split))
    if not count:
        raise UserError(f"--split {split} of {stored.path} is empty; choose another")
    known = min(_KNOWN, stored.spec.count("validation")) if split != "validation" else 0
    laws = tuple(name for name in stored.spec.world.laws if name in FITTED)
    _refuse(stored.rows(first, first + 1).scenes, stored)
    total, noise, turning = count + known, None, TURNING
    if known:
        start = _first(stored, "validation")
        before = _tracked(stored, start, start + known, lambda done: progress(done, total))
        noise, turning = Noise.measured(before.tracks, before.truth), _turning(before.scenes)
    seen = _tracked(stored, first, first + count, lambda done: progress(known + done, total))
    scenes, tracks = seen.scenes, seen.tracks
    balls, camera = ball_radii(scenes), scenes.camera
    reading = read(tracks, scenes.times, camera.size, camera, balls, noise, laws, turning)
    sigma = (noise.position, noise.radius) if noise else (1.0, 1.0)
    alone = by_size(tracks.track, tracks.radius - (noise.bias if noise else 0.0), camera, balls, sigma)
    return Report(reading, scenes, figures(reading, scenes, alone), noise, seen.ruler(stored.spec.seed))


def ball_radii(scenes: Scenes) -> Float64[np.ndarray, "n"]:
    """Radii of the first bodies, metres, from how large they appear where they are."""
    depth = scenes.camera.to_camera(scenes.trajectory[:, None])[:, 0, :, 2]
    return np.asarray((scenes.apparent_radius * depth / scenes.camera.focal[:, :1]).mean(axis=1))


def write_reading(report: Report, file: Path) -> None:
    """One row per clip, as Parquet, or as CSV if the name ends so; the file is whole or absent."""
    table = pa.table(_columns(report))
    if file.suffix == ".csv":
        write_atomically(file, lambda temporary: pyarrow.csv.write_csv(table, temporary))
    else:
        write_atomically(file, lambda temporary: pq.write_table(table, temporary, compression="zstd"))


def _columns(report: Report) -> dict[str, list[object]]:
    """Numbers that were not read are null. Parameters are JSON-like texts, for each law has its own."""
    reading, scenes = report.reading, report.scenes
    error = reading.motion.lift.error(scenes.trajectory).mean(axis=1)
    names = [reading.law_name(i) for i in range(len(reading))]
    read_equations = [None if name == "none" else reading.equation(i) for i, name in enumerate(names)]
    best = np.where(reading.law >= 0, reading.law, 0)
    rows = np.arange(len(reading))
    return {
        "row": rows.tolist(),
        "true_law": [scenes.names[law] for law in scenes.law],
        "law": names,
        "probability": [_number(value) for value in reading.probability.max(axis=1)],
        "residual_px": [_number(value) for value in reading.residual_px[rows, best]],
        "parameters": [None if each is None else "; ".join(map(str, each.free)) for each in read_equations],
        "equation": [None if each is None else str(each) for each in read_equations],
        "position_error_m": [_number(value) for value in error],
        "position_bound_m": [_number(value) for value in reading.motion.lift.bound.mean(axis=1)],
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _tracked(stored: StoredDataset, start: int, stop: int, progress: Callable[[int], object]) -> _Seen:
    """The tracker on stored clips, in the order of their rows."""
    scenes: list[Scenes] = []
    tracks: list[Tracks] = []
    shown: list[np.ndarray] = []
    for row in range(start, stop, _CHUNK):
        samples = stored.rows(row, min(row + _CHUNK, stop))
        scenes.append(samples.scenes)
        shown.append(samples.visible[:, 0, 0])
        tracks.append(track_clips(samples.clips(), contrasts(samples.scenes)))
        progress(min(row + _CHUNK, stop) - start)
    joined = [np.concatenate([getattr(each, name) for each in tracks]) for name in ("track", "radius", "found")]
    return _Seen(Scenes.join(scenes), Tracks(*joined), np.concatenate(shown))


def _turning(scenes: Scenes) -> Range:
    turns = np.isin(scenes.law, [scenes.names.index(name) for name in ("circular", "helical") if name in scenes.names])
    interval = scenes.times[turns, 1] - scenes.times[turns, 0]
    return turning_prior(np.degrees(np.abs(scenes.parameters[turns, 0, 1]) * interval))


def _first(stored: StoredDataset, split: str) -> int:
    """The first row of a split, counted through all splits."""
    stored.spec.count(split)  # a UserError if there is none of that name
    return sum(stored.spec.count(each) for each in SPLITS[: SPLITS.index(split)])


def _refuse(scenes: Scenes, stored: StoredDataset) -> None:
    world = stored.spec.world
    if isinstance(world, ClassicWorld | PhyWorld):
        raise UserError(
            f"{stored.path}: the discs of the world {world.kind} have one size everywhere, which tells no depth; "
            "read a data set of matched, hard or varied"
        )
    if scenes.laws.shape[1] > 1:
        raise UserError(
            f"{stored.path}: its clips show up to {scenes.laws.shape[1]} bodies and the tracker follows one; "
            "read clips with one"
        )
