"""The torch dataset under every kind of worker, and the dict of the public API."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from marey.core.errors import UserError
from marey.data.clips import as_clips, as_video, clips
from marey.data.dataset import ClipDataset, Sample, generate_dataset
from marey.data.spec import PRESETS, DatasetSpec, dataset_from_preset, world_from_preset
from marey.world.descriptions import descriptions
from marey.world.equations import equations
from marey.world.factors import Region


def test_a_sample(spec: DatasetSpec) -> None:
    dataset = ClipDataset(spec, "test")
    video, law, index = dataset[5]
    assert len(dataset) == 12 and (law, index) == (1, spec.index("test", np.array([5]))[0])
    assert torch.equal(video, as_video(clips(spec, "test", 5, 6))[0]) and video.shape[0] == spec.world.channels


def test_negative_places_slices_and_iteration(spec: DatasetSpec) -> None:
    dataset = ClipDataset(spec, "validation")
    assert dataset[-1].index == dataset[11].index
    part = dataset[8:2:-3]
    assert isinstance(part, Sample) and part.video.shape[0] == 2
    assert torch.equal(part.video[1], dataset[5].video) and part.law.tolist() == [0, 1]
    assert dataset[:].index.tolist() == [sample.index for sample in dataset]
    assert len(dataset[3:3].law) == 0
    for outside in (12, -13):
        with pytest.raises(IndexError, match=f"{outside} is out of range; the validation split holds 12"):
            dataset[outside]


@pytest.mark.parametrize(("workers", "context"), [(0, None), (2, "fork"), (1, "forkserver")])
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_workers_see_the_same_bytes(matched: DatasetSpec, workers: int, context: str | None) -> None:
    batches = list(DataLoader(ClipDataset(matched), 7, num_workers=workers, multiprocessing_context=context))
    assert all(isinstance(batch, Sample) for batch in batches)
    drawn = np.concatenate([as_clips(batch.video) for batch in batches])
    np.testing.assert_array_equal(drawn, clips(matched, "train", 0, 40))
    assert torch.cat([batch.index for batch in batches]).tolist() == list(range(40))
    assert torch.cat([batch.law for batch in batches]).tolist() == [0, 1, 2, 3] * 10


def test_a_shuffled_loader_shows_the_same_samples(matched: DatasetSpec) -> None:
    loader = DataLoader(ClipDataset(matched), 16, shuffle=True, generator=torch.Generator().manual_seed(0))
    whole = ClipDataset(matched)[:]
    for batch in islice(loader, 2):
        assert torch.equal(batch.video, whole.video[batch.index])


def test_the_dict_of_the_public_api() -> None:
    data = generate_dataset(num_samples=70, num_frames=5, image_size=16, channels=3, preset="matched", seed=9)
    spec = DatasetSpec(world_from_preset("matched", 5, 16, 3), train=70, seed=9)
    videos, labels = data["videos"], data["labels"]
    assert videos.shape == (70, 5, 3, 16, 16) and videos.dtype == torch.float32 and videos.is_contiguous()
    expected = torch.from_numpy(clips(spec, "train", 0, 70)).permute(0, 1, 4, 2, 3) / 255
    assert torch.equal(videos, expected) and videos.max() == 1 and videos.min() < 0.3
    assert labels.dtype == torch.int64 and labels.tolist() == [i % 4 for i in range(70)]
    assert data["label_names"] == ["linear", "circular", "helical", "parabolic"]
    scenes = spec.scenes("train")
    assert data["trajectory_3d"].dtype == np.float64
    np.testing.assert_array_equal(data["trajectory_3d"], scenes.trajectory)
    assert data["equations"] == equations(scenes) and data["descriptions"] == descriptions(scenes)
    assert set(data) == {
        "videos", "labels", "label_names", "trajectory_3d", "equations", "descriptions",
    }  # fmt: skip


@pytest.mark.parametrize("preset", PRESETS)
def test_the_dict_holds_the_train_split_of_any_preset(preset: str) -> None:
    data = generate_dataset(12, num_frames=4, image_size=24, preset=preset, seed=5)
    spec = dataset_from_preset(preset, 12, 4, 24, 3, seed=5)
    scenes = spec.scenes("train")
    assert data["label_names"] == list(spec.world.laws) == list(scenes.names)
    assert data["labels"].tolist() == scenes.law.tolist()
    np.testing.assert_array_equal(data["trajectory_3d"], scenes.trajectory)
    pixels = torch.from_numpy(clips(spec, "train", 0, 12)).permute(0, 1, 4, 2, 3) / 255
    assert torch.equal(data["videos"], pixels)
    if spec.unseen is not None:
        assert not spec.unseen.touches(scenes).any()
        free = replace(spec, seen=Region(), unseen=None, held_out=0).scenes("train")
        assert preset == "varied" or (free.trajectory != scenes.trajectory).any()


def test_the_dict_grows_without_changing() -> None:
    small, large = (generate_dataset(count, num_frames=4, image_size=16) for count in (3, 66))
    assert torch.equal(large["videos"][:3], small["videos"]) and large["equations"][:3] == small["equations"]
    other = generate_dataset(3, num_frames=4, image_size=16, seed=1)
    assert (other["trajectory_3d"] != small["trajectory_3d"]).any()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"num_samples": 0}, "num_samples=0"),
        ({"num_samples": -3}, "num_samples=-3"),
        ({"num_samples": 10**12}, "num_samples=10{12}: these clips take .* GB and this machine has"),
        ({"num_frames": 10**9}, "GB and this machine has"),
        ({"num_frames": 1}, "frames=1"),
        ({"image_size": 4}, "size=4"),
        ({"channels": 4}, "channels=4"),
        ({"preset": "wild"}, "classic, matched, hard, varied"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_impossible_arguments_are_named(change: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        generate_dataset(**change)


def test_the_held_out_split_is_served() -> None:
    spec = dataset_from_preset("phyworld-uniform", 30, 4, 24)
    dataset = ClipDataset(spec, "held_out")
    scenes = spec.scenes("held_out")
    assert spec.unseen is not None and len(dataset) == 3 and spec.unseen.holds(scenes).all()
    (batch,) = DataLoader(dataset, 3)
    assert torch.equal(batch.video, as_video(clips(spec, "held_out", 0, 3)))
    assert batch.index.tolist() == [(3 << 40) + row for row in range(3)] and batch.law.tolist() == scenes.law.tolist()


def test_an_unknown_split_is_refused_and_an_empty_one_is_empty(matched: DatasetSpec) -> None:
    with pytest.raises(UserError, match="train, validation, test"):
        ClipDataset(matched, "dev")
    empty = ClipDataset(replace(matched, validation=0), "validation")
    assert len(empty) == 0 and list(empty) == []
