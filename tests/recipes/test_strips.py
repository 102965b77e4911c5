"""Strips show each clip above what was made of it, pixel for pixel."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from marey.data.clips import as_clips
from marey.recipes.strips import strip


@pytest.mark.parametrize("channels", [1, 3])
def test_a_strip_holds_every_frame_in_its_place(channels: int) -> None:
    truth, made = (torch.rand(2, channels, 3, 4, 5) * 2 - 1 for _ in range(2))
    picture = strip(truth, made)
    assert picture.shape == (2 * 2 * 5, 3 * 6, 3)
    for clip in range(2):
        for row, video in enumerate((truth, made)):
            for frame in range(3):
                top, left = (2 * clip + row) * 5, frame * 6
                pixels = as_clips(video)[clip, frame]
                assert np.array_equal(picture[top : top + 4, left : left + 5], np.broadcast_to(pixels, (4, 5, 3)))


@pytest.mark.slow
def test_both_stages_leave_strips_of_their_validation_clips(demo: Path) -> None:
    for stage in ("tokenizer", "dynamics"):
        files = sorted((demo / stage / "samples").iterdir())
        assert len(files) >= 20
        with Image.open(files[-1]) as picture:
            pixels = np.asarray(picture)
        assert pixels.shape == (4 * 2 * 33, 8 * 33, 3)
        if stage == "dynamics":
            assert np.array_equal(pixels[:32, :33], pixels[33:65, :33])  # the first frame is given
