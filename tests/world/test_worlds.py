"""What the two worlds promise about their clips."""

import numpy as np
import pytest

from marey.core.config import from_json, to_json
from marey.core.errors import UserError
from marey.world.classic import ClassicWorld
from marey.world.laws import BASE_LAWS
from marey.world.matched import MatchedWorld
from marey.world.scenes import Scenes


def test_every_disc_is_whole_in_every_frame(scenes: Scenes) -> None:
    assert scenes.whole.all()
    reach = np.abs(scenes.track - scenes.camera.size / 2).max(axis=-1) + scenes.apparent_radius
    assert reach.max() <= scenes.camera.size / 2


@pytest.mark.parametrize("world", [MatchedWorld(), MatchedWorld(frames=16, size=64), MatchedWorld(frames=4)])
def test_no_step_of_a_matched_clip_is_ambiguous(world: MatchedWorld) -> None:
    scenes = world.sample(1, np.arange(2000))
    step = np.linalg.norm(np.diff(scenes.track, axis=1), axis=-1)
    assert step.max() <= world.size / 5
    turning = np.isin(scenes.law, [1, 2])
    per_frame = np.abs(scenes.parameters[turning, 0, 1]) * np.diff(scenes.times[turning]).T
    assert np.degrees(per_frame).max() <= 45


def test_a_classic_circle_turns_at_most_45_degrees_a_frame() -> None:
    for frames in (2, 5, 8, 16):
        scenes = ClassicWorld(frames=frames).sample(0, np.arange(8))
        assert np.degrees(np.diff(scenes.times)).max() <= 45 + 1e-9 and scenes.whole.all()


@pytest.mark.parametrize("world", [MatchedWorld(channels=3), ClassicWorld(channels=3)])
def test_laws_take_turns_and_times_are_centred(world: MatchedWorld | ClassicWorld) -> None:
    scenes = world.sample(0, np.arange(10, 18))
    assert scenes.law.tolist() == [2, 3, 0, 1, 2, 3, 0, 1]
    np.testing.assert_allclose(scenes.times.sum(axis=1), 0, atol=1e-12)
    assert scenes.picture.ink.shape == (8, 1, 3) and (scenes.picture.paper == 255).all()
    assert scenes.picture.ink.max() <= 200


def test_matched_scenes_have_no_preferred_direction_sense_or_hand(matched: Scenes) -> None:
    """What flips, quarter turns and reversed time would change is as often one way as the other, for each law."""
    for label, name in enumerate(BASE_LAWS):
        scenes = matched.take(matched.law == label)
        towards = scenes.track[:, -1] - scenes.track[:, 0]
        signs = [towards[:, 0], towards[:, 1], np.abs(towards[:, 0]) - np.abs(towards[:, 1])]
        signs += [(scenes.track.mean(axis=1) - scenes.camera.size / 2)[:, i] for i in (0, 1)]
        signs += [scenes.apparent_radius[:, -1] - scenes.apparent_radius[:, 0]]
        if name != "linear":
            a, b = np.diff(scenes.track, axis=1)[:, :-1], np.diff(scenes.track, axis=1)[:, 1:]
            signs += [(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]).sum(axis=1)]
        if name == "helical":
            signs += [scenes.parameters[:, 0, 1] * scenes.parameters[:, 0, 3]]
        for sign in signs:
            assert abs((sign > 0).mean() - 0.5) < 4 * 0.5 / np.sqrt(len(scenes))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"radius": (0.09, 0.06)}, "world.radius.*reversed.*low, high"),
        ({"frames": 1}, "frames=1 .*at least 2"),
        ({"size": 8}, "size=8 .*16 to 1024"),
        ({"size": 2000}, "size=2000"),
    ],
)
def test_an_impossible_world_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        MatchedWorld(**change)
    if "radius" not in change:
        with pytest.raises(UserError, match=words):
            ClassicWorld(**change)


def test_a_world_that_cannot_fit_the_frame_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marey.world.redraw.MOST_DRAWS", 20)  # it would take seconds to give up
    with pytest.raises(UserError, match=r"the linear motion of sample 0 does not fit the frame; reduce world\.extent"):
        MatchedWorld(radius=(0.6, 0.6)).sample(0, np.arange(1))


def test_a_camera_inside_the_scene_and_a_reversed_scale_are_refused() -> None:
    with pytest.raises(UserError, match=r"world.distance=\(-1.0, 2.0\) puts the camera inside the scene; give metres"):
        MatchedWorld(distance=(-1.0, 2.0))
    with pytest.raises(UserError, match=r"world.scale=\(1.3, 0.7\) is reversed"):
        ClassicWorld(scale=(1.3, 0.7))


def test_worlds_survive_json() -> None:
    for world in (MatchedWorld(size=64, extent=(0.2, 0.3)), ClassicWorld(channels=3)):
        assert from_json(type(world), to_json(world), "test") == world
