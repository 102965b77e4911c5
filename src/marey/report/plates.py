"""Clips as PNG data URIs: sprite sheets for the player, chronophotographs for the eye."""

import base64
from io import BytesIO

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from scipy.ndimage import distance_transform_edt

# Blue, reddish purple, orange of Okabe and Ito: told apart by every kind of colour vision, on white and on black.
TIME_COLOURS = ((0, 114, 178), (204, 121, 167), (230, 159, 0))
_SHEET_BYTES = 2_000_000  # five sheets of incompressible noise still keep the page under 15 MB


def data_uri(image: Image.Image) -> str:
    """The image as an inline PNG (lossless: every pixel on the page is a pixel of the clip)."""
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def sprite_sheet(clips: UInt8[np.ndarray, "N T H W C"], colours: int | None = None) -> str:
    """One picture with clip n in row n and frame t in column t.

    colours: at most this many, the nearest of the picture's own; a third of the bytes when there is noise.
    """
    n, t, h, w, c = clips.shape
    sheet = clips.transpose(0, 2, 1, 3, 4).reshape(n * h, t * w, c)
    image = Image.fromarray(sheet[..., 0] if c == 1 else sheet)
    return data_uri(image if colours is None or c == 1 else image.quantize(colours, dither=Image.Dither.NONE))


def chronophotograph(clip: UInt8[np.ndarray, "T H W C"], bodies: Bool[np.ndarray, "T H W"] | None = None) -> str:
    """All frames of a clip on one transparent plate, coloured from first to last, as Marey exposed them.

    bodies: where they are, or might be, if that is known: it tells them from a page that is a picture itself.
    """
    ink = _ink(clip, np.zeros(clip.shape[:3], bool) if bodies is None else bodies)
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


def shrunk(clip: UInt8[np.ndarray, "T H W C"], factor: int) -> UInt8[np.ndarray, "T h w C"]:
    """Each `factor` x `factor` block of pixels as its mean; what is left at the right and the bottom is cut off."""
    if factor == 1:
        return clip
    t, h, w, c = clip.shape
    blocks = clip[:, : h - h % factor, : w - w % factor].reshape(t, h // factor, factor, w // factor, factor, c)
    return (blocks.mean(axis=(2, 4)) + 0.5).astype(np.uint8)


def choose(law: np.ndarray, clip_bytes: int) -> list[int]:
    """Which clips to show: all, or as many as a sheet may hold, the same number of every law."""
    most, laws = max(_SHEET_BYTES // clip_bytes, 1), len(np.unique(law))
    most -= most % laws if laws < most < len(law) else 0
    rank = [int((law[:i] == law[i]).sum()) for i in range(len(law))]
    turn = sorted(range(len(law)), key=lambda i: (rank[i], law[i]))
    return sorted(turn[:most])


def _ink(clip: UInt8[np.ndarray, "T H W C"], bodies: Bool[np.ndarray, "T H W"]) -> Float[np.ndarray, "T H W"]:
    """How far each pixel is from the page, in [0, 1].

    The page is the commonest colour of the clip. Where no colour covers half of the clip the page is a picture itself;
    what differs from it no more than noise does is page too.
    """
    pixels = clip.astype(int)
    packed = (pixels << 8 * np.arange(clip.shape[-1])).sum(axis=-1)
    _, first, counts = np.unique(packed, return_index=True, return_counts=True)
    if 2 * counts.max() > packed.size:
        page, noise = pixels.reshape(-1, clip.shape[-1])[first[counts.argmax()]], 0.0
    else:
        page = _page(clip, bodies)
        noise = 5 * float(np.median(np.abs(pixels - page).max(axis=-1)))
    distance = (np.abs(pixels - page).max(axis=-1) - noise).clip(0.0)
    return distance / max(distance.max(), 1.0)


def _page(clip: UInt8[np.ndarray, "T H W C"], bodies: Bool[np.ndarray, "T H W"]) -> Float[np.ndarray, "H W C"]:
    """Each pixel's median over the frames without a body there; a pixel that no frame shows is as its nearest one."""
    never = bodies.all(axis=0)
    page = np.nanmedian(np.where((bodies & ~never)[..., None], np.nan, clip), axis=0)
    rows, columns = distance_transform_edt(never, return_distances=False, return_indices=True)
    return page[rows, columns] if not never.all() else page
