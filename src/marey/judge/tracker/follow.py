"""A marked object in a real video, frame by frame, by OpenCV.

The object is where the picture is most like it: normalised correlation of its grey values (`cv2.matchTemplate`) around
where it was going, a little smaller and a little larger; the best place is refined to a fraction of a pixel by the
parabola through its neighbours. What it looks like follows it slowly. Where the likeness is too small the object is not
found, and it is looked for in a wider and wider field. (Of the trackers in OpenCV's own wheel only MIL needs no weights
from elsewhere; it keeps the box's size, never says that it has lost the object, and is far coarser on small dots.)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from marey.core.errors import UserError
from marey.core.files import write_text

_SCALES = (1.0, 0.96, 1.04)
_KEEP_SIZE = 0.01  # of likeness: a change of size must be better by this
_FIELD = 1.0  # of the box, to each side
_WIDER = 0.5  # of the box, for each frame since it was lost
_LIKE, _SURE = 0.5, 0.75  # correlation: below the first it is not found; above the second it is learned from
_LEARN = 0.1  # share of a new look
_LEAST_SIDE, _DETAIL = 4, 1.0  # pixels; grey levels: a box that can be followed has this size and so much contrast

Grey = Float32[np.ndarray, "H W"]


@dataclass(frozen=True)
class Mark:
    """A box in a frame, pixels: left, top, width, height."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True)
class Followed:
    """Of each frame from the marked one on: the box (x, y, w, h), pixels, NaN where it was not found; the likeness."""

    frames: Int64[np.ndarray, "T"]
    boxes: Float64[np.ndarray, "T 4"]
    likeness: Float64[np.ndarray, "T"]

    @property
    def found(self) -> Bool[np.ndarray, "T"]:
        return np.isfinite(self.boxes[:, 0])


def follow_video(video: Path, mark: Mark, start: int = 0) -> Followed:
    """Follow what lies in the box in frame `start` of a video file; a box or frame that is not there is a UserError."""
    frames = _grey_frames(video)
    for number in range(start):
        if next(frames, None) is None:
            raise UserError(f"--start {start}: {video} has {number} frames; give 0 to {number - 1}")
    return follow(frames, mark, start, str(video))


def follow(frames: Iterator[Grey], mark: Mark, start: int = 0, name: str = "video") -> Followed:
    """Follow what lies in the box in the first of these frames, grey levels 0 to 255; start: its number."""
    first = next(frames, None)
    if first is None:
        raise UserError(f"--start {start}: {name} has no such frame; give a smaller number")
    follower = _Follower(first, mark, name)
    rows = [(*follower.box, 1.0), *(follower.go_on(frame) for frame in frames)]
    table = np.array(rows, np.float64)
    return Followed(start + np.arange(len(rows)), table[:, :4], table[:, 4])


def write_csv(followed: Followed, out: Path) -> None:
    """Columns frame, x, y, w, h, found; empty where it was not found."""
    lines = ["frame,x,y,w,h,found"]
    for frame, box, found in zip(followed.frames, followed.boxes, followed.found, strict=True):
        places = ",".join(f"{value:.3f}" for value in box) if found else ",,,"
        lines.append(f"{frame},{places},{int(found)}")
    write_text(out, "\n".join(lines) + "\n")


class _Follower:
    """The object as it looks, its box and its pace."""

    def __init__(self, frame: Grey, mark: Mark, name: str):
        height, width = frame.shape
        inside = mark.x >= 0 and mark.y >= 0 and mark.x + mark.w <= width and mark.y + mark.h <= height
        asked = f"--box {mark.x:g} {mark.y:g} {mark.w:g} {mark.h:g}"
        if not inside or min(mark.w, mark.h) < _LEAST_SIDE:
            raise UserError(
                f"{asked} is not in {name} ({width}x{height}) or smaller than {_LEAST_SIDE} pixels; "
                "give left, top, width and height in pixels"
            )
        self.cv2 = opencv()
        self.box = np.array([mark.x, mark.y, mark.w, mark.h], np.float64)
        self.pace, self.lost = np.zeros(2), 0
        self.look = self._cut(frame, self.box)
        if self.look.std() < _DETAIL:
            raise UserError(f"{asked} of {name} holds nothing that could be told from its surroundings; mark another")

    def go_on(self, frame: Grey) -> tuple[float, ...]:
        """The box in the next frame, and the likeness."""
        places = [self._best(frame, scale) for scale in _SCALES]
        likeness, box = max(places, key=lambda place: place[0] - _KEEP_SIZE * (place[2] != 1))[:2]
        if likeness < _LIKE:
            self.lost += 1
            return (np.nan, np.nan, np.nan, np.nan, likeness)
        middle, before = box[:2] + box[2:] / 2, self.box[:2] + self.box[2:] / 2
        self.pace, self.lost, self.box = (middle - before) / (self.lost + 1), 0, box
        if likeness > _SURE:
            self.look = ((1 - _LEARN) * self.look + _LEARN * self._cut(frame, box)).astype(np.float32)
        return (*box, likeness)

    def _best(self, frame: Grey, scale: float) -> tuple[float, np.ndarray, float]:
        """Likeness, box and scale of the place that is most like the object at one size."""
        size = self.box[2:] * scale
        shape = np.maximum(np.rint(size), _LEAST_SIDE).astype(int)
        look = self.cv2.resize(self.look, (int(shape[0]), int(shape[1])), interpolation=self.cv2.INTER_LINEAR)
        reach = (_FIELD + _WIDER * self.lost) * np.maximum(size, size.mean())
        middle = self.box[:2] + self.box[2:] / 2 + (self.lost + 1) * self.pace * (self.lost == 0)
        low = np.floor(middle - shape / 2 - reach).clip(0).astype(int)
        high = np.ceil(middle + shape / 2 + reach).astype(int)
        field = np.ascontiguousarray(frame[low[1] : max(high[1], 0), low[0] : max(high[0], 0)])
        if min(field.shape) == 0 or field.shape[0] < shape[1] or field.shape[1] < shape[0]:
            return -1.0, self.box, scale
        map_ = np.nan_to_num(self.cv2.matchTemplate(field, look, self.cv2.TM_CCOEFF_NORMED))
        row, column = np.unravel_index(map_.argmax(), map_.shape)
        place = low + np.array([column + _peak(map_[row], int(column)), row + _peak(map_[:, column], int(row))])
        return float(map_[row, column]), np.concatenate([place - (size - shape) / 2, size]), scale

    def _cut(self, frame: Grey, box: np.ndarray) -> Float32[np.ndarray, "h w"]:
        """The pixels in a box, between pixels by interpolation."""
        middle = box[:2] + box[2:] / 2 - 0.5
        shape = np.maximum(np.rint(box[2:] if not hasattr(self, "look") else self.look.shape[::-1]), 1).astype(int)
        part = self.cv2.getRectSubPix(frame, tuple(np.ceil(box[2:]).astype(int).tolist()), tuple(middle.tolist()))
        return np.asarray(self.cv2.resize(part, tuple(shape.tolist()), interpolation=self.cv2.INTER_LINEAR))


def _peak(line: Float32[np.ndarray, "P"], at: int) -> float:
    """Where between pixels the parabola through a maximum and its neighbours is highest, from -0.5 to 0.5."""
    if not 0 < at < len(line) - 1:
        return 0.0
    left, middle, right = (float(value) for value in line[at - 1 : at + 2])
    bend = left - 2 * middle + right
    return float(np.clip((left - right) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0


def opencv() -> Any:
    """OpenCV; where it is not installed, a UserError says how to get it."""
    try:
        import cv2
    except ImportError:
        raise UserError("cv2 is needed and not installed; run: pip install 'marey[video]'") from None
    return cv2


def _grey_frames(video: Path) -> Iterator[Grey]:
    """The frames of a video file, one after the other."""
    if not video.is_file():
        raise UserError(f"{video} is no file; give a video")
    cv2 = opencv()
    film, count = cv2.VideoCapture(str(video)), 0
    try:
        while True:
            good, pixels = film.read()
            if not good:
                break
            count += 1
            yield cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).astype(np.float32)
    finally:
        film.release()
    if not count:
        raise UserError(f"{video} has no frame that can be read; restore it, or give another video")
