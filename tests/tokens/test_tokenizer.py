"""The tokenizer: shapes, causality in both halves, the reach it states, and that it learns."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from marey.core.config import differences, from_json, strict, to_json
from marey.core.errors import UserError
from marey.data.clips import Batches, as_video, clips
from marey.data.spec import DatasetSpec
from marey.tokens.layers import CausalConv3d, FrameNorm
from marey.tokens.moments import Moments
from marey.tokens.quantizers import FSQConfig, LFQConfig, QuantizerConfig, ResidualFSQConfig, VQConfig
from marey.tokens.tokenizer import AnyTokenizerConfig, MagvitConfig, Tokenizer, TokenizerConfig
from marey.world.matched import MatchedWorld
from tests.tokens.small import KINDS, SIZE, noise, shaken, tokenizer_of

SMALL = KINDS["local"][0]


@strict
@dataclass(frozen=True)
class AnyHolder:
    tokenizer: AnyTokenizerConfig


TIME = {1: (1, 1), 2: (2, 1), 4: (2, 2)}
SPACE = {4: (4, 1), 8: (4, 2), 16: (4, 4)}


@pytest.mark.parametrize("space", SPACE)
@pytest.mark.parametrize("time", TIME)
def test_all_frames_come_back(time: int, space: int) -> None:
    """T = 1 + k * stride frames become 1 + k latent frames, and T again."""
    strides = tuple((t, s, s) for t, s in zip(TIME[time], SPACE[space], strict=True))
    config = replace(SMALL, strides=strides, cell=(1, 1), encoder_kernel=(2, 1, 1), decoder_kernel=(2, 3, 3))
    assert config.stride == (time, space, space)
    tokenizer = Tokenizer(config)
    for k in (0, 1, 3):
        video = noise(2, 1 + k * time, size=32)
        quantized = tokenizer.encode(video)
        assert quantized.indices.shape == (2, 1 + k, 32 // space, 32 // space)
        assert quantized.codes.shape == (2, 3, 1 + k, 32 // space, 32 // space)
        assert tokenizer.decode(quantized.indices).shape == video.shape


@torch.no_grad()
@pytest.mark.parametrize("norm", ["position", "frame"])
@pytest.mark.parametrize("edge", ["zeros", "replicate", "reflect"])
@pytest.mark.parametrize("space", [4, 8, 16])
@pytest.mark.parametrize("time", [1, 2, 4, 8])
def test_residual_networks_have_every_stride_edge_and_norm(time: int, space: int, edge: Any, norm: Any) -> None:
    """And in each of them no latent sees a later frame, nor a frame a later latent."""
    steps = 1 + max(time.bit_length(), space.bit_length()) - 1
    config = MagvitConfig(
        channels=1, stride=(time, space, space), widths=(4,) * steps, blocks=(0, 1, *(0,) * (steps - 2)),
        edge=edge, norm=norm, quantizer=FSQConfig(levels=(8, 5, 4)), object_weight=20.0,
    )  # fmt: skip
    assert len(config.steps) == steps - 1
    assert tuple(np.prod(config.steps, axis=0)) == (time, space, space)
    tokenizer = shaken(Tokenizer(config))
    for k in (0, 2):  # an image is a clip of one frame
        video = noise(1, 1 + k * time, size=32)
        indices = tokenizer.encode(video).indices
        assert indices.shape == (1, 1 + k, 32 // space, 32 // space)
        assert tokenizer.decode(indices).shape == video.shape
    changed = video.clone()
    changed[:, :, time + 1 :] = noise(1, time, seed=1, size=32)[:, :, :time]
    assert differs(tokenizer.encoder(video), tokenizer.encoder(changed)).tolist() == [False, False, True]
    codes = tokenizer.encode(video).codes
    other = torch.cat([codes[:, :, :2], -codes[:, :, 2:] + 0.1], dim=2)
    moved = differs(tokenizer.decoder(codes), tokenizer.decoder(other))
    assert not moved[: time + 1].any() and moved[time + 1 :].all()


@pytest.mark.parametrize(("frames", "nearest"), [(2, 1), (4, 5), (6, 5), (8, 9), (12, 13)])
def test_other_lengths_are_refused_with_the_nearest(frames: int, nearest: int) -> None:
    tokenizer = tokenizer_of("magvit_stride_4")
    with pytest.raises(UserError, match=rf"video has {frames} frames; .*1 \+ k \* 4: cut or fill it to {nearest}$"):
        tokenizer.encode(noise(1, frames))
    with pytest.raises(UserError, match=rf"video has {frames} frames"):
        tokenizer(noise(1, frames))


def test_other_sizes_are_refused() -> None:
    with pytest.raises(UserError, match=r"20 x 20 pixels; .*multiples of 8 and 8"):
        tokenizer_of("local").encode(noise(1, 8, size=20))
    with pytest.raises(UserError, match=r"8 x 8 pixels; .*edges are reflected, takes 16 x 16 or more"):
        tokenizer_of("magvit_frame_norm").encode(noise(1, 9, size=8))


def test_frames_need_not_be_square_nor_grey() -> None:
    tokenizer = Tokenizer(replace(SMALL, channels=3))
    video = torch.zeros(1, 3, 4, 16, 24)
    assert tokenizer.encode(video).indices.shape == (1, 4, 2, 3)
    assert tokenizer.decode(tokenizer.encode(video).indices).shape == video.shape


# -- causality -----------------------------------------------------------------------------------------------------


class SymmetricConv3d(CausalConv3d):
    """What must be found: a convolution that looks half its kernel ahead."""

    def forward(self, x: Tensor) -> Tensor:
        front = self.kernel_size[0] - 1
        return nn.Conv3d.forward(self, F.pad(x, (*self.pads[:4], front - front // 2, front // 2)))


class NormOverTime(nn.SiLU):
    """What must be found: a statistic of all frames."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * torch.rsqrt(x.square().mean(dim=(1, 2), keepdim=True) + 1e-6))


class NormOverClip(FrameNorm):
    """What must be found: the group norm as the library has it, with one statistic for all frames."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.GroupNorm.forward(self, x)


MUTANTS = (SymmetricConv3d, NormOverTime)


def mutate(module: nn.Module, mutant: type[nn.Module]) -> None:
    for part in module.modules():
        if type(part) is mutant.__base__:
            part.__class__ = mutant


def differs(a: Tensor, b: Tensor) -> Tensor:
    """Frames of `B C T H W` that differ in any clip."""
    return ((a - b).abs() > 1e-6).any(dim=(0, 1, 3, 4))


def cell_of(frame: int, stride: int) -> int:
    """The latent frame that holds a frame: 0 holds the first alone, each other one `stride` frames."""
    return -(-frame // stride)


@torch.no_grad()
def early_latents(tokenizer: Tokenizer, frames: int) -> list[tuple[int, int]]:
    """(frame, latent) pairs where a change of the frame changes a latent before it."""
    stride, video, found = tokenizer.config.stride[0], noise(3, frames), []
    before = tokenizer.encoder(video)
    for t in range(frames):
        changed = video.clone()
        changed[:, :, t] = noise(3, 1, seed=1)[:, :, 0]
        moved = differs(tokenizer.encoder(changed), before)
        assert moved.any(), "a frame that changes nothing proves nothing"
        found += [(t, j) for j in range(cell_of(t, stride)) if moved[j]]
    return found


@torch.no_grad()
def early_frames(tokenizer: Tokenizer, frames: int) -> list[tuple[int, int]]:
    """(latent, frame) pairs where a change of the latent changes a frame before those it stands for."""
    stride, found = tokenizer.config.stride[0], []
    indices = tokenizer.encode(noise(3, frames)).indices
    other = tokenizer.encode(noise(3, frames, seed=1)).indices
    before = tokenizer.decoder(tokenizer.quantizer.lookup(indices))
    for j in range(indices.shape[1]):
        changed = indices.clone()
        changed[:, j] = other[:, j]
        moved = differs(tokenizer.decoder(tokenizer.quantizer.lookup(changed)), before)
        assert moved.any(), "a latent that changes nothing proves nothing"
        found += [(j, t) for t in range(frames) if moved[t] and cell_of(t, stride) < j]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_no_latent_sees_a_later_frame(kind: str) -> None:
    assert early_latents(tokenizer_of(kind), KINDS[kind][1]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_frame_sees_a_later_latent(kind: str) -> None:
    assert early_frames(tokenizer_of(kind), KINDS[kind][1]) == []


@pytest.mark.parametrize(
    ("kind", "mutant"),
    [
        *((kind, mutant) for kind in ("looks_back", "stride_4", "magvit_stride_4") for mutant in MUTANTS),
        ("magvit_frame_norm", NormOverClip),
    ],
)
def test_the_causality_tests_can_fail(kind: str, mutant: type[nn.Module]) -> None:
    tokenizer, frames = tokenizer_of(kind), KINDS[kind][1]
    mutate(tokenizer.encoder, mutant)
    assert early_latents(tokenizer, frames)
    tokenizer = tokenizer_of(kind)
    mutate(tokenizer.decoder, mutant)
    assert not early_latents(tokenizer, frames)
    assert early_frames(tokenizer, frames)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["local", "magvit_local"])
def test_a_local_encoder_sees_one_frame(kind: str) -> None:
    """No statistic mixes time: each frame alone has the tokens that it has among others."""
    tokenizer, video = tokenizer_of(kind), noise(2, 8)
    assert tokenizer.local
    together = tokenizer.encoder(video)
    for t in range(8):
        alone = tokenizer.encoder(video[:, :, t : t + 1])
        assert torch.allclose(alone[:, :, 0], together[:, :, t], atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_clips_of_a_batch_do_not_meet(kind: str) -> None:
    """In float64: how many clips there are may change the order of a sum, and with it float32's last digits."""
    tokenizer, video = tokenizer_of(kind).double(), noise(3, KINDS[kind][1]).double()
    together = tokenizer.encoder(video)
    for i in range(3):
        assert torch.allclose(tokenizer.encoder(video[i : i + 1])[0], together[i], rtol=0, atol=1e-12)


# -- the reach it states -------------------------------------------------------------------------------------------

REACHES = [
    *(KINDS[kind] for kind in ("local", "looks_back", "stride_2", "stride_4", "magvit_local")),
    (replace(SMALL, cell=(1, 1), strides=((1, 4, 4),) * 2, encoder_kernel=(2, 1, 1)), 8),
    (replace(SMALL, strides=((1, 2, 2), (4, 2, 2)), encoder_kernel=(2, 1, 1)), 13),
    (replace(SMALL, strides=((4, 2, 2), (1, 2, 2))), 13),
    (replace(KINDS["magvit_stride_4"][0], stride=(2, 8, 8), blocks=(0, 1, 0, 0)), 9),
]


@pytest.mark.parametrize("number", range(len(REACHES)))
def test_settled_agrees_with_brute_force(number: int) -> None:
    """Redraw the hidden frames many times: the latents that never change are the settled ones, no more, no fewer."""
    config, frames = REACHES[number]
    tokenizer = shaken(Tokenizer(config))

    @torch.no_grad()
    @given(st.lists(st.booleans(), min_size=frames, max_size=frames))
    def check(mask: list[bool]) -> None:
        shown = torch.tensor(mask)
        videos = [torch.where(shown[:, None, None], noise(1, frames), noise(1, frames, seed=i)) for i in range(1, 5)]
        latents = tokenizer.encoder(torch.cat(videos))
        moves = ((latents - latents[:1]).abs() > 1e-6).any(dim=(0, 1, 3, 4))
        assert torch.equal(tokenizer.settled(shown[None, :, None, None])[0, :, 0, 0], ~moves)

    check()


def test_each_clip_is_settled_by_its_own_frames() -> None:
    tokenizer = tokenizer_of("looks_back")
    shown = torch.rand(16, 8, 1, 1) < 0.7
    together = tokenizer.settled(shown)
    assert all(torch.equal(tokenizer.settled(shown[i : i + 1])[0], together[i]) for i in range(16))


# -- what it starts from and learns --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_it_starts_as_the_white_page(kind: str) -> None:
    config, frames = KINDS[kind]
    tokenizer = Tokenizer(config)
    assert (tokenizer.decode(tokenizer.encode(noise(2, frames)).indices) == 1).all()


def test_pixels_stay_in_range() -> None:
    tokenizer = tokenizer_of("local")
    with torch.no_grad():
        for parameter in tokenizer.decoder.parameters():
            parameter.mul_(9)
        video = tokenizer.decode(tokenizer.encode(noise(2, 8)).indices)
    assert video.min() == -1 and video.max() == 1


def test_a_blank_patch_has_one_code() -> None:
    """Wherever it lies and whatever is around it, at the rim too: the encoder pads nothing."""
    tokenizer = tokenizer_of("local")
    drawn = torch.rand(4, 1, 8, SIZE // 8, SIZE // 8) < 0.5
    pixels = drawn.repeat_interleave(8, -1).repeat_interleave(8, -2)
    video = torch.where(pixels, noise(4, 8), 1.0)
    blank = tokenizer.encode(torch.ones(1, 1, 1, SIZE, SIZE)).indices.unique()
    indices = tokenizer.encode(video).indices
    assert blank.numel() == 1
    assert (indices[~drawn[:, 0]] == blank).all()
    assert (indices[drawn[:, 0]] != blank).any()


def test_an_error_on_the_object_weighs_more_than_one_on_the_paper() -> None:
    """The tokenizer starts white: on a white clip with a black pixel, it errs on that pixel alone."""

    def loss(video: Tensor, weight: float) -> Tensor:
        torch.manual_seed(0)
        return Tokenizer(replace(SMALL, object_weight=weight))(video).total

    video = torch.ones(1, 1, 1, SIZE, SIZE)
    assert loss(video, 20.0) == loss(video, 0.0)
    video[..., 3, 3] = -1
    assert torch.isclose(loss(video, 20.0) - loss(video, 0.0), torch.tensor(20 * 4 / SIZE**2))


def test_it_learns_real_clips() -> None:
    spec = DatasetSpec(world=MatchedWorld(), train=64, validation=0, test=0)
    batches = Batches(spec, 8, seed=0, augmented=True)
    tokenizer = Tokenizer(TokenizerConfig())
    optimizer = torch.optim.AdamW(tokenizer.parameters(), lr=3e-3)
    losses = []
    for step in range(40):
        loss = tokenizer(batches(step, torch.device("cpu")).video).total
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(tokenizer.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    white, learned = losses[0], sum(losses[-10:]) / 10
    assert learned < 0.8 * white, losses


def test_moments_say_where_a_map_lies_how_far_it_spreads_and_how_much_there_is() -> None:
    maps = torch.full((1, 1, 1, 8, 8), -30.0)
    maps[0, 0, 0, 6, 5] = 3.0  # one pixel of the lower right cell
    x, y, spread, mass = Moments((4, 4))(maps)[0, :, 0]
    assert (x[1, 1].item(), y[1, 1].item()) == pytest.approx((-0.25, 0.25))
    assert spread[1, 1] == pytest.approx(0.01) and mass[1, 1] == pytest.approx((3 - math.log(16)) / 4)
    assert x[0, 0] == pytest.approx(0, abs=1e-6) and mass[0, 0] == pytest.approx(-30 / 4)  # empty: the middle


def test_a_code_follows_its_object_on_a_straight_line() -> None:
    """Moving a dot moves the mean of a map by as much, wherever the dot is."""
    spec = DatasetSpec(world=MatchedWorld(), train=64, validation=0, test=0)
    video = as_video(clips(spec, "train", 0, 64))
    ink = 4 * torch.nn.functional.softplus(-4 * video)  # what a convolution could make of black on white
    x, y = Moments((32, 32))(ink)[:, :2, :, 0, 0].unbind(dim=1)
    seen = torch.stack([x, y], dim=-1).numpy() * 16 + 16
    straight = np.polynomial.polynomial.polyfit(seen.ravel(), spec.scenes("train").track.ravel(), 1)
    off = np.polynomial.polynomial.polyval(seen, straight) - spec.scenes("train").track
    assert np.abs(off).max() < 0.5 and np.abs(off).mean() < 0.1  # pixels; the map counts a rim pixel in full


# -- what else it is asked for ---------------------------------------------------------------------------------------


def test_a_perceptual_loss_is_any_function_of_decoded_and_true() -> None:
    config, video = KINDS["local"][0], noise(2, 8)
    asked: list[Tensor] = []

    def perceptual(decoded: Tensor, true: Tensor) -> Tensor:
        asked.extend((decoded, true))
        return (decoded - true).abs().mean() * 3

    torch.manual_seed(0)
    plain = Tokenizer(config)
    torch.manual_seed(0)
    both = Tokenizer(config, perceptual)
    term = both(video).parts["perceptual"]
    assert torch.isclose(both(video).total, plain(video).total + term)
    assert torch.equal(asked[1], video) and torch.equal(term, (asked[0] - video).abs().mean() * 3)
    assert both.state_dict().keys() == plain.state_dict().keys()

    class Net(nn.Conv3d):
        def forward(self, decoded: Tensor, true: Tensor) -> Tensor:
            return (super().forward(decoded) - super().forward(true)).square().mean()

    assert Tokenizer(config, Net(1, 1, 1)).state_dict().keys() == plain.state_dict().keys()  # a network of others


QUANTIZERS = {
    "fsq": FSQConfig(levels=(8, 5, 4)), "residual": ResidualFSQConfig(stage=(5, 5), stages=2),
    "lfq": LFQConfig(bits=6), "vq": VQConfig(codes=32, channels=3),
}  # fmt: skip


@pytest.mark.parametrize("name", QUANTIZERS)
def test_rounding_is_done_in_float32(name: str) -> None:
    """Also where the convolutions are computed in half precision."""
    _rounds_in_float32(QUANTIZERS[name], "cpu")


@pytest.mark.gpu
@pytest.mark.parametrize("name", QUANTIZERS)
def test_rounding_is_done_in_float32_on_a_gpu(name: str) -> None:
    _rounds_in_float32(QUANTIZERS[name], "cuda")


def test_where_products_are_coarse_places_are_not() -> None:
    """In bfloat16 a place in a frame of 64 pixels would be known to an eighth of a pixel at best."""
    tokenizer = Tokenizer(TokenizerConfig())
    video = noise(2, 4, size=32)
    code = tokenizer.encode(video).codes
    waves = tokenizer.decoder._waves(code)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(tokenizer.encode(video).codes, code)
        assert torch.equal(tokenizer.decoder._waves(code), waves)


def _rounds_in_float32(quantizer: QuantizerConfig, device: str) -> None:
    seen: list[Tensor] = []
    tokenizer = Tokenizer(replace(KINDS["magvit_stride_4"][0], quantizer=quantizer)).to(device)
    tokenizer.encoder.register_forward_hook(lambda _, given, made: seen.append(made))

    def arrived(_: nn.Module, given: tuple[Tensor]) -> None:
        assert not torch.is_autocast_enabled(device)
        seen.append(given[0])

    tokenizer.quantizer.register_forward_pre_hook(arrived)
    with torch.autocast(device, dtype=torch.bfloat16):
        loss = tokenizer(noise(2, 9).to(device))
    assert [each.dtype for each in seen] == [torch.bfloat16, torch.float32]
    assert loss.total.dtype == torch.float32 and loss.total.isfinite()
    loss.total.backward()
    assert all(each.grad is None or each.grad.isfinite().all() for each in tokenizer.parameters())


# -- refused shapes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"widths": (32, 8)}, "widths"),
        ({"widths": (0,)}, "widths"),
        ({"cell": (0, 4)}, "cell"),
        ({"strides": ((1, 4, 4), (1, 0, 2), (1, 4, 4))}, "strides"),
        ({"encoder_kernel": (0, 1, 1)}, "encoder_kernel"),
        ({"decoder_kernel": (1, -3, 3)}, "decoder_kernel"),
    ],
)
def test_impossible_shapes_are_refused(changes: dict[str, object], named: str) -> None:
    with pytest.raises(UserError, match=rf"tokenizer\.{named}") as caught:
        replace(TokenizerConfig(quantizer=FSQConfig()), **changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"stride": (3, 8, 8)}, r"stride=\(3, 8, 8\): give powers of two"),
        ({"stride": (0, 8, 8)}, "stride"),
        ({"widths": (8, 8)}, r"widths=\(8, 8\).*makes 4 resolutions"),
        ({"blocks": (0, 1, 1, -1)}, r"blocks"),
        ({"kernel": (3, 0, 3)}, "kernel"),
    ],
)
def test_impossible_residual_networks_are_refused(changes: dict[str, object], named: str) -> None:
    with pytest.raises(UserError, match=rf"tokenizer\.{named}|, tokenizer\.{named}") as caught:
        replace(MagvitConfig(), **changes)
    assert "\n" not in str(caught.value)


OLD = {  # the config of a run from before there was a choice of networks and quantizers
    "channels": 1, "strides": [[1, 1, 1]], "widths": [8], "encoder_kernel": [1, 3, 3], "maps": 4, "cell": [32, 32],
    "quantizer": {"kind": "fsq", "levels": [1024, 1024, 1024]}, "decoder_kernel": [3, 1, 1], "decoder_width": 128,
    "block": 4, "object_weight": 20.0, "latent_weight": 0.01,
}  # fmt: skip


def test_older_configs_are_still_the_same_configs() -> None:
    holder = AnyHolder(TokenizerConfig())
    assert from_json(AnyHolder, {"tokenizer": OLD}, "config.json") == holder
    assert differences({"tokenizer": OLD}, to_json(holder)) == []  # so that the run can be taken up again


@pytest.mark.parametrize("kind", KINDS)
def test_json_keeps_the_type_that_was_chosen(kind: str) -> None:
    holder = AnyHolder(KINDS[kind][0])
    assert from_json(AnyHolder, to_json(holder), "config.json") == holder
