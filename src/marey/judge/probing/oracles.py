"""What can be said of a clip from where its dot is: by the tracker, which sees pixels, and by the truth itself."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32, Float64
from torch import Tensor, from_numpy

from marey.core.config import strict
from marey.core.errors import UserError
from marey.data.clips import as_clips
from marey.encoders.guest import Facts, Features, Guest, Weights
from marey.encoders.look import Look
from marey.judge.baselines import track_features
from marey.judge.probing.truth import Truth
from marey.judge.tracker import track_clips

_CONTRAST = 120.0  # grey levels: fainter than the inks of `matched` against its paper, so that shaded dots count
_FEWEST = 3  # frames: two steps make a turn


@strict
@dataclass(frozen=True)
class TrackStatisticsConfig:
    """Hand-made numbers of the track that the tracker finds in the pixels."""

    kind: Literal["track-statistics"] = "track-statistics"

    def build(self) -> Guest:
        return TrackStatistics()


@strict
@dataclass(frozen=True)
class TrueTrackConfig:
    """The same numbers of the true track: the ceiling. It sees no pixels, so it is no guest."""

    kind: Literal["true-track"] = "true-track"


class TrackStatistics(Guest):
    """Where the tracker finds the dot, frame by frame, and the shape of its track. It measures and learns nothing."""

    def __init__(self) -> None:
        facts = Facts("track statistics", "Apache-2.0", "marey", "as it is")
        super().__init__(facts, Weights("none"), Look(), {"statistics": 0})  # their number depends on the frames
        self.eval()

    def read(self, video: Float[Tensor, "B C T H W"], taps: tuple[str, ...]) -> Features:  # noqa: ARG002
        clips = as_clips(video)
        found = track_clips(clips, _CONTRAST)
        width = clips.shape[3]
        discs = np.concatenate([found.track, found.radius[..., None]], axis=-1) / width
        return {"statistics": from_numpy(statistics(_filled(discs), found.found.astype(np.float64)))[:, None]}


def of_truth(truth: Truth, frames: int) -> Float32[np.ndarray, "N 1 D"]:
    """The statistics of the true track in the first `frames` frames; a UserError if it is not known."""
    if truth.track is None or truth.radius is None:
        raise UserError("the true tracks of these clips are not known")
    discs = np.concatenate([truth.track, truth.radius[..., None]], axis=-1)[:, :frames]
    return statistics(_filled(discs), np.isfinite(discs).all(axis=-1).astype(np.float64))[:, None]


def statistics(discs: Float64[np.ndarray, "N T 3"], found: Float64[np.ndarray, "N T"]) -> Float32[np.ndarray, "N D"]:
    """Places and sizes, whether they were found, steps, lengths, turns and the shape freed of place, way and size."""
    if discs.shape[1] < _FEWEST:
        raise UserError(f"clips of {discs.shape[1]} frames are too short for a track's statistics; give {_FEWEST}")
    steps = np.diff(discs[..., :2], axis=1)
    length = np.linalg.norm(steps, axis=-1)
    turn = steps[:, :-1, 0] * steps[:, 1:, 1] - steps[:, :-1, 1] * steps[:, 1:, 0]
    angle = np.arctan2(turn, (steps[:, :-1] * steps[:, 1:]).sum(axis=-1))
    net = np.linalg.norm(discs[:, -1, :2] - discs[:, 0, :2], axis=-1)
    growth = np.log(discs[..., 2].clip(1e-3))
    sums = np.column_stack([
        net, length.sum(axis=1), angle.sum(axis=1), np.abs(angle).sum(axis=1), np.abs(angle.sum(axis=1)),
        length.std(axis=1), angle.std(axis=1), growth.std(axis=1), growth[:, -1] - growth[:, 0],
    ])  # fmt: skip
    shape = np.asarray(track_features(np.concatenate([discs[..., :2], discs[..., 2:].clip(1e-3)], axis=-1)))
    parts = [discs, found, steps, length, np.abs(angle), growth, sums, shape]
    return np.concatenate([part.reshape(len(discs), -1) for part in parts], axis=1).astype(np.float32)


def _filled(discs: Float64[np.ndarray, "N T 3"]) -> Float64[np.ndarray, "N T 3"]:
    """Lost frames as the last one before them (else the first after): `found` says which; a clip without any, 0."""
    known, frames = np.isfinite(discs).all(axis=-1), np.arange(discs.shape[1])
    last = np.maximum.accumulate(np.where(known, frames, -1), axis=1)
    first = np.where(known.any(axis=1), known.argmax(axis=1), 0)[:, None]
    place = np.where(last < 0, first, last)
    return np.nan_to_num(np.take_along_axis(discs, place[..., None], axis=1))
