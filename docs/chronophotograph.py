"""Draws chronophotograph.png: python docs/chronophotograph.py. All frames on one plate, as Marey exposed them."""

import base64
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from marey.report.plates import chronophotograph
from marey.world.camera import Camera, look_at
from marey.world.kernels import GRID
from marey.world.laws import law_named
from marey.world.look import Picture
from marey.world.render import draw

SIZE, GAP = 300, 20  # pixels
BALL = 0.14  # metres
LAWS = {  # parameters, seconds, frames, middle of what is seen
    "bouncing": ((0.82, 4.4, 6.2, -0.55, 0.78), (-1.85, 1.9), 36, (0.02, 0.75, 0.0)),
    "helical": ((1.05, 3.2, 0.3, 0.62), (-2.1, 2.1), 44, (0.0, 0.0, 0.0)),
    "orbit": ((1.5, 0.5, 1.0, 0.0), (0.0, 2 * np.pi), 27, (-0.75, 0.0, 0.0)),
    "damped": ((0.8, 1.15, 0.42, 4.4, 0.3), (-1.1, 3.0), 40, (0.78, 0.05, 0.0)),
}
UP = {"helical": np.eye(3)}  # its axis is z, the world's own up; the others' second axis is drawn upwards
STANDING = np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])


def plate(name: str) -> Image.Image:
    """RGBA, transparent where nothing was exposed; the first frame is blue, the last one orange."""
    parameters, (start, end), frames, middle = LAWS[name]
    path = law_named(name).position(np.array([parameters]), np.linspace(start, end, frames))[0] - np.array(middle)
    path = (path @ UP.get(name, STANDING))[None, None]
    position = np.array([[[0.8, -6.0, 2.2]]])
    camera = Camera(SIZE, np.array([[1.5 * SIZE]]), look_at(position, np.zeros((1, 1, 3))), position)
    discs = np.concatenate([camera.project(path), camera.radii(np.full((1, 1), BALL), path)[..., None]], -1)
    depth = camera.to_camera(path.reshape(1, 1, -1, 3))[..., 2:].reshape(1, 1, 1, frames, 1)
    whole = np.rint(np.concatenate([discs * GRID, 1000 * depth], axis=-1)).astype(np.int32)
    picture = Picture.plain(ink=np.zeros((1, 1, 1), np.uint8), paper=np.full((1, 1), 255, np.uint8))
    uri = chronophotograph(draw(whole, picture, SIZE, SIZE)[0])
    return Image.open(BytesIO(base64.b64decode(uri.partition(",")[2])))


def picture() -> Image.Image:
    """The plates side by side."""
    sheet = Image.new("RGBA", (len(LAWS) * (SIZE + GAP) - GAP, SIZE))
    for column, name in enumerate(LAWS):
        sheet.paste(plate(name), (column * (SIZE + GAP), 0))
    return sheet


if __name__ == "__main__":
    picture().quantize(256, method=Image.Quantize.FASTOCTREE).save(Path(__file__).with_suffix(".png"), optimize=True)
