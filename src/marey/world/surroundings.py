"""Kernels for all in a frame but its bodies: background, occluders, brightness, noise; `plain.py` defines them."""

# mypy: disable-error-code="arg-type,assignment,call-overload,operator,return-value"
# numba has its own types; mypy knows the bodies of its functions only as numpy scalars.

import numpy as np
from jaxtyping import Int64, UInt8
from numba import njit

from marey.world.kernels import FULL, mixed
from marey.world.look import DRIFT, GRADIENT, IMAGE, TEXTURE
from marey.world.plan import Plan


@njit(cache=True, nogil=True, error_model="numpy")
def copy(source: UInt8[np.ndarray, "H WC"], target: UInt8[np.ndarray, "H WC"]) -> None:
    for row in range(source.shape[0]):
        for x in range(source.shape[1]):
            target[row, x] = source[row, x]


@njit(cache=True, nogil=True, error_model="numpy")
def hide(
    occluders: Int64[np.ndarray, "O 4"], colours: UInt8[np.ndarray, "O C"], clip: UInt8[np.ndarray, "T H WC"]
) -> None:
    """Draw occluders over everything else."""
    channels = colours.shape[1]
    for i in range(len(occluders)):
        left, top, right, bottom = occluders[i, 0], occluders[i, 1], occluders[i, 2], occluders[i, 3]
        for t in range(len(clip)):
            for row in range(top, bottom):
                for x in range(left, right):
                    for c in range(channels):
                        clip[t, row, x * channels + c] = colours[i, c]


@njit(cache=True, nogil=True, error_model="numpy")
def drift(change: int, clip: UInt8[np.ndarray, "T H WC"]) -> None:
    """Brightness grows or falls evenly over the clip."""
    whole = DRIFT * max(len(clip) - 1, 1)
    table = np.empty(256, np.uint8)
    for t in range(len(clip)):
        for value in range(256):
            table[value] = min((value * (whole + np.int64(change) * t) + whole // 2) // whole, 255)
        for row in range(clip.shape[1]):
            for x in range(clip.shape[2]):
                clip[t, row, x] = table[clip[t, row, x]]


@njit(cache=True, nogil=True, error_model="numpy")
def noise(sigma: int, key: np.uint32, clip: UInt8[np.ndarray, "T H WC"]) -> None:
    """Add noise near to normal, each pixel's own."""
    scale = np.int32(np.int32(sigma) * 443)
    line = clip.reshape(clip.size)
    for place in range(len(line)):
        bits = _hash(np.uint32(place), key)
        total = np.int32(np.int32((bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24)) - 510)
        value = np.int32(np.int32(np.int32(total * scale) + (1 << 19)) >> 20)
        line[place] = np.uint8(min(max(np.int32(line[place] + value), 0), 255))


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _hash(counter: np.uint32, key: np.uint32) -> np.uint32:
    """`plain.hash32` in 32-bit words, which wrap by themselves."""
    bits = np.uint32(counter ^ key)
    bits = np.uint32(np.uint32(bits ^ (bits >> np.uint32(16))) * np.uint32(0x21F0AAAD))
    bits = np.uint32(np.uint32(np.uint32(bits ^ (bits >> np.uint32(15))) + key) * np.uint32(0x735A2D97))
    return np.uint32(bits ^ (bits >> np.uint32(15)))


@njit(cache=True, nogil=True, error_model="numpy")
def draw_background(plan: Plan, n: int, frame: UInt8[np.ndarray, "H WC"]) -> None:
    kind, channels = plan.backdrop[n], plan.paper.shape[1]
    if kind == IMAGE:
        copy(plan.image[n], frame)
        return
    height, width = len(frame), frame.shape[1] // channels
    for row in range(height):
        for x in range(width):
            share = 0
            if kind == GRADIENT:
                share = _gradient(plan.slope[n, 0], plan.slope[n, 1], row, x, height, width)
            if kind == TEXTURE:
                share = _texture(np.int64(plan.cells[n]), plan.keys[n, 0], row, x, width)
            for c in range(channels):
                frame[row, channels * x + c] = mixed(np.int32(plan.paper[n, c]), np.int32(plan.shade[n, c]), share)


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _gradient(across: int, down: int, row: int, x: int, height: int, width: int) -> int:
    across, down = np.int64(across), np.int64(down)
    most = max(abs(across) * width + abs(down) * height, 1)
    return (across * (2 * x + 1 - width) + down * (2 * row + 1 - height) + most) * FULL // (2 * most)


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _texture(cells: int, key: np.uint32, row: int, x: int, width: int) -> int:
    x, y = (2 * x + 1) * cells * 128 // width, (2 * row + 1) * cells * 128 // width
    total = 0
    for i in range(2):
        for j in range(2):
            corner = np.int64(_hash(np.uint32(((y >> 8) + i << 16) + (x >> 8) + j), key) >> np.uint32(24))
            total += corner * (y & 255 if i else 256 - (y & 255)) * (x & 255 if j else 256 - (x & 255))
    return total >> 12
