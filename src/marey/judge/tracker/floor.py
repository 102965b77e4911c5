"""The ruler's own error: how well the tracker reads clips whose truth is known, before any model comes into it.

Nothing below these figures can be measured on such clips. Bodies are matched to the truth only here, by the least sum
of distances; the tracker is told how many there are at most, and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.optimize import linear_sum_assignment

from marey.data.spec import DatasetSpec
from marey.data.table import visible
from marey.judge.tracker import BodyTracks, track_bodies
from marey.metrics.figure import Figure, mean_figure
from marey.world.render import draw, quantized
from marey.world.scenes import Scenes

_SAMPLES = 96  # clips: a few seconds at most, on any preset
_AT_ONCE = 16  # clips, which bounds memory
_FAR = 0.1  # of the frame: no two bodies are told apart by more

TITLES = {
    "position": "position, rms",
    "radius": "apparent radius, rms",
    "velocity": "velocity, rms",
    "visibility": "found where visible, and only there",
    "lost": "visible and not found",
    "imagined": "found and not visible",
}


def _silent(done: int) -> None:
    """No progress is shown."""


@dataclass(frozen=True)
class Floor:
    """Figures by the names of `TITLES`; those of lengths are roots of means of squares, and so are their intervals.

    Position, radius and velocity count the discs that are whole in the frame, visible and found; velocity is that from
    one frame to the next. Visible: in the frame, and at most half hidden.
    """

    figures: tuple[Figure, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """As details.json shows it."""
        return [figure.to_json() for figure in self.figures]


def floor_of(spec: DatasetSpec, samples: int = _SAMPLES, progress: Callable[[int], object] = _silent) -> Floor:
    """The floor on clips of a spec: the first of its test split, or fresh ones that would follow them."""
    drawn = replace(spec, train=0, validation=0, test=samples, held_out=0)
    scenes, parts = drawn.scenes("test"), []
    for start in range(0, samples, _AT_ONCE):
        stop = min(start + _AT_ONCE, samples)
        parts.append(_read(scenes.take(np.arange(start, stop))))
        progress(stop)
    offset, found, truth = (np.concatenate(column) for column in zip(*parts, strict=True))
    return floor(offset, found, truth, spec.seed)


def floor(
    offset: Float64[np.ndarray, "N M T 3"],
    found: Bool[np.ndarray, "N M T"],
    truth: Int64[np.ndarray, "N M T"],
    seed: int = 0,
) -> Floor:
    """Figures from the differences of (u, v, radius) to the truth, and what is true of each disc: 0 it is not visible,
    1 it is, 2 and it is whole in the frame.
    """
    counted = found & (truth == 2)
    step = np.diff(np.where(counted[..., None], offset, np.nan), axis=2)
    lengths = {"position": offset[..., :2], "radius": offset[..., 2:], "velocity": step[..., :2]}
    units = {"position": "px", "radius": "px", "velocity": "px/frame"}
    figures = []
    for name, values in lengths.items():
        mask = counted if name != "velocity" else np.isfinite(step[..., 0])
        figures.append(_rms(f"floor.{name}", (values**2).sum(axis=-1), mask, units[name], seed))
    wrong = {"visibility": found == (truth > 0), "lost": ~found & (truth > 0), "imagined": found & (truth == 0)}
    for name, hits in wrong.items():
        figures.append(mean_figure(f"floor.{name}", hits.reshape(len(hits), -1).mean(axis=1), "share", seed))
    return Floor(tuple(figures))


def _read(scenes: Scenes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The tracker on the first camera's clips, body by body beside the truth."""
    discs, size = quantized(scenes), scenes.camera.size
    tracks = track_bodies(draw(discs, scenes.picture, size, size), scenes.laws.shape[1])
    true = np.concatenate([scenes.tracks[:, 0], scenes.radii[:, 0, ..., None]], axis=-1)
    order = matched(tracks, true[..., :2])
    seen = np.concatenate([tracks.tracks, tracks.radii[..., None]], axis=-1)
    seen = np.take_along_axis(seen, order[:, :, None, None], axis=1)
    there = visible(scenes, discs)[:, 0]
    return seen - true, np.isfinite(seen[..., 2]), there.astype(np.int64) + (there & scenes.whole[:, 0])


def matched(tracks: BodyTracks, truth: Float64[np.ndarray, "N M T 2"]) -> Int64[np.ndarray, "N M"]:
    """For each true body the number of the tracked one; bodies that are not there get what is left."""
    far = _FAR * np.nanmax(np.abs(truth))
    apart = np.linalg.norm(tracks.tracks[:, None] - truth[:, :, None], axis=-1)
    cost = np.where(np.isnan(apart), far, np.minimum(apart, far)).mean(axis=-1)
    return np.stack([linear_sum_assignment(each)[1] for each in cost])


def _rms(
    name: str, square: Float64[np.ndarray, "N M T"], counted: Bool[np.ndarray, "N M T"], unit: str, seed: int
) -> Figure:
    """Root of the mean over clips of the mean over a clip's discs."""
    count = counted.sum(axis=(1, 2))
    if not count.any():
        return Figure(name, None, unit, 0, why="no whole disc was found")
    mean = np.where(counted, square, 0).sum(axis=(1, 2))[count > 0] / count[count > 0]
    figure = mean_figure(name, mean, unit, seed)
    assert figure.value is not None and figure.low is not None and figure.high is not None
    value, low, high = np.sqrt([figure.value, figure.low, figure.high]).tolist()
    return replace(figure, value=value, low=low, high=high)


def floor_notes(floor: Floor) -> str:
    """The floor as a section of Markdown, for the data card."""
    rows = "\n".join(_row(figure) for figure in floor.figures)
    return (
        "## Floor\n\nThe tracker's own error on clips of this data set, told nothing of the truth: no motion can be\n"
        "measured more finely on them. Lengths count discs that are whole in the frame. Intervals are of 95 %.\n\n"
        f"| figure | value | interval | clips |\n|---|---|---|---|\n{rows}\n"
    )


def _row(figure: Figure) -> str:
    title = TITLES[figure.name.removeprefix("floor.")]
    if figure.value is None:
        return f"| {title} | not measured: {figure.why} | | {figure.n} |"
    if figure.unit == "share":
        return f"| {title} | {figure.value:.2%} | {figure.low:.2%} to {figure.high:.2%} | {figure.n} |"
    return f"| {title} | {figure.value:.3g} {figure.unit} | {figure.low:.3g} to {figure.high:.3g} | {figure.n} |"
