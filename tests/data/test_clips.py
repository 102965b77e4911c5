"""Pixels on demand, their two forms, the symmetries of the world `matched`, and training batches."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from marey.core.errors import UserError
from marey.data.clips import WAYS, Ahead, Batch, Batches, as_clips, as_video, augment, clips, draw_there
from marey.data.spec import DatasetSpec
from marey.world.look import HARD, Look
from marey.world.matched import MatchedWorld
from marey.world.render import draw, draw_video, quantized
from marey.world.rig import Rig

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


def test_the_first_batches_stay_what_they_were() -> None:
    """Models were trained on them."""
    batches, digest = Batches(DatasetSpec(train=1000), 32, seed=0, augmented=True), hashlib.sha256()
    for step in (0, 1, 5):
        batch = batches(step, CPU)
        assert batch.video.is_contiguous()
        digest.update(batch.video.numpy().tobytes() + batch.law.numpy().tobytes())
    assert digest.hexdigest().startswith("6e1fa35b3d3d1657")


LOOKS = {
    "plain": Look(),
    "coloured paper": Look(paper=(0.3, 0.9)),
    "a few noisy": Look(noise=(0.0, 0.1)),  # most round to no noise: the fast path and the other in turns
    "hard": HARD,
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("channels", [1, 3])
def test_clips_are_drawn_turned_as_augment_turns_them(look: Look, channels: int) -> None:
    """Discs that reach over the border too: the further camera's."""
    scenes = MatchedWorld(frames=5, size=20, channels=channels, look=look, rig=Rig(cameras=2)).sample(1, np.arange(80))
    discs, ways = quantized(scenes), np.arange(80) % WAYS
    for camera in range(2):
        pixels = draw(discs, scenes.picture, 20, 20, camera=camera)
        rubbish = np.full((80, channels, 5, 20, 20), 7, np.float32)
        turned = draw_video(discs, scenes.picture, 20, 20, rubbish, camera, threads=3, ways=ways)
        np.testing.assert_array_equal(turned, augment(as_video(pixels), ways).numpy())


def test_frames_that_are_not_square_are_not_transposed() -> None:
    scenes = MatchedWorld().sample(0, np.arange(16))
    discs, ways = quantized(scenes), np.arange(16)
    turned = draw_video(discs, scenes.picture, 24, 40, ways=ways & ~1)
    np.testing.assert_array_equal(turned[2], draw_video(discs, scenes.picture, 24, 40)[2, ..., ::-1])
    np.testing.assert_array_equal(turned[13], draw_video(discs, scenes.picture, 24, 40)[13, :, ::-1, ::-1])
    with pytest.raises(UserError, match=r"ways: a frame of 24x40 .* even numbers"):
        draw_video(discs, scenes.picture, 24, 40, ways=ways)


@pytest.mark.parametrize("look", [Look(), HARD], ids=["plain", "hard"])
def test_drawing_on_a_device_gives_the_same_numbers(look: Look) -> None:
    draws_the_same(CPU, look)


@pytest.mark.gpu
@pytest.mark.parametrize("look", [Look(), HARD], ids=["plain", "hard"])
def test_a_gpu_draws_the_same_batches(look: Look) -> None:
    device = torch.device("cuda")
    draws_the_same(device, look)
    batches = Batches(DatasetSpec(MatchedWorld(channels=3, look=look), train=40), 24, seed=1, augmented=True)
    for step in (0, 3):
        here, there = batches(step, CPU), batches(step, device)
        assert there.video.device.type == there.law.device.type == "cuda"
        assert torch.equal(there.video.cpu(), here.video) and torch.equal(there.law.cpu(), here.law)


def draws_the_same(device: torch.device, look: Look) -> None:
    scenes = MatchedWorld(frames=4, size=24, channels=3, look=look).sample(0, np.arange(32))
    discs, ways = quantized(scenes), np.arange(32) % WAYS
    for each in (ways, None):
        here = draw_video(discs, scenes.picture, 24, 24, ways=each)
        there = draw_there(device, discs, scenes.picture, 24, each)
        assert there.is_contiguous() and there.dtype == torch.float32
        np.testing.assert_array_equal(there.cpu().numpy(), here)
    every = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 1, 256, 1)
    paper = replace(scenes.take(np.zeros(256, int)).picture, paper=np.repeat(every.numpy().reshape(256, 1), 3, axis=1))
    bare = replace(paper, backdrop=np.zeros_like(paper.backdrop), noise=np.zeros_like(paper.noise))
    nothing = np.zeros((256, 1, 1, discs.shape[3], 4), np.int32)
    levels = draw_there(device, nothing, replace(bare, occluders=np.zeros_like(bare.occluders)), 8)[:, 0, 0, 0, 0]
    assert torch.equal(levels.cpu(), as_video(every)[0, 0, 0, 0])


def test_a_steps_clips_are_what_its_ways_turn_into_its_video(matched: DatasetSpec) -> None:
    batches = Batches(matched, 16, seed=0, augmented=True)
    pixels = batches.clips(4)
    np.testing.assert_array_equal(pixels, clips(matched, "train", 0, 40)[batches.rows(4)])
    assert torch.equal(augment(as_video(pixels), batches.ways(4)), batches(4, CPU).video)


def test_memory_is_used_again_but_never_while_something_refers_to_it(matched: DatasetSpec) -> None:
    batches = Batches(matched, 8, seed=0, augmented=True)
    kept = [batches(step, CPU).video for step in range(6)]
    views = [video[:2, :, 1:].numpy()[:, 0] if step % 2 else video[3:].numpy()[:1] for step, video in enumerate(kept)]
    views[0] = torch.from_numpy(views[0]).mT.numpy()
    before = [view.copy() for view in views]
    places = {video.data_ptr() for video in kept}
    assert len(places) == 6
    del kept
    for step in range(6, 12):  # the views alone hold the memory now
        batches(step, CPU), batches.clips(step)
    for view, was in zip(views, before, strict=True):
        np.testing.assert_array_equal(view, was)
    del views, view
    again = [batches(step, CPU).video.data_ptr() for step in range(20)]
    assert len(set(again)) == 1 and set(again) <= places and again[0] % 64 == 0
    pixels = batches.clips(0)
    other, copy = batches.clips(1), pixels.copy()
    assert not np.shares_memory(pixels, other)
    np.testing.assert_array_equal(pixels, copy)


def test_batches_made_ahead_are_the_same_in_any_order(matched: DatasetSpec) -> None:
    """Gone on with from any step, and asked again for one that is past."""
    plain, ahead = (Batches(matched, 8, seed=5, augmented=True) for _ in range(2))
    made = Ahead(ahead)
    expected = {step: plain(step, CPU) for step in range(9)}
    for step in (0, 1, 2, 2, 7, 8, 3, 4, 0):
        batch = made(step, CPU)
        assert torch.equal(batch.video, expected[step].video) and torch.equal(batch.law, expected[step].law)
    resumed = Ahead(ahead)
    assert torch.equal(resumed(6, CPU).video, expected[6].video)


def test_the_next_batch_is_made_meanwhile() -> None:
    started, threads = [threading.Event() for _ in range(4)], set()

    def batch_of(step: int, device: torch.device) -> Batch:
        threads.add(threading.get_ident())
        started[step].set()
        if step == 2:
            raise UserError("step 2 fails")
        return Batch(torch.full((1, 1, 1, 1, 1), float(step)), torch.zeros(1, dtype=torch.int64))

    source: Callable[[int, torch.device], Batch] = batch_of
    ahead = Ahead(source)
    assert ahead(0, CPU).video.item() == 0
    assert started[1].wait(60)  # nobody asked for it yet
    assert ahead(1, CPU).video.item() == 1
    for _ in range(2):
        with pytest.raises(UserError, match="step 2 fails"):
            ahead(2, CPU)
    assert ahead(0, CPU).video.item() == 0 and len(threads) == 1 and threading.get_ident() not in threads


def test_impossible_batches_are_refused(spec: DatasetSpec, matched: DatasetSpec) -> None:
    with pytest.raises(UserError, match="batch_size=0"):
        Batches(spec, 0, seed=0, augmented=False)
    with pytest.raises(UserError, match="train=0"):
        Batches(replace(spec, train=0), 4, seed=0, augmented=False)
    if spec != matched:
        with pytest.raises(UserError, match=r"classic.*augmented=False"):
            Batches(spec, 4, seed=0, augmented=True)
