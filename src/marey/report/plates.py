"""Clips as PNG data URIs: sprite sheets for the player, chronophotographs for the eye."""

import base64
from io import BytesIO

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

# Blue, reddish purple, orange of Okabe and Ito: told apart by every kind of colour vision, on white and on black.
TIME_COLOURS = ((0, 114, 178), (204, 121, 167), (230, 159, 0))
_SHEET_BYTES = 1_500_000  # seven sheets of incompressible noise still keep the page under 15 MB


def data_uri(image: Image.Image) -> str:
    """The image as an inline PNG (lossless: every pixel on the page is a pixel of the clip)."""
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def sprite_sheet(clips: UInt8[np.ndarray, "N T H W C"]) -> str:
    """One picture with clip n in row n and frame t in column t."""
    n, t, h, w, c = clips.shape
    sheet = clips.transpose(0, 2, 1, 3, 4).reshape(n * h, t * w, c)
    return data_uri(Image.fromarray(sheet[..., 0] if c == 1 else sheet))


def chronophotograph(clip: UInt8[np.ndarray, "T H W C"]) -> str:
    """All frames of a clip on one transparent plate, coloured from first to last, as Marey exposed them."""
    ink = _ink(clip)
    colour, alpha = np.zeros((*ink.shape[1:], 3)), np.zeros(ink.shape[1:])
    for t, cover in enumerate(ink):  # "over" of Porter and Duff (1984), with premultiplied colour
        colour = colour * (1 - cover[..., None]) + cover[..., None] * time_colour(t, len(ink))
        alpha = alpha * (1 - cover) + cover
    colour = colour / np.maximum(alpha, 1e-9)[..., None]
    plate = np.concatenate([colour, 255 * alpha[..., None]], axis=-1)
    return data_uri(Image.fromarray(np.clip(plate + 0.5, 0, 255).astype(np.uint8)))


def time_colour(t: int, frames: int) -> Float[np.ndarray, "3"]:
    """RGB in [0, 255] of frame t of `frames`."""
    where = t / max(frames - 1, 1) * (len(TIME_COLOURS) - 1)
    channels = np.array(TIME_COLOURS, float).T
    return np.array([np.interp(where, range(len(TIME_COLOURS)), channel) for channel in channels])


def choose(law: np.ndarray, clip_bytes: int) -> list[int]:
    """Which clips to show, ordered by law: all, or as many as a sheet may hold, the same number of every law."""
    most, laws = max(_SHEET_BYTES // clip_bytes, 1), len(np.unique(law))
    most -= most % laws if laws < most < len(law) else 0
    rank = [int((law[:i] == law[i]).sum()) for i in range(len(law))]
    turn = sorted(range(len(law)), key=lambda i: (rank[i], law[i]))
    return sorted(turn[:most], key=lambda i: (law[i], i))


def _ink(clip: UInt8[np.ndarray, "T H W C"]) -> Float[np.ndarray, "T H W"]:
    """How far each pixel is from the page, in [0, 1]; the page is the commonest colour of the clip."""
    pixels = clip.astype(int)
    packed = (pixels << 8 * np.arange(clip.shape[-1])).sum(axis=-1)
    _, first, counts = np.unique(packed, return_index=True, return_counts=True)
    page = pixels.reshape(-1, clip.shape[-1])[first[counts.argmax()]]
    distance = np.abs(pixels - page).max(axis=-1).astype(float)
    return distance / max(distance.max(), 1.0)
