"""A stored data set as one page that opens from disk: its clips moving, its motions in space, its numbers counted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from marey.core.config import to_json
from marey.core.errors import UserError
from marey.core.files import write_text
from marey.data.folder import StoredDataset, open_dataset
from marey.data.spec import SPLITS, DatasetSpec
from marey.data.table import Samples
from marey.report import plates, words
from marey.report.facts import FACTS, Specimen, Survey, paths, seen, survey
from marey.report.histograms import Histogram, histograms
from marey.report.notes import read_notes
from marey.report.page import flat, page_from
from marey.world.camera import Camera
from marey.world.laws import LAW_NAMES, LAWS
from marey.world.scenes import Scenes

COUNT = 5  # samples of each law, unless asked for more
_BYTES = (2_600_000, 12_000_000)  # of pictures, as they stand on the page: by default, and when a count is given
_LOOKED = 4000  # samples behind the histograms, at most
_WIDEST = 256  # pixels: clips are shown smaller than this
_NARROWEST = 48  # pixels: they are not made smaller than this to show more of them
_FEWEST = 3  # samples of each law for which quality is given up
_COLOURS = 256
_LONGEST = 16_000  # pixels of a strip: browsers refuse longer pictures


@dataclass(frozen=True)
class Exposure:
    """One sample in pictures, as data URIs: a strip of frames for each camera, and the first camera's plate."""

    strips: tuple[str, ...]
    plate: str

    @property
    def bytes(self) -> int:
        """What it adds to the page."""
        return sum(map(len, self.strips)) + len(self.plate)


def write_sheet(path: Path, out: Path | None = None, split: str | None = None, count: int | None = None) -> Path:
    """Write the contact sheet of the data set in the folder `path` to `out` (by default its look.html); return where.

    split: which samples; by default the first split that has any. count: how many of each law; a page shows fewer,
    or smaller ones, when they would not fit (3 MB by default, 15 MB with a count), and says so. Only the samples shown
    and those behind the histograms are read.
    """
    stored = open_dataset(path)
    split = _chosen(stored.spec, split)
    start = sum(stored.spec.count(name) for name in SPLITS[: SPLITS.index(split)])
    looked = survey(stored, start, start + min(stored.spec.count(split), _LOOKED), count or COUNT)
    exposures, lost = _expose(looked.specimens, _BYTES[count is not None])
    reels = {law: specimens[: len(exposures[law])] for law, specimens in looked.specimens.items()}
    out = out or path / "look.html"
    context = _context(stored, split, looked, reels, exposures)
    more: dict[str, Any] = {"name": path.resolve().name, "lost": lost, "asked": count or COUNT, "disk": _bytes_of(path)}
    more["notes"] = read_notes(path / "README.md")
    write_text(out, page_from("sheet.html.jinja", context | more))
    return out


def _chosen(spec: DatasetSpec, split: str | None) -> str:
    there = [name for name in SPLITS if spec.count(name)]
    if split is None and there:
        return there[0]
    if split not in there:
        raise UserError(f"split={split!r} has no samples here; choose {' or '.join(there) or 'another data set'}")
    return split


def _expose(reels: dict[str, list[Specimen]], most: int) -> tuple[dict[str, list[Exposure]], str]:
    """Pictures of as many samples of each law as `most` bytes hold, and in words what they had to lose for it.

    Fewer colours, then fewer pixels, are given up only where not even `_FEWEST` samples would fit.
    """
    scenes = next(iter(reels.values()))[0].samples.scenes
    size, frames = scenes.camera.size, scenes.times.shape[1]
    wanted = min(_FEWEST, max(map(len, reels.values())))
    factor, colours = max(1, -(-size // _WIDEST), -(-frames * size // _LONGEST)), None
    while True:
        drawn = {law: [_exposure(each.samples, factor, colours) for each in some] for law, some in reels.items()}
        fitting = _fitting(list(drawn.values()), most)
        smallest = size < 2 * factor * _NARROWEST
        if fitting >= wanted or (fitting and colours and smallest):
            lost = [f"at 1/{factor} of their size"] * (factor > 1) + [f"in {colours} colours"] * (colours is not None)
            return {law: each[:fitting] for law, each in drawn.items()}, " and ".join(lost)
        factor, colours = (factor, _COLOURS) if colours is None else (2 * factor, colours)


def _fitting(laws: list[list[Exposure]], most: int) -> int:
    """How many of each law's exposures `most` bytes hold."""
    ranks = range(max(map(len, laws)))
    costs = np.cumsum([sum(each[rank].bytes for each in laws if rank < len(each)) for rank in ranks])
    return int((costs <= most).sum())


def _exposure(samples: Samples, factor: int, colours: int | None) -> Exposure:
    cameras = samples.visible.shape[1]
    clips = [plates.shrunk(samples.clips(camera)[0], factor) for camera in range(cameras)]
    strips = tuple(plates.sprite_sheet(clip[None], colours) for clip in clips)
    return Exposure(strips, plates.chronophotograph(clips[0], _bodies(samples.scenes, factor)))


def _bodies(scenes: Scenes, factor: int) -> Bool[np.ndarray, "T H W"]:
    """Where the bodies of the first scene are in its first camera's frames, and two pixels around them."""
    middles = (np.arange(scenes.camera.size // factor) + 0.5) * factor
    right, down = (scenes.tracks[0, 0, ..., i, None, None] for i in range(2))
    away = np.hypot(middles - right, middles[:, None] - down)
    return (away < scenes.radii[0, 0, ..., None, None] + 2 * factor).any(axis=0)  # NaN compares as False


def _context(
    stored: StoredDataset,
    split: str,
    looked: Survey,
    reels: dict[str, list[Specimen]],
    exposures: dict[str, list[Exposure]],
) -> dict[str, Any]:
    spec = stored.spec
    return {
        "world": spec.world,
        "total": len(stored),
        "looked": looked,
        "splits": [(name, spec.count(name), name == split) for name in SPLITS],
        "split": split,
        "hero": _hero(exposures),
        "laws": [_law(law, looked, reels[law], exposures[law]) for law in reels],
        "spreads": [(law, [each[law] for each in _facts(looked)], _parameters(law, looked)) for law in reels],
        "seed": spec.seed,
        "spec": flat(to_json(spec)),
        "time_colours": [f"rgb{colour}" for colour in plates.TIME_COLOURS],
        "player": {
            "size": spec.world.size,
            "frames": spec.world.frames,
            "fps": looked.fps,
            "ramp": plates.TIME_COLOURS,
            "samples": [_player(each.samples) for specimens in reels.values() for each in specimens],
        },
    }


def _hero(exposures: dict[str, list[Exposure]]) -> list[str]:
    """Four plates for the head of the page, of as many laws as there are."""
    ranked = [(rank, exposure.plate) for some in exposures.values() for rank, exposure in enumerate(some)]
    return [plate for _, plate in sorted(ranked, key=lambda pair: pair[0])[:4]]


def _law(law: str, looked: Survey, specimens: list[Specimen], exposures: list[Exposure]) -> dict[str, Any]:
    """One law's row of the sheet."""
    label = looked.names.index(law)
    return {
        "name": law,
        "label": label,
        "count": int((looked.law == label).sum()),
        "parameters": [words.parameter(name) for name in LAWS[LAW_NAMES.index(law)].parameters],
        "samples": [_sample(*pair) for pair in zip(specimens, exposures, strict=True)],
    }


def _sample(specimen: Specimen, exposure: Exposure) -> dict[str, Any]:
    samples, scenes = specimen.samples, specimen.samples.scenes
    there = scenes.laws[0] >= 0
    return {
        "exposure": exposure,
        "row": specimen.row,
        "bodies": [scenes.names[law] for law in scenes.laws[0][there]],
        "hidden": (~seen(samples)[0][:, there]).any(axis=(0, 1)).tolist(),
        "description": samples.descriptions[0],
        "equation": [line.strip() for line in samples.equations[0].replace(";", "\n").splitlines()],
    }


def _player(samples: Samples) -> dict[str, Any]:
    """What the scripts need to draw a sample: tracks in pixels, paths in metres, cameras as four corners and an eye."""
    scenes = samples.scenes
    there = scenes.laws[0] >= 0
    return {
        "tracks": _points(scenes.tracks[0][:, there], 2),
        "radii": np.nan_to_num(scenes.radii[0][:, there]).round(2).tolist(),  # JSON has no NaN
        "seen": seen(samples)[0][:, there].tolist(),
        "paths": _points(paths(scenes)[0][there], 4),
        "beads": _points(scenes.trajectories[0][there], 4),
        "cameras": _cameras(samples.scenes.camera),
    }


def _points(array: np.ndarray, digits: int) -> list[Any]:
    """Nested lists of coordinates, with None for a point that is not finite."""
    if array.ndim > 1:
        return [_points(each, digits) for each in array]
    return [round(float(value), digits) for value in array] if np.isfinite(array).all() else None  # type: ignore[return-value]


def _cameras(camera: Camera) -> list[dict[str, Any]]:
    """Each camera's place, and the directions of the corners of its picture at unit depth."""
    edge = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * float(camera.size)
    rays = camera.rays(np.broadcast_to(edge, (*camera.focal.shape, 4, 2))) @ camera.rotation
    return [
        {"at": _points(at, 4), "rays": _points(ends, 4)} for at, ends in zip(camera.position[0], rays[0], strict=True)
    ]


def _bytes_of(path: Path) -> str:
    """Size of a folder's files, in the unit a reader would choose; the sheet itself does not count."""
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file() and file.suffix != ".html")
    unit = next(unit for unit in (1e9, 1e6, 1e3) if size >= unit or unit == 1e3)
    return f"{words.number(size / unit)} {({1e9: 'GB', 1e6: 'MB', 1e3: 'kB'})[unit]}"


def _facts(looked: Survey) -> list[dict[str, Histogram | None]]:
    """A histogram of every fact for every law, those of one fact on common bins."""
    labels = {name: looked.law == label for label, name in enumerate(looked.names)}
    return [
        histograms(fact.title, fact.unit, {law: looked.facts[name][rows] for law, rows in labels.items()})
        for name, fact in FACTS.items()
    ]


def _parameters(law: str, looked: Survey) -> list[Histogram | None]:
    """A histogram of every parameter of a law."""
    rows = looked.parameters[looked.law == looked.names.index(law)]
    named = [words.parameter(name) for name in LAWS[LAW_NAMES.index(law)].parameters]
    return [histograms(title, unit, {law: rows[:, i]})[law] for i, (title, unit) in enumerate(named)]
