"""Trivial rules and ceilings: what every figure must be held against.

The rules that see tracks are given the tracker's track of the shown frames, the same pixels that the model is shown.
Where a rule has a choice, the training split makes it. Positions outside the frame are moved to its border, because
every dot is known to stay in view.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64, UInt8
from scipy.spatial import KDTree
from sklearn.ensemble import HistGradientBoostingClassifier

from marey.metrics.tracks import ade
from marey.world.laws import BASE_LAWS

Shown = Float64[np.ndarray, "N S 2"]
Hidden = Float64[np.ndarray, "N H 2"]
Training = Float64[np.ndarray, "M T 2"]

_LINES = ("all shown frames", "last two frames")
_FORMS = ("as it is", "moved to the last shown position")
_AT_ONCE = 256  # training clips, which bounds memory


@dataclass(frozen=True)
class Guesses:
    """What the trivial rules say about the hidden frames: name -> pixels. chosen: which form of a rule was taken."""

    tracks: dict[str, Hidden]
    chosen: dict[str, str]


def predictions(
    shown: Shown, law: Int64[np.ndarray, "N"], train: Training, train_law: Int64[np.ndarray, "M"], size: int
) -> Guesses:
    """Rules that go on from the first frames; `shown` holds those, `train` whole clips of the training split.

    copy_last; constant_velocity (a line through all shown frames or through the last two); constant_acceleration
    (a parabola in time through all shown frames); class_mean (from the last shown position, the mean displacement of
    the clip's true class: it is told the class); nearest_train (the future of the training clip whose shown frames are
    nearest, as it is or moved to the last shown position).
    """
    given = np.arange(train.shape[1]) < shown.shape[1]
    truth, last = train[:, ~given], shown[:, -1:]
    lines = [polynomial(train[:, given], given, 1, size, points) for points in (None, 2)]
    best = int(np.argmin([ade(line, truth, size).mean() for line in lines]))
    displacement = truth - train[:, given][:, -1:]
    mean = np.stack([displacement[train_law == k].mean(axis=0) for k in range(len(BASE_LAWS))])
    nearest, form = _nearest(shown, train, given, size)
    tracks = {
        "copy_last": np.repeat(last, truth.shape[1], axis=1),
        "constant_velocity": polynomial(shown, given, 1, size, (None, 2)[best]),
        "constant_acceleration": polynomial(shown, given, 2, size),
        "class_mean": (last + mean[law]).clip(0, size),
        "nearest_train": nearest,
    }
    return Guesses(tracks, {"constant_velocity": _LINES[best], "nearest_train": form})


def interpolations(shown: Shown, train: Training, given: Bool[np.ndarray, "T"], size: int) -> Guesses:
    """Rules that fill the gap between shown ends; `shown` holds the frames where `given` is True.

    copy_last (before the gap); linear (between the two frames at the gap); quadratic and cubic (through all shown
    frames, by least squares); nearest_train, as in `predictions`.
    """
    times = np.flatnonzero(given)
    hidden = np.flatnonzero(~given)
    before = np.searchsorted(times, hidden) - 1
    share = ((hidden - times[before]) / (times[before + 1] - times[before]))[:, None]
    tracks = {
        "copy_last": shown[:, before],
        "linear": shown[:, before] * (1 - share) + shown[:, before + 1] * share,
        "quadratic": polynomial(shown, given, 2, size),
        "cubic": polynomial(shown, given, 3, size),
    }
    tracks["nearest_train"], form = _nearest(shown, train, given, size)
    return Guesses(tracks, {"nearest_train": form})


def polynomial(shown: Shown, given: Bool[np.ndarray, "T"], degree: int, size: int, last: int | None = None) -> Hidden:
    """`extended`, moved to the border where it leaves the frame."""
    return extended(shown, given, degree, last).clip(0, size)


def extended(
    shown: Float64[np.ndarray, "N S D"], given: Bool[np.ndarray, "T"], degree: int, last: int | None = None
) -> Float64[np.ndarray, "N H D"]:
    """Least-squares polynomial in time through the (last) shown frames, at the hidden ones."""
    times, hidden = np.flatnonzero(given).astype(float), np.flatnonzero(~given)
    used = slice(None) if last is None else slice(-last, None)
    times = times[used]
    powers = np.arange(min(degree, len(times) - 1) + 1)
    weights = (hidden[:, None] ** powers) @ np.linalg.pinv(times[:, None] ** powers)
    return weights @ shown[:, used]


def _nearest(shown: Shown, train: Training, given: Bool[np.ndarray, "T"], size: int) -> tuple[Hidden, str]:
    """The hidden frames of the nearest training clip, in the form that does better among training clips."""
    last = int(np.flatnonzero(given[: int(np.flatnonzero(~given)[0])])[-1])  # the last shown frame before the gap
    library, future = train[:, given], train[:, ~given]
    errors, guesses = [], []
    for moved in (0, 1):
        start, ours = moved * library[:, last : last + 1], moved * shown[:, last : last + 1]
        tree = KDTree((library - start).reshape(len(library), -1))
        _, other = tree.query(tree.data, k=2)  # the nearest is the clip itself
        validation = (future - start)[other[:, 1]] + start
        errors.append(ade(validation.clip(0, size), future, size).mean())
        _, mine = tree.query(np.nan_to_num(shown - ours).reshape(len(shown), -1))
        guesses.append(((future - start)[mine] + ours).clip(0, size))
    best = int(np.argmin(errors))
    return guesses[best], _FORMS[best]


def nearest_on_pixels(
    clips: UInt8[np.ndarray, "N T H W C"],
    train: UInt8[np.ndarray, "M T H W C"],
    train_law: Int64[np.ndarray, "M"],
) -> Int64[np.ndarray, "N"]:
    """Law of the training clip with the nearest pixels."""
    ours = 255 - clips.reshape(len(clips), -1).astype(np.float32)
    nearest, least = np.zeros(len(clips), int), np.full(len(clips), np.inf)
    for i in range(0, len(train), _AT_ONCE):
        theirs = 255 - train[i : i + _AT_ONCE].reshape(-1, ours.shape[1]).astype(np.float32)
        distance = np.square(theirs).sum(axis=1) - 2 * ours @ theirs.T
        best = distance.min(axis=1)
        nearest = np.where(best < least, i + distance.argmin(axis=1), nearest)
        least = np.minimum(best, least)
    return train_law[nearest]


def probe_on_true_tracks(
    train: Float64[np.ndarray, "M T 3"],
    train_law: Int64[np.ndarray, "M"],
    test: Float64[np.ndarray, "N T 3"],
) -> Int64[np.ndarray, "N"]:
    """The ceiling of classification: gradient-boosted trees that see the true positions and radii, not pixels."""
    probe = HistGradientBoostingClassifier(max_iter=60, random_state=0)
    return np.asarray(probe.fit(track_features(train), train_law).predict(track_features(test)))


def track_features(discs: Float64[np.ndarray, "N T 3"]) -> Float[np.ndarray, "N F"]:
    """Discs (u, v, radius) as shape: steps and their changes, turned so that the clip goes from left to right."""
    position = discs[..., :2]
    way = position[:, -1] - position[:, 0]
    way = way / np.linalg.norm(way, axis=-1, keepdims=True).clip(1e-9)
    turn = np.stack([way, np.stack([-way[:, 1], way[:, 0]], axis=-1)], axis=1)
    turned = position @ turn.transpose(0, 2, 1)
    turned[..., 1] *= np.where(turned[:, :, 1].mean(axis=1) < turned[:, 0, 1], -1, 1)[:, None]  # one side of the line
    scale = np.abs(np.diff(turned, axis=1)).sum(axis=(1, 2), keepdims=True).clip(1e-9)
    shape = (turned - turned[:, :1]) / scale
    first, second, third = (np.diff(shape, n=n, axis=1) for n in (1, 2, 3))
    growth = discs[..., 2] / discs[:, :1, 2]
    parts = [shape, first, second, third, growth[..., None]]
    return np.concatenate([part.reshape(len(discs), -1) for part in parts], axis=1)
