"""Elements that are names: a class, a code of a small codebook, the bits of a code."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from marey.dynamics.segments import Names
from marey.dynamics.sequence import Layout, Segment
from marey.dynamics.transformer import Dynamics, DynamicsConfig
from tests.dynamics.small import LAYOUT, half_known, rows
from tests.tokens.small import shaken

LEVELS = (5, 2, 3)
SEGMENT = Segment("video", (4, 1, 1), LEVELS, ordinal=False)
LAYOUTS = {
    "one name": replace(LAYOUT, levels=(160,), ordinal=False),
    "bits": replace(LAYOUT, levels=(2, 2, 2), ordinal=False),
    "factors": replace(LAYOUT, ordinal=False),
}


def names() -> Names:
    module = shaken(Names(SEGMENT, width=16))
    assert isinstance(module, Names)
    return module


def some(seed: int = 0, batch: int = 3) -> tuple[Tensor, Tensor]:
    """Values, and tokens as they leave the last block."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.stack([torch.randint(level, (batch, 4), generator=generator) for level in LEVELS], dim=-1)
    return values, torch.randn(batch, 4, 16, generator=generator)


def test_each_element_has_a_table_and_a_softmax_of_its_own() -> None:
    module, (values, tokens) = names(), some()
    shown = torch.rand(values.shape, generator=torch.Generator().manual_seed(1)) < 0.5
    never = torch.zeros_like(shown)
    first, plain, read = 0, torch.zeros_like(tokens), []
    for f, level in enumerate(LEVELS):
        table = module.table.weight[first + f : first + f + level + 1]  # the last row is for what is hidden
        plain = plain + table[values[..., f].where(shown[..., f], level)]
        read.append(tokens @ module.read.weight[first : first + level].T + module.read.bias[first : first + level])
        first += level
    assert torch.allclose(module.embed(values, shown, never, None), plain, atol=1e-5)
    logits, nats = module.logits(tokens, None), module.nats(tokens, None, values)
    assert logits.shape == (3, 4, 3, 5)
    for f, level in enumerate(LEVELS):
        assert torch.allclose(logits[:, :, f, :level], read[f], atol=1e-5)
        assert (logits[:, :, f, level:] == -torch.inf).all()
        wanted = -read[f].log_softmax(dim=-1).gather(-1, values[..., f : f + 1])[..., 0]
        assert torch.allclose(nats[..., f], wanted, atol=1e-5)


def test_names_are_drawn_as_often_as_their_probability_says() -> None:
    module, tokens = names(), some(batch=1)[1]
    probability, many = module.logits(tokens, None).softmax(dim=-1)[0], 4000
    drawn = module.draw(tokens.expand(many, -1, -1), None, 1.0, torch.Generator().manual_seed(3))
    for place in range(4):
        for f, level in enumerate(LEVELS):
            found = torch.bincount(drawn[:, place, f], minlength=level) / many
            assert (found - probability[place, f, :level]).abs().max() < 0.04
    cold = module.draw(tokens, None, 0.0, None)
    assert torch.equal(cold[0], probability.argmax(dim=-1))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@torch.no_grad()
def test_what_is_hidden_is_not_seen_and_a_hint_is_not_knowledge(layout: Layout) -> None:
    model = shaken(Dynamics(DynamicsConfig(width=32, depth=2, heads=2), layout))
    sequence, other = half_known(3, layout=layout), rows(3, seed=9, layout=layout)
    logits = model.logits(sequence).nan_to_num(neginf=0)
    unseen = replace(sequence, values=sequence.values.where(sequence.known, other))
    assert torch.equal(model.logits(unseen).nan_to_num(neginf=0), logits)
    hint = ~sequence.known
    hint[:, layout.slice("class")] = False
    hinted = replace(unseen, condition=hint)
    known = replace(unseen, known=sequence.known | hint)
    seen = [model.logits(each).nan_to_num(neginf=0) for each in (hinted, known)]
    assert not any(torch.allclose(a, b, atol=1e-3) for a, b in ((seen[0], logits), (seen[1], logits), tuple(seen)))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_guesses_are_as_sure_as_the_probabilities_say(layout: Layout) -> None:
    model = shaken(Dynamics(DynamicsConfig(width=32, depth=2, heads=2), layout))
    sequence = half_known(3, layout=layout)
    made = model.guess(sequence, generator=torch.Generator().manual_seed(0))
    wanted = model.logits(sequence).log_softmax(dim=-1).gather(-1, made.values[..., None])[..., 0]
    assert torch.allclose(made.confidence, wanted, atol=1e-4)
