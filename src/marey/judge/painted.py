"""The trials of out- and inpainting: a part of every frame is hidden, and the dot with it, now and then or always."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float64

from marey.judge.baselines import polynomial
from marey.judge.exam import Exam
from marey.judge.seen import Seen
from marey.judge.trials import Outcome
from marey.metrics.figure import mean_figure
from marey.metrics.tracks import displacement
from marey.world.scenes import Scenes

Mask = Bool[np.ndarray, "T H W"]  # True where a pixel is shown
Frames = Bool[np.ndarray, "N T"]


def paint(exam: Exam, task: str, shown: Mask) -> Outcome:
    """The same pixels are hidden of all clips, and the model (`complete(video, shown, seed=...)`) fills them in.

    Figures are of the frames in which the middle of the dot is hidden, and of the clips that have some.
    """
    model: Any = exam.model
    mask = torch.from_numpy(shown)
    clips = exam.answers(
        task, lambda v, seed: model.complete(v, mask.expand(len(v), -1, -1, -1), seed=seed), exam.clips
    )
    hidden = ~_shows_middle(exam.test, shown)
    rows = np.flatnonzero(hidden.any(axis=1))
    hidden, test, size, seed = hidden[rows], exam.test.take(rows), exam.size, exam.config.seed
    track, found = exam.tracks.track[rows], exam.track(clips[rows], exam.contrast[rows])
    alive = Seen.of(clips[rows], found, test, exam.contrast[rows]).alive

    def error(guess: Float64[np.ndarray, "n T 2"]) -> Float64[np.ndarray, "n"]:
        return _mean_where(hidden, displacement(guess, test.track, size))

    if not len(rows):
        names = {"ade": "px", "survival": "share"}
        return Outcome([mean_figure(f"{task}.{name}", np.empty(0), unit, seed) for name, unit in names.items()])
    rules = {name: error(guess) for name, guess in _rules(track, _shows_disc(test, shown), size).items()}
    beside = {name: float(each.mean()) for name, each in rules.items()}
    floor = float(_mean_where(hidden, exam.true.alive[rows]).mean())
    figures = (
        mean_figure(f"{task}.ade", error(found.track), "px", seed, float(error(track).mean()), beside),
        mean_figure(f"{task}.survival", _mean_where(hidden, alive), "share", seed, floor, {"blank_page": 0.0}),
    )
    return Outcome([replace(figure, each=None) for figure in figures])  # its clips are not all of the test split


def _rules(track: Float64[np.ndarray, "n T 2"], known: Frames, size: int) -> dict[str, Float64[np.ndarray, "n T 2"]]:
    """Trivial guesses from the frames in which the dot is known, where the tracker sees it.

    middle_of_frame; linear: a straight line between the nearest two of these frames, at the ends the nearest one;
    cubic: a polynomial of degree 3 in time through all of them, or of less where there are few. Where the dot is never
    known all of them are the middle.
    """
    middle = np.full_like(track, size / 2)
    guesses = {"middle_of_frame": middle, "linear": middle.copy(), "cubic": middle.copy()}
    time = np.arange(track.shape[1])
    for row in np.flatnonzero(known.any(axis=1)):
        times, places = time[known[row]], np.nan_to_num(track[row, known[row]], nan=size / 2)
        guesses["cubic"][row, known[row]] = places
        guesses["cubic"][row, ~known[row]] = polynomial(places[None], known[row], 3, size)[0]
        guesses["linear"][row] = np.stack([np.interp(time, times, each) for each in places.T], axis=1)
    return guesses


def _mean_where(which: Frames, values: np.ndarray) -> Float64[np.ndarray, "n"]:
    return np.where(which, values, 0).sum(axis=1) / which.sum(axis=1)


def _shows_middle(scenes: Scenes, shown: Mask) -> Frames:
    """Whether the pixel in which the dot's middle lies is shown."""
    column, row = (scenes.track[..., i].astype(int).clip(0, shown.shape[2] - 1) for i in (0, 1))
    return shown[np.arange(len(shown)), row, column]


def _shows_disc(scenes: Scenes, shown: Mask) -> Frames:
    """Whether all pixels that the dot touches are shown."""
    x = np.arange(shown.shape[2]) + 0.5
    apart = [(x - scenes.track[..., i : i + 1]) ** 2 for i in (0, 1)]  # N T W, N T H
    reach = (scenes.apparent_radius + 1) ** 2
    out = np.zeros(reach.shape, bool)
    for t, frame in enumerate(shown):
        near = apart[1][:, t, :, None] + apart[0][:, t, None, :] <= reach[:, t, None, None]
        out[:, t] = ~(near & ~frame).any(axis=(1, 2))
    return out
