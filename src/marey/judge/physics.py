"""Does a model know the law, or the clips it was shown? A few frames are given and the rest is asked for, on clips like
those of training and on clips of radii and speeds beyond them.

The protocol of Kang et al., "How Far is Video Generation from World Model" (ICML 2025, arXiv 2411.02385): the error of
each ball's velocity over the predicted frames, as a multiple of what the same ruler errs on the true clips. Two rulers:
our tracker, and theirs (`by_mask`), which counts whole pixels: at 64 pixels it errs some sixty times as much, and hides
whatever is finer. Their evaluator leaves out a ball that vanished; here it costs the most that there is, by either
ruler (see `metrics.tracks.motion_error`). What is drawn where no ball is any more is counted by itself, as ghosts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from marey.core.errors import UserError
from marey.core.files import write_json
from marey.core.runs import RunFolder
from marey.judge.baselines import extended
from marey.judge.exam import Clips, JudgeConfig, VideoModel, answered, contrasts
from marey.judge.tracker import track_bodies
from marey.metrics.figure import Figure, Level, mean_figure, ratio_figure
from marey.metrics.tracks import displacement, motion_error
from marey.world.render import render
from marey.world.scenes import Scenes

BodyTracks = Float64[np.ndarray, "N M T 2"]
PerClip = Float64[np.ndarray, "N"]

_HALF = 127  # of 255 grey levels


@dataclass(frozen=True)
class Side:
    """One set of true clips, and how what is made of them is read.

    counted: pairs of frames of which the second is hidden and both show the whole ball.
    """

    scenes: Scenes
    clips: Clips
    prefix: int

    @property
    def counted(self) -> Bool[np.ndarray, "N M D"]:
        whole = self.scenes.whole[:, 0]
        hidden = np.arange(1, whole.shape[-1]) >= self.prefix
        return whole[..., 1:] & whole[..., :-1] & hidden

    def read(self, clips: Clips) -> BodyTracks:
        """The tracker's tracks, with the bodies in the order in which they lie best over the true ones while shown.

        Frames in which no ball is whole are page to the tracker: they do not count, and what a model draws after a ball
        has left would else be taken for what the ball looks like.
        """
        bodies, there = self.scenes.laws.shape[1], np.asarray(self.scenes.whole[:, 0].any(axis=1))
        counted = np.where(there[..., None, None, None], clips, self.scenes.picture.paper[:, None, None, None])
        tracks = track_bodies(counted, bodies, contrasts(self.scenes), self.scenes.picture.flat).tracks
        truth, shown, size = self.scenes.tracks[:, 0], slice(self.prefix), self.scenes.camera.size
        orders = list(permutations(range(bodies)))
        costs = [
            sum(displacement(tracks[:, b, shown], truth[:, k, shown], size).sum(axis=1) for k, b in enumerate(order))
            for order in orders
        ]
        best = np.array(orders)[np.argmin(costs, axis=0)]
        return np.take_along_axis(tracks, best[:, :, None, None], axis=1)

    def masked(self, clips: Clips) -> BodyTracks:
        """The tracks of the paper's evaluator: the mean place of the pixels of a ball's colour, those of which each
        channel is on the ball's side of half; NaN where there is none. Two balls of one colour are one to it.
        """
        return np.stack([_means(clips, ink) for ink in self.scenes.picture.ink.transpose(1, 0, 2)], axis=1)

    def velocity_error(self, tracks: BodyTracks) -> PerClip:
        """Mean over the counted pairs of frames, px/frame."""
        n, bodies, frames, _ = tracks.shape
        flat, truth = tracks.reshape(-1, frames, 2), self.scenes.tracks[:, 0].reshape(-1, frames, 2)
        error = motion_error(flat, truth, self.scenes.camera.size, 1).reshape(n, bodies, -1)
        return np.asarray((error * self.counted).sum(axis=(1, 2)) / self.counted.sum(axis=(1, 2)))

    def lost(self, tracks: BodyTracks) -> PerClip:
        """Share of the counted pairs of frames in which a ball is not found twice."""
        found = np.isfinite(tracks[..., 0])
        gone = ~(found[..., 1:] & found[..., :-1]) & self.counted
        return np.asarray(gone.sum(axis=(1, 2)) / self.counted.sum(axis=(1, 2)))

    def ghosts(self, true: BodyTracks, tracks: BodyTracks) -> Float64[np.ndarray, "some"]:
        """Share of the hidden frames in which `true` finds no ball and `tracks` does; only of clips that have such
        frames, so that fewer than N numbers come back. Both are `masked`: the tracker does not look there.
        """
        away = np.isnan(true[..., 0]) & (np.arange(true.shape[2]) >= self.prefix)
        some = away.any(axis=(1, 2))
        shown = np.isfinite(tracks[..., 0]) & away
        return np.asarray(shown[some].sum(axis=(1, 2)) / away[some].sum(axis=(1, 2)))


def judge_physics(
    model: VideoModel,
    sides: Mapping[str, Scenes],
    config: JudgeConfig,
    folder: RunFolder,
    progress: Callable[[str], None],
    levels: Mapping[str, Level],
) -> list[Figure]:
    """Measure reconstruction and prediction on each side, such as `within` and `beyond`; writes metrics.json.

    levels: what figures are asked to reach, by name. The same arguments write the same bytes.
    """
    figures = []
    for name, scenes in sides.items():
        progress(name)
        figures += _side(model, name, Side(scenes, render(scenes), config.prefix), config)
    figures = [replace(figure, level=levels.get(figure.name)) for figure in figures]
    write_json(folder.path / "metrics.json", [figure.to_json() for figure in figures])
    return figures


def _side(model: VideoModel, name: str, side: Side, config: JudgeConfig) -> list[Figure]:
    prefix = config.prefix
    if not side.counted.any(axis=(1, 2)).all():
        raise UserError(f"judge.prefix={config.prefix}: some clips show no whole ball later; show fewer frames")
    answers = {
        "reconstruction": answered("reconstruct", lambda video, _: model.reconstruct(video), side.clips, config),
        "prediction": answered(
            "predict", lambda v, seed: model.predict(v[:, :, :prefix], config.horizon, seed), side.clips, config
        ),
    }
    figures = []
    for ruler, read in {"": side.read, "_by_mask": side.masked}.items():
        true = read(side.clips)
        floor = side.velocity_error(true)
        rules = {rule: side.velocity_error(tracks) for rule, tracks in _rules(true, prefix).items()}
        means = {rule: float(errors.mean()) for rule, errors in rules.items()}
        found = {task: read(clips) for task, clips in answers.items()}
        for task, tracks in found.items():
            predicts = task == "prediction"
            error = side.velocity_error(tracks)
            figures += [
                mean_figure(f"{name}.{task}_velocity_error{ruler}", error, "px/frame", config.seed, float(floor.mean()),
                            means if predicts else {}),
                ratio_figure(f"{name}.{task}_times_floor{ruler}", error, floor, config.seed, rules if predicts else {}),
                mean_figure(f"{name}.{task}_lost{ruler}", side.lost(tracks), "share", config.seed,
                            float(side.lost(true).mean())),
            ]  # fmt: skip
        if ruler == "_by_mask":
            figures += [
                mean_figure(f"{name}.{task}_ghosts{ruler}", side.ghosts(true, tracks), "share", config.seed, 0.0)
                for task, tracks in found.items()
            ]
    return figures


def _means(clips: Clips, ink: UInt8[np.ndarray, "N C"]) -> Float64[np.ndarray, "N T 2"]:
    tracks = np.full((*clips.shape[:2], 2), np.nan)
    for i, clip in enumerate(clips):
        frame, row, column = np.nonzero(((clip > _HALF) == (ink[i] > _HALF)).all(axis=-1))
        count = np.bincount(frame, minlength=len(clip))
        places = [np.bincount(frame, place + 0.5, len(clip)) for place in (column, row)]
        tracks[i, count > 0] = (np.stack(places, axis=-1) / np.maximum(count, 1)[:, None])[count > 0]
    return tracks


def _rules(true: BodyTracks, prefix: int) -> dict[str, BodyTracks]:
    """What follows from the tracker's reading of the shown frames alone, each ball for itself: none knows of walls,
    borders or other balls.
    """
    n, bodies, frames, _ = true.shape
    given = np.arange(frames) < prefix
    shown = true[:, :, given].reshape(n * bodies, prefix, 2)
    out = {}
    for degree, rule in enumerate(("copy_last", "constant_velocity", "constant_acceleration")):
        further = extended(shown, given, degree, 1 if degree == 0 else None)
        out[rule] = np.concatenate([shown, further], axis=1).reshape(n, bodies, frames, 2)
    return out
