"""Digits as numbers: the trends they follow, and that what is drawn is what the probabilities say."""

import numpy as np
import pytest
import torch
from torch import Tensor

from marey.dynamics.segments import _HELD, _PENALTIES, _USUAL, Digits, Trends
from marey.dynamics.sequence import Segment
from tests.tokens.small import shaken

FRAMES, LEVELS = 8, (64, 9)
SEGMENT = Segment("video", (FRAMES, 1, 1), LEVELS, ordinal=True)


def digits() -> Digits:
    torch.manual_seed(0)
    module = shaken(Digits(SEGMENT, width=16))
    assert isinstance(module, Digits)
    return module


def some(batch: int, share: float) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    values = torch.stack([torch.randint(level, (batch, FRAMES), generator=generator) for level in LEVELS], dim=-1)
    return values, torch.rand(values.shape, generator=generator) < share


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_trends_are_ridge_regressions_on_what_is_shown(share: float) -> None:
    values, shown = some(6, share)
    module = digits()
    trends, numbers = module.trends(values, shown).polynomials, module._numbers(values)
    basis = np.polynomial.legendre.legvander(np.linspace(-1, 1, FRAMES), 3)
    for b in range(6):
        for f in range(len(LEVELS)):
            seen = shown[b, :, f].numpy()
            for degree in range(4):
                full, part = basis[:, : degree + 1], basis[seen, : degree + 1]
                normal = part.T @ part + np.diag(_PENALTIES[: degree + 1])
                plain = full @ np.linalg.solve(normal, part.T @ numbers[b, seen, f].numpy())
                np.testing.assert_allclose(trends[b, :, f, degree], plain.clip(-1.5, 1.5), atol=1e-6)


def test_an_even_motion_is_gone_on_with() -> None:
    """From the first half of a parabola the trend of degree 2 says the rest."""
    place = (np.linspace(-0.6, 0.5, FRAMES) ** 2 - 0.3) * 2
    values = torch.zeros(1, FRAMES, 2, dtype=torch.long)
    values[0, :, 0] = torch.from_numpy((place + 1) / 2 * 64).long()
    shown = torch.zeros(1, FRAMES, 2, dtype=torch.bool)
    shown[:, :6] = True
    trend = digits().trends(values, shown).polynomials[0, :, 0, 2].numpy()
    assert np.abs(trend - place).max() < 0.1 < np.abs(trend.mean() - place).max()


def test_three_frames_of_thirty_two_tell_a_speed() -> None:
    """The slope is not made smaller than what was seen, though so short a stretch says little of it."""
    torch.manual_seed(0)
    module = Digits(Segment("video", (32, 1, 1), (1 << 15,), ordinal=True), width=16)
    place = np.linspace(-0.8, 0.9, 32)
    values = torch.from_numpy((place + 1) / 2 * (1 << 15)).long()[None, :, None]
    shown = (torch.arange(32) < 3)[None, :, None]
    assert np.abs(module.trends(values, shown).polynomials[0, :, 0, 1].numpy() - place).max() < 1e-3


def test_what_is_shown_of_another_digit_has_no_say() -> None:
    values, shown = some(4, 0.6)
    module, other = digits(), values.clone()
    other[..., 1] = (other[..., 1] + 1) % LEVELS[1]
    one, same = (module.trends(each, shown).polynomials[..., 0, :] for each in (values, other))
    assert torch.equal(one, same)


def test_values_are_drawn_as_often_as_their_probability_says() -> None:
    module, (values, shown) = digits(), some(1, 0.5)
    tokens = torch.randn(1, FRAMES, 16, generator=torch.Generator().manual_seed(2))
    trends = module.trends(values, shown)
    probability = module.logits(tokens, trends).softmax(dim=-1)[0]
    many, generator = 4000, torch.Generator().manual_seed(3)
    drawn = module.draw(tokens.expand(many, -1, -1), repeated(trends, many), 1.0, generator)
    for frame in range(FRAMES):
        for f, level in enumerate(LEVELS):
            found = torch.bincount(drawn[:, frame, f], minlength=level) / many
            assert (found - probability[frame, f, :level]).abs().max() < 0.05
            assert drawn[:, frame, f].max() < level
    cold = module.draw(tokens, trends, 0.0, generator)
    assert torch.equal(cold, module.draw(tokens, trends, 0.0, None))


def repeated(trends: Trends, many: int) -> Trends:
    return Trends(*(each.expand(many, *each.shape[1:]) for each in (trends.polynomials, trends.scale)))


def moving(size: float, shown: int) -> tuple[Tensor, Tensor]:
    """A parabola about 0 in one of a thousand levels each, of which the first frames are shown."""
    time = torch.linspace(-1, 1, FRAMES)
    place = size * torch.stack([time, time**2 - 1 / 3], dim=-1)[None]
    known = (torch.arange(FRAMES) < shown)[None, :, None].expand(1, -1, 2)
    return ((place + 1) / 2 * 1000).long(), known


def scaled_digits() -> Digits:
    torch.manual_seed(0)
    return Digits(Segment("video", (FRAMES, 1, 1), (1000, 1000), ordinal=True), width=16, scaled=True)


def test_the_scale_is_how_far_the_digits_of_a_place_move_in_what_is_shown() -> None:
    module = scaled_digits()
    for size, shown in ((0.2, 8), (0.8, 8), (0.5, 3)):
        values, known = moving(size, shown)
        seen = module._numbers(values)[0, :shown].numpy()
        squares = ((seen - seen.mean(axis=0)) ** 2).sum()
        expected = np.sqrt((squares / _USUAL**2 + _HELD) / (2 * (shown - 1) + _HELD))
        np.testing.assert_allclose(module.trends(values, known).scale, expected, rtol=1e-5)
    for shown in (0, 1):
        assert (module.trends(*moving(0.5, shown)).scale == 1).all()
    still = module.trends(torch.full((1, FRAMES, 2), 700), torch.ones(1, FRAMES, 2, dtype=torch.bool)).scale
    assert 0 < still.max() < 0.3
    plain = Digits(Segment("video", (FRAMES, 1, 1), (1000, 1000), ordinal=True), width=16)
    assert (plain.trends(*moving(0.2, 8)).scale == 1).all()


def test_a_motion_twice_as_large_is_gone_on_with_twice_as_far() -> None:
    """Beside its trends: by the same tokens, the bells are twice as far off and twice as wide."""
    module, tokens = scaled_digits(), torch.randn(1, FRAMES, 16)
    module.read.weight.data.normal_()
    small, large = (module.trends(*moving(size, 6)) for size in (0.3, 0.6))
    ratio = large.scale / small.scale
    assert (ratio > 1.9).all()
    none = torch.zeros_like(small.polynomials)
    ours, theirs = (module._outcome(tokens, Trends(none, each.scale)) for each in (small, large))
    torch.testing.assert_close(theirs.mean, ours.mean * ratio[..., None])
    inside = (ours.log_scale > -6) & (theirs.log_scale < 2)
    torch.testing.assert_close(
        (theirs.log_scale - ours.log_scale)[inside], ratio.log()[..., None].expand_as(inside)[inside]
    )


def test_where_products_are_coarse_digits_are_not() -> None:
    torch.manual_seed(0)
    segment = Segment("video", (8, 1, 1), (1024, 1024, 1024), ordinal=True)
    digits, generator = Digits(segment, 32), torch.Generator().manual_seed(0)
    values = torch.randint(0, 1024, (64, 8, 3))
    known = torch.rand(64, 8, 3) < 0.5
    trends = digits.trends(values, known)
    inputs = values, known, torch.zeros_like(known), trends
    tokens = digits.embed(*inputs)
    told = [digits.nats(tokens, trends, values), digits.draw(tokens, trends, 1.0, generator)]
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(digits.trends(values, known).polynomials, trends.polynomials, rtol=0, atol=0)
        torch.testing.assert_close(digits.embed(*inputs), tokens, rtol=0, atol=0)
        again = [digits.nats(tokens, trends, values), digits.draw(tokens, trends, 1.0, generator.manual_seed(0))]
    for ours, theirs in zip(again, told, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
