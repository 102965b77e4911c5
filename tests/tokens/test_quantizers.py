"""The contract of a quantizer: integers stand for codes exactly, and digits stand for integers exactly."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marey.core.errors import UserError
from marey.tokens.quantizers import FSQConfig

LEVELS = [(3,), (7,), (8, 8, 8, 8), (8, 5, 5, 5), (8, 8, 8, 8, 8), (3, 4, 5, 6, 7)]
Levels = st.lists(st.integers(3, 9), min_size=1, max_size=3).map(tuple)


@pytest.mark.parametrize("levels", LEVELS, ids=str)
def test_an_index_stands_for_its_codes(levels: tuple[int, ...]) -> None:
    quantizer = FSQConfig(levels=levels).build()
    latents = torch.randn(4, len(levels), 3, 5, 5) * 3
    quantized = quantizer(latents)
    assert torch.equal(quantizer.lookup(quantized.indices), quantized.codes)
    assert quantized.indices.unique().numel() > 1
    assert 0 <= quantized.indices.min() <= quantized.indices.max() < math.prod(levels)


@given(Levels)
def test_every_index_is_its_digits(levels: tuple[int, ...]) -> None:
    config = FSQConfig(levels=levels)
    quantizer, indices = config.build(), torch.arange(config.codebook_size)
    digits = quantizer.split(indices)
    assert digits.shape == (config.codebook_size, len(levels))
    assert (digits >= 0).all() and (digits < torch.tensor(levels)).all()
    assert len(digits.unique(dim=0)) == config.codebook_size
    assert torch.equal(quantizer.join(digits), indices)


@given(Levels)
def test_no_two_indices_share_their_codes(levels: tuple[int, ...]) -> None:
    config = FSQConfig(levels=levels)
    indices = torch.arange(config.codebook_size).view(1, -1, 1, 1)
    codes = config.build().lookup(indices)
    assert len(codes[0, :, :, 0, 0].T.unique(dim=0)) == config.codebook_size
    assert codes.abs().max() <= 1


def test_digits_follow_the_codes_in_order() -> None:
    """A digit is an ordinal number: the next one is the next value of its channel, and of no other."""
    quantizer = FSQConfig(levels=(8, 5, 4)).build()
    for channel, level in enumerate((8, 5, 4)):
        digits = torch.zeros(1, level, 1, 1, 3, dtype=torch.long)
        digits[0, :, 0, 0, channel] = torch.arange(level)
        codes = quantizer.lookup(quantizer.join(digits))[0, :, :, 0, 0]
        assert (codes[channel].diff() > 0).all()
        others = torch.cat([codes[:channel], codes[channel + 1 :]])
        assert (others == others[:, :1]).all()


@pytest.mark.parametrize("value", [-1e30, -4.0, 4.0, 1e30])
def test_latents_of_any_size_have_a_code(value: float) -> None:
    quantizer = FSQConfig(levels=(8, 5)).build()
    quantized = quantizer(torch.full((1, 2, 1, 1, 1), value))
    assert quantized.codes.isfinite().all()
    assert 0 <= quantized.indices.item() < 40
    assert torch.equal(quantizer.lookup(quantized.indices), quantized.codes)


def test_gradients_pass_through() -> None:
    latents = torch.randn(2, 3, 1, 3, 3, requires_grad=True)
    FSQConfig(levels=(8, 5, 4)).build()(latents).codes.square().sum().backward()
    assert latents.grad is not None and (latents.grad != 0).any()


@pytest.mark.parametrize("levels", [(), (1,), (8, 2), (8, 0), (8, -3)])
def test_levels_that_quantize_nothing_are_refused(levels: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"quantizer\.levels=.*3 or more"):
        FSQConfig(levels=levels)
