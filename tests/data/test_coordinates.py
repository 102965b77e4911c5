"""Clips as coordinates: the same clips, in the same order and the same ways, as those of pixels."""

import numpy as np
import pytest
import torch

from marey.core.errors import UserError
from marey.data.clips import WAYS, Batches, as_clips, as_video, augment
from marey.data.coordinates import CoordinateBatches, OfTracks, OfTrajectories, Scale
from marey.data.spec import DatasetSpec
from marey.judge.tracker import track_clips
from marey.world.classic import ClassicWorld
from marey.world.matched import MatchedWorld
from marey.world.render import render
from marey.world.scenes import Scenes

CPU = torch.device("cpu")
SPEC = DatasetSpec(MatchedWorld(), train=60, validation=0, test=20)
KINDS = [OfTracks(), OfTrajectories()]


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return SPEC.scenes("train")


@pytest.mark.parametrize("of", KINDS, ids=lambda of: of.kind)
def test_points_are_where_the_renderer_draws(of: OfTracks | OfTrajectories, scenes: Scenes) -> None:
    seen = of.seen(of.points(scenes), scenes)
    assert np.abs(seen - track_clips(render(scenes)).track).max() < 0.1


@pytest.mark.parametrize("of", KINDS, ids=lambda of: of.kind)
@pytest.mark.parametrize("way", range(WAYS))
def test_turned_coordinates_are_those_of_the_turned_clips(
    way: int, of: OfTracks | OfTrajectories, scenes: Scenes
) -> None:
    """The tracker reads them off the pixels that `augment` has changed."""
    clips = as_clips(augment(as_video(render(scenes)), np.full(len(scenes), way)))
    points = of.turned(of.points(scenes), scenes, way)
    assert np.abs(of.seen(points, scenes) - track_clips(clips).track).max() < 0.1
    if isinstance(of, OfTracks):
        assert np.array_equal(np.sort(points[..., 2], axis=1), np.sort(scenes.apparent_radius, axis=1))


@pytest.mark.parametrize("way", range(WAYS))
def test_a_turned_trajectory_moves_as_far_from_frame_to_frame(way: int, scenes: Scenes) -> None:
    """Whatever the camera sees, in space it is the same motion: no distance between two of its points has changed."""
    points = OfTrajectories().points(scenes)
    turned = OfTrajectories().turned(points, scenes, way)
    before, after = (np.linalg.norm(p[:, :, None] - p[:, None], axis=-1) for p in (points, turned))
    assert np.allclose(after[:, ::-1, ::-1] if way & 8 else after, before, atol=1e-9)


def test_a_scale_and_back() -> None:
    generator = np.random.default_rng(0)
    scale = Scale((-2.0, 0.0, 100.0), (2.0, 1.0, 101.0))
    points = np.array(scale.low) + generator.random((50, 8, 3)) * (np.array(scale.high) - scale.low)
    video = scale.video(points)
    assert video.shape == (50, 3, 8, 1, 1) and video.abs().max() <= 0.98
    assert np.abs(scale.points(video) - points).max() < 1e-5
    beyond = scale.video(points + 10 * np.array([1.0, -1.0, 1.0]))
    assert beyond[:, 0].min() == pytest.approx(0.99) == -beyond[:, 1].max().item()
    still = Scale((0.0, 1.0, 0.0), (1.0, 1.0, 1.0))  # the second never changes
    same = np.full((2, 8, 3), 1.0)
    assert np.allclose(still.points(still.video(same)), same, atol=1e-6)
    with pytest.raises(UserError, match="not all numbers; keep bodies before the camera"):
        Scale((0.0, 1.0, np.nan), (1.0, 1.0, 1.0))


@pytest.mark.parametrize("of", KINDS, ids=lambda of: of.kind)
@pytest.mark.parametrize("world", [MatchedWorld(), ClassicWorld(frames=8, size=32)], ids=["matched", "classic"])
def test_batches_are_those_of_the_pixels(world: MatchedWorld | ClassicWorld, of: OfTracks | OfTrajectories) -> None:
    """The same clips and laws at every step; none of them leaves the scale."""
    batches = Batches(DatasetSpec(world, train=60, validation=0, test=0), 32, 3, augmented=world.kind == "matched")
    coordinates = CoordinateBatches(batches, of)
    for step in (0, 1, 5):
        pixels, told = batches(step, CPU), coordinates(step, CPU)
        assert torch.equal(told.law, pixels.law) and told.video.abs().max() <= 0.981
        scenes = batches.scenes.take(batches.rows(step))
        seen = of.seen(coordinates.scale.points(told.video), scenes)
        assert np.abs(seen - track_clips(as_clips(pixels.video)).track).max() < 0.1
    again = coordinates(1, CPU).video
    assert torch.equal(again, coordinates(1, CPU).video) and not torch.equal(again, coordinates(2, CPU).video)
