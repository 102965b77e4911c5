"""Muon against torch's own, and against what it promises of a matrix."""

import pytest
import torch
from torch import nn

from marey.train.muon import Muon, orthogonal


def matrices() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((24, 8), (8, 24), (12, 12))]


@pytest.mark.parametrize(("precision", "near"), [("bfloat16", 0.0), ("float32", 0.01)])
def test_steps_are_those_of_torch(precision: str, near: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly so in torch's own precision; in float32 as near as bfloat16 lets torch come."""
    monkeypatch.setattr("marey.train.muon.products", lambda precision, _: getattr(torch, precision))
    ours, theirs = matrices(), matrices()
    mine = Muon(ours, 0.1, 0.02, precision)
    their = torch.optim.Muon(theirs, 0.1, weight_decay=0.02, adjust_lr_fn="match_rms_adamw")
    for step in range(5):
        for pair in zip(ours, theirs, strict=True):
            for matrix in pair:
                matrix.grad = torch.randn(matrix.shape, generator=torch.Generator().manual_seed(step))
        mine.step()
        their.step()
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, atol=near, rtol=0)
    for one, other in zip(ours, theirs, strict=True):
        assert mine.state[one].keys() == their.state[other].keys()


@pytest.mark.parametrize("shape", [(24, 8), (8, 24), (12, 12)])
def test_a_step_turns_but_hardly_stretches(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    made = u.T @ orthogonal(100 * matrix) @ v.T
    assert (made - made.diag().diag()).abs().max() < 1e-4
    assert made.diag().min() > 0.65 and made.diag().max() < 1.25


def test_a_matrix_without_gradient_stays() -> None:
    still, moved, _ = matrices()
    before = still.detach().clone(), moved.detach().clone()
    moved.grad = torch.ones_like(moved)
    Muon([still, moved], 0.1, 0.5).step()
    assert torch.equal(still, before[0]) and not torch.equal(moved, before[1])
