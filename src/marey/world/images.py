"""The user's images as text, so that a spec or a table that shows them carries them: base64 of PNG."""

import base64
import io
from binascii import Error as Base64Error
from functools import lru_cache

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from marey.core.errors import UserError

_MODES = {1: "L", 3: "RGB"}


def packed(images: UInt8[np.ndarray, "N Y X C"]) -> tuple[str, ...]:
    """Each image (1 channel or 3) as base64 of a PNG, which loses nothing."""
    return tuple(_packed(image) for image in images)


@lru_cache(maxsize=8)
def unpacked(images: tuple[str, ...], channels: int) -> UInt8[np.ndarray, "N Y X C"]:
    """The inverse of `packed`, with 1 channel or 3; images that cannot be read or differ in size are a UserError."""
    pixels = [_unpacked(image, place, channels) for place, image in enumerate(images)]
    for place, one in enumerate(pixels):
        if one.shape != pixels[0].shape:
            sizes = " and ".join(f"{each.shape[1]}x{each.shape[0]}" for each in (pixels[0], one))
            raise UserError(f"look.images: numbers 0 and {place} are {sizes} pixels; make all as large as the frame")
    whole = np.stack(pixels) if pixels else np.empty((0, 0, 0, channels), np.uint8)
    whole.setflags(write=False)
    return whole


def _packed(image: UInt8[np.ndarray, "Y X C"]) -> str:
    png = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(png, "PNG", optimize=True)
    return base64.b64encode(png.getvalue()).decode("ascii")


def _unpacked(text: str, place: int, channels: int) -> UInt8[np.ndarray, "Y X C"]:
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
        pixels = np.array(picture.convert(_MODES[channels]), np.uint8)
    except (Base64Error, UnidentifiedImageError, OSError):
        raise UserError(f"look.images: number {place} is not base64 of an image; use --images, or `packed`") from None
    return pixels.reshape(*pixels.shape[:2], channels)
