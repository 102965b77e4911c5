"""What the pixels show beside the motion: the factors of the look, and the picture drawn from them."""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from jaxtyping import Float64, Int8, Int16, Int64, UInt8, UInt16, UInt32

from marey.core.config import LATER, strict
from marey.core.errors import UserError
from marey.core.seeds import uniforms
from marey.world.images import unpacked

Range = tuple[float, float]
Counts = tuple[int, int]

BACKDROPS = ("plain", "gradient", "texture", "image")  # a picture holds an index into them
PLAIN, GRADIENT, TEXTURE, IMAGE = range(4)
MOMENT = 1024  # parts of the interval between two frames
DRIFT = 4096  # parts of a brightness
NOISE = 16  # parts of a grey level

_STREAM = 4 << 32  # of random numbers: of the inks; the next stream is that of all other factors


@dataclass(frozen=True)
class Picture:
    """Of n clips, in whole numbers: with the canonical discs it decides every pixel.

    ink: colour of each body. paper: colour of the background. shading: share of white at the point of a body that
    faces the light, in 1/256: 0 is a flat disc. light: direction towards the light (right, down, towards the
    camera), of length 127. backdrop: index into `BACKDROPS`. shade: the colour that a gradient or a texture mixes
    with the paper. slope: direction (right, down) in which a gradient goes from paper to shade. cells: of a
    texture, across the frame. images: the user's backgrounds, see `Look`; the seed says which of them a clip has.
    occluders: left, top, right, bottom in 1/65536 of the frame, rounded to whole pixels when drawn; empty where a
    clip has fewer. cover: their colours. moments: when within a frame the S exposures are taken whose mean it is,
    in 1/1024 of the interval between frames. noise: its standard deviation in 1/16 grey level. drift: change of
    brightness from the first frame to the last, in 1/4096. seed: of texture and noise.

    Background and occluders are the same in every camera; the noise is each camera's own.
    """

    ink: UInt8[np.ndarray, "n M C"]
    paper: UInt8[np.ndarray, "n C"]
    shading: UInt8[np.ndarray, "n M"]
    light: Int8[np.ndarray, "n 3"]
    backdrop: UInt8[np.ndarray, "n"]
    shade: UInt8[np.ndarray, "n C"]
    slope: Int8[np.ndarray, "n 2"]
    cells: UInt8[np.ndarray, "n"]
    occluders: UInt16[np.ndarray, "n O 4"]
    cover: UInt8[np.ndarray, "n O C"]
    moments: Int16[np.ndarray, "n S"]
    noise: UInt8[np.ndarray, "n"]
    drift: Int16[np.ndarray, "n"]
    seed: UInt32[np.ndarray, "n"]
    images: tuple[str, ...] = ()

    @property
    def flat(self) -> bool:
        """Whether every body is a disc of one colour with a sharp rim: no light shades it, no shutter smears it."""
        return not self.shading.any() and bool((self.moments == self.moments[:, :1]).all())

    @property
    def image(self) -> UInt8[np.ndarray, "n Y X C"]:
        """The user's image behind each clip; 0 x 0 pixels where there are none."""
        images = unpacked(self.images, self.paper.shape[1])
        return (
            images[self.seed % max(len(images), 1)]
            if len(images)
            else np.empty((len(self.seed), *images.shape[1:]), np.uint8)
        )

    @classmethod
    def plain(cls, ink: UInt8[np.ndarray, "n M C"], paper: UInt8[np.ndarray, "n C"]) -> "Picture":
        """Flat discs on paper of one colour, and nothing else."""
        n, bodies, channels = ink.shape
        return cls(
            ink=ink,
            paper=paper,
            shading=np.zeros((n, bodies), np.uint8),
            light=np.zeros((n, 3), np.int8),
            backdrop=np.zeros(n, np.uint8),
            shade=paper,
            slope=np.zeros((n, 2), np.int8),
            cells=np.ones(n, np.uint8),
            occluders=np.zeros((n, 0, 4), np.uint16),
            cover=np.zeros((n, 0, channels), np.uint8),
            moments=np.zeros((n, 1), np.int16),
            noise=np.zeros(n, np.uint8),
            drift=np.zeros(n, np.int16),
            seed=np.zeros(n, np.uint32),
        )


@strict
@dataclass(frozen=True)
class Look:
    """Ranges of the look's factors; those that do not vary by default leave a flat disc on white paper.

    coloured: with 3 channels each body has a colour of its own, and so have papers that are not white; else all is
    grey and the bodies are black. shading: share of white where a body faces the light. background: kinds, one of
    which is drawn for each clip. images: what the kind "image" shows, as large as the frame; base64 of PNG, see
    `marey.world.images.packed`, so that they travel with the spec. paper, shade: brightness of the background's two
    colours, 1 is white. cells: of a texture, across the frame. occluders: how many. occluder: their sides, in
    widths of the frame. shutter: how long it is open, as a share of the interval between frames; exposures: of
    which a blurred frame is the mean. noise: standard deviation, grey levels. drift: relative change of brightness
    from the first frame to the last.
    """

    coloured: bool = True
    shading: Range = (0.0, 0.0)
    background: tuple[Literal["plain", "gradient", "texture", "image"], ...] = ("plain",)
    images: tuple[str, ...] = field(default=(), metadata=LATER)
    paper: Range = (1.0, 1.0)
    shade: Range = (0.7, 0.9)
    cells: Counts = (4, 12)
    occluders: Counts = (0, 0)
    occluder: Range = (0.1, 0.3)
    shutter: Range = (0.0, 0.0)
    exposures: int = 8
    noise: Range = (0.0, 0.0)
    drift: Range = (0.0, 0.0)

    def __post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if not low <= value[0] <= value[1] <= high:
                raise UserError(f"look.{name}={value} is not possible; give (low, high) within {low} to {high}")
        if not self.background or not set(self.background) <= set(BACKDROPS):
            raise UserError(f"look.background={self.background} is not possible; choose among {', '.join(BACKDROPS)}")
        if ("image" in self.background) != bool(self.images):
            raise UserError('look.images and the background "image" belong together; give both or neither')
        if not 1 <= self.exposures <= 64:
            raise UserError(f"look.exposures={self.exposures} is out of range; choose 1 to 64")

    def paint(self, seed: int, index: Int64[np.ndarray, "n"], bodies: int, channels: int) -> Picture:
        """Pictures of the given indices, each a pure function of (self, seed, its index)."""
        n = len(index)
        ink = np.zeros((n, bodies, channels), np.uint8)
        if self.coloured and channels == 3:
            ink = _dark_colours(uniforms(seed, _STREAM, index, 3 * bodies).reshape(n, bodies, 3))
        picture = Picture.plain(ink, np.full((n, channels), 255, np.uint8))
        if self != Look(self.coloured):
            u = uniforms(seed, _STREAM + 1, index, 20 + bodies + (4 + channels) * self.occluders[1])
            picture = self._varied(picture, u)
        return picture

    def _varied(self, picture: Picture, u: Float64[np.ndarray, "n U"]) -> Picture:
        n, bodies, channels = picture.ink.shape
        turn, height = 2 * np.pi * u[:, 0], u[:, 1]
        flat = np.sqrt(1 - height**2)
        kinds = np.array([BACKDROPS.index(kind) for kind in self.background], np.uint8)
        slope = 2 * np.pi * u[:, 3]
        several = u[:, 20 + bodies :].reshape(n, self.occluders[1], 4 + channels)
        return replace(
            picture,
            shading=_whole(255 * _between(u[:, 20 : 20 + bodies], self.shading), np.uint8),
            light=_whole(127 * np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=-1), np.int8),
            backdrop=kinds[(u[:, 2] * len(kinds)).astype(np.int64)],
            paper=self._colour(u[:, 4:8], self.paper, channels),
            shade=self._colour(u[:, 8:12], self.shade, channels),
            slope=_whole(127 * np.stack([np.cos(slope), np.sin(slope)], axis=-1), np.int8),
            cells=_count(u[:, 12], self.cells).astype(np.uint8),
            occluders=self._rectangles(several[..., :4], _count(u[:, 13], self.occluders)),
            cover=_whole(255 * _grey_unless(self.coloured, several[..., 4:]), np.uint8),
            moments=self._moments(_between(u[:, 14], self.shutter)),
            noise=_whole(NOISE * _between(u[:, 15], self.noise), np.uint8),
            drift=_whole(DRIFT * _between(u[:, 16], self.drift), np.int16),
            seed=(u[:, 17] * 2**32).astype(np.uint32),
            images=self.images,
        )

    def _colour(self, u: Float64[np.ndarray, "n 4"], bounds: Range, channels: int) -> UInt8[np.ndarray, "n C"]:
        """Each channel within the bounds; with colours off, all the same."""
        return _whole(255 * _between(_grey_unless(self.coloured, u[:, :channels]), bounds), np.uint8)

    def _rectangles(
        self, u: Float64[np.ndarray, "n O 4"], count: Int64[np.ndarray, "n"]
    ) -> UInt16[np.ndarray, "n O 4"]:
        """Rectangles inside the frame, uniform in size and place; the last ones are empty where fewer are wanted."""
        sides = _between(u[..., :2], self.occluder)
        corner = u[..., 2:] * (1 - sides)
        wanted = np.arange(u.shape[1]) < count[:, None]
        return _whole(65535 * np.concatenate([corner, corner + sides], axis=-1) * wanted[..., None], np.uint16)

    def _moments(self, shutter: Float64[np.ndarray, "n"]) -> Int16[np.ndarray, "n S"]:
        """The middles of equal parts of the time that the shutter is open, about the time of the frame."""
        count = self.exposures if self.shutter[1] > 0 else 1
        parts = (np.arange(count) + 0.5) / count - 0.5
        return _whole(MOMENT * shutter[:, None] * parts, np.int16)


_LIMITS = {
    "shading": (0, 1),
    "paper": (0, 1),
    "shade": (0, 1),
    "cells": (1, 64),
    "occluders": (0, 16),
    "occluder": (0, 1),
    "shutter": (0, 1),
    "noise": (0, 15.9),
    "drift": (-1, 1),
}

HARD = Look(
    shading=(0.0, 0.6),
    background=("gradient", "texture"),
    paper=(0.75, 1.0),
    shade=(0.55, 0.9),
    occluders=(1, 2),
    occluder=(0.1, 0.2),
    shutter=(0.0, 0.5),
    noise=(2.0, 8.0),
    drift=(-0.1, 0.1),
)


def _dark_colours(u: Float64[np.ndarray, "n M 3"]) -> UInt8[np.ndarray, "n M 3"]:
    """Colours that stand out from white paper: the brightest channel is at most 200, the darkest under 56."""
    return np.minimum(200 * u, 200 * u - 200 * u.min(axis=-1, keepdims=True) + 55).astype(np.uint8)


def _grey_unless(coloured: bool, u: Float64[np.ndarray, "*n C"]) -> Float64[np.ndarray, "*n C"]:
    return u if coloured else np.broadcast_to(u[..., :1], u.shape)


def _between(u: np.ndarray, bounds: Range) -> np.ndarray:
    return bounds[0] + (bounds[1] - bounds[0]) * u


def _count(u: Float64[np.ndarray, "n"], bounds: Counts) -> Int64[np.ndarray, "n"]:
    """A whole number from bounds[0] to bounds[1], both included."""
    return bounds[0] + (u * (bounds[1] - bounds[0] + 1)).astype(np.int64)


def _whole(values: np.ndarray, kind: type) -> np.ndarray:
    return np.rint(values).astype(kind)
