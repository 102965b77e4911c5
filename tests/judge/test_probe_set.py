"""What a bench is held on: splits that do not meet, truths that fit their clips, names that are understood."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from marey.core.errors import UserError
from marey.data.clips import as_video, clips
from marey.data.folder import write_dataset
from marey.data.spec import DatasetSpec
from marey.judge.probing.guests import KINDS, Missing, entries, entry_of
from marey.judge.probing.oracles import TrackStatisticsConfig, of_truth
from marey.judge.probing.set import ProbeClips, open_set, set_of_spec
from marey.world.matched import MatchedWorld
from marey.world.varied import VariedWorld

SPEC = DatasetSpec(MatchedWorld(frames=5, size=32), train=24, validation=8, test=12)


def pixels(shown: ProbeClips, start: int, stop: int) -> np.ndarray:
    return np.concatenate(list(shown.runs(start, stop)))


def test_a_data_set_keeps_its_own_splits(tmp_path: Path) -> None:
    write_dataset(SPEC, tmp_path / "D")
    with open_set(tmp_path / "D") as stored:
        drawn = set_of_spec(SPEC, "D")
    for found in (stored, drawn):
        assert len(found.clips) == 44 and found.pool.tolist() == list(range(32)) and len(found.test) == 12
        assert_array_equal(pixels(found.clips, 30, 34), np.concatenate([
            clips(SPEC, "validation", 6, 8), clips(SPEC, "test", 0, 2)
        ]))  # fmt: skip
        assert_array_equal(found.truth.law[found.test], SPEC.scenes("test").law)
    assert stored.clips.fingerprint != drawn.clips.fingerprint
    assert stored.prefix == 3 and pixels(stored.before, 0, 4).shape == (4, 3, 32, 32, 1)
    assert stored.before.fingerprint != stored.clips.fingerprint


def test_the_truth_is_that_of_the_scenes() -> None:
    found, scenes = set_of_spec(SPEC, "D").truth, SPEC.scenes("train")
    assert_allclose(found.track[:24] * 32, scenes.track)
    assert_allclose(found.radius[:24] * 32, scenes.apparent_radius)
    ball = found.radius[:24] * found.depth[:24]  # the same in every frame, if the depth is right
    assert_allclose(ball, np.broadcast_to(ball[:, :1], ball.shape))
    assert found.columns == ("linear.speed_m_s", "circular.radius_m", "circular.turning_rad_s", "helical.radius_m",
                             "helical.turning_rad_s", "helical.climb_m_s", "parabolic.speed_m_s",
                             "parabolic.acceleration_m_s2")  # fmt: skip
    known = np.isfinite(found.parameters[:24])
    assert_array_equal(known.any(axis=1), np.ones(24, bool))
    assert_array_equal(known[:, 1], scenes.law == 1)
    assert (found.parameters[np.isfinite(found.parameters)] >= 0).all()


def test_every_world_has_a_truth() -> None:
    spec = DatasetSpec(VariedWorld(), train=26, validation=0, test=13)
    found = set_of_spec(spec, "varied").truth
    assert len(found.names) == 13 and np.isfinite(found.parameters).any(axis=0).all()
    assert not any("seed" in name or "phase" in name or "contact" in name for name in found.columns)


def test_fewer_clips_keep_the_proportions() -> None:
    whole = set_of_spec(SPEC, "D")
    few = whole.few(22)
    assert (len(few.pool), len(few.test), len(few.clips)) == (16, 6, 22)
    assert_array_equal(pixels(few.clips, 14, 18), np.concatenate([
        clips(SPEC, "train", 14, 16), clips(SPEC, "test", 0, 2)
    ]))  # fmt: skip
    assert_array_equal(few.truth.law[few.test], whole.truth.law[32:38])
    assert whole.few(100) is whole and few.clips.fingerprint != whole.clips.fingerprint
    with pytest.raises(UserError, match="give at least 10 and 2"):
        whole.few(12)


def test_clips_of_others_are_split_once_and_for_all(tmp_path: Path) -> None:
    shown = clips(SPEC, "train", 0, 24)
    np.savez(tmp_path / "mine.npz", videos=shown.transpose(0, 1, 4, 2, 3), labels=np.arange(24) % 3 + 4)
    with open_set(tmp_path / "mine.npz") as found, open_set(tmp_path / "mine.npz") as again:
        assert found.truth.names == ("4", "5", "6") and found.truth.track is None
        assert_array_equal(found.truth.law, np.arange(24) % 3)
        assert len(found.test) == 6 and sorted([*found.pool, *found.test]) == list(range(24))
        assert_array_equal(pixels(found.clips, 0, 24), shown)
        assert_array_equal(found.test, again.test)
        assert found.clips.fingerprint == again.clips.fingerprint


def test_videos_are_labelled_by_the_folder_they_lie_in(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    for number in range(16):
        folder = tmp_path / "films" / ("up" if number % 2 else "down")
        folder.mkdir(parents=True, exist_ok=True)
        with av.open(str(folder / f"{number}.avi"), "w") as film:
            stream = film.add_stream("rawvideo", rate=5)
            stream.width = stream.height = 32
            for frame in clips(SPEC, "train", number, number + 1)[0].repeat(3, axis=3)[: 4 + number % 2]:
                film.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24").reformat(format="yuv420p")))
            film.mux(stream.encode())
    with open_set(tmp_path / "films") as found:
        assert found.truth.names == ("down", "up") and found.frames == 4
        assert pixels(found.clips, 0, 16).shape == (16, 4, 32, 32, 3)
        assert np.bincount(found.truth.law).tolist() == [8, 8]


def test_what_is_no_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"), open_set(tmp_path / "nowhere"):
        pass
    with pytest.raises(UserError, match="give at least 10 and 2"):
        set_of_spec(DatasetSpec(train=4, validation=0, test=1), "D")


# -- who takes part ------------------------------------------------------------------------------------------------


def test_every_guest_brings_its_random_controls_and_all_share_the_rest() -> None:
    found = {entry.name: entry for entry in entries(["i3d", "shuffled-i3d", "i3d"])}
    assert list(found) == ["i3d", "random-i3d", "calibrated-i3d", "shuffled-i3d", "noise", "pixels", "mean-frame",
                           "shuffled", "track-statistics", "first-conv", "true-track"]  # fmt: skip
    assert [config.seed for config in found["random-i3d"].configs] == [0, 1, 2] and found["random-i3d"].of == "i3d"
    assert found["calibrated-i3d"].change == "calibrated" and found["shuffled-i3d"].role == "control"
    assert found["i3d"].role == "guest" and found["true-track"].role == "ceiling"


def test_fewer_networks_of_each_random_control() -> None:
    found = {entry.name: len(entry.configs) for entry in entries(["i3d"], networks=2)}
    assert (found["i3d"], found["random-i3d"], found["calibrated-i3d"], found["first-conv"]) == (1, 2, 2, 2)


def test_a_path_is_the_guest_s_own() -> None:
    entry = entry_of("i3d:/weights/mine.pt")
    assert entry.configs[0].path == Path("/weights/mine.pt") and entry.name == "i3d:/weights/mine.pt"
    assert entry_of("random-i3d").role == "random control"
    hub = entry_of("random-videomae:/weights/mae").configs  # its architecture stands beside its weights
    assert [(config.path, config.seed) for config in hub] == [(Path("/weights/mae"), seed) for seed in (0, 1, 2)]
    assert [config.path for config in entry_of("random-i3d:/weights/mine.pt").configs] == [None] * 3


def test_a_guest_that_cannot_be_without_weights_is_a_row_that_says_so() -> None:
    for name, complaint in (("open-magvit2", "give the path of its weights"), ("clip", "give a directory")):
        (config,) = entry_of(name).configs
        assert isinstance(config, Missing)
        with pytest.raises(UserError, match=complaint):
            config.build()


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("i4d", "'i4d' is unknown; there are i3d, transnet-v2"),
        ("pixels:/path", "pixels takes no path"),
        ("random-pixels", "pixels learned nothing"),
        ("calibrated-true-track", "true-track learned nothing"),
    ],
)
def test_names_that_mean_nothing(name: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        entry_of(name)
    assert "noise" in KINDS


# -- what can be said from the track -------------------------------------------------------------------------------


def test_the_tracker_s_statistics_are_nearly_those_of_the_true_track() -> None:
    spec = DatasetSpec(MatchedWorld(), train=40, validation=0, test=4)
    found = set_of_spec(spec, "matched")
    seen = TrackStatisticsConfig().build().features(as_video(clips(spec, "train", 0, 40)))["statistics"].numpy()
    true = of_truth(found.truth, 8)[:40]
    assert seen.shape == true.shape
    places = slice(0, 8 * 3)
    assert np.abs(seen - true)[..., places].max() < 0.02  # of the frame's width
    with pytest.raises(UserError, match="too short"):
        of_truth(found.truth, 2)
