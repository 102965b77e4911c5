"""The renderer in plain numpy, written for reading: whole arrays of whole numbers, one factor after another.

It is the definition of every pixel; the compiled kernels and the twin for GPUs give the same bytes.
"""

import numpy as np
from jaxtyping import Int32, Int64, UInt8

from marey.world.kernels import FULL, GRID, LINES, TINY
from marey.world.look import DRIFT, GRADIENT, IMAGE, TEXTURE, Picture

_WORD = (1 << 32) - 1


def draw_plainly(
    discs: Int32[np.ndarray, "n M F 4"], picture: Picture, height: int, width: int, camera: int = 0
) -> UInt8[np.ndarray, "n T H W C"]:
    """The clips of one camera's discs (u, v, radius in 1/256 pixel; depth): what `render.draw` computes."""
    n, _, moments = discs.shape[:3]
    exposures = picture.moments.shape[1]
    frames = background(picture, height, width)[:, None].astype(np.int64)
    order = np.argsort(-discs[..., 3].astype(np.int64), axis=1, kind="stable")  # far to near
    for body in order.swapaxes(0, 1):
        disc = np.take_along_axis(discs, body[:, None, :, None], axis=1)[:, 0].astype(np.int64)
        rows = np.arange(n)[:, None]
        ink = picture.ink[rows, body][:, :, None, None].astype(np.int64)
        white = _lit(disc, picture.shading[rows, body], picture.light, height, width)[..., None]
        share = shares(disc, height, width)[..., None]
        frames = _mixed(frames, ink + ((255 - ink) * white + 128) // 256, share)
    frames = np.broadcast_to(frames, (n, moments, *frames.shape[2:]))
    frames = frames.reshape(n, moments // exposures, exposures, *frames.shape[2:]).sum(axis=2)
    frames = (frames + exposures // 2) // exposures
    for (left, top, right, bottom), colour in _occluders(picture, height, width):
        hides = _within(np.arange(height), top, bottom)[:, :, None] & _within(np.arange(width), left, right)[:, None]
        frames = np.where(hides[:, None, ..., None], colour[:, None, None, None], frames)
    return _sensed(frames, picture, camera).astype(np.uint8)


def shares(discs: Int64[np.ndarray, "*n 4"], height: int, width: int) -> Int64[np.ndarray, "*n H W"]:
    """Share of each pixel, in 1/4096, that a disc covers: 16 lines to a row, on each the span of an exact root."""
    u, v, radius = (discs[..., i, None, None] for i in range(3))
    lines = 2 * GRID * np.arange(height)[:, None] + (2 * np.arange(LINES) + 1) * GRID // LINES
    inside = 4 * radius**2 - (lines - 2 * v) ** 2
    half = np.where(radius <= TINY, (_root(4 * inside) + 1) // 2, _root(inside))
    columns = 2 * GRID * np.arange(width)
    left, right = (2 * u - half)[..., None], (2 * u + half)[..., None]
    spans = (np.minimum(right, columns + 2 * GRID) - np.maximum(left, columns)).clip(0)
    return (spans.sum(axis=-2) + 1) // 2


def background(picture: Picture, height: int, width: int) -> UInt8[np.ndarray, "n H W C"]:
    """What lies behind the bodies."""
    row, column = np.mgrid[:height, :width]
    shape = (len(picture.paper), height, width, picture.paper.shape[1])
    image = picture.image if (picture.backdrop == IMAGE).any() else np.zeros(shape, np.uint8)
    kind = picture.backdrop[:, None, None]
    share = np.where(kind == TEXTURE, _texture(picture, row, column), 0)
    share = np.where(kind == GRADIENT, _gradient(picture, row, column), share)
    paper, shade = (colour[:, None, None].astype(np.int64) for colour in (picture.paper, picture.shade))
    return np.where(kind[..., None] == IMAGE, image, _mixed(paper, shade, share[..., None])).astype(np.uint8)


def hash32(counter: Int64[np.ndarray, "..."], key: Int64[np.ndarray, "..."]) -> Int64[np.ndarray, "..."]:
    """32 random bits for each counter: two rounds of multiply and shift.

    The multipliers, below 2^31 so that no product needs more than 63 bits, come from the search for low bias of
    https://github.com/skeeto/hash-prospector; the key enters before each round.
    """
    bits = counter ^ key
    bits = (bits ^ bits >> 16) * 0x21F0AAAD & _WORD
    bits = ((bits ^ bits >> 15) + key & _WORD) * 0x735A2D97 & _WORD
    return bits ^ bits >> 15


def _mixed(below: np.ndarray, above: np.ndarray, share: np.ndarray) -> np.ndarray:
    return (share * above + (FULL - share) * below + FULL // 2) // FULL


def _root(square: np.ndarray) -> np.ndarray:
    """floor(sqrt(square)), 0 for negative numbers."""
    root = np.floor(np.sqrt(square.clip(0).astype(np.float64))).astype(np.int64)
    return root - (root * root > square.clip(0))


def _lit(disc: np.ndarray, shading: np.ndarray, light: np.ndarray, height: int, width: int) -> np.ndarray:
    """Share of white, in 1/256, by Lambert's cosine law on a sphere seen from far away."""
    u, v, radius = (2 * disc[..., i, None, None] for i in range(3))
    x = 2 * GRID * np.arange(width) + GRID - u
    y = 2 * GRID * np.arange(height)[:, None] + GRID - v
    z = _root(radius**2 - x**2 - y**2)
    across, down, near = (light[:, i, None, None, None].astype(np.int64) for i in range(3))
    most = 127 * np.maximum(radius, 1)
    return shading[..., None, None] * (across * x + down * y + near * z).clip(0, most) // most


def _gradient(picture: Picture, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    across, down = (picture.slope[:, i, None, None].astype(np.int64) for i in range(2))
    height, width = row.shape
    most = np.maximum(np.abs(across) * width + np.abs(down) * height, 1)
    return (across * (2 * column + 1 - width) + down * (2 * row + 1 - height) + most) * FULL // (2 * most)


def _texture(picture: Picture, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Value noise: random numbers on a grid of cells, linear in between."""
    key = hash32(np.array(0), picture.seed.astype(np.int64))[:, None, None]
    width = row.shape[1]
    x, y = ((2 * place + 1) * picture.cells[:, None, None].astype(np.int64) * 128 // width for place in (column, row))
    corner = [[hash32(((y >> 8) + i << 16) + (x >> 8) + j, key) >> 24 for j in (0, 1)] for i in (0, 1)]
    x, y = x & 255, y & 255
    upper, lower = ((256 - x) * left + x * right for left, right in corner)
    return (256 - y) * upper + y * lower >> 12


def _occluders(picture: Picture, height: int, width: int) -> list[tuple[list[np.ndarray], np.ndarray]]:
    """For each: left, top, right and bottom in whole pixels, n 1 each, and the colour, n C."""
    pixels = occluder_pixels(picture, height, width)
    return [
        ([pixels[:, i, side, None] for side in range(4)], picture.cover[:, i].astype(np.int64))
        for i in range(pixels.shape[1])
    ]


def occluder_pixels(picture: Picture, height: int, width: int) -> Int64[np.ndarray, "n O 4"]:
    """Left, top, right and bottom of the occluders, rounded to whole pixels."""
    return picture.occluders.astype(np.int64) * np.array([width, height, width, height]) + 0x8000 >> 16


def _within(place: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return (place >= low) & (place < high)


def _sensed(frames: np.ndarray, picture: Picture, camera: int) -> np.ndarray:
    """Brightness drifts in proportion; then noise, near to normal: the sum of four random bytes."""
    count = frames.shape[1]
    whole = DRIFT * max(count - 1, 1)
    gain = whole + picture.drift[:, None].astype(np.int64) * np.arange(count)
    frames = ((frames * gain[..., None, None, None] + whole // 2) // whole).clip(0, 255)
    key = hash32(np.array(1 + camera), picture.seed.astype(np.int64))
    place = np.arange(frames[0].size).reshape(frames.shape[1:]) & _WORD
    bits = hash32(place[None], key[:, None, None, None, None])
    noise = (bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24) - 510
    return (frames + noise_levels(noise, picture.noise[:, None, None, None, None].astype(np.int64))).clip(0, 255)


def noise_levels(noise: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Grey levels from a sum of four bytes less 510, whose standard deviation is 147.8, and sigma in 1/16 level."""
    return noise * sigma * 443 + (1 << 19) >> 20
