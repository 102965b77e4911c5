"""The transformer by its laws: what is hidden is not seen, only what is asked counts, and it can learn."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from marey.core.errors import UserError
from marey.dynamics.sequence import Layout, Sequence
from marey.dynamics.transformer import Batch, Dynamics, DynamicsConfig
from marey.train.parts import part
from tests.dynamics.small import LAYOUT, LEVELS, half_known, rows
from tests.tokens.small import shaken


def model_of(layout: Layout = LAYOUT) -> Dynamics:
    return shaken(Dynamics(DynamicsConfig(), layout))


def batch_of(sequence: Sequence, targets: Tensor) -> Batch:
    return Batch(sequence, targets, ~sequence.known)


def test_every_element_has_logits_for_its_levels() -> None:
    logits = model_of().logits(half_known(2))
    assert logits.shape == (2, LAYOUT.elements, 8)
    possible = torch.arange(8) < LEVELS[:, None]
    assert logits[:, possible].isfinite().all()
    assert (logits[:, ~possible] == -torch.inf).all()


def test_the_logits_of_the_class_are_those_of_its_element() -> None:
    model, sequence = model_of(), half_known(3)
    element = LAYOUT.slice("class").start
    assert torch.equal(model.class_logits(sequence), model.logits(sequence)[:, element, : LAYOUT.laws])


@torch.no_grad()
def test_what_is_hidden_is_not_seen() -> None:
    """A leak in the mask: any value at a hidden element must give the same logits."""
    sequence, model = half_known(4), model_of()
    logits = model.logits(sequence)
    other = replace(sequence, values=torch.where(sequence.known, sequence.values, rows(4, seed=9)))
    assert not torch.equal(other.values, sequence.values)
    assert torch.equal(model.logits(other), logits)


@torch.no_grad()
def test_what_is_known_is_seen() -> None:
    """Each known element moves the logits of others, in its own frame and in the others."""
    sequence, model = half_known(1), model_of()
    logits = model.logits(sequence)
    other = rows(1, seed=9)
    for element in sequence.known[0].nonzero()[:, 0].tolist()[::9]:
        values = sequence.values.clone()
        values[0, element] = (values[0, element] + 1 + other[0, element] % 3) % LEVELS[element]
        moved = (model.logits(replace(sequence, values=values)) - logits).nan_to_num(0).abs().amax(dim=-1)[0]
        assert (moved > 1e-5).float().mean() > 0.9, element


@torch.no_grad()
def test_a_condition_is_seen_and_is_not_knowledge() -> None:
    sequence, model = half_known(2), model_of()
    condition = ~sequence.known
    condition[:, LAYOUT.slice("class")] = False
    hinted = replace(sequence, values=torch.where(condition, rows(2), sequence.values), condition=condition)
    other = replace(hinted, values=torch.where(condition, rows(2, seed=5), sequence.values))
    sure = replace(hinted, known=sequence.known | condition, condition=torch.zeros_like(condition))
    seen = [model.logits(each).nan_to_num(neginf=0) for each in (sequence, hinted, other, sure)]
    for i in range(4):
        assert not any(torch.allclose(seen[i], seen[j], atol=1e-4) for j in range(i))


@torch.no_grad()
def test_clips_of_a_batch_do_not_meet() -> None:
    sequence, model = half_known(4), model_of()
    together = model.logits(sequence)
    for i in range(4):
        one = Sequence(*(part[i : i + 1] for part in (sequence.values, sequence.known, sequence.condition)))
        assert torch.allclose(model.logits(one)[0], together[i], atol=1e-4)


@torch.no_grad()
def test_only_asked_elements_count() -> None:
    sequence, targets, model = half_known(4), rows(4), model_of()
    batch = batch_of(sequence, targets)
    loss = model(batch).total
    unasked = torch.where(batch.asked, targets, rows(4, seed=5))
    asked = torch.where(batch.asked, rows(4, seed=5), targets)
    assert torch.equal(model(replace(batch, targets=unasked)).total, loss)
    assert not torch.isclose(model(replace(batch, targets=asked)).total, loss)
    fewer = batch.asked & (torch.rand(batch.asked.shape) < 0.5)
    assert not torch.isclose(model(replace(batch, asked=fewer)).total, loss)


@pytest.mark.parametrize("name", ["class", "video"])
def test_a_batch_that_asks_for_one_kind_only_has_a_loss(name: str) -> None:
    """Small batches may ask for no class at all, or for nothing else."""
    values = rows(2)
    asked = torch.zeros(values.shape, dtype=torch.bool)
    asked[:, LAYOUT.slice(name)] = True
    loss = model_of()(Batch(Sequence(values, ~asked, torch.zeros_like(asked)), values, asked))
    assert loss.total.isfinite() and loss.total > 0
    assert all(part.isfinite() for part in loss.parts.values()), loss.parts


def test_what_a_batch_goes_without_is_neither_seen_nor_asked() -> None:
    torch.manual_seed(0)
    sequence, targets = half_known(4), rows(4)
    hidden = torch.rand(targets.shape) < 0.3
    without = batch_of(sequence, targets).without(hidden)
    assert not (without.asked & hidden).any() and not (without.sequence.known & hidden).any()
    other = torch.where(hidden, (targets + 1) % 2, targets)
    changed = replace(sequence, values=torch.where(hidden, other, sequence.values))
    model = model_of().eval()
    assert model(without).total == model(batch_of(changed, other).without(hidden)).total
    assert model(without).total != model(batch_of(sequence, targets)).total


def test_it_can_learn_a_batch_by_heart() -> None:
    sequence, targets = half_known(4), rows(4)
    batch = batch_of(sequence, targets)
    model = Dynamics(DynamicsConfig(), LAYOUT)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    first = model(batch).total.item()
    for _ in range(60):
        optimizer.zero_grad()
        loss = model(batch).total
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    right = (model.logits(sequence).argmax(dim=-1) == targets)[batch.asked].float().mean()
    assert loss.item() < first / 5
    assert right > 0.95


def test_a_width_that_heads_cannot_share_is_refused() -> None:
    with pytest.raises(UserError, match=r"dynamics\.width=100.*dynamics\.heads=3"):
        DynamicsConfig(width=100, heads=3)


def test_the_loss_of_a_batch_is_the_mean_over_its_parts() -> None:
    """Though different numbers of elements are asked in each: of one clip none but its class."""
    sequence, model = half_known(6), model_of()
    sequence.known[0] = True
    sequence.known[0, LAYOUT.slice("class")] = False
    batch = batch_of(sequence, rows(6, seed=5))
    whole, parts = model(batch), [model(part(batch, index, 3)) for index in range(3)]
    torch.testing.assert_close(torch.stack([each.total for each in parts]).mean(), whole.total)
    for name, value in whole.parts.items():
        torch.testing.assert_close(torch.stack([each.parts[name] for each in parts]).mean(), value)
    alone = [model(replace(part(batch, index, 3), all_asked=None)).total for index in range(3)]
    assert (torch.stack(alone).mean() - whole.total).abs() > 1e-3  # a mean of means is another number
