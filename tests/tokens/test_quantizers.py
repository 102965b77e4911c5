"""The contract of a quantizer: integers stand for codes exactly, and digits stand for integers exactly."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from torch import Tensor

from marey.core.errors import UserError
from marey.tokens.quantizers import FSQConfig, LFQConfig, Quantizer, QuantizerConfig, ResidualFSQConfig, VQConfig

CONFIGS: dict[str, QuantizerConfig] = {
    "fsq of one": FSQConfig(levels=(7,)),
    "fsq": FSQConfig(levels=(8, 5, 4)),
    "fsq of 4096": FSQConfig(levels=(8, 8, 8, 8)),
    "fsq of a billion": FSQConfig(levels=(1024, 1024, 1024)),
    "slow": FSQConfig(levels=(16, 12, 9), slow=True),
    "even": FSQConfig(levels=(16, 12, 9), slow=True, even=True),
    "residual": ResidualFSQConfig(stage=(5, 4, 3), stages=3),
    "residual of signs": ResidualFSQConfig(stage=(2, 2, 2, 2), stages=2),
    "lfq of one": LFQConfig(bits=1),
    "lfq": LFQConfig(bits=9),
    "vq of one channel": VQConfig(codes=64, channels=1),
    "vq": VQConfig(codes=256, channels=3),
}
SMALL = {name: config for name, config in CONFIGS.items() if math.prod(config.levels) <= 4096}
Levels = st.lists(st.integers(3, 9), min_size=1, max_size=3).map(tuple)


def latents_of(quantizer: Quantizer, seed: int = 0, scale: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(4, quantizer.channels, 3, 5, 6, generator=generator) * scale


def built(name: str) -> Quantizer:
    """A quantizer that has seen a few batches, so that a learned codebook is one."""
    torch.manual_seed(0)
    quantizer = CONFIGS[name].build()
    for seed in range(3):
        quantizer(latents_of(quantizer, seed))
    if quantizer.settles:
        quantizer.settle(latents_of(quantizer, 4) + latents_of(quantizer, 5).roll(1, dims=1))
    return quantizer.eval()


# -- the law -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.1, 1.0, 100.0])
@pytest.mark.parametrize("name", CONFIGS)
def test_an_index_stands_for_its_codes(name: str, scale: float) -> None:
    quantizer = built(name)
    latents = latents_of(quantizer, 7, scale)
    quantized = quantizer(latents)
    assert torch.equal(quantizer.lookup(quantized.indices), quantized.codes)
    if "fsq" in name:  # no channel at its end changes another one
        digits = quantizer.split(quantized.indices)[..., : quantizer.channels]
        ends = torch.where(latents.movedim(1, -1) > 0, torch.tensor(quantizer.levels[: quantizer.channels]) - 1, 0)
        assert torch.equal(torch.where(latents.movedim(1, -1).abs() > 3, ends, digits), digits)
    assert quantized.codes.shape == latents.shape and quantized.codes.isfinite().all()
    assert quantized.indices.shape == (4, 3, 5, 6)
    assert 0 <= quantized.indices.min() <= quantized.indices.max() < math.prod(quantizer.levels)
    assert quantized.indices.unique().numel() > 1
    assert quantized.loss == 0


@pytest.mark.parametrize("name", CONFIGS)
def test_so_it_does_in_training(name: str) -> None:
    """With the codebook that quantized: a learned one moves on afterwards."""
    quantizer = built(name).train()
    before = copy.deepcopy(quantizer)
    for seed in range(3):
        quantized = quantizer(latents_of(quantizer, seed))
        assert torch.equal(before.lookup(quantized.indices), quantized.codes)
        before = copy.deepcopy(quantizer)


@pytest.mark.parametrize("name", SMALL)
def test_every_index_is_its_digits(name: str) -> None:
    quantizer, size = built(name), math.prod(CONFIGS[name].levels)
    indices = torch.arange(size)
    digits = quantizer.split(indices)
    assert digits.shape == (size, len(quantizer.levels))
    assert (digits >= 0).all() and (digits < torch.tensor(quantizer.levels)).all()
    assert len(digits.unique(dim=0)) == size
    assert torch.equal(quantizer.join(digits), indices)


@pytest.mark.parametrize("name", SMALL)
def test_the_quantizer_is_what_its_config_says(name: str) -> None:
    config, quantizer = CONFIGS[name], built(name)
    stated = (config.channels, config.levels, config.ordinal)
    assert stated == (quantizer.channels, quantizer.levels, quantizer.ordinal)
    assert TypeAdapter(QuantizerConfig).validate_python(TypeAdapter(type(config)).dump_python(config)) == config


@pytest.mark.parametrize("name", ["fsq", "fsq of one", "lfq", "lfq of one", "fsq of 4096"])
def test_no_two_indices_share_their_codes(name: str) -> None:
    size = math.prod(CONFIGS[name].levels)
    codes = built(name).lookup(torch.arange(size).view(1, -1, 1, 1))
    assert len(codes[0, :, :, 0, 0].T.unique(dim=0)) == size
    assert codes.abs().max() <= 1


@pytest.mark.parametrize("name", CONFIGS)
def test_gradients_pass_through(name: str) -> None:
    quantizer = built(name).train()
    latents = latents_of(quantizer, scale=0.3).requires_grad_()
    quantizer(latents).codes.square().sum().backward()
    assert latents.grad is not None and latents.grad.isfinite().all()
    assert (latents.grad != 0).any(dim=(0, 2, 3, 4)).all()


@pytest.mark.parametrize("name", [name for name in SMALL if CONFIGS[name].ordinal])
def test_ordinal_digits_follow_the_codes_in_order(name: str) -> None:
    """The next digit is the next value of its channel, and of no other; until it settles on other directions."""
    quantizer = CONFIGS[name].build().eval()
    for place, level in enumerate(quantizer.levels):
        digits = torch.zeros(1, level, 1, 1, len(quantizer.levels), dtype=torch.long)
        digits[0, :, 0, 0, place] = torch.arange(level)
        codes = quantizer.lookup(quantizer.join(digits))[0, :, :, 0, 0]
        channel = place % quantizer.channels
        assert (codes[channel].diff() > 0).all()
        others = torch.cat([codes[:channel], codes[channel + 1 :]])
        assert (others == others[:, :1]).all()


# -- beside a plain twin -------------------------------------------------------------------------------------------


@given(Levels)
def test_fsq_rounds_to_the_nearest_level(levels: tuple[int, ...]) -> None:
    quantizer = FSQConfig(levels=levels).build()
    latents = latents_of(quantizer)
    every = torch.stack([torch.arange(level) / (level // 2) - 1 for level in levels[:1]])[0]
    codes, shifted = quantizer(latents).codes[:, 0], latents[:, 0].clamp(-1, 1)
    half = (levels[0] - 1) * 1.001 / 2  # the library's: a hair more than the levels' range, even counts shifted by half
    wanted = (latents[:, 0] + (0.5 / half if levels[0] % 2 == 0 else 0)).clamp(-1, 1) * half
    wanted = (wanted - (0.5 if levels[0] % 2 == 0 else 0)).round() / (levels[0] // 2)
    assert torch.allclose(codes, wanted) and ((codes[..., None] - every).abs().amin(dim=-1) < 1e-6).all()
    assert ((codes - shifted).abs() <= 1.01 / (levels[0] // 2)).all()


def test_residual_fsq_rounds_what_is_left_ever_finer() -> None:
    stage, stages = (5, 4, 3), 3
    quantizer = ResidualFSQConfig(stage=stage, stages=stages).build()
    latents = latents_of(quantizer, scale=0.5)
    levels = np.array(stage)
    clamp = 1 + 1 / (levels - 1)
    left = np.tanh(latents.movedim(1, -1).double().numpy() / clamp) * clamp
    total, digits = np.zeros_like(left), []
    for number in range(stages):
        scale = levels.astype(float) ** -number
        digit = np.floor((levels - 1) * (np.clip(left / scale, -1, 1) + 1) / 2 + 0.5)
        code = (digit * 2 / (levels - 1) - 1) * scale
        left, total = left - code, total + code
        digits.append(digit)
    quantized = quantizer(latents)
    agree = (quantizer.split(quantized.indices).numpy() == np.concatenate(digits, axis=-1)).all(axis=-1)
    assert agree.mean() > 0.99  # float32 may round the other way at an edge
    np.testing.assert_allclose(quantized.codes.movedim(1, -1).numpy()[agree], total[agree], atol=1e-6)


def test_more_stages_leave_less() -> None:
    latents = latents_of(ResidualFSQConfig().build(), scale=0.3)
    errors = [
        float((ResidualFSQConfig(stages=stages).build()(latents).codes - latents).square().mean())
        for stages in (1, 2, 3)
    ]
    assert errors[0] > errors[1]


def test_lfq_keeps_signs() -> None:
    quantizer = built("lfq")
    latents = latents_of(quantizer)
    assert torch.equal(quantizer(latents).codes, torch.where(latents > 0, 1.0, -1.0))


def test_vq_takes_the_nearest_code() -> None:
    quantizer = built("vq")
    latents, book = latents_of(quantizer, 5), quantizer.lookup(torch.arange(256).view(1, -1, 1, 1))[0, :, :, 0, 0].T
    distances = (latents.movedim(1, -1)[..., None, :] - book).square().sum(dim=-1)
    assert torch.equal(quantizer(latents).indices, distances.argmin(dim=-1))


# -- what each asks for in training --------------------------------------------------------------------------------


def test_lfq_asks_for_sure_and_different_codes() -> None:
    quantizer = LFQConfig(bits=6, commitment=0).build().train()
    sure = torch.where(latents_of(quantizer) > 0, 1.0, -1.0)
    one, unsure = sure[:1, :, :1, :1, :1].expand_as(sure), sure * 0.002
    all_different, all_one, all_unsure = (float(quantizer(each).loss) for each in (sure, one, unsure))
    assert all_different < all_one and all_different < all_unsure


def test_vq_codes_become_the_means_of_what_chose_them() -> None:
    torch.manual_seed(0)
    quantizer = VQConfig(codes=2, channels=2, decay=0.9).build().train()
    for _ in range(150):
        cluster = torch.where(torch.rand(2, 1, 4, 4, 4) < 0.5, 3.0, -3.0)
        quantizer(cluster + 0.1 * torch.randn(2, 2, 4, 4, 4))
    book = quantizer.lookup(torch.arange(2).view(1, 2, 1, 1))[0, :, :, 0, 0].T
    assert torch.allclose(book.sort(dim=0).values, torch.tensor([[-3.0, -3.0], [3.0, 3.0]]), atol=0.1)


@pytest.mark.parametrize("codes", [64, 1024])
def test_vq_revives_dead_codes(codes: int) -> None:
    """Latents that jump elsewhere take the whole codebook along, be it larger than a batch."""
    torch.manual_seed(0)
    quantizer = VQConfig(codes=codes, channels=3, decay=0.9).build().train()

    def used(shift: float) -> float:
        for _ in range(40):
            quantizer(torch.rand(8, 3, 4, 4, 4) + shift)
        quantizer.eval()
        found = torch.cat([quantizer(torch.rand(8, 3, 8, 8, 8) + shift).indices.flatten() for _ in range(4)])
        quantizer.train()
        return len(found.unique()) / codes

    assert used(0.0) > 0.7
    assert used(50.0) > 0.7


def test_a_resumed_codebook_is_not_filled_again() -> None:
    one, other = built("vq").train(), VQConfig(codes=256, channels=3).build().train()
    other.load_state_dict(one.state_dict())
    for seed in range(10, 13):
        for quantizer in (one, other):
            torch.manual_seed(seed)
            quantizer(latents_of(quantizer, seed))
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())


@pytest.mark.parametrize("kind", [FSQConfig(levels=(16, 16, 16), even_weight=1.0), ResidualFSQConfig(even_weight=1.0)])
def test_even_latents_are_asked_for(kind: FSQConfig | ResidualFSQConfig) -> None:
    """Of the whole range, and of channels that say different things."""
    quantizer = kind.build().train()
    even = torch.rand(8, 3, 4, 8, 8) * 2 - 1
    narrow, alike = even * 0.3, even[:, :1].expand_as(even)
    best = float(quantizer(even).loss)
    assert best < 0.01 and float(quantizer(narrow).loss) > 0.1 and float(quantizer(alike).loss) > 0.9
    latents = (torch.randn(8, 1, 4, 8, 8) + 0.1 * torch.randn(8, 3, 4, 8, 8)).mul_(0.2).requires_grad_()
    optimizer = torch.optim.Adam([latents], lr=0.03)
    for _ in range(60):
        optimizer.zero_grad()
        quantizer(latents).loss.backward()
        optimizer.step()
    assert quantizer(latents).loss < 0.1
    assert quantizer.eval()(narrow).loss == 0


def oblique(clips: int) -> tuple[Tensor, Tensor, Tensor]:
    """Latents of clips of 12 moments, in which a constant, a slow and a fast number are mixed; the numbers; the mix."""
    generator = torch.Generator().manual_seed(1)
    time, start = torch.arange(12) / 12, torch.rand(clips, 3, 1, generator=generator) * 6.28
    numbers = torch.sin(start + time * torch.tensor([0.0, 1.0, 4.0])[:, None])[..., None, None]
    mix = torch.randn(3, 3, generator=generator)
    return torch.einsum("ij,bjthw->bithw", mix, numbers), numbers, mix


def test_settled_digits_say_what_changes_apart_slowest_first() -> None:
    latents, numbers, _ = oblique(4000)
    quantizer = FSQConfig(levels=(1024,) * 3, slow=True).build()
    before = quantizer.split(quantizer(latents).indices)
    quantizer.settle(latents)
    quantized = quantizer.eval()(latents)
    digits = quantizer.split(quantized.indices)

    def shared(digits: Tensor) -> Tensor:  # of each digit with each number
        both = torch.cat([digits.flatten(0, 3).float(), numbers.movedim(1, -1).flatten(0, 3)], dim=1)
        return torch.corrcoef(both.T)[:3, 3:].abs()

    assert torch.allclose(shared(digits), torch.eye(3), atol=0.06) and (shared(before).max(dim=1).values < 0.95).any()
    assert (digits[:, 1:, ..., 0] == digits[:, :-1, ..., 0]).float().mean() > 0.99, "a constant stays the same digit"
    assert (digits.flatten(0, 3).amin(dim=0) < 20).all() and (digits.flatten(0, 3).amax(dim=0) > 1003).all()


def test_settled_codes_mean_what_the_latents_did() -> None:
    latents, _, _ = oblique(500)
    quantizer = FSQConfig(levels=(1 << 12,) * 3, slow=True).build()
    quantizer.settle(latents)
    assert (quantizer.eval()(latents).codes - latents).abs().max() < 6e-3
    again = FSQConfig(levels=(1 << 12,) * 3, slow=True).build()
    again.load_state_dict(quantizer.state_dict())
    assert torch.equal(again.eval()(latents).indices, quantizer(latents).indices)


def test_even_levels_are_laid_where_the_latents_are() -> None:
    """Each gets as many, of numbers that crowd about their middle; and a code still means what the latent did."""
    generator = torch.Generator().manual_seed(2)
    numbers = torch.randn(3000, 3, 6, 1, 1, generator=generator).mul(0.4).sinh()
    latents = torch.einsum("ij,bjthw->bithw", torch.randn(3, 3, generator=generator), numbers)

    def settled(levels: int, even: bool) -> Tensor:
        quantizer = FSQConfig(levels=(levels,) * 3, slow=True, even=even).build()
        quantizer.settle(latents)
        return quantizer.eval()(latents)

    counts = torch.bincount(settled(16, even=True).indices.flatten() // 256, minlength=16) / numbers[:, 0].numel()
    assert (counts - 1 / 16).abs().max() < 0.01
    used = [len(settled(16, even).indices.unique()) / 16**3 for even in (False, True)]
    assert used[0] < 0.5 and used[1] > 0.9
    error = [(settled(16, even).codes - latents).abs().median() for even in (False, True)]
    assert error[1] < 0.8 * error[0]
    assert (settled(1 << 16, even=True).codes - latents).abs().max() < 2e-3


def test_of_many_latents_some_of_each_moment_lay_the_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marey.tokens.fsq._MOST_SORTED", 1000)
    latents = torch.rand(1000, 1, 2, 1, 1, generator=torch.Generator().manual_seed(3))
    latents[:, :, 1] += 3
    quantizer = FSQConfig(levels=(4,), slow=True, even=True).build()
    quantizer.settle(latents)
    counts = torch.bincount(quantizer.eval()(latents).indices.flatten(), minlength=4) / latents.numel()
    assert (counts - 1 / 4).abs().max() < 0.05


@pytest.mark.parametrize("shape", [(50, 3, 1, 1, 1), (1, 3, 50, 1, 1), (6, 3, 4, 2, 2)])
def test_images_clips_and_grids_settle(shape: tuple[int, ...]) -> None:
    """Also with a channel that says nothing."""
    latents = (
        torch.randn(shape, generator=torch.Generator().manual_seed(0)) * torch.tensor([1, 1, 0])[:, None, None, None]
    )
    for even in (False, True):
        quantizer = FSQConfig(levels=(1 << (16 if even else 12),) * 3, slow=True, even=even).build()
        quantizer.settle(latents)
        assert (quantizer.eval()(latents).codes - latents).abs().max() < 5e-3


# -- refused -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fields", "named"),
    [
        (FSQConfig, {"levels": ()}, r"quantizer\.levels=.*3 or more"),
        (FSQConfig, {"levels": (8, 2)}, r"quantizer\.levels=.*3 or more"),
        (FSQConfig, {"levels": (8, -3)}, r"quantizer\.levels=.*3 or more"),
        (FSQConfig, {"levels": (1 << 32, 1 << 32)}, r"quantizer\.levels=.*2\*\*63"),
        (FSQConfig, {"even": True}, r"quantizer\.even=True.*slow=True"),
        (FSQConfig, {"even_weight": -1.0}, r"quantizer\.even_weight=-1"),
        (ResidualFSQConfig, {"stage": (4, 1)}, r"quantizer\.stage=.*2 or more"),
        (ResidualFSQConfig, {"stage": (1024, 1024)}, r"quantizer\.stage=.*add stages"),
        (ResidualFSQConfig, {"stages": 0}, r"quantizer\.stages=0.*1 or more"),
        (LFQConfig, {"bits": 0}, r"quantizer\.bits=0.*1 to 16"),
        (LFQConfig, {"bits": 18}, r"quantizer\.bits=18.*FSQ"),
        (LFQConfig, {"diversity": -1.0}, r"quantizer\.diversity=-1"),
        (VQConfig, {"codes": 1}, r"quantizer\.codes=1"),
        (VQConfig, {"decay": 1.0}, r"quantizer\.decay=1"),
        (VQConfig, {"commitment": math.nan}, r"quantizer\.commitment=nan"),
    ],
)
def test_what_quantizes_nothing_is_refused(kind: type, fields: dict[str, object], named: str) -> None:
    with pytest.raises(UserError, match=named) as caught:
        kind(**fields)
    assert "\n" not in str(caught.value)
