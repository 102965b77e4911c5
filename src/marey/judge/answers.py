"""Videos that somebody's model made of test clips: which clip each of them answers, and whether it can be judged.

A folder of videos, or an npz with `videos`. Each answers the test clip whose row its name ends in (`clip-00012.mp4`
answers row 12; an npz has them in `index`); where none has a number they answer the first clips in order. A generated
video answers no clip but a law, by its label or by the name of a law in its path.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from marey.core.errors import UserError
from marey.core.files import sha256
from marey.data.imports.archive import UNREADABLE
from marey.data.imports.foreign import Foreign
from marey.data.manifest import SUMS
from marey.data.spec import DatasetSpec
from marey.judge.probing.set import opened_foreign
from marey.world.laws import BASE_LAWS

Clips = UInt8[np.ndarray, "N T H W C"]
Clip = UInt8[np.ndarray, "T H W C"]
AnswerTask = Literal["reconstruct", "predict", "interpolate", "generate"]
ANSWER_TASKS: tuple[AnswerTask, ...] = get_args(AnswerTask)

_GREY = 16  # levels by which the channels of a video may differ that a coder was given in grey
_NAMED = 5  # of many missing clips, those that a message names


@dataclass(frozen=True)
class Answers:
    """Videos in the order of the clips they answer; generated ones with their laws in turn, as far as they go.

    law: that generated videos were asked for; of other tasks empty. digest: changes with any byte of the videos. lossy:
    whether a video coder had them in its hands.
    """

    task: AnswerTask
    clips: Clips
    law: Int64[np.ndarray, "G"]
    digest: str
    lossy: bool


def read_answers(
    path: Path, task: AnswerTask, truth: Clips, given: Bool[np.ndarray, "T"], spec: DatasetSpec
) -> Answers:
    """The videos in a folder or an npz, each of which answers one of the clips `truth`, the first of a test split.

    spec: of the whole data set. given: frames that were shown. A video has all frames of a clip, or only the hidden
    ones: then the shown ones are the true ones. What cannot be judged is a UserError that names it: a wrong length,
    size or number of channels, a clip without an answer or with two.
    """
    with opened_foreign(path) as foreign:
        if "pixels" not in foreign.has:
            raise UserError(f"{path} has no videos; give a folder of videos, or an npz with the array videos")
        videos, digest = list(foreign.rows()), sha256(foreign.path / SUMS)[:12]
        if task == "generate":
            law = np.array([_law(path, row) for row in videos])
            order = _in_turn(law)
            clips = [_fitting(path, foreign, videos[i], truth[0], given) for i in order]
            return Answers(task, np.stack(clips), law[order], digest, "fps" in foreign.has)
        answered = _answered(path, videos, len(truth), spec)
        clips = [_fitting(path, foreign, videos[i], clip, given) for i, clip in zip(answered, truth, strict=True)]
        return Answers(task, np.stack(clips), np.empty(0, np.int64), digest, "fps" in foreign.has)


def _answered(path: Path, videos: list[dict[str, Any]], count: int, spec: DatasetSpec) -> list[int]:
    """Of each of the first `count` clips the video that answers it."""
    numbers = _numbers(path, [str(row["clip"]) for row in videos], spec)
    name = {place: _name(path, row) for place, row in enumerate(videos)}
    found: dict[int, int] = {}
    for place, number in enumerate(numbers):
        if not 0 <= number < spec.test:
            raise UserError(f"{name[place]} answers test clip {number}; the test split has clips 0 to {spec.test - 1}")
        if number in found:
            raise UserError(f"{name[found[number]]} and {name[place]} both answer test clip {number}; keep one of them")
        found[number] = place
    missing = sorted(set(range(count)) - set(found))
    if missing:
        named = ", ".join(map(str, missing[:_NAMED]))
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise UserError(
            f"{path}: {len(missing)} of {count} test clips have no answer, by their rows {named}{more}; add their "
            "videos, or judge the first ones alone with --clips"
        )
    return [found[number] for number in range(count)]


def _numbers(path: Path, names: Sequence[str], spec: DatasetSpec) -> list[int]:
    """The row of the test split that each video answers."""
    if path.suffix.lower() == ".npz":
        return _index(path, len(names), spec)
    ends = [re.findall(r"\d+", Path(name).stem)[-1:] for name in names]
    if not any(ends):
        return list(range(len(names)))
    if not all(ends):
        without = names[[bool(end) for end in ends].index(False)]
        raise UserError(f"{path / without} has no number and others have; end each name in the row that it answers")
    return [int(end[0]) for end in ends]


def _index(path: Path, count: int, spec: DatasetSpec) -> list[int]:
    """Rows of the test split, or (as an export of marey has them) the index of their samples in the whole data set."""
    try:
        with np.load(path) as archive:
            if "index" not in archive.files:
                return list(range(count))
            index = archive["index"]
    except UNREADABLE as error:
        raise UserError(f"{path}: index cannot be read ({error}); store {count} rows of the test split") from None
    if index.shape != (count,) or index.dtype.kind not in "iu":
        raise UserError(f"{path}: index is {index.dtype} {index.shape}; store {count} rows of the test split")
    first = int(spec.index("test", np.zeros(1, np.int64))[0])
    return [int(each) - (first if each >= first else 0) for each in index]


def _law(path: Path, row: dict[str, Any]) -> int:
    """The law that a generated video was asked for."""
    if row.get("law") in BASE_LAWS:
        return BASE_LAWS.index(row["law"])
    if "law" not in row and row.get("label") is not None and 0 <= row["label"] < len(BASE_LAWS):
        return int(row["label"])
    named = [law for law in BASE_LAWS if law in str(row["clip"])]
    if len(named) != 1:
        raise UserError(
            f"{_name(path, row)} says not which law it was asked for; name one of {', '.join(BASE_LAWS)} in its path, "
            "or give an npz with labels"
        )
    return BASE_LAWS.index(named[0])


def _in_turn(law: Int64[np.ndarray, "G"]) -> Int64[np.ndarray, "G"]:
    """The order in which the laws take turns, as long as there are clips of each."""
    seen: Counter[int] = Counter()
    turn = np.zeros(len(law), int)
    for place, each in enumerate(law.tolist()):
        turn[place], seen[each] = seen[each], seen[each] + 1
    return np.lexsort((law, turn))


def _fitting(path: Path, foreign: Foreign, row: dict[str, Any], truth: Clip, given: Bool[np.ndarray, "T"]) -> Clip:
    """A video as a clip, or one line that says why it is none."""
    name, video = _name(path, row), foreign.clip(row)
    frames, height, width, channels = truth.shape
    hidden = int((~given).sum())
    if len(video) not in (frames, hidden):
        alone = f", or the {hidden} hidden ones alone" if 0 < hidden < frames else ""
        raise UserError(f"{name} has {len(video)} frames; the clips have {frames}: give all of them{alone}")
    if video.shape[1:3] != (height, width):
        seen, wanted = (f"{w} x {h}" for h, w in (video.shape[1:3], (height, width)))
        raise UserError(f"{name} is {seen} pixels and the clips are {wanted}; make it of that size")
    pixels = _channels(name, np.asarray(video), channels)
    if len(video) == frames:
        return pixels
    clip = truth.copy()
    clip[~given] = pixels
    return clip


def _channels(name: str, video: Clip, channels: int) -> UInt8[np.ndarray, "T H W D"]:
    """Grey out of three equal channels; colour cannot be had from grey, nor may it be thrown away."""
    if video.shape[3] == channels:
        return video
    if channels == 3:
        raise UserError(f"{name} is grey and the clips are in colour; give videos with 3 channels")
    apart = int(np.ptp(video.astype(np.int16), axis=3).max())
    if apart > _GREY:
        raise UserError(f"{name} is in colour (channels {apart} levels apart) and the clips are grey; give grey videos")
    return np.rint(video.mean(axis=3, keepdims=True)).astype(np.uint8)


def _name(path: Path, row: dict[str, Any]) -> str:
    """As a message names it: the file, or the row of an archive."""
    return f"{path}: video {int(row['clip'])}" if path.suffix.lower() == ".npz" else str(path / str(row["clip"]))
