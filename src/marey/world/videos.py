"""The compiled renderer of videos: the clips of `frames.py` as models see them, each in its way, plane by plane.

A plane of 16 frames fits a processor's cache while it is filled and its discs are drawn: memory is written once.
"""

# mypy: disable-error-code="arg-type,assignment,call-overload,operator,return-value"
# numba has its own types; mypy knows the bodies of its functions only as numpy scalars.

import numpy as np
from jaxtyping import Float32, Int32, Int64, UInt8
from numba import njit

from marey.world.frames import Scratch, draw_bodies, draw_clip, erase, fill, scratch_for
from marey.world.kernels import cover, mixed
from marey.world.look import PLAIN
from marey.world.plan import Plan
from marey.world.surroundings import draw_background


@njit(cache=True, nogil=True, error_model="numpy")
def draw_videos(
    discs: Int32[np.ndarray, "n M F 4"],
    plan: Plan,
    ways: Int64[np.ndarray, "n"],
    out: Float32[np.ndarray, "n C T H W"],
) -> None:
    """Draw whole clips: -1 is black, 1 is white; each in its way, see `render.draw_video`."""
    clips, channels, frames, height, width = out.shape
    scratch = scratch_for(discs.shape[1], discs.shape[2], frames, height, width, channels)
    clip = np.empty((frames, height, width * channels), np.uint8)
    shares = np.empty((frames, height, width + 32), np.int32)
    stained = True  # whether the clip shows more than paper and the bodies in its boxes
    for n in range(clips):
        plain = not (plan.backdrop[n] != PLAIN or plan.occluders.shape[1] or plan.noise[n] or plan.drift[n])
        plain &= discs.shape[2] == frames
        if plain and discs.shape[1] == 1 and not plan.shading[n, 0]:
            _draw_disc(discs[n, 0], plan.paper[n], plan.ink[n, 0], ways[n], scratch, shares, out[n])
            continue
        if not plain:
            draw_clip(discs[n], plan, n, scratch, clip)
            scratch.boxes[:] = np.array([0, height, 0, width * channels])
        else:
            if stained or not _same(plan.paper[n], plan.paper[n - 1]):
                draw_background(plan, n, scratch.behind)
                fill(plan.paper[n], clip)
            draw_bodies(discs[n], 0, plan.ink[n], plan.shading[n], plan.light[n], scratch, clip)
        for c in range(channels):
            if plain:
                _fill_plane(plan.paper[n, c], out[n, c])
            _to_video(clip, scratch.boxes, c, ways[n], out[n])
        if plain:
            erase(scratch.behind, scratch.boxes, clip)
        stained = not plain


@njit(cache=True, nogil=True, error_model="numpy")
def _draw_disc(
    discs: Int32[np.ndarray, "F 4"],
    paper: UInt8[np.ndarray, "C"],
    ink: UInt8[np.ndarray, "C"],
    way: int,
    scratch: Scratch,
    shares: Int32[np.ndarray, "T H block"],
    video: Float32[np.ndarray, "C T H W"],
) -> None:
    """One flat disc on plain paper, what most worlds draw, needs no clip in between."""
    channels, frames, height, width = video.shape
    start, later, line, step = _steps(way, frames, height, width)
    boxes = scratch.boxes
    for t in range(frames):
        u, v, radius = np.int64(discs[t, 0]), np.int64(discs[t, 1]), np.int64(discs[t, 2])
        box = cover(u, v, radius, width, scratch.half, shares[t])
        boxes[t, 0], boxes[t, 1], boxes[t, 2], boxes[t, 3] = box
    for c in range(channels):
        levels, below, above = video[c].reshape(frames * height * width), np.int32(paper[c]), np.int32(ink[c])
        _fill_plane(paper[c], video[c])
        for t in range(frames):
            first, count = boxes[t, 2], boxes[t, 3]
            for row in range(boxes[t, 0], boxes[t, 1]):
                to, part = start + t * later + row * line + first * step, shares[t, row, :count]
                if step == 1:  # a literal step, so that a compiler can vectorise
                    for x in range(count):
                        levels[to + x] = _level(mixed(below, above, part[x]))
                else:
                    for x in range(count):
                        levels[to + step * x] = _level(mixed(below, above, part[x]))


@njit(cache=True, nogil=True, error_model="numpy")
def _to_video(
    clip: UInt8[np.ndarray, "T H WC"],
    boxes: Int64[np.ndarray, "T 4"],
    c: int,
    way: int,
    video: Float32[np.ndarray, "C T H W"],
) -> None:
    """Copy one channel of the pixels in the boxes of each frame into a video, to where the way takes them."""
    channels, frames, height, width = video.shape
    pixels, levels = clip.reshape(clip.size), video[c].reshape(frames * height * width)
    start, later, line, step = _steps(way, frames, height, width)
    for t in range(frames):
        first, count = boxes[t, 2] // channels, (boxes[t, 3] - boxes[t, 2]) // channels
        for row in range(boxes[t, 0], boxes[t, 1]):
            at, to = (t * height + row) * width + first, start + t * later + row * line + first * step
            source = pixels[channels * at + c : channels * (at + count)]
            for x in range(count):
                levels[to + step * x] = _level(source[channels * x])


@njit(cache=True, nogil=True, inline="always")
def _steps(way: int, frames: int, height: int, width: int) -> tuple[int, int, int, int]:
    """Where in a plane the clip's first pixel goes, and how far from there the next frame, row and column are."""
    across, down, later = -1 if way & 2 else 1, -width if way & 4 else width, height * width
    start = (width - 1) * (across < 0) + (height - 1) * width * (down < 0)
    if way & 8:
        start, later = start + (frames - 1) * later, -later
    line, step = (across, down) if way & 1 else (down, across)
    return start, later, line, step


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_plane(paper: np.uint8, plane: Float32[np.ndarray, "T H W"]) -> None:
    levels, blank = plane.reshape(plane.size), _level(paper)
    for at in range(len(levels)):  # as fast as memory; an assignment to the slice is not
        levels[at] = blank


@njit(cache=True, nogil=True, error_model="numpy")
def _same(one: UInt8[np.ndarray, "C"], other: UInt8[np.ndarray, "C"]) -> bool:
    same = True
    for c in range(len(one)):
        same &= one[c] == other[c]
    return same


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _level(pixel: np.uint8) -> np.float32:
    return np.float32(pixel) / np.float32(127.5) - np.float32(1)
