"""How much of a body is hidden: against a count of cells, and against the pixels."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from marey.world.hidden import hidden
from marey.world.kernels import GRID, TINY
from marey.world.look import Look, Picture
from marey.world.matched import MatchedWorld
from marey.world.plain import occluder_pixels
from marey.world.render import draw, quantized

SIZE = 24


def counted(discs: np.ndarray, occluders: np.ndarray) -> np.ndarray:
    """The share hidden of each of M discs of one frame (M 4), from every cell of 1/512 pixel on every line."""
    x, y = np.arange(2 * GRID * SIZE) + 0.5, 2 * GRID * np.arange(SIZE)[:, None] + 32 * np.arange(16) + 16
    column, row = (x // (2 * GRID)).astype(int), np.arange(SIZE)[:, None, None]
    masks = []
    for u, v, radius, _ in discs.astype(np.int64):
        chord = np.sqrt(np.maximum(4 * radius**2 - (y - 2 * v) ** 2, 0))[..., None]
        half = np.rint(chord) if radius <= TINY else np.floor(chord)
        masks.append(np.abs(x - 2 * u) < half)
    boxes = [(row >= t) & (row < b) & (column >= lo) & (column < hi) for lo, t, hi, b in occluders]
    shares = []
    for body, mask in enumerate(masks):
        over = np.zeros_like(mask)
        for other, theirs in enumerate(masks):
            if (discs[other, 3], -other) < (discs[body, 3], -body):
                over |= theirs
        for box in boxes:
            over |= np.broadcast_to(box, over.shape)
        shares.append(4096 * (mask & over).sum() // max(mask.sum(), 1))
    return np.array(shares)


@given(st.integers(0, 10**6))
def test_the_share_is_that_of_the_cells(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bodies, count = int(rng.integers(1, 5)), int(rng.integers(0, 3))
    places = rng.uniform(-2, SIZE + 2, (2, bodies))
    discs = np.stack([*places * GRID, rng.uniform(0, 9, bodies) * GRID, rng.integers(0, 3, bodies)], axis=-1)
    discs = discs.astype(np.int32)
    corners = np.sort(rng.integers(0, 65536, (1, count, 2, 2)), axis=2).reshape(1, count, 4).astype(np.uint16)
    plain = Picture.plain(np.zeros((1, bodies, 1), np.uint8), np.full((1, 1), 255, np.uint8))
    picture = replace(plain, occluders=corners, cover=np.zeros((1, count, 1), np.uint8))
    shares = hidden(discs[None, None, :, None], picture, SIZE, SIZE)[0, 0, :, 0]
    np.testing.assert_array_equal(shares, counted(discs, occluder_pixels(picture, SIZE, SIZE)[0]))


def test_the_share_is_what_the_pixels_miss() -> None:
    look = Look(coloured=False, occluders=(1, 2), occluder=(0.2, 0.5), shutter=(0.0, 0.9))
    scenes = MatchedWorld(size=48, look=look).sample(0, np.arange(60))
    black = replace(scenes.picture, cover=np.full_like(scenes.picture.cover, 255))
    open_ = replace(black, occluders=np.zeros_like(black.occluders))
    seen, whole = (255 - draw(quantized(scenes), picture, 48, 48).astype(float) for picture in (black, open_))
    missing = 1 - seen.sum(axis=(2, 3, 4)) / whole.sum(axis=(2, 3, 4))
    share = hidden(quantized(scenes), black, 48, 48)[:, 0, 0] / 4096
    assert np.abs(share - missing).max() < 0.01
    assert (share == 0).any() and (share > 0.99).any() and ((share > 0.2) & (share < 0.8)).any()


def test_nothing_is_hidden_where_nothing_stands_before() -> None:
    scenes = MatchedWorld().sample(0, np.arange(5))
    assert (hidden(quantized(scenes), scenes.picture, 32, 32) == 0).all()
