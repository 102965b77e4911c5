"""Training clips out of imported films: windows of a film's frames, cut and shrunk to squares."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float32, UInt8
from torch import Tensor

from marey.core.errors import UserError
from marey.core.seeds import uniforms
from marey.data.clips import as_video
from marey.data.imports.foreign import open_foreign

_STREAM = 8 << 32  # of random numbers
_LEAST = 0.6  # of a frame's shorter side: the smallest square that is cut out

Frames = UInt8[np.ndarray, "T S S 3"]


class Films:
    """Windows of `frames` consecutive frames of imported films, as squares of `size` pixels.

    The last `held_out` share of each film's frames is never trained on. `batch(step, ...)` is a pure function of the
    films, the seed and the step.
    """

    def __init__(self, path: Path, frames: int, size: int, held_out: float):
        foreign = open_foreign(path)
        self.frames, self.size = frames, size
        rows = list(foreign.rows())
        self._films = [foreign.clip(row) for row in rows]
        self._cuts = [int(round(len(film) * (1 - held_out))) for film in self._films]
        for row, film, cut in zip(rows, self._films, self._cuts, strict=True):
            self._refuse(row, film, cut)
        windows = np.array([cut - frames + 1 for cut in self._cuts])
        self._before = np.concatenate([[0], windows.cumsum()])

    def __len__(self) -> int:
        return len(self._films)

    @property
    def windows(self) -> int:
        """Training windows, each beginning at another frame."""
        return int(self._before[-1])

    def batch(self, step: int, batch_size: int, seed: int) -> Float32[Tensor, "B 3 T S S"]:
        """Windows of a step: each begins anywhere, is a square of any size and place, and may be mirrored."""
        u = uniforms(seed, _STREAM, step * batch_size + np.arange(batch_size), 5)
        return as_video(np.stack([self._cut(*each) for each in u]))

    def held_out(self, count: int) -> UInt8[np.ndarray, "N T S S 3"]:
        """At most `count` windows that share no frame with training or with each other: the middle squares, in turn
        from every film.
        """
        rooms = [(len(film) - cut) // self.frames for film, cut in zip(self._films, self._cuts, strict=True)]
        places = sorted((turn, number) for number, room in enumerate(rooms) for turn in range(room))
        clips = []
        for turn, number in places[:count]:
            start = self._cuts[number] + turn * self.frames
            clips.append(self._square(number, start, side=1.0, down=0.5, along=0.5))
        return np.stack(clips)

    def _cut(self, place: float, side: float, down: float, along: float, mirror: float) -> Frames:
        window = int(place * self.windows)
        number = int(np.searchsorted(self._before, window, side="right")) - 1
        clip = self._square(number, window - int(self._before[number]), _LEAST + (1 - _LEAST) * side, down, along)
        return clip[:, :, ::-1] if mirror < 0.5 else clip

    def _square(self, number: int, start: int, side: float, down: float, along: float) -> Frames:
        """A window of a film. side: share of the shorter side; down, along: place, 0 to 1."""
        film = self._films[number]
        height, width = film.shape[1:3]
        pixels = max(self.size, round(side * min(height, width)))
        top, left = round(down * (height - pixels)), round(along * (width - pixels))
        cut = film[start : start + self.frames, top : top + pixels, left : left + pixels]
        if pixels == self.size:
            return np.array(cut)
        video = torch.from_numpy(np.array(cut)).permute(0, 3, 1, 2).float()
        small = F.interpolate(video, (self.size, self.size), mode="bilinear", antialias=True, align_corners=False)
        return small.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()

    def _refuse(self, row: dict[str, Any], film: UInt8[np.ndarray, "T H W C"], cut: int) -> None:
        if min(cut, len(film) - cut) < self.frames:
            raise UserError(
                f"{row['clip']} has {len(film)} frames, {cut} of them to train on; a window is {self.frames} frames, "
                "and one must fit into both parts: leave the film out, or ask for shorter windows"
            )
        if min(film.shape[1:3]) < self.size or film.shape[3] != 3:
            raise UserError(
                f"{row['clip']} has frames of {film.shape[1:]}; give colour films of {self.size} pixels or more"
            )
