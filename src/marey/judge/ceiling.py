"""The ceiling of motion: a law fitted to what the tracker reads of the shown frames, run on through the hidden ones.

It is told what no model is told (the four laws, the camera and the tracker's noise, which was measured on training
clips) and sees only what the model is shown.
"""

import numpy as np
from jaxtyping import Bool

from marey.judge.exam import Exam
from marey.judge.law.choice import within
from marey.judge.law.least_squares import project
from marey.judge.reading.dataset import ball_radii
from marey.judge.reading.figures import compare
from marey.judge.reading.fits import Fits
from marey.judge.reading.noise import Noise
from marey.judge.reading.read import read
from marey.judge.tracker import Tracks
from marey.metrics.figure import Figure, share_figure
from marey.world.laws import BASE_LAWS

_COVERAGE = "ruler.interval_coverage"
UNKNOWN_NOISE = "the tracker's noise is not known, for there are fewer than 20 training clips"


def continued(exam: Exam, tracks: Tracks, given: Bool[np.ndarray, "T"], noise: Noise) -> Tracks:
    """Where the law that fits the given frames of the tracks best puts the dot in all frames.

    Best: by Akaike's criterion (1974), which needs no correction where the noise is known; the laws' priors hold, as in
    `fit_laws`, unless no law is within them. Positions outside the frame are moved to its border, as those of the
    trivial rules are; NaN where the dot would be behind the camera, or was not found in any given frame.
    """
    shown = Tracks(
        np.where(given[:, None], tracks.track, np.nan), np.where(given, tracks.radius, np.nan), tracks.found & given
    )
    focal, rows = exam.test.camera.focal[:, 0], np.arange(len(tracks))
    fits = Fits.of(shown, focal, exam.size, noise, BASE_LAWS, exam.turning, all_frames=True)  # there are few enough
    free = np.array([fitted.motion.free for fitted in fits.each])
    score = fits.cost + 2 * free
    inside = np.stack([within(fitted, len(given) - 1, BASE_LAWS) for fitted in fits.each], axis=1)
    best = np.where(inside | ~inside.any(axis=1, keepdims=True), score, np.inf).argmin(axis=1)
    discs = np.stack([project(fitted.points(fits.frames), focal) for fitted in fits.each], axis=1)[rows, best]
    discs[~shown.found.any(axis=1)] = np.nan
    track = (discs[..., :2] + exam.size / 2).clip(0, exam.size)
    return Tracks(track, discs[..., 2], np.isfinite(discs[..., 2]))


def interval_coverage(exam: Exam) -> Figure:
    """Share of the laws' parameters, on the true test clips, whose 95 % interval holds the truth."""
    scenes, noise = exam.test, exam.noise
    if noise is None:
        return Figure(_COVERAGE, None, "share", 0, why=UNKNOWN_NOISE)
    balls = ball_radii(scenes)
    reading = read(exam.tracks, scenes.times, exam.size, scenes.camera, balls, noise, BASE_LAWS, exam.turning)
    compared = compare(reading, scenes)
    return share_figure(_COVERAGE, compared.covered[compared.measured], baselines={"asked": 0.95})
