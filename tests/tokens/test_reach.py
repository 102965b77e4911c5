"""Which latents depend on which pixels: compared with pixels that are not numbers, which spoil all they reach."""

import pytest
import torch

from tests.tokens.small import KINDS, SIZE, noise, tokenizer_of


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.01, 0.3])
def test_latents_are_settled_where_nothing_hidden_reaches_them(kind: str, share: float) -> None:
    tokenizer, frames = tokenizer_of(kind), KINDS[kind][1]
    generator = torch.Generator().manual_seed(1)
    blocks = torch.rand(24, frames, SIZE // 4, SIZE // 4, generator=generator) < share  # of 4 x 4 pixels
    hidden = blocks.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
    video = noise(24, frames).masked_fill(hidden[:, None], torch.nan)
    spoiled = tokenizer.encoder(video).isnan().any(dim=1)
    assert torch.equal(tokenizer.settled(~hidden), ~spoiled)
    assert spoiled.any() and not spoiled.all()


@pytest.mark.parametrize("kind", KINDS)
def test_whole_frames_are_a_special_case(kind: str) -> None:
    tokenizer, frames = tokenizer_of(kind), KINDS[kind][1]
    shown = torch.rand(24, frames, 1, 1, generator=torch.Generator().manual_seed(1)) < 0.8
    settled = tokenizer.settled(shown)
    assert settled.shape[2:] == (1, 1)
    pixels = tokenizer.settled(shown.expand(-1, -1, SIZE, SIZE))
    assert torch.equal(pixels, settled.expand_as(pixels))
