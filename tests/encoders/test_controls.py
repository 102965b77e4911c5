"""Controls know only what they may know, and features on disk are whole or absent."""

import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from marey.core.errors import UserError
from marey.data.clips import as_video
from marey.encoders import features
from marey.encoders.controls import (
    FirstConvConfig,
    MeanFrameConfig,
    NoiseConfig,
    PixelsConfig,
    Shuffled,
    ShuffledConfig,
    batch_norms,
    calibrated,
)
from marey.encoders.features import extract, seeded_fingerprint
from marey.encoders.guest import Facts, Features, Guest, Weights
from marey.encoders.look import Look
from marey.world.matched import MatchedWorld
from marey.world.render import render

CLIPS = render(MatchedWorld(frames=6, size=16).sample(0, np.arange(12)))
VIDEO = as_video(CLIPS)
CONFIGS = (PixelsConfig(), MeanFrameConfig(), ShuffledConfig(), NoiseConfig(), FirstConvConfig(side=16))


class Normed(Guest):
    """A small network with a batch norm."""

    def __init__(self, seed: int = 0):
        look = Look(size=(8, 8))
        super().__init__(Facts("normed", "-", "-", "-"), Weights("random", seed=seed), look, {"out": 4, "in": 4})
        torch.manual_seed(seed)
        self.convolution, self.norm = nn.Conv3d(3, 4, 3, padding=1), nn.BatchNorm3d(4)
        self.requires_grad_(False).eval()

    def read(self, video: torch.Tensor, taps: tuple[str, ...]) -> Features:
        inner = self.convolution(video)
        maps = {"out": self.norm(inner), "in": inner}
        return {tap: maps[tap].mean(dim=(3, 4)).transpose(1, 2) for tap in taps}


class Shown:
    """Clips in memory, of one shape or two."""

    def __init__(self, clips: np.ndarray, name: str = "clips"):
        self.clips, self.fingerprint = clips, name

    def __len__(self) -> int:
        return len(self.clips)

    def runs(self, start: int, stop: int) -> Iterator[np.ndarray]:
        yield self.clips[start:stop]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.kind)
def test_every_control_is_a_guest(config: PixelsConfig) -> None:
    guest = config.build()
    found = guest.features(VIDEO)[guest.taps[0]]
    assert found.shape == (12, 1 if config.kind == "mean-frame" else 6, guest.widths[0])
    assert seeded_fingerprint(guest) == seeded_fingerprint(config.build())
    state = "random" if config.kind == "first-conv" else "none"
    assert guest.weights.state == state and not guest.training and guest.facts.licence == "Apache-2.0"


def test_noise_ignores_the_input() -> None:
    noise, other = NoiseConfig().build(), VIDEO.flip(0)
    said = []
    for video in (VIDEO, other, -VIDEO):
        torch.manual_seed(3)
        said.append(noise.features(video)["noise"])
    assert torch.equal(said[0], said[1]) and torch.equal(said[0], said[2])
    assert not torch.equal(noise.features(VIDEO)["noise"], said[0])


def test_shuffled_frames_are_the_same_frames_in_another_order_for_each_clip() -> None:
    plain, shuffled = (config.build().features(VIDEO)["frames"] for config in (PixelsConfig(), ShuffledConfig()))
    assert not torch.equal(plain, shuffled)
    rows = [[{tuple(frame.tolist()) for frame in clip} for clip in each] for each in (plain, shuffled)]
    assert rows[0] == rows[1]
    still = torch.arange(6.0).div(6)[None, None, :, None, None].expand(12, 3, 6, 4, 4)
    orders = {tuple(each.tolist()) for each in ShuffledConfig().build().features(still)["frames"][..., 0]}
    assert len(orders) > 6
    assert Shuffled(Normed()).features(VIDEO, ("in",))["in"].shape == (12, 6, 4)


def test_the_mean_frame_knows_no_time() -> None:
    guest = MeanFrameConfig().build()
    torch.testing.assert_close(guest.features(VIDEO)["mean"], guest.features(VIDEO.flip(2))["mean"])


def test_calibration_measures_the_statistics_of_batch_norms_and_nothing_else() -> None:
    guest, plain = Normed(), Normed()
    assert calibrated(guest, [VIDEO[:6], VIDEO[6:]]) is guest and not guest.norm.training
    inner = plain.convolution(plain.look(VIDEO))
    torch.testing.assert_close(guest.norm.running_mean, inner.mean(dim=(0, 2, 3, 4)))
    out = guest.features(VIDEO)["out"]
    assert out.mean().abs() < 1e-5 and guest.norm.momentum == plain.norm.momentum
    assert torch.equal(guest.convolution.weight, plain.convolution.weight)
    assert not torch.equal(out, plain.features(VIDEO)["out"])
    with pytest.raises(UserError, match="no batch norms"):
        calibrated(PixelsConfig().build(), [VIDEO])
    assert not batch_norms(NoiseConfig().build())


# -- features on disk ----------------------------------------------------------------------------------------------


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_SHARD", 5)


@pytest.mark.usefixtures("small_shards")
def test_features_on_disk_are_the_guest_s_own(tmp_path: Path) -> None:
    guest, told = Normed(), []
    found = extract(guest, Shown(CLIPS), tmp_path, batch=3, progress=lambda done, total: told.append((done, total)))
    for tap, plain in guest.features(VIDEO, guest.taps).items():
        np.testing.assert_allclose(found.taps[tap], plain.numpy(), atol=1e-6)
    assert told == [(5, 12), (10, 12), (12, 12)]
    assert 0 < found.cost.forward <= found.cost.seconds
    assert sorted(path.name for path in found.path.rglob("*.safetensors")) == [f"0000{i}.safetensors" for i in range(3)]


def test_large_clips_go_through_a_network_by_fewer_and_give_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest, sizes = Normed(), list[int]()
    plain = guest.features(VIDEO, guest.taps)
    monkeypatch.setattr(guest, "read", lambda video, taps: sizes.append(len(video)) or Normed.read(guest, video, taps))
    monkeypatch.setattr(features, "_PIXELS", 3 * 6 * 8 * 8)  # it sees 6 frames of 8 x 8
    found = extract(guest, Shown(CLIPS), tmp_path)
    assert sizes[-4:] == [3] * 4  # eight were allowed
    for tap, values in plain.items():
        np.testing.assert_allclose(found.taps[tap], values.numpy(), atol=1e-6)
    assert features._at_once(PixelsConfig().build(), CLIPS, 8) == 8  # it has no network


@pytest.mark.usefixtures("small_shards")
def test_they_are_extracted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = extract(Normed(), Shown(CLIPS), tmp_path)
    monkeypatch.setattr(features, "_write", None)  # calling it would be an error
    again = extract(Normed(), Shown(CLIPS), tmp_path)
    assert again.path == first.path and all((again.taps[tap] == first.taps[tap]).all() for tap in first.taps)


def test_other_weights_clips_or_taps_are_other_features(tmp_path: Path) -> None:
    shown = Shown(CLIPS)
    paths = {extract(guest, clips, tmp_path, taps).path for guest, clips, taps in (
        (Normed(), shown, None), (Normed(1), shown, None), (Normed(), Shown(CLIPS, "others"), None),
        (Normed(), shown, ("in",)), (calibrated(Normed(), [VIDEO]), shown, None),
    )}  # fmt: skip
    assert len(paths) == 5


@pytest.mark.usefixtures("small_shards")
def test_randomness_does_not_depend_on_what_was_made_before(tmp_path: Path) -> None:
    noise = NoiseConfig().build()
    whole = extract(noise, Shown(CLIPS), tmp_path / "whole").taps["noise"]
    content = features._content(noise, Shown(CLIPS), noise.taps, 8)
    out = features.folder_of(tmp_path / "cut", "noise", content)

    def die(done: int, _total: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(noise, Shown(CLIPS), tmp_path / "cut", progress=die)
    assert not out.exists()
    torch.randn(7)
    assert (extract(noise, Shown(CLIPS), tmp_path / "cut").taps["noise"] == whole).all()
    assert len(np.unique(whole[:, 0, 0])) == 12


class Slow(Shown):
    """Clips that take their time, so that a kill comes between two shards."""

    def runs(self, start: int, stop: int) -> Iterator[np.ndarray]:
        time.sleep(0.2)
        yield from super().runs(start, stop)


def _extract_slowly(cache: Path) -> None:
    features._SHARD = 2
    extract(PixelsConfig().build(), Slow(CLIPS), cache)


@pytest.mark.usefixtures("small_shards")
def test_a_kill_leaves_whole_shards_and_the_next_call_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = multiprocessing.get_context("fork").Process(target=_extract_slowly, args=(tmp_path,))
    process.start()
    while not list(tmp_path.rglob("00001.safetensors")):
        time.sleep(0.01)
    process.kill()
    process.join()
    monkeypatch.setattr(features, "_SHARD", 2)
    (partial,) = tmp_path.iterdir()
    assert partial.name.endswith(".partial")
    kept = {path: path.stat().st_mtime_ns for path in partial.rglob("*.safetensors")}
    found = extract(PixelsConfig().build(), Shown(CLIPS), tmp_path)
    finished = {found.path / path.relative_to(partial): when for path, when in kept.items()}
    assert sum(path.stat().st_mtime_ns == when for path, when in finished.items()) >= 1
    np.testing.assert_array_equal(found.taps["frames"], PixelsConfig().build().features(VIDEO)["frames"].numpy())


@pytest.mark.usefixtures("small_shards")
def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    found = extract(PixelsConfig().build(), Shown(CLIPS), tmp_path)
    shard = found.path / "shards" / "00001.safetensors"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    with pytest.raises(UserError, match=r"00001\.safetensors is missing or damaged"):
        extract(PixelsConfig().build(), Shown(CLIPS), tmp_path)


def test_features_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    guest = Normed()
    guest.norm.running_var.fill_(float("nan"))
    with pytest.raises(UserError, match="tap out of clip 0 is not finite"):
        extract(guest, Shown(CLIPS), tmp_path)
    assert not list(tmp_path.glob("*/shards/*"))
