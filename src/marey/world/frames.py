"""The compiled renderer of clips: what `plain.py` defines, pixel by pixel, touching no more memory than it must.

A clip of flat discs on plain paper is filled at the speed of memory; then only the discs' boxes are touched.
"""

# mypy: disable-error-code="arg-type,assignment,call-overload,operator,return-value"
# numba has its own types; mypy knows the bodies of its functions only as numpy scalars.

from typing import NamedTuple

import numpy as np
from jaxtyping import Int8, Int32, Int64, UInt8
from numba import njit

from marey.world.kernels import LINES, blend, blend_lit, cover
from marey.world.look import PLAIN
from marey.world.plan import Plan
from marey.world.surroundings import copy, draw_background, drift, hide, noise


class Scratch(NamedTuple):
    """Memory that the kernels reuse: the background, exposures, and what discs and their order need.

    boxes: around the bodies of each frame: first row, end, first value in a row, end.
    """

    behind: UInt8[np.ndarray, "H WC"]
    takes: UInt8[np.ndarray, "S H WC"]
    half: Int32[np.ndarray, "lines"]
    share: Int32[np.ndarray, "H block"]
    order: Int64[np.ndarray, "M"]
    boxes: Int64[np.ndarray, "T 4"]


@njit(cache=True, nogil=True)
def scratch_for(bodies: int, moments: int, frames: int, height: int, width: int, channels: int) -> Scratch:
    return Scratch(
        np.empty((height, width * channels), np.uint8),
        np.empty((moments // frames, height, width * channels), np.uint8),
        np.empty(LINES * height, np.int32),
        np.empty((height, width + 32), np.int32),
        np.empty(bodies, np.int64),
        np.empty((max(frames, moments // frames), 4), np.int64),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def draw_clips(discs: Int32[np.ndarray, "n M F 4"], plan: Plan, out: UInt8[np.ndarray, "n T H WC"]) -> None:
    """Draw whole clips."""
    clips, frames, height, across = out.shape
    channels = plan.paper.shape[1]
    scratch = scratch_for(discs.shape[1], discs.shape[2], frames, height, across // channels, channels)
    for n in range(clips):
        draw_clip(discs[n], plan, n, scratch, out[n])


@njit(cache=True, nogil=True, error_model="numpy")
def draw_clip(
    discs: Int32[np.ndarray, "M F 4"], plan: Plan, n: int, scratch: Scratch, out: UInt8[np.ndarray, "T H WC"]
) -> None:
    frames, exposures = len(out), discs.shape[1] // len(out)
    if plan.backdrop[n] == PLAIN and exposures == 1:
        fill(plan.paper[n], out)
    else:
        draw_background(plan, n, scratch.behind)
    if exposures == 1:
        for t in range(frames if plan.backdrop[n] != PLAIN else 0):
            copy(scratch.behind, out[t])
        draw_bodies(discs, 0, plan.ink[n], plan.shading[n], plan.light[n], scratch, out)
    else:
        for take in scratch.takes:
            copy(scratch.behind, take)
        for t in range(frames):
            draw_bodies(discs, t * exposures, plan.ink[n], plan.shading[n], plan.light[n], scratch, scratch.takes)
            copy(scratch.behind, out[t])
            _average(scratch.takes, scratch.boxes, out[t])
            erase(scratch.behind, scratch.boxes, scratch.takes)
    hide(plan.occluders[n], plan.cover[n], out)
    if plan.drift[n]:
        drift(plan.drift[n], out)
    if plan.noise[n]:
        noise(plan.noise[n], plan.keys[n, 1], out)


@njit(cache=True, nogil=True, error_model="numpy")
def draw_bodies(
    discs: Int32[np.ndarray, "M F 4"],
    start: int,
    ink: UInt8[np.ndarray, "M C"],
    shading: UInt8[np.ndarray, "M"],
    light: Int8[np.ndarray, "3"],
    scratch: Scratch,
    out: UInt8[np.ndarray, "T H WC"],
) -> None:
    """Draw the bodies at the moments from `start` on into the frames of `out`, far to near; note the boxes."""
    bodies, half, share, order, boxes = len(discs), scratch.half, scratch.share, scratch.order, scratch.boxes
    width = out.shape[2] // ink.shape[1]
    for t in range(len(out)):
        _sort(discs, start + t, order)
        top, end, first, last = out.shape[1], 0, width, 0
        for i in range(bodies):
            body = order[i]
            u, v = np.int64(discs[body, start + t, 0]), np.int64(discs[body, start + t, 1])
            radius = np.int64(discs[body, start + t, 2])
            box = cover(u, v, radius, width, half, share)
            if not box[3]:
                continue
            if shading[body]:
                blend_lit(out[t], box, share, ink[body], (u, v, radius), np.int64(shading[body]), light)
            else:
                blend(out, t, box, share, ink, body)
            top, end = min(top, box[0]), max(end, box[1])
            first, last = min(first, box[2]), max(last, box[2] + box[3])
        channels = ink.shape[1]
        boxes[t, 0], boxes[t, 1], boxes[t, 2], boxes[t, 3] = top, end, channels * first, channels * last


@njit(cache=True, nogil=True, error_model="numpy")
def _sort(discs: Int32[np.ndarray, "M F 4"], moment: int, order: Int64[np.ndarray, "M"]) -> None:
    """Far to near, by insertion: of equal depths the later one is drawn later."""
    for body in range(len(order)):
        place = body
        while place > 0 and discs[order[place - 1], moment, 3] < discs[body, moment, 3]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = body


@njit(cache=True, nogil=True, error_model="numpy")
def fill(paper: UInt8[np.ndarray, "C"], out: UInt8[np.ndarray, "T H WC"]) -> None:
    even = True
    for c in range(1, len(paper)):
        even &= paper[c] == paper[0]
    if even:
        out.reshape(out.size)[:] = paper[0]  # one line of memory, filled in one call
        return
    for c in range(len(paper)):
        out[0, 0, c :: len(paper)] = paper[c]
    for t in range(out.shape[0]):
        for row in range(out.shape[1]):
            for x in range(out.shape[2]):
                out[t, row, x] = out[0, 0, x]


@njit(cache=True, nogil=True, error_model="numpy")
def _average(
    takes: UInt8[np.ndarray, "S H WC"], boxes: Int64[np.ndarray, "T 4"], frame: UInt8[np.ndarray, "H WC"]
) -> None:
    """The mean of several exposures, rounded, where they differ from the background."""
    count = len(takes)
    first, last = boxes[:count, 2].min(), boxes[:count, 3].max()
    for row in range(boxes[:count, 0].min(), boxes[:count, 1].max()):
        for x in range(first, last):
            total = count // 2
            for take in range(count):
                total += takes[take, row, x]
            frame[row, x] = total // count


@njit(cache=True, nogil=True, error_model="numpy")
def erase(
    behind: UInt8[np.ndarray, "H WC"], boxes: Int64[np.ndarray, "T 4"], clip: UInt8[np.ndarray, "T H WC"]
) -> None:
    for t in range(len(clip)):
        for row in range(boxes[t, 0], boxes[t, 1]):
            line, paper = clip[t, row, boxes[t, 2] : boxes[t, 3]], behind[row, boxes[t, 2] : boxes[t, 3]]
            for x in range(len(line)):
                line[x] = paper[x]
