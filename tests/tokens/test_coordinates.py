"""Coordinates as tokens: rounded, each frame by itself, and nothing more."""

import pytest
import torch

from marey.tokens.coordinates import CoordinateTokenizer
from marey.tokens.quantizers import FSQConfig

TOKENIZER = CoordinateTokenizer(FSQConfig())


def clips(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (2 * torch.rand(6, 3, 8, 1, 1, generator=generator) - 1) * 0.99


@pytest.mark.parametrize(
    ("levels", "most"), [((1024, 1024, 1024), 0.512), ((512, 64, 999), 1.0)], ids=["1024", "other"]
)
def test_a_coordinate_moves_by_half_a_level_where_there_are_1024(levels: tuple[int, ...], most: float) -> None:
    """FSQ stretches its range by a thousandth, which 1024 levels need to be even; by less than a level elsewhere."""
    tokenizer, video = CoordinateTokenizer(FSQConfig(levels=levels)), clips(0)
    level = torch.tensor([1 / (count // 2) for count in levels])[:, None, None, None]
    error = (tokenizer.decode(tokenizer.encode(video).indices) - video).abs() / level
    assert 0.4 < error.max() <= most


def test_indices_are_digits_in_range_even_at_the_border() -> None:
    quantizer, levels = TOKENIZER.quantizer, torch.tensor(TOKENIZER.config.quantizer.levels)
    video = torch.tensor([-0.99, 0.99, 0.0]).view(3, 1, 1, 1, 1).expand(3, 3, 8, 1, 1)
    indices = TOKENIZER.encode(video).indices
    digits = quantizer.split(indices)
    assert torch.equal(quantizer.join(digits), indices)
    assert (digits >= 0).all() and (digits < levels).all()
    assert torch.equal(quantizer.lookup(indices), TOKENIZER.encode(video).codes)


def test_a_frame_tells_nothing_of_another() -> None:
    assert TOKENIZER.local
    shown = torch.rand(4, 8, 1, 1) < 0.5
    assert torch.equal(TOKENIZER.settled(shown), shown)
    video = clips(1)
    other = video.clone()
    other[:, :, 3:] = clips(2)[:, :, 3:]
    before, after = TOKENIZER.encode(video).indices, TOKENIZER.encode(other).indices
    assert before.shape == (6, 8, 1, 1)
    assert torch.equal(before[:, :3], after[:, :3]) and not torch.equal(before, after)


def test_there_is_nothing_to_learn() -> None:
    assert not list(TOKENIZER.parameters())
