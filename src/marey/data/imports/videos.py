"""A folder of videos, decoded to uint8 RGB frame by frame: a film may be larger than memory."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from marey.core.errors import UserError
from marey.data.extras import library
from marey.data.imports.foreign import Piece, Source, write_pixels

_SUFFIXES = (".mp4", ".avi", ".gif", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".ogv", ".wmv")


def read_videos(path: Path, shorter: int | None = None) -> Source:
    """The videos in a folder and the folders in it, in the order of their names; each keeps its size and length.

    shorter: pixels of a frame's shorter side to shrink larger films to, by area.
    """
    library("av")
    everything = sorted(file for file in path.rglob("*") if file.is_file())
    files = [file for file in everything if file.suffix.lower() in _SUFFIXES]
    if not files:
        raise UserError(f"{path} holds no videos; their names end in {', '.join(_SUFFIXES)}")
    others = sorted({file.suffix or file.name for file in everything if file not in set(files)})
    return Source(
        path=path,
        kind="videos",
        has=("pixels", "fps"),
        pieces=lambda: (_piece(path, number, file, shorter) for number, file in enumerate(files)),
        stamp=[*([["shorter", shorter]] if shorter else []), *_sizes(path, files)],
        total=len(files),
        ignored=tuple(f"{suffix} files" for suffix in others),
    )


def _sizes(path: Path, files: list[Path]) -> list[list[Any]]:
    return [[file.relative_to(path).as_posix(), file.stat().st_size] for file in files]


def _piece(root: Path, number: int, file: Path, shorter: int | None) -> Piece:
    def read(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
        pixels = f"pixels/{number:06}.npy"
        frames, rate = _decode(file, shorter)
        count = write_pixels(folder / pixels, frames)
        if not count:
            raise UserError(f"{file} holds no frame that can be read; restore or remove it")
        name = file.relative_to(root).as_posix()
        return [{"clip": name, "frames": count, "fps": rate, "pixels": pixels, "first": 0}], [pixels]

    return Piece(f"{number:06}", 1, read)


def _decode(file: Path, shorter: int | None) -> tuple[Iterator[UInt8[np.ndarray, "H W 3"]], float | None]:
    """The frames of a video, and how many of them make a second if it says so."""
    av = library("av")
    try:
        with av.open(str(file)) as film:
            rate = film.streams.video[0].average_rate
    except (av.FFmpegError, IndexError) as error:
        raise UserError(f"{file} is no video ({error}); restore or remove it") from None
    return _frames(file, shorter), float(rate) if rate else None


def _frames(file: Path, shorter: int | None) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
    av, number, shape = library("av"), 0, None
    try:
        with av.open(str(file)) as film:
            film.streams.video[0].thread_type = "NONE"  # one order of work, one result
            for frame in film.decode(video=0):
                pixels = _shrunk(frame, shorter).to_ndarray(format="rgb24")
                if pixels.shape != (shape or pixels.shape):
                    raise UserError(f"{file}: frame {number} is {pixels.shape[:2]} after {shape}; cut the video there")
                number, shape = number + 1, pixels.shape
                yield pixels
    except av.FFmpegError as error:
        raise UserError(f"{file}: frame {number} cannot be read ({error}); restore or remove it") from None


def _shrunk(frame: Any, shorter: int | None) -> Any:
    """The frame with a shorter side of at most that many pixels."""
    share = (shorter or math.inf) / min(frame.width, frame.height)
    if share >= 1:
        return frame
    return frame.reformat(round(frame.width * share), round(frame.height * share), "rgb24", interpolation="AREA")
