"""The option --images: a folder of pictures, made as large as the frames, becomes part of the data set's spec."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from marey.core.errors import UserError

if TYPE_CHECKING:
    from marey.data.spec import DatasetSpec

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
_MOST = 256  # all of them travel with the spec


def with_images(spec: "DatasetSpec", folder: Path) -> "DatasetSpec":
    """The spec with the folder's images behind the bodies, instead of the preset's backgrounds.

    Each is cut to the square in its middle and scaled to the frame, in the order of the file names.
    """
    import numpy as np
    from PIL import Image, ImageOps, UnidentifiedImageError

    from marey.world.images import packed

    world = spec.world
    if not folder.is_dir():
        raise UserError(f"--images {folder} is not a folder; give one with pictures ({', '.join(_SUFFIXES)})")
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in _SUFFIXES)
    if not 1 <= len(files) <= _MOST:
        raise UserError(f"--images {folder} holds {len(files)} pictures ({', '.join(_SUFFIXES)}); give 1 to {_MOST}")
    pixels = []
    for file in files:
        try:
            with Image.open(file) as image:
                upright = ImageOps.exif_transpose(image).convert("L" if world.channels == 1 else "RGB")
                pixels.append(np.asarray(ImageOps.fit(upright, (world.size, world.size), Image.Resampling.LANCZOS)))
        except (UnidentifiedImageError, OSError) as error:
            raise UserError(f"--images: {file} cannot be read ({error}); restore or remove it") from None
    images = packed(np.stack(pixels).reshape(len(files), world.size, world.size, world.channels))
    look = replace(world.look, background=("image",), images=images)
    return replace(spec, world=replace(world, look=look))
