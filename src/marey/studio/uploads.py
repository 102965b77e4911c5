"""A user's own video becomes a clip of the stage's shape, in a way that is stated; nothing of it is written anywhere.

A file is decoded by what its first bytes say it is, never by its name, and by that one decoder alone: playlists, which
could make a decoder open other files, are not among them.
"""

import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image, ImageSequence, UnidentifiedImageError

from marey.core.config import strict
from marey.core.errors import UserError
from marey.data.extras import library
from marey.data.imports.archive import UNREADABLE
from marey.studio.film import Film
from marey.studio.stage import Stage

MOST_BYTES = 20 << 20  # of a file
MOST_FRAMES, MOST_SIDE = 600, 2048  # of a video
_UNPACKED = 256 << 20  # bytes of an archive's array

Frames = UInt8[np.ndarray, "T H W C"]
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_KEYS = ("videos", "video", "clip", "frames")  # of an archive, the first that is there


@strict
@dataclass(frozen=True)
class Cut:
    """How a video becomes a clip: the frames start, start + every, ...; of each the largest square in its middle,
    shrunk or enlarged to the stage's size by area; grey or colour as the stage has it; its brightness upside down if
    `invert`. row: of an archive with several clips.
    """

    start: int = 0
    every: int = 1
    invert: bool = False
    row: int = 0

    def __post_init__(self) -> None:
        if min(self.start, self.row) < 0 or not 1 <= self.every <= MOST_FRAMES:
            raise UserError(f"start={self.start}, every={self.every}, row={self.row}: none of them may be as low")


@dataclass(frozen=True)
class Uploaded:
    """A clip of the stage's shape. was: what the file holds. made: what was done to it, in words; empty if nothing."""

    film: Film
    was: str
    made: str


def uploaded(stage: Stage, content: bytes, cut: Cut | None = None) -> Uploaded:
    """The clip in a file. A video of another shape is a UserError that says so, unless `cut` tells what to do."""
    if len(content) > MOST_BYTES:
        raise UserError(f"the file is {len(content) >> 20} MB; upload at most {MOST_BYTES >> 20} MB")
    frames = _as_wanted(_decoded(content, cut.row if cut else 0), stage.shape.channels)
    count, height, width, channels = frames.shape
    was = f"{count} frames of {width}x{height} pixels in {'grey' if channels == 1 else 'colour'}"
    shape = stage.shape
    if cut is None:
        if frames.shape != (shape.frames, shape.size, shape.size, shape.channels):
            raise UserError(f"the file holds {was}; say below how it becomes {_wanted(stage)}")
        return Uploaded(Film.of(frames), was, "")
    last = cut.start + (shape.frames - 1) * cut.every
    if last >= count:
        raise UserError(
            f"frames {cut.start + 1} to {last + 1} are asked for, and the file holds {count}; start earlier, or take "
            "frames that are nearer to each other"
        )
    chosen = frames[cut.start : last + 1 : cut.every]
    clip = np.stack([_square(frame, shape.size, shape.channels) for frame in chosen])
    inverted = ", brightness inverted" if cut.invert else ""
    made = f"frames {cut.start + 1} to {last + 1}, one of {cut.every}: the middle square, by area{inverted}"
    return Uploaded(Film.of(255 - clip if cut.invert else clip), was, made)


def _as_wanted(frames: Frames, channels: int) -> UInt8[np.ndarray, "T H W c"]:
    """Grey pixels in one channel or in three, as the stage has it; pixels in colour as they are."""
    grey = (frames == frames[..., :1]).all()
    return np.ascontiguousarray(np.broadcast_to(frames[..., :1], (*frames.shape[:3], channels))) if grey else frames


def _wanted(stage: Stage) -> str:
    shape = stage.shape
    return f"{shape.frames} frames of {shape.size}x{shape.size} in {'grey' if shape.channels == 1 else 'colour'}"


def _square(frame: UInt8[np.ndarray, "H W C"], size: int, channels: int) -> UInt8[np.ndarray, "size size c"]:
    height, width = frame.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    cut = frame[top : top + side, left : left + side]
    image = Image.fromarray(np.ascontiguousarray(cut[..., 0] if cut.shape[2] == 1 else cut))
    image = image.convert("L" if channels == 1 else "RGB")
    if side != size:
        image = image.resize((size, size), Image.Resampling.BOX)
    return np.asarray(image).reshape(size, size, channels)


def _decoded(content: bytes, row: int) -> Frames:
    """All frames of a file; one that is none of the known kinds, or too long or too large, is a UserError."""
    if content.startswith(b"PK"):
        return _archive(content, row)
    if content.startswith(b"GIF8") or (content.startswith(b"RIFF") and content[8:12] == b"WEBP"):
        return _collected(_pictures(content))
    kinds = {"mp4": content[4:8] == b"ftyp", "matroska": content.startswith(b"\x1aE\xdf\xa3")}
    kinds["avi"] = content.startswith(b"RIFF") and content[8:12] == b"AVI "
    kind = next((name for name, here in kinds.items() if here), None)
    if kind is None:
        raise UserError("the file is no MP4, MOV, WebM, MKV, AVI, GIF, WebP or npz; convert it to one of them")
    return _collected(_film(content, kind))


def _collected(frames: Iterator[UInt8[np.ndarray, "H W C"]]) -> Frames:
    out: list[UInt8[np.ndarray, "H W C"]] = []
    for frame in frames:
        if len(out) == MOST_FRAMES or (len(out) + 1) * frame.nbytes > _UNPACKED:
            raise UserError(f"the video has over {MOST_FRAMES} frames or {_UNPACKED >> 20} MB of them; shorten it")
        if out and frame.shape != out[0].shape:
            raise UserError("the frames of the video differ in size; cut it where they change")
        out.append(frame)
    if not out:
        raise UserError("the file holds no frame that can be read; restore it")
    return np.stack(out)


def _check_side(width: int, height: int) -> None:
    if max(width, height) > MOST_SIDE:
        raise UserError(f"the video is {width}x{height} pixels; shrink it to {MOST_SIDE} or less")


def _pictures(content: bytes) -> Iterator[UInt8[np.ndarray, "H W C"]]:
    """Frames of an animated GIF or WebP, by Pillow; grey where all its colours are."""
    try:
        with Image.open(BytesIO(content), formats=("GIF", "WEBP")) as image:
            _check_side(*image.size)
            for frame in ImageSequence.Iterator(image):
                yield np.asarray(frame.convert("RGB"))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, *_BOMBS) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"the pictures cannot be read ({error}); restore the file") from None


def _film(content: bytes, kind: str) -> Iterator[UInt8[np.ndarray, "H W C"]]:
    av = library("av")
    try:
        with av.open(BytesIO(content), format=kind) as film:
            stream = film.streams.video[0]
            _check_side(stream.width, stream.height)
            for frame in film.decode(stream):
                yield frame.to_ndarray(format="rgb24")
    except (av.FFmpegError, IndexError) as error:
        raise UserError(f"the video cannot be read ({error}); restore the file") from None


def _archive(content: bytes, row: int) -> Frames:
    """One clip of an npz file: N T C H W or N T H W C, or without N; uint8, or numbers in [0, 1]."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            key = next((name for name in _KEYS if name in names), None)
            if key is None:
                raise UserError(f"the archive holds {', '.join(names[:9]) or 'nothing'}; name its clips {_KEYS[0]}")
            with archive.open(f"{key}.npy") as stream:
                _check_bytes(key, stream)
        with np.load(BytesIO(content), allow_pickle=False) as arrays:
            return _clip(key, arrays[key], row)
    except (*UNREADABLE, OSError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"the archive cannot be read ({error}); restore the file") from None


def _check_bytes(key: str, stream: Any) -> None:
    """By what the array's header says: memory is taken by it, before anything is read."""
    version = np.lib.format.read_magic(stream)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = header(stream)
    size = math.prod(shape) * dtype.itemsize
    if size > _UNPACKED:
        raise UserError(f"{key} is {size >> 20} MB unpacked; upload {_UNPACKED >> 20} MB or less")


def _clip(key: str, array: Shaped[np.ndarray, "*shape"], row: int) -> Frames:
    if array.ndim == 5:
        if not row < len(array):
            raise UserError(f"{key} holds {len(array)} clips; choose one of 0 to {len(array) - 1}, not {row}")
        array = array[row]
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim == 4 and array.shape[3] not in (1, 3):
        array = array.transpose(0, 2, 3, 1)
    if array.ndim != 4 or array.shape[3] not in (1, 3) or array.dtype.kind not in "uf" or not array.size:
        raise UserError(f"{key} is {array.dtype} {array.shape}; store clips as T C H W or T H W C, uint8 or in [0, 1]")
    if len(array) > MOST_FRAMES:
        raise UserError(f"{key} has {len(array)} frames; upload at most {MOST_FRAMES}")
    _check_side(array.shape[2], array.shape[1])
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype.kind == "u" or not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
        raise UserError(f"{key} is {array.dtype} with values outside [0, 1]; store uint8, or numbers in [0, 1]")
    return np.rint(array * 255).astype(np.uint8)
