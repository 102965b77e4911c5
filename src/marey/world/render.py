"""The renderer: scenes to canonical discs in whole numbers, and those to pixels, by integer arithmetic alone.

Centres and radii are rounded to 1/256 pixel. Each pixel row is cut into 16 lines; on each line a disc is the span
between two exact integer roots, and a pixel's coverage is the sum of its parts of the 16 spans. So the same numbers
give the same bytes anywhere: from the compiled kernels used here, from their plain twin, and on a GPU.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64, UInt8

from marey.core.errors import UserError
from marey.world.frames import draw_clips
from marey.world.kernels import FAR, GRID
from marey.world.look import IMAGE, MOMENT, Picture
from marey.world.plan import Plan, plan
from marey.world.scenes import Scenes
from marey.world.videos import draw_videos

_DEPTH = 1000  # parts of a metre


def quantized(scenes: Scenes) -> Int32[np.ndarray, "n K M F 4"]:
    """Canonical discs: (u, v, radius) in 1/256 pixel and depth in millimetres, all that the pixels depend on beside
    the picture. F = T S: the S exposures of the first frame, then those of the second, and so on; without motion blur
    S is 1. A body has one radius throughout a frame. One that is missing or behind the camera has the radius 0.
    """
    camera, moments = scenes.camera, scenes.picture.moments.astype(np.float64)
    interval = np.diff(scenes.times[:, [0, -1]]) / max(scenes.times.shape[1] - 1, 1)
    times = scenes.times[:, :, None] + (moments / MOMENT * interval)[:, None]
    radii = np.repeat(scenes.radii, moments.shape[1], axis=-1)
    n, cameras, bodies, count = radii.shape
    points = replace(scenes, times=times.reshape(n, count), radii=radii).trajectories
    depth = camera.to_camera(points.reshape(n, 1, bodies * count, 3))[..., 2].reshape(n, cameras, bodies, count)
    discs = np.concatenate([camera.project(points), radii[..., None]], axis=-1) * GRID
    drawn = (np.abs(discs) <= FAR).all(axis=-1) & (depth > 0)  # NaN compares as False
    discs = np.concatenate([discs, np.minimum(depth * _DEPTH, 2**31 - 1)[..., None]], axis=-1)
    return np.rint(np.where(drawn[..., None], discs, 0)).astype(np.int32)


def render(
    scenes: Scenes, out: UInt8[np.ndarray, "_ T H W C"] | None = None, camera: int = 0, threads: int = 1
) -> UInt8[np.ndarray, "n T H W C"]:
    """Draw the clips that one of the cameras takes of `scenes`; see `draw`."""
    size = scenes.camera.size
    return draw(quantized(scenes), scenes.picture, size, size, out, camera, threads)


def draw(
    discs: Int32[np.ndarray, "n K M F 4"],
    picture: Picture,
    height: int,
    width: int,
    out: UInt8[np.ndarray, "_ T H W C"] | None = None,
    camera: int = 0,
    threads: int = 1,
) -> UInt8[np.ndarray, "n T H W C"]:
    """Clips from whole numbers alone: the discs of `quantized` and their picture, in frames of height x width pixels.

    out: drawn into when given (a reused buffer is many times faster than fresh memory). threads: share the clips among
    them; the bytes do not depend on it. Bodies are drawn far to near, each over what is there; what lies outside the
    frame is not drawn. A wrong buffer, a camera that is not there or a missing image is a UserError.
    """
    out = _buffer(discs, picture, height, width, out, camera)
    flat = out.reshape(*out.shape[:3], width * out.shape[4])  # a view: a buffer is contiguous
    _share(draw_clips, np.ascontiguousarray(discs[:, camera]), plan(picture, height, width, camera), flat, threads)
    return out


def draw_video(
    discs: Int32[np.ndarray, "n K M F 4"],
    picture: Picture,
    height: int,
    width: int,
    out: Float32[np.ndarray, "_ C T H W"] | None = None,
    camera: int = 0,
    threads: int = 1,
    ways: Int64[np.ndarray, "n"] | None = None,
) -> Float32[np.ndarray, "n C T H W"]:
    """What `draw` draws, as models see it: -1 is black, 1 is white. Much faster than a conversion of the clips.

    ways: of each clip, 0 to 15, what is done to it when it is drawn, in this order: bit 1 swaps rows and columns (of
    square frames only, else a UserError), 2 mirrors left and right, 4 top and bottom, 8 plays it backwards.
    """
    out = _buffer(discs, picture, height, width, out, camera, video=True)
    ways = np.zeros(len(discs), np.int64) if ways is None else ways
    if height != width and (ways & 1).any():
        raise UserError(f"ways: a frame of {height}x{width} has no diagonal mirror; give even numbers")
    painted = plan(picture, height, width, camera)
    _share(draw_videos, np.ascontiguousarray(discs[:, camera]), painted, out, threads, ways)
    return out


def _share(
    kernel: Callable[..., None], discs: np.ndarray, plan: Plan, out: np.ndarray, threads: int, *more: np.ndarray
) -> None:
    """Let each thread draw its own clips."""
    cuts = np.linspace(0, len(discs), max(1, min(threads, len(discs))) + 1).astype(int)
    parts = [slice(*cut) for cut in pairwise(cuts)]
    tasks = [
        (discs[part], Plan(*(values[part] for values in plan)), *(values[part] for values in more), out[part])
        for part in parts
    ]
    if len(tasks) == 1:
        kernel(*tasks[0])
        return
    with ThreadPoolExecutor(len(tasks)) as pool:
        list(pool.map(lambda task: kernel(*task), tasks))


def _buffer(
    discs: np.ndarray,
    picture: Picture,
    height: int,
    width: int,
    out: np.ndarray | None,
    camera: int,
    video: bool = False,
) -> np.ndarray:
    """Check what is to be drawn; the buffer to draw it in."""
    if not 0 <= camera < discs.shape[1]:
        raise UserError(f"camera={camera} is not there; these scenes have cameras 0 to {discs.shape[1] - 1}")
    if (picture.backdrop == IMAGE).any() and picture.image.shape[1:3] != (height, width):
        have = "x".join(map(str, picture.image.shape[1:3]))
        raise UserError(
            f"picture.image is {have} pixels, the frame {height}x{width}; make look.images as large as the frame"
        )
    frames, channels = discs.shape[3] // picture.moments.shape[1], picture.paper.shape[1]
    shape = (channels, frames, height, width) if video else (frames, height, width, channels)
    shape, kind = (len(discs), *shape), np.dtype(np.float32 if video else np.uint8)
    if out is None:
        return np.empty(shape, kind)
    if out.shape != shape or out.dtype != kind or not out.flags.c_contiguous:
        raise UserError(f"out has shape {out.shape} and type {out.dtype}; these scenes need contiguous {kind} {shape}")
    return out


def trajectory_discs(track: Float64[np.ndarray, "T 2"], radius: float) -> Int32[np.ndarray, "1 1 1 T 4"]:
    """Canonical discs of one free track with a constant radius, pixels."""
    discs = np.column_stack([track * GRID, np.full(len(track), radius * GRID), np.zeros(len(track))])
    return np.rint(discs).astype(np.int32)[None, None, None]
