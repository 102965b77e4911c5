"""The look: every factor within its range, a pure function of the index, and today's picture by default."""

from dataclasses import fields, replace

import numpy as np
import pytest

from marey.core.config import from_json, to_json
from marey.core.errors import UserError
from marey.world.images import packed
from marey.world.look import BACKDROPS, DRIFT, HARD, MOMENT, NOISE, Look, Picture

WIDE = Look(
    shading=(0.2, 0.7),
    background=("plain", "texture"),
    paper=(0.5, 0.9),
    shade=(0.1, 0.3),
    cells=(3, 5),
    occluders=(1, 3),
    occluder=(0.1, 0.4),
    shutter=(0.2, 0.8),
    exposures=4,
    noise=(1.0, 3.0),
    drift=(-0.5, 0.25),
)


@pytest.fixture(scope="module")
def wide() -> Picture:
    return WIDE.paint(1, np.arange(2000), 2, 3)


def spans(values: np.ndarray, low: float, high: float) -> bool:
    """Whether the values fill a range: none outside, and all but the last hundredths reached."""
    slack = 0.02 * (high - low)
    return low <= values.min() <= low + slack and high - slack <= values.max() <= high


def test_by_default_discs_are_flat_on_white() -> None:
    for channels in (1, 3):
        picture = Look().paint(0, np.arange(9), 2, channels)
        plain = Picture.plain(picture.ink, np.full((9, channels), 255, np.uint8))
        for field in fields(Picture):
            np.testing.assert_array_equal(getattr(picture, field.name), getattr(plain, field.name))


def test_every_factor_fills_its_range(wide: Picture) -> None:
    assert spans(wide.shading / 255, 0.198, 0.702)
    assert spans(wide.paper / 255, 0.499, 0.901) and spans(wide.shade / 255, 0.099, 0.301)
    assert set(wide.backdrop) == {BACKDROPS.index("plain"), BACKDROPS.index("texture")}
    assert set(wide.cells) == {3, 4, 5}
    assert spans(wide.noise / NOISE, 0.99, 3.01) and spans(wide.drift / DRIFT, -0.501, 0.251)
    open_ = (wide.moments[:, -1].astype(float) - wide.moments[:, 0]) / MOMENT
    assert wide.moments.shape == (2000, 4) and spans(open_, 0.2 * 3 / 4 - 0.002, 0.8 * 3 / 4 + 0.002)
    np.testing.assert_array_equal(wide.moments, -wide.moments[:, ::-1])  # about the time of the frame
    assert len(set(wide.seed)) == 2000


def test_occluders_are_inside_the_frame_in_their_number_and_size(wide: Picture) -> None:
    left, top, right, bottom = np.moveaxis(wide.occluders.astype(float) / 65535, -1, 0)
    there = right > left
    assert set(there.sum(axis=1)) == {1, 2, 3} and (there == (bottom > top)).all()
    assert spans((right - left)[there], 0.0999, 0.4001) and spans((bottom - top)[there], 0.0999, 0.4001)
    assert left[there].min() < 0.01 and right.max() > 0.99


def test_the_light_comes_from_the_cameras_side(wide: Picture) -> None:
    light = wide.light.astype(float)
    np.testing.assert_allclose(np.linalg.norm(light, axis=1), 127, atol=1)
    assert light[:, 2].min() >= 0 and np.abs(light[:, :2].mean(axis=0)).max() < 5


def test_a_picture_is_a_pure_function_of_its_index(wide: Picture) -> None:
    rows = np.array([1500, 3, 77])
    few = WIDE.paint(1, rows, 2, 3)
    other = WIDE.paint(2, rows, 2, 3)
    for name in {field.name for field in fields(Picture)} - {"images"} | {"image"}:
        np.testing.assert_array_equal(getattr(few, name), getattr(wide, name)[rows])
    assert (few.seed != other.seed).all() and (few.paper != other.paper).any()


def test_inks_are_the_same_whatever_else_varies(wide: Picture) -> None:
    np.testing.assert_array_equal(wide.ink, Look().paint(1, np.arange(2000), 2, 3).ink)


def test_without_colour_all_is_grey() -> None:
    grey = replace(WIDE, coloured=False).paint(1, np.arange(50), 2, 3)
    for colours in (grey.ink, grey.paper, grey.shade, grey.cover):
        assert (colours == colours[..., :1]).all()


def test_images_are_dealt_to_the_clips() -> None:
    images = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((8, 8, 1), np.uint8)
    look = Look(background=("image",), images=packed(images))
    picture = look.paint(0, np.arange(400), 1, 1)
    counts = np.bincount(picture.image[:, 0, 0, 0])
    assert picture.image.shape == (400, 8, 8, 1) and counts.min() > 70
    np.testing.assert_array_equal(picture.image, look.paint(0, np.arange(400), 1, 3).image[..., :1])
    assert Look().paint(0, np.arange(4), 1, 3).image.shape == (4, 0, 0, 3)


def test_images_and_the_background_they_are_for_belong_together() -> None:
    one = packed(np.zeros((1, 8, 8, 3), np.uint8))
    for wrong in ({"background": ("image",)}, {"images": one}):
        with pytest.raises(UserError, match="belong together"):
            Look(**wrong)
    uneven = one + packed(np.zeros((1, 8, 9, 3), np.uint8))
    with pytest.raises(UserError, match="numbers 0 and 1 are 8x8 and 9x8 pixels"):
        _ = Look(background=("image",), images=uneven).paint(0, np.arange(4), 1, 3).image
    with pytest.raises(UserError, match="number 1 is not base64 of an image"):
        _ = Look(background=("image",), images=(*one, "bm8=")).paint(0, np.arange(4), 1, 3).image


def test_looks_survive_json() -> None:
    for look in (Look(), WIDE, HARD):
        assert from_json(Look, to_json(look), "look") == look


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"noise": (3.0, 1.0)}, r"look.noise=\(3.0, 1.0\) is not possible; give \(low, high\) within 0 to 15.9"),
        ({"shutter": (0.0, 1.5)}, "look.shutter"),
        ({"paper": (-0.1, 1.0)}, "look.paper"),
        ({"cells": (0, 4)}, "look.cells"),
        ({"occluders": (0, 17)}, "look.occluders"),
        ({"background": ()}, "look.background"),
        ({"exposures": 0}, "look.exposures=0 is out of range; choose 1 to 64"),
    ],
)
def test_impossible_ranges_are_named(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        replace(WIDE, **wrong)
