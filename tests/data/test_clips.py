"""Pixels on demand, their two forms, the symmetries of the world `matched`, and training batches."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from marey.core.errors import UserError
from marey.data.clips import Batches, as_clips, as_video, augment, clips
from marey.data.spec import DatasetSpec

CPU = torch.device("cpu")


def test_a_clip_is_the_same_bytes_in_any_batch_and_order(spec: DatasetSpec) -> None:
    whole = clips(spec, "train", 0, 40)
    for start, stop in ((0, 1), (7, 8), (3, 29)):
        np.testing.assert_array_equal(clips(spec, "train", start, stop), whole[start:stop])
    backwards = np.concatenate([clips(spec, "train", i, i + 1) for i in reversed(range(40))])
    np.testing.assert_array_equal(backwards[::-1], whole)


def test_a_buffer_is_filled_and_returned(spec: DatasetSpec) -> None:
    out = np.full_like(clips(spec, "test", 0, 5), 9)
    assert clips(spec, "test", 0, 5, out) is out
    np.testing.assert_array_equal(out, clips(spec, "test", 0, 5))


def test_video_and_clips_are_inverse() -> None:
    every = np.arange(2 * 3 * 8 * 16 * 3, dtype=np.int64).reshape(2, 3, 8, 16, 3).astype(np.uint8)
    video = as_video(every)
    assert video.shape == (2, 3, 3, 8, 16) and video.is_contiguous() and video.dtype == torch.float32
    assert video.min() == -1 and video.max() == 1
    assert video[1, 2, 0, 5, 7].item() == pytest.approx(every[1, 0, 5, 7, 2] / 127.5 - 1)
    np.testing.assert_array_equal(as_clips(video), every)
    np.testing.assert_array_equal(as_clips(as_video(torch.from_numpy(every))), every)


def test_values_out_of_range_are_clipped_to_it() -> None:
    video = torch.tensor([-3.0, -1.001, 0.0, 1.001, 9.0], requires_grad=True).reshape(5, 1, 1, 1, 1)
    assert as_clips(video).ravel().tolist() == [0, 0, 128, 255, 255]


def test_a_video_owns_its_memory() -> None:
    grey = np.zeros((1, 2, 4, 4, 1), np.uint8)
    video = as_video(grey)
    grey[:] = 255
    assert (video == -1).all()


def test_augment_has_sixteen_ways_each_reversible() -> None:
    clip = torch.rand(1, 1, 3, 5, 5)
    ways = augment(clip.expand(16, -1, -1, -1, -1), np.arange(16))
    assert len({way.numpy().tobytes() for way in ways}) == 16
    pictures = {frame.numpy().tobytes() for way in ways for frame in way[0]}
    square = [torch.rot90(frame, k) for frame in clip[0, 0] for k in range(4)]
    square += [frame.flip(-1) for frame in square]
    assert pictures == {frame.contiguous().numpy().tobytes() for frame in square}


def test_augment_treats_each_clip_by_its_own_number() -> None:
    video, ways = torch.rand(32, 3, 4, 6, 6), np.random.default_rng(0).integers(0, 16, 32)
    before = video.clone()
    together = augment(video, ways)
    alone = torch.cat([augment(video[i : i + 1], ways[i : i + 1]) for i in range(32)])
    assert torch.equal(together, alone) and torch.equal(video, before)
    np.testing.assert_array_equal(augment(video[:1], np.zeros(1, np.int64)), video[:1])


def test_a_batch_is_a_pure_function_of_seed_and_step(matched: DatasetSpec) -> None:
    first, second = (Batches(matched, 8, seed=5, augmented=True) for _ in range(2))
    kept = {step: first(step, CPU) for step in (0, 3, 4, 9)}
    for step in (9, 0, 4, 3):
        again = second(step, CPU)
        assert torch.equal(again.video, kept[step].video) and torch.equal(again.law, kept[step].law)
    assert not torch.equal(kept[0].video, Batches(matched, 8, seed=6, augmented=True)(0, CPU).video)


def test_every_epoch_shows_every_clip_once_in_a_new_order(matched: DatasetSpec) -> None:
    batches = Batches(matched, 16, seed=0, augmented=False)  # 40 clips: batches reach across epochs
    rows = np.concatenate([batches.rows(step) for step in range(10)]).reshape(4, 40)
    assert (np.sort(rows) == np.arange(40)).all()
    assert len({tuple(epoch) for epoch in rows}) == 4
    large = Batches(matched, 100, seed=0, augmented=False)
    np.testing.assert_array_equal(large.rows(0), rows.ravel()[:100])


def test_a_batch_shows_the_clips_of_its_rows(spec: DatasetSpec) -> None:
    batches = Batches(spec, 16, seed=0, augmented=False)
    batch, rows = batches(2, CPU), batches.rows(2)
    np.testing.assert_array_equal(as_clips(batch.video), clips(spec, "train", 0, 40)[rows])
    assert batch.law.tolist() == (rows % 4).tolist()


def test_an_augmented_batch_shows_the_same_clips_turned(matched: DatasetSpec) -> None:
    plain, turned = (Batches(matched, 16, seed=0, augmented=flag)(1, CPU) for flag in (False, True))
    assert torch.equal(plain.law, turned.law) and not torch.equal(plain.video, turned.video)
    ways = augment(plain.video.repeat_interleave(16, 0), np.tile(np.arange(16), 16))
    same = (ways.reshape(16, 16, -1) == turned.video.reshape(16, 1, -1)).all(dim=-1)
    assert same.any(dim=1).all() and len(set(same.int().argmax(dim=1).tolist())) > 4


def test_impossible_batches_are_refused(spec: DatasetSpec, matched: DatasetSpec) -> None:
    with pytest.raises(UserError, match="batch_size=0"):
        Batches(spec, 0, seed=0, augmented=False)
    with pytest.raises(UserError, match="train=0"):
        Batches(replace(spec, train=0), 4, seed=0, augmented=False)
    if spec != matched:
        with pytest.raises(UserError, match=r"classic.*augmented=False"):
            Batches(spec, 4, seed=0, augmented=True)
