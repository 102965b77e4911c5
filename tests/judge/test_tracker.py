from dataclasses import replace

import numpy as np
import pytest

from marey.data.clips import as_clips, as_video
from marey.judge.tracker import track_clips
from marey.world.classic import ClassicWorld
from marey.world.look import Picture
from marey.world.matched import MatchedWorld
from marey.world.render import render
from marey.world.scenes import Scenes


def error(clips: np.ndarray, scenes: Scenes) -> np.ndarray:
    return np.linalg.norm(track_clips(clips).track - scenes.track, axis=-1)


@pytest.mark.parametrize(
    ("world", "floor"),
    [
        (MatchedWorld(), 0.01),
        (MatchedWorld(channels=3), 0.01),
        (ClassicWorld(), 0.005),
        (ClassicWorld(channels=3, size=48, frames=5), 0.006),
        (MatchedWorld(size=128), 0.003),
    ],
)
def test_the_tracker_inverts_the_renderer(world: MatchedWorld | ClassicWorld, floor: float) -> None:
    scenes = world.sample(3, np.arange(60))
    tracks = track_clips(render(scenes))
    off = tracks.track - scenes.track
    assert tracks.found.all()
    assert np.linalg.norm(off, axis=-1).mean() < floor
    assert np.abs(off.mean(axis=(0, 1))).max() < 0.001  # no bias
    assert np.abs(tracks.radius - scenes.apparent_radius).mean() < 0.01


def test_light_dots_on_dark_paper_are_dots_too(scenes: Scenes) -> None:
    negative = replace(scenes, picture=Picture.plain(scenes.picture.paper[:, None], scenes.picture.ink[:, 0]))
    assert error(render(negative), scenes).mean() < 0.01


def test_noise_moves_the_track_little_and_loses_nothing(scenes: Scenes, clips: np.ndarray) -> None:
    noisy = clips + np.random.default_rng(0).normal(0, 10, clips.shape)
    assert error(noisy.clip(0, 255).astype(np.uint8), scenes).mean() < 0.032


def test_specks_far_from_the_dot_do_not_move_it(scenes: Scenes, clips: np.ndarray) -> None:
    speckled = np.where(np.random.default_rng(0).random(clips.shape) < 0.01, 128, clips).astype(np.uint8)
    centre = np.arange(32) + 0.5
    across, down = (np.abs(centre - scenes.track[..., i, None]) for i in (0, 1))
    far = np.maximum(across[..., None, :], down[..., None])[..., None] > 7
    alone = np.where(far, speckled, clips)
    assert (alone != clips).any()
    np.testing.assert_allclose(track_clips(alone).track, track_clips(clips).track, atol=1e-9)


def test_a_shift_by_one_pixel_moves_the_track_by_one_pixel(scenes: Scenes, clips: np.ndarray) -> None:
    inside = (scenes.track[..., 0] + scenes.apparent_radius).max(axis=1) < 30.9
    before, after = track_clips(clips[inside]).track, track_clips(np.roll(clips[inside], 1, axis=3)).track
    np.testing.assert_allclose(after - before, np.broadcast_to([1.0, 0.0], before.shape), atol=1e-6)


@pytest.mark.parametrize("level", [255, 0, 128])
def test_an_empty_page_holds_no_dot(level: int) -> None:
    tracks = track_clips(np.full((2, 3, 32, 32, 1), level, np.uint8))
    assert not tracks.found.any() and np.isnan(tracks.track).all() and np.isnan(tracks.radius).all()


def test_only_erased_frames_are_lost(clips: np.ndarray) -> None:
    erased = clips.copy()
    erased[:, 5] = 255
    found = track_clips(erased).found
    assert not found[:, 5].any() and found[:, :5].all() and found[:, 6:].all()


def test_a_faded_dot_and_a_speck_are_not_dots(clips: np.ndarray) -> None:
    faded = (255 - (255 - clips.astype(int)) * 0.35).astype(np.uint8)
    assert not track_clips(faded, 255.0).found.any()
    speck = np.full((1, 1, 32, 32, 1), 255, np.uint8)
    speck[0, 0, 16, 16] = 0
    assert not track_clips(speck).found.any()


def test_clips_are_tracked_independently(clips: np.ndarray) -> None:
    together = track_clips(clips[:20]).track
    np.testing.assert_array_equal(track_clips(clips[7:8]).track, together[7:8])


def test_clips_survive_being_video(clips: np.ndarray) -> None:
    video = as_video(clips)
    assert video.shape == (len(clips), 1, 8, 32, 32) and video.min() == -1 and video.max() == 1
    np.testing.assert_array_equal(as_clips(video), clips)
    np.testing.assert_array_equal(
        as_clips(video * 3), np.where(clips < 85, 0, np.where(clips > 170, 255, as_clips(video * 3)))
    )
