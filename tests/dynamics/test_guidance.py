"""Guidance: towards the class, without making the impossible possible."""

import pytest
import torch

from marey.core.errors import UserError
from marey.dynamics.decode import ByConfidence, fill
from marey.dynamics.guidance import Guidance, guided
from marey.dynamics.transformer import DynamicsConfig
from tests.dynamics.small import LAYOUT, Loyal, Watched, half_known

UNTOLD = torch.tensor([3, 3, 3, 3] * 8)


def test_guided_probabilities_are_those_of_the_formula() -> None:
    told, untold = torch.rand(5, 9), torch.rand(5, 9)  # all within a factor of e of each other
    p, q = told.softmax(dim=-1), untold.softmax(dim=-1)
    for weight in (0.0, 0.5, 3.0):
        wanted = p ** (1 + weight) / q**weight
        wanted = wanted / wanted.sum(dim=-1, keepdim=True)
        assert torch.allclose(guided(told, untold, weight).exp(), wanted, atol=1e-6)


def test_what_is_not_plausible_stays_so() -> None:
    """Where the tail without the class falls faster, the bare formula would draw from the tail."""
    place = torch.arange(64.0)
    told, untold = -place / 2, -place
    assert ((1 + 3) * told - 3 * untold).argmax() == 63
    probability = guided(told, untold, 3.0)
    assert probability[20:].isinf().all() and probability[:10].isfinite().all()
    assert torch.allclose(probability.exp().sum(), torch.tensor(1.0))
    barred = torch.tensor([0.0, -torch.inf, 0.5])
    assert guided(barred, barred, 2.0).exp()[1] == 0


@pytest.mark.parametrize("order", [None, ByConfidence()])
def test_more_guidance_is_more_of_the_class(order: ByConfidence | None) -> None:
    sequence, model = half_known(32, share=0.0), Loyal(DynamicsConfig(), LAYOUT)
    sequence.known[:, LAYOUT.slice("class")] = True
    sequence.values[:, LAYOUT.slice("task")] = 1
    sequence.values[:, LAYOUT.slice("class")] = torch.arange(32)[:, None] % 4
    video, found = LAYOUT.slice("video"), []
    for weight in (1e-6, 1.0, 4.0):
        guidance = Guidance(weight, UNTOLD)
        row = fill(model, sequence, steps=3, generator=torch.Generator().manual_seed(0), guidance=guidance, order=order)
        found.append((row[:, video] == sequence.values[:, LAYOUT.slice("class")]).float().mean().item())
    assert found == sorted(found) and found[2] > 0.9 > found[1] > found[0] + 0.1


def test_no_weight_is_no_guidance() -> None:
    sequence, model = half_known(4), Watched()
    rows = [
        fill(model, sequence, steps=4, generator=torch.Generator().manual_seed(0), guidance=guidance)
        for guidance in (None, Guidance(0.0, UNTOLD[:4]))
    ]
    assert torch.equal(*rows) and len(model.seen) == 8


def test_the_sequence_without_its_class() -> None:
    sequence = half_known(4)
    sequence.known[:, LAYOUT.slice("class")] = True
    untold = LAYOUT.untold(sequence, UNTOLD[:4])
    video = LAYOUT.slice("video")
    assert (untold.values[:, LAYOUT.slice("task")] == 3).all() and untold.known[:, LAYOUT.slice("task")].all()
    assert not untold.known[:, LAYOUT.slice("class")].any() and not untold.values[:, LAYOUT.slice("class")].any()
    assert torch.equal(untold.values[:, video], sequence.values[:, video])
    assert sequence.known[:, LAYOUT.slice("class")].all()  # the argument is left alone


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_strange_weight_is_refused(weight: float) -> None:
    with pytest.raises(UserError, match=r"^guidance=.*0 \(none\) or more"):
        Guidance(weight, UNTOLD)
