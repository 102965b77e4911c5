"""The autoregressive twin: nothing sees what comes later, and what is kept of the past changes nothing."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from marey.core.errors import UserError
from marey.dynamics.autoregressive import Autoregressive, AutoregressiveConfig
from marey.dynamics.decode import fill
from marey.dynamics.guidance import Guidance
from marey.dynamics.sequence import Layout, Sequence
from marey.dynamics.transformer import Batch
from tests.dynamics.small import LAYOUT, half_known, rows
from tests.tokens.small import shaken

LAYOUTS = {
    "numbers": LAYOUT,
    "names": replace(LAYOUT, ordinal=False),
    "one name": replace(LAYOUT, levels=(160,), ordinal=False),
    "bits": replace(LAYOUT, levels=(2, 2, 2, 2), ordinal=False),
}
CONFIG = AutoregressiveConfig(width=32, depth=2, heads=2)


def model_of(layout: Layout = LAYOUT) -> Autoregressive:
    model = shaken(CONFIG.build(layout))
    assert isinstance(model, Autoregressive)
    return model


def ends_of(model: Autoregressive, sequence: Sequence, row: Tensor) -> tuple[Tensor, Tensor]:
    """The plain twin of decoding: one pass over a whole row, nothing kept; what comes out at each place, and trends."""
    pasts = model.pasts()
    list(model._read(sequence, pasts))
    values, known = (list(model.layout.parts(part))[-1] for part in (row, sequence.known))
    trends = model.turns.prospects(values, known)
    ends = model._through(model.turns.follow(values, trends, slice(None)), pasts)
    return ends.unflatten(1, values.shape[1:]), trends


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_kept_keys_and_values_change_nothing(layout: Layout, share: float) -> None:
    """At temperature 0 each value drawn beside a memory is the one that a pass over the whole row draws again."""
    model, sequence = model_of(layout), half_known(3, share=share, layout=layout)
    row = fill(model, sequence, temperature=0.0)
    assert torch.equal(row[sequence.known], sequence.values[sequence.known])
    ends, trends = ends_of(model, sequence, row)
    draws = [
        [model.turns.draw_in_turn(ends[:, c, f], trends[:, c], f, 0.0, None) for f in range(ends.shape[2])]
        for c in range(ends.shape[1])
    ]
    again = torch.stack([each for cell in draws for each in cell], dim=1)
    hidden = ~sequence.known[:, layout.slice("video")]
    assert torch.equal(again[hidden], row[:, layout.slice("video")][hidden])


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_nothing_sees_what_comes_later(layout: Layout) -> None:
    model, sequence = model_of(layout), half_known(2, share=0.2, layout=layout)
    video = layout.slice("video")
    one, other = rows(2, seed=5, layout=layout), rows(2, seed=6, layout=layout)
    for place in (0, 7, video.stop - video.start - 1):
        later = torch.arange(one.shape[1]) >= video.start + place
        both = [torch.where(sequence.known, sequence.values, torch.where(later, row, one)) for row in (one, other)]
        before, after = (ends_of(model, sequence, row)[0].flatten(1, 2)[:, : place + 1] for row in both)
        assert torch.allclose(before, after, atol=1e-5)
    whole = [ends_of(model, sequence, row)[0] for row in both]
    assert torch.allclose(*whole, atol=1e-5)  # the last element is seen by nobody
    moved = torch.where(sequence.known, sequence.values, other)
    assert not torch.allclose(whole[0], ends_of(model, sequence, moved)[0], atol=1e-3)


@torch.no_grad()
def test_its_loss_is_that_of_what_is_asked() -> None:
    model, sequence, targets = model_of(), half_known(4), rows(4)
    targets = torch.where(sequence.known, sequence.values, targets)
    batch = Batch(sequence, targets, ~sequence.known)
    ends, trends = ends_of(model, sequence, targets)
    video = list(LAYOUT.parts(targets))[-1]
    asked = list(LAYOUT.parts(batch.asked))[-1]
    nats = model.turns.nats_in_turn(ends, trends, video)
    assert torch.allclose(model(batch).parts["video"], nats[asked].mean(), atol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_what_it_draws_is_as_likely_as_its_loss_says(layout: Layout) -> None:
    """The first element, drawn many times, is each value as often as the loss of that value says."""
    layout = replace(layout, grid=(2, 1, 2))
    model, sequence = model_of(layout), half_known(1, share=0.0, layout=layout)
    many = Sequence(*(part.expand(2000, -1).clone() for part in (sequence.values, sequence.known, sequence.condition)))
    first = layout.slice("video").start
    full = torch.ones_like(many.known)
    full[:, first] = False  # only the first element is asked: the others are as good as given, and come later
    drawn = fill(model, replace(many, known=full), generator=torch.Generator().manual_seed(0))[:, first]
    ends, trends = ends_of(model, replace(sequence, known=full[:1]), sequence.values)
    level = layout.levels[0]
    each = torch.arange(level)[:, None].expand(-1, layout.slice("video").stop - first)
    value = each.unflatten(1, (-1, len(layout.levels))) * (torch.arange(len(layout.levels)) == 0)
    spread = [part.expand(level, *part.shape[1:]) for part in (ends, trends)]
    probability = (-model.turns.nats_in_turn(*spread, value)[:, 0, 0]).exp()
    assert torch.allclose(probability.sum(), torch.tensor(1.0), atol=1e-4)
    found = torch.bincount(drawn, minlength=level) / len(drawn)
    assert (found - probability).abs().max() < 0.04


def test_a_seed_decides_and_the_class_is_filled_too() -> None:
    model, sequence = model_of(), half_known(4, share=0.1)
    sequence.known[:2, LAYOUT.slice("class")] = False
    runs = [fill(model, sequence, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(runs[0], runs[1]) and not torch.equal(runs[0], runs[2])
    assert torch.equal(runs[0][sequence.known], sequence.values[sequence.known])
    full = replace(sequence, known=torch.ones_like(sequence.known))
    assert torch.equal(fill(model, full, temperature=0.0), sequence.values)


def test_its_class_token_is_read_off_the_first_part() -> None:
    model, sequence = model_of(), half_known(3)
    logits = model.class_logits(sequence)
    assert logits.shape == (3, LAYOUT.laws) and len(logits.unique(dim=0)) == 3


def test_it_can_learn_a_batch_by_heart() -> None:
    sequence, targets = half_known(4, share=0.2), rows(4)
    targets = torch.where(sequence.known, sequence.values, targets)
    torch.manual_seed(1)
    model, batch = CONFIG.build(LAYOUT), Batch(sequence, targets, ~sequence.known)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    first = model(batch).total.item()
    for _ in range(60):
        optimizer.zero_grad()
        loss = model(batch).total
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    assert loss.item() < first / 4
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_it_cannot_be_guided() -> None:
    with pytest.raises(UserError, match=r"^guidance=1\.0: only a parallel model"):
        fill(model_of(), half_known(2), guidance=Guidance(1.0, torch.tensor([3, 3])))
