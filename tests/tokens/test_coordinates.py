"""Coordinates as tokens: rounded, each frame by itself, and nothing more."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from marey.tokens.coordinates import CoordinateTokenizer
from marey.tokens.quantizers import FSQConfig

LEVELS = (1024, 512, 999)
TOKENIZER = CoordinateTokenizer(FSQConfig(levels=LEVELS))


def clips(seed: int, most: float = 0.99) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (2 * torch.rand(6, 3, 8, 1, 1, generator=generator) - 1) * most


@given(st.integers(0, 1000))
def test_a_coordinate_moves_by_half_a_level_at_most(seed: int) -> None:
    video = clips(seed)
    rounded = TOKENIZER.decode(TOKENIZER.encode(video).indices)
    half = torch.tensor([0.5 / (level // 2) for level in LEVELS])[:, None, None, None]
    error = (rounded - video).abs()
    assert (error <= 1.03 * half).all()  # FSQ stretches its range by a thousandth
    assert (error > 0.3 * half).any()


def test_indices_are_digits_in_range_even_at_the_border() -> None:
    quantizer = TOKENIZER.quantizer
    video = torch.tensor([-0.99, 0.99, 0.0]).view(3, 1, 1, 1, 1).expand(3, 3, 8, 1, 1)
    indices = TOKENIZER.encode(video).indices
    digits = quantizer.split(indices)
    assert torch.equal(quantizer.join(digits), indices)
    assert (digits >= 0).all() and (digits < torch.tensor(LEVELS)).all()
    assert torch.equal(quantizer.lookup(indices), TOKENIZER.encode(video).codes)


def test_a_frame_tells_nothing_of_another() -> None:
    assert TOKENIZER.local
    shown = torch.rand(4, 8) < 0.5
    assert torch.equal(TOKENIZER.settled(shown), shown)
    video = clips(1)
    other = video.clone()
    other[:, :, 3:] = clips(2)[:, :, 3:]
    before, after = TOKENIZER.encode(video).indices, TOKENIZER.encode(other).indices
    assert before.shape == (6, 8, 1, 1)
    assert torch.equal(before[:, :3], after[:, :3]) and not torch.equal(before, after)


def test_nothing_of_it_is_used_that_could_be_learned() -> None:
    assert not list(TOKENIZER.encoder.parameters()) and not list(TOKENIZER.decoder.parameters())
