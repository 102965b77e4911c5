"""Any path through space as a small video, for looking at a trajectory that came from elsewhere."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import Tensor

from marey.core.errors import UserError
from marey.core.numbers import whole_number
from marey.world.camera import Camera, look_at
from marey.world.kernels import GRID
from marey.world.look import Picture
from marey.world.render import draw

Path = Float64[np.ndarray, "T 3"]
Discs = Float64[np.ndarray, "T 3"]  # u, v, radius in pixels

_RADIUS = 5 / 64  # of the dot, in widths of the frame's shorter side
_MARGIN = 1.5 * _RADIUS  # between the frame and the nearest centre of a dot
_VIEW = np.array([[[0.5, -0.7, 0.5]]])  # where the oblique camera stands, from the middle of the path
_DISTANCE = 4.0  # of the camera, in radii of the path's sphere: no dot looks more than 4/3 larger than in the middle
_AXES = {"xy": (0, 1), "xz": (0, 2), "yz": (1, 2)}  # (to the right, up)


def trajectory_to_video(
    xyz: Any, frames: int = 5, img_size: tuple[int, int] = (128, 128), projection: str = "3d"
) -> Float32[Tensor, "frames 3 H W"]:
    """Draw a path as a black dot on white: float32 in [0, 1], the dot whole inside every frame.

    xyz: (T, 3) numbers in any unit; the view is fitted to them. frames: the path is resampled to so many, linearly in
    its index. img_size: (height, width), pixels. projection: "3d", an oblique perspective view, or "xy", "xz", "yz":
    orthographic, first axis to the right and second one up. An impossible argument is a UserError.
    """
    path = _checked(xyz)
    frames = whole_number(frames, "frames", 1)
    if not isinstance(img_size, Sequence) or len(img_size) != 2:
        raise UserError(f"img_size={img_size!r} is not possible; give (height, width)")
    height, width = (whole_number(side, f"img_size={img_size!r}: a side", 1) for side in img_size)
    if projection != "3d" and projection not in _AXES:
        raise UserError(f"projection={projection!r} is unknown; choose one of 3d, {', '.join(_AXES)}")
    path = _resampled(_unit(path), frames)
    side = min(height, width)
    discs = _oblique(path, side) if projection == "3d" else _orthographic(path, side, _AXES[projection])
    discs[:, :2] += (np.array([width, height]) - side) / 2
    picture = Picture.plain(ink=np.zeros((1, 1, 3), np.uint8), paper=np.full((1, 3), 255, np.uint8))
    whole = np.rint(np.pad(discs * GRID, [(0, 0), (0, 1)])).astype(np.int32)  # the depth of a single body hides nothing
    pixels = draw(whole[None, None, None], picture, height, width)
    return torch.from_numpy(pixels[0]).permute(0, 3, 1, 2).float() / 255


def _checked(xyz: Any) -> Path:
    try:
        path = np.asarray(xyz.detach().cpu() if isinstance(xyz, Tensor) else xyz, np.float64)
    except (TypeError, ValueError):
        raise UserError("xyz is not an array of numbers; give a (T, 3) array") from None
    if path.ndim != 2 or path.shape[1] != 3 or not len(path):
        raise UserError(f"xyz has shape {path.shape}; give (T, 3) with T at least 1")
    if not np.isfinite(path).all():
        raise UserError(f"xyz[{np.flatnonzero(~np.isfinite(path).all(axis=1))[0]}] is not finite; give finite numbers")
    return path


def _unit(path: Path) -> Path:
    """The path moved and scaled into the unit sphere; a path of one point lies in its middle."""
    path = path - (path.min(axis=0) / 2 + path.max(axis=0) / 2)
    path = path / (np.abs(path).max() or 1)  # first to a cube: the squares of huge numbers would overflow
    return path / (np.linalg.norm(path, axis=1).max() or 1)


def _resampled(path: Path, frames: int) -> Float64[np.ndarray, "frames 3"]:
    at = np.linspace(0, len(path) - 1, frames)
    return np.column_stack([np.interp(at, np.arange(len(path)), path[:, axis]) for axis in range(3)])


def _oblique(path: Path, side: int) -> Discs:
    """A pinhole camera whose field of view is the sphere around the path, in a frame of side x side pixels."""
    position = _DISTANCE * _VIEW / np.linalg.norm(_VIEW)
    focal = (0.5 - _MARGIN) * side * np.sqrt(_DISTANCE**2 - 1)  # the sphere's edge is seen at asin(1 / distance)
    camera = Camera(side, np.array([[focal]]), look_at(position, 0 * position), position)
    points = camera.to_camera(path[None, None])
    return np.column_stack([camera.pixels(points)[0, 0], _RADIUS * side * _DISTANCE / points[0, 0, :, 2]])


def _orthographic(path: Path, side: int, axes: tuple[int, int]) -> Discs:
    flat = path[:, axes] * [1, -1] * (0.5 - _MARGIN) * side + side / 2
    return np.column_stack([flat, np.full(len(path), _RADIUS * side)])
