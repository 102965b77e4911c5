"""The facts of motion that a data set is judged by at a glance: one number per sample, of its first body as the first
camera sees it."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64, Int64

from marey.data.folder import StoredDataset
from marey.data.table import Samples
from marey.world.scenes import Scenes

_POINTS = 65  # of a smooth path: four chords between two of 17 frames
_CHUNK = 1000  # samples held at a time


@dataclass(frozen=True)
class Fact:
    """What a fact is called on the page, and its unit."""

    title: str
    unit: str


FACTS = {
    "speed": Fact("speed", "m/s"),
    "distance": Fact("distance", "m"),
    "turns": Fact("turns", ""),
    "path": Fact("path", "widths"),
    "extent": Fact("extent", "widths"),
    "radius": Fact("radius", "px"),
}


def facts(scenes: Scenes) -> dict[str, Float64[np.ndarray, "n"]]:
    """The value of each of `FACTS` for n scenes; NaN where the body passes behind the camera.

    speed: mean over the clip. distance: mean from the camera. turns: the angle that the direction of motion sweeps in
    space, in whole turns. path: the length of the track. extent: the longer side of the box around it.
    """
    steps = np.diff(paths(scenes)[:, 0], axis=1)
    length = np.linalg.norm(steps, axis=-1)
    across = np.linalg.norm(np.cross(steps[:, :-1], steps[:, 1:]), axis=-1)
    angle = np.arctan2(across, (steps[:, :-1] * steps[:, 1:]).sum(axis=-1))
    track, size = scenes.track, scenes.camera.size
    sight = scenes.trajectory - scenes.camera.position[:, 0, None]
    return {
        "speed": length.sum(axis=1) / (scenes.times[:, -1] - scenes.times[:, 0]),
        "distance": np.linalg.norm(sight, axis=-1).mean(axis=1),
        "turns": (angle.sum(axis=1) / (2 * np.pi)).round(6),  # a line turns by rounding errors alone
        "path": np.linalg.norm(np.diff(track, axis=1), axis=-1).sum(axis=1) / size,
        "extent": np.ptp(track, axis=1).max(axis=-1) / size,
        "radius": scenes.apparent_radius.mean(axis=1),
    }


def paths(scenes: Scenes) -> Float64[np.ndarray, "n M P 3"]:
    """The trajectories at P evenly spaced moments from the first frame to the last, metres: smooth to the eye."""
    share = np.linspace(0, 1, _POINTS)
    times = scenes.times[:, :1] + share * (scenes.times[:, -1:] - scenes.times[:, :1])
    return replace(scenes, times=times, radii=np.zeros((*scenes.radii.shape[:3], _POINTS))).trajectories


def seen(samples: Samples) -> Bool[np.ndarray, "n K M T"]:
    """Whether all of a disc is to be seen: inside the frame, behind no occluder and behind no nearer disc."""
    return samples.scenes.whole & (samples.hidden == 0)


@dataclass(frozen=True)
class Specimen:
    """One sample to be shown, and its row in its split."""

    row: int
    samples: Samples


@dataclass(frozen=True)
class Survey:
    """Many samples as numbers alone, and the first few of each law whole.

    law: label of the first body. bodies: fewest and most in a sample. cameras: of every sample. hidden: share of frames
    in which a body is not `seen`, over all bodies and cameras. fps: frames per second.
    """

    names: tuple[str, ...]
    law: Int64[np.ndarray, "n"]
    parameters: Float64[np.ndarray, "n P"]
    facts: dict[str, Float64[np.ndarray, "n"]]
    bodies: tuple[int, int]
    cameras: int
    hidden: float
    fps: float
    specimens: dict[str, list[Specimen]]

    def __len__(self) -> int:
        return len(self.law)


def survey(stored: StoredDataset, start: int, stop: int, count: int) -> Survey:
    """Measure rows start to stop - 1, a few at a time, and keep the first `count` of each law."""
    laws, parameters, known, bodies, hidden = [], [], [], [], []
    specimens: dict[str, list[Specimen]] = {}
    for first in range(start, stop, _CHUNK):
        samples = stored.rows(first, min(first + _CHUNK, stop))
        scenes = samples.scenes
        for label, name in enumerate(scenes.names):
            kept = specimens.setdefault(name, [])
            for row in np.flatnonzero(scenes.law == label)[: count - len(kept)]:
                kept.append(Specimen(first - start + int(row), samples.take(np.array([row]))))
        there = scenes.laws >= 0
        laws.append(scenes.law)
        parameters.append(scenes.parameters[:, 0])
        known.append(facts(scenes))
        bodies.append(there.sum(axis=1))
        whole = seen(samples).transpose(0, 2, 1, 3)[there]  # body by body: K T
        hidden.append([(~whole).sum(), whole.size])
    lost, total = np.sum(hidden, axis=0)
    return Survey(
        names=scenes.names,
        law=np.concatenate(laws),
        parameters=np.concatenate(parameters),
        facts={name: np.concatenate([part[name] for part in known]) for name in FACTS},
        bodies=(int(min(map(np.min, bodies))), int(max(map(np.max, bodies)))),
        cameras=samples.visible.shape[1],
        hidden=float(lost / total),
        fps=float(1 / np.median(np.diff(scenes.times, axis=1))),
        specimens={name: kept for name, kept in specimens.items() if kept},
    )
