"""Two players: each moves by its own loss only, once a step, and one of them is kept."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from marey.core.errors import UserError
from marey.train import Loss, TrainConfig, load_weights
from marey.train.sealed import read_sealed
from tests.train.test_resume import StoppedError, outcome
from tests.train.toy import CONFIG, batch_of, run

ONE = TrainConfig(
    steps=1, batch_size=1, learning_rate=0.01, adversary_learning_rate=0.03, warmup_steps=0, weight_decay=0.0
)
DUEL = replace(CONFIG, adversary_learning_rate=0.02)


class Tug(nn.Module):
    """Each loss pulls the other player's parameter, and harder, to where its own loss does not want it."""

    def __init__(self) -> None:
        super().__init__()
        self.ours = nn.Parameter(torch.zeros(1))
        self.adversary = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.adversary.weight)
        self.turns: list[str] = []

    def forward(self, batch: object) -> Loss:
        self.turns.append("ours")
        return Loss((self.ours - 5 * self.adversary.weight).sum())

    def adversary_loss(self, batch: object) -> Loss:
        self.turns.append("theirs")
        return Loss((2 * self.adversary.weight - 7 * self.ours).sum(), {"weight": self.adversary.weight.sum()})


class Duel(nn.Module):
    """A curve is drawn; the adversary tells its points from the true ones."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.curve = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
        self.adversary: nn.Module | None = nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), nn.Linear(16, 1))

    def forward(self, batch: tuple[Tensor, Tensor]) -> Loss:
        x, y = batch
        drawn = self.curve(x)
        error = (drawn - y).square().mean()
        if self.adversary is None:
            return Loss(error)
        return Loss(error - 0.1 * self.adversary(torch.cat([x, drawn], 1)).mean(), {"error": error})

    def adversary_loss(self, batch: tuple[Tensor, Tensor]) -> Loss:
        x, y = batch
        noise = 0.1 * torch.randn_like(y)  # random numbers that a resumed run must draw again
        true, drawn = (self.adversary(torch.cat([x, each], 1)) for each in (y + noise, self.curve(x).detach()))
        return Loss(torch.relu(1 - true).mean() + torch.relu(1 + drawn).mean())


def test_each_player_moves_by_its_own_loss_and_once(tmp_path: Path) -> None:
    """AdamW's first step is the learning rate times the gradient's sign: a foreign gradient would turn it round, a
    second step double it."""
    model = Tug()
    run(tmp_path, ONE, model=model)
    state = read_sealed(tmp_path / "checkpoints" / "step-000001.safetensors").tensors
    assert state["model.ours"].item() == pytest.approx(-0.01)
    assert state["model.adversary.weight"].item() == pytest.approx(-0.03)
    assert state["optimizer.ours.exp_avg"].item() == pytest.approx(0.1)  # of its own gradient, 1
    assert state["optimizer.adversary.weight.exp_avg_sq"].item() == pytest.approx(0.01)  # of 2, clipped to 1
    assert model.turns == ["ours", "theirs"]
    row = json.loads((tmp_path / "metrics.jsonl").read_text())
    assert (row["gradient_norm"], row["adversary_gradient_norm"]) == (1, 2)
    assert row["adversary_loss"] == pytest.approx(7 * 0.01)  # it plays second, against what the model has become
    assert row["adversary_weight"] == 0


def test_a_duel_moves_every_parameter_of_both(tmp_path: Path) -> None:
    first = Duel()
    run(tmp_path, DUEL, model=Duel())
    last = read_sealed(tmp_path / "checkpoints" / "step-000012.safetensors").tensors
    for name, value in first.named_parameters():
        assert not torch.equal(value, last[f"model.{name}"]), name


def test_what_is_kept_has_no_adversary(tmp_path: Path) -> None:
    model = run(tmp_path, DUEL, model=Duel())
    assert model.adversary is None
    weights = read_sealed(tmp_path / "weights.safetensors").tensors
    assert weights and not any(name.startswith("adversary") for name in weights)
    state = read_sealed(tmp_path / "checkpoints" / "step-000012.safetensors").tensors
    assert not any(name.startswith("ema.adversary") for name in state)
    loaded = load_weights(Duel(), tmp_path)
    assert loaded.adversary is None
    assert all(torch.equal(loaded.state_dict()[name], value) for name, value in weights.items())


@pytest.mark.parametrize("step", [2, 3, 10])
def test_a_stopped_duel_ends_the_same(step: int, tmp_path: Path) -> None:
    def stopping(now: int, device: torch.device) -> tuple[Tensor, Tensor]:
        if now == step:
            raise StoppedError
        return batch_of(now, device)

    run(tmp_path / "whole", DUEL, model=Duel())
    with pytest.raises(StoppedError):
        run(tmp_path / "stopped", DUEL, model=Duel(), batch_of=stopping)
    run(tmp_path / "stopped", DUEL, model=Duel())
    assert outcome(tmp_path / "stopped") == outcome(tmp_path / "whole")


def test_the_adversary_learns_at_the_models_rate_unless_told(tmp_path: Path) -> None:
    run(tmp_path, replace(ONE, adversary_learning_rate=None), model=Tug())
    state = read_sealed(tmp_path / "checkpoints" / "step-000001.safetensors").tensors
    assert state["model.adversary.weight"].item() == pytest.approx(-0.01)


def test_an_adversary_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    class Lost(Tug):
        def adversary_loss(self, batch: object) -> Loss:
            return Loss((self.adversary.weight * torch.nan).sum())

    with pytest.raises(UserError, match="adversary_loss is nan at step 0"):
        run(tmp_path, ONE, model=Lost())
