"""The second player: who moves whom, and what keeps it smooth."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from marey.core.errors import UserError
from marey.core.runs import RunFolder
from marey.tokens.adversary import Adversary, AdversaryConfig, LeCamConfig, R1Config
from marey.tokens.quantizers import VQConfig
from marey.tokens.tokenizer import Tokenizer
from marey.train import TrainConfig, load_weights, train
from tests.tokens.small import KINDS, noise

SMALL = AdversaryConfig(widths=(4, 4))
SMOOTH = {"none": R1Config(weight=0.0), "r1": R1Config(weight=0.1), "lecam": LeCamConfig(weight=0.1)}


def playing(regularizer: R1Config | LeCamConfig = SMOOTH["r1"]) -> Tokenizer:
    torch.manual_seed(0)
    config = replace(KINDS["magvit_stride_4"][0], quantizer=VQConfig(codes=16, channels=3))
    return Tokenizer(replace(config, adversary=replace(SMALL, regularizer=regularizer)))


def moved_by(loss: Tensor, tokenizer: Tokenizer) -> set[str]:
    """First words of the names of all parameters that have a gradient."""
    tokenizer.zero_grad()
    loss.backward()
    return {
        name.split(".")[0] for name, each in tokenizer.named_parameters() if each.grad is not None and each.grad.any()
    }


@pytest.mark.parametrize("name", SMOOTH)
def test_each_player_is_moved_by_its_own_loss(name: str) -> None:
    tokenizer = playing(SMOOTH[name])
    for parameter in tokenizer.decoder.parameters():  # it begins as an even page, from which nothing flows back
        torch.nn.init.normal_(parameter, std=0.3)
    assert moved_by(tokenizer(noise(2, 9)).total, tokenizer) == {"encoder", "decoder"}
    assert moved_by(tokenizer(noise(2, 9)).parts["fooled"], tokenizer) >= {"decoder"}
    assert moved_by(tokenizer.adversary_loss(noise(2, 9)).total, tokenizer) == {"adversary"}


def test_a_codebook_moves_in_the_tokenizers_turn_only() -> None:
    tokenizer = playing().train()
    tokenizer(noise(2, 9))
    before = {name: value.clone() for name, value in tokenizer.quantizer.state_dict().items()}
    tokenizer.adversary_loss(noise(2, 9, seed=1))
    assert all(torch.equal(value, before[name]) for name, value in tokenizer.quantizer.state_dict().items())
    assert tokenizer.quantizer.training
    tokenizer(noise(2, 9, seed=1))
    assert any(not torch.equal(value, before[name]) for name, value in tokenizer.quantizer.state_dict().items())


def test_outside_of_training_there_is_no_game() -> None:
    """Nor in weights that have lost their adversary: averaged and finished ones."""
    tokenizer = playing().eval()
    assert "fooled" not in tokenizer(noise(1, 9)).parts
    tokenizer.adversary = None
    assert "fooled" not in tokenizer.train()(noise(1, 9)).parts


def test_fooling_it_lowers_the_tokenizers_loss() -> None:
    """By the weight of its config."""
    tokenizer = playing().train()
    loss = tokenizer(noise(2, 9))
    rest = loss.parts["error"] + 0.01 * loss.parts["latents"] + loss.parts["quantizer"]
    assert torch.isclose(loss.total, rest + SMALL.weight * loss.parts["fooled"])
    assert tokenizer.adversary is not None
    with torch.no_grad():
        tokenizer.adversary.patches[-1].bias.add_(5)  # it takes everything for true
    assert tokenizer(noise(2, 9)).parts["fooled"] < loss.parts["fooled"]


def test_both_learn_and_one_is_kept(tmp_path: Path) -> None:
    """By the training loop: stopped and resumed ends as never stopped, and finished weights hold no adversary."""
    config = TrainConfig(steps=4, batch_size=2, warmup_steps=1, ema_decay=0.9, checkpoint_every=2, log_every=1)

    def train_in(folder: RunFolder, stop: int | None = None) -> Tokenizer:
        def batch_of(step: int, _: torch.device) -> Tensor:
            if step == stop:
                raise KeyboardInterrupt
            return noise(2, 9, seed=step)

        return train(playing(SMOOTH["lecam"]), batch_of, config, folder, 0, torch.device("cpu"))

    whole, stopped = (RunFolder.start(tmp_path / name, config, resume=False) for name in ("whole", "stopped"))
    finished = train_in(whole)
    with pytest.raises(KeyboardInterrupt):
        train_in(stopped, stop=3)
    train_in(stopped)
    files = [folder.path / "weights.safetensors" for folder in (whole, stopped)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert finished.adversary is None and not any(name.startswith("adversary") for name in finished.state_dict())
    rows = [json.loads(line) for line in (whole.path / "metrics.jsonl").read_text().splitlines()]
    assert all({"fooled", "adversary_loss", "adversary_smooth", "adversary_on_true"} <= row.keys() for row in rows)
    fresh = load_weights(playing(SMOOTH["lecam"]), whole.path)
    assert torch.equal(fresh.encode(noise(1, 9)).indices, finished.encode(noise(1, 9)).indices)


@pytest.mark.parametrize("name", SMOOTH)
def test_it_learns_to_tell_decoded_from_true(name: str) -> None:
    torch.manual_seed(0)
    adversary = Adversary(replace(SMALL, regularizer=SMOOTH[name]), channels=1)
    optimizer = torch.optim.Adam(adversary.parameters(), lr=1e-2)
    true, decoded = noise(4, 5), F.avg_pool3d(noise(4, 5, seed=1), 3, 1, 1)
    for _ in range(30):
        optimizer.zero_grad()
        adversary.loss(true, decoded).total.backward()
        optimizer.step()
    parts = adversary.loss(true, decoded).parts
    assert parts["on_true"] > parts["on_decoded"] + 0.05


def test_r1_is_the_squared_slope_on_true_clips() -> None:
    """Beside finite differences, of a verdict that is not linear."""
    torch.manual_seed(0)
    adversary = Adversary(replace(SMALL, regularizer=R1Config(weight=1.0)), channels=1).double()
    true = noise(2, 1, size=4).double()
    smooth = adversary.loss(true, noise(2, 1, size=4, seed=1).double()).parts["smooth"]
    slopes = []
    for i in range(true.numel()):
        step = torch.zeros(true.numel(), dtype=torch.double)
        step[i] = 1e-5
        step = step.view_as(true)
        slopes.append((adversary(true + step).sum() - adversary(true - step).sum()) / 2e-5)
    wanted = torch.stack(slopes).square().sum() / 2 / len(true)
    assert torch.isclose(smooth, wanted, rtol=1e-3)


def test_lecam_holds_verdicts_near_the_other_sides_average() -> None:
    torch.manual_seed(0)
    adversary = Adversary(replace(SMALL, regularizer=LeCamConfig(weight=1.0, decay=0.5)), channels=1)
    true, decoded = noise(2, 5), noise(2, 5, seed=1)
    averages = torch.zeros(2)
    for _ in range(3):
        smooth = adversary.loss(true, decoded).parts["smooth"]
        on_true, on_decoded = adversary(true), adversary(decoded)
        averages = averages / 2 + torch.stack([on_true.mean(), on_decoded.mean()]) / 2
        wanted = F.relu(on_true - averages[1]).square().mean() + F.relu(averages[0] - on_decoded).square().mean()
        assert torch.isclose(smooth, wanted)
    assert {"true_average", "false_average"} <= adversary.state_dict().keys()  # they come back when training resumes


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"widths": ()}, "widths"),
        ({"widths": (8, 0)}, "widths"),
        ({"weight": -1.0}, "weight"),
        ({"regularizer": R1Config(weight=float("nan"))}, r"regularizer\.weight"),
    ],
)
def test_impossible_adversaries_are_refused(changes: dict[str, object], named: str) -> None:
    with pytest.raises(UserError, match=rf"adversary\.{named}="):
        replace(SMALL, **changes)
