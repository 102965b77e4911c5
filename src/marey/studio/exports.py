"""The shown clip as a file: GIF and WebP to look at, MP4 for players, npz for programs; made in memory, not on disk."""

from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from typing import Literal

import numpy as np
from PIL import Image

from marey.core.config import strict
from marey.core.errors import UserError
from marey.data.extras import library
from marey.studio.film import Clip, Film

Format = Literal["gif", "webp", "mp4", "npz"]
TYPES: dict[str, str] = {
    "gif": "image/gif",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "npz": "application/octet-stream",
}
_HOLD = 4  # times as long as another frame: the last one of a GIF or WebP, so that the eye sees the end
_LONGEST = 655_350  # milliseconds that a GIF can show a frame


@strict
@dataclass(frozen=True)
class Wish:
    """A clip to take away. seconds: from its first frame to the last. zoom: pixels for each pixel, but in npz."""

    film: Film
    kind: Format
    seconds: float
    zoom: int = 1

    def __post_init__(self) -> None:
        if not 0.05 <= self.seconds <= 600:
            raise UserError(f"seconds={self.seconds} is out of range; choose 0.05 to 600")
        if not 1 <= self.zoom <= 16 or self.zoom * self.film.size > 1024:
            raise UserError(f"zoom={self.zoom} makes frames of {self.zoom * self.film.size} pixels; keep them to 1024")


def exported(wish: Wish) -> bytes:
    """The file. GIF and WebP lose nothing of a grey clip, WebP nothing of any; npz is `marey import`'s."""
    clip = wish.film.clip
    if wish.kind == "npz":
        file = BytesIO()
        seconds = np.linspace(0, wish.seconds, len(clip))
        np.savez_compressed(file, videos=clip.transpose(0, 3, 1, 2)[None], times=seconds[None])
        return file.getvalue()
    large = clip.repeat(wish.zoom, axis=1).repeat(wish.zoom, axis=2)
    return _mp4(large, wish.seconds) if wish.kind == "mp4" else _moving(large, wish)


def _moving(clip: Clip, wish: Wish) -> bytes:
    """An animation that repeats for ever, by Pillow."""
    grey = clip.shape[3] == 1
    frames = [Image.fromarray(frame[..., 0] if grey else frame) for frame in clip]
    pause = round(1000 * wish.seconds / (len(clip) - 1))
    times = [min(each, _LONGEST) for each in [max(pause, 20)] * (len(clip) - 1) + [_HOLD * max(pause, 20)]]
    more = {"lossless": True} if wish.kind == "webp" else {"optimize": False}
    if wish.kind == "webp":
        frames = [frame.convert("RGB") for frame in frames]
    file = BytesIO()
    frames[0].save(
        file, wish.kind.upper(), save_all=True, append_images=frames[1:], duration=times, loop=0, **more
    )  # fmt: skip
    return file.getvalue()


def _mp4(clip: Clip, seconds: float) -> bytes:
    av = library("av")
    if clip.shape[1] % 2:
        raise UserError("mp4 halves the colours, so the frame must be even; choose another zoom")
    file, rate = BytesIO(), Fraction((len(clip) - 1) / seconds).limit_denominator(1000)
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "14"})
        stream.height, stream.width = clip.shape[1:3]
        stream.pix_fmt = "yuv420p"  # what every player knows
        for frame in np.broadcast_to(clip, (*clip.shape[:3], 3)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()
