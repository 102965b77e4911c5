"""One clip in one file, read back by others."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

import marey
from marey.core.errors import UserError
from marey.data.clips import as_video, clips

CLIP = clips(marey.DatasetSpec(marey.MatchedWorld(channels=3)), "test", 1, 2)[0]  # T H W C


def frames(file: Path) -> np.ndarray:
    with Image.open(file) as film:
        return np.stack([np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(film)])


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_every_pixel_comes_back_larger_and_plays_for_ever(name: str, tmp_path: Path) -> None:
    file = marey.save_clip(CLIP, tmp_path / "new" / name, rate=10, zoom=3)
    np.testing.assert_array_equal(frames(file), CLIP.repeat(3, axis=1).repeat(3, axis=2))
    with Image.open(file) as film:
        film.load()
        assert (film.n_frames, film.info["duration"], film.info["loop"]) == (8, 100, 0)
    assert [each.name for each in file.parent.iterdir()] == [name]


def test_a_video_of_a_model_is_the_clip_that_it_is(tmp_path: Path) -> None:
    for name, clip in (("array.gif", CLIP), ("tensor.gif", as_video(CLIP[None])[0])):
        marey.save_clip(clip, tmp_path / name)
    assert (tmp_path / "array.gif").read_bytes() == (tmp_path / "tensor.gif").read_bytes()
    marey.save_clip(CLIP[..., :1], tmp_path / "grey.webp")
    np.testing.assert_array_equal(frames(tmp_path / "grey.webp"), CLIP[..., :1].repeat(3, axis=-1))


def test_noise_has_more_colours_than_a_gif(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, 40, 40, 3), np.uint8)
    for name, most in (("noise.webp", 0), ("noise.gif", 80)):
        wrong = np.abs(frames(marey.save_clip(noise, tmp_path / name)) - noise.astype(int)).max()
        assert wrong <= most and (wrong > 0) == (most > 0)


def test_frames_that_are_alike_are_one_that_lasts(tmp_path: Path) -> None:
    for name, rate in (("a.gif", 10.0), ("a.webp", 8.0)):
        file = marey.save_clip(CLIP[[0, 1, 1, 1, 2]], tmp_path / name, rate=rate)
        with Image.open(file) as film:
            times = [frame.convert("RGB") and frame.info["duration"] for frame in ImageSequence.Iterator(film)]
        assert times == [1000 / rate, 3000 / rate, 1000 / rate]


def test_a_film(tmp_path: Path) -> None:
    with av.open(str(marey.save_clip(CLIP, tmp_path / "a.mp4", rate=5))) as film:
        assert film.streams.video[0].average_rate == 5
        shown = np.stack([frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)])
    assert shown.shape == CLIP.shape and np.abs(shown - CLIP.astype(int)).mean() < 2


@pytest.mark.parametrize(
    ("clip", "name", "options", "complaint"),
    [
        (CLIP, "a.png", {}, r"a\.png ends in '\.png'; the endings are \.gif, \.webp, \.mp4"),
        (CLIP, "a", {}, "a ends in 'nothing'; the endings are"),
        (CLIP, "a.gif", {"rate": 0.0}, r"rate=0\.0 frames per second is out of range"),
        (CLIP, "a.gif", {"zoom": 0}, "zoom=0 is out of range; choose at least 1"),
        (CLIP[:0], "a.gif", {}, r"clip has shape \(0, 32, 32, 3\); give frames T H W C, of 1 or 3 channels"),
        (CLIP[..., :2], "a.gif", {}, r"clip has shape \(8, 32, 32, 2\)"),
        (CLIP[:, :31], "a.mp4", {}, r"a\.mp4: mp4 halves the colours, so 31 x 32 must be even; try zoom=2"),
    ],
)  # fmt: skip
def test_what_cannot_be_saved(clip: np.ndarray, name: str, options: dict, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=complaint):
        marey.save_clip(clip, tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []
