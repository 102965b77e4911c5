"""Tokens of motions that were not drawn."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from marey.core.errors import UserError
from marey.recipes.catalogue import SMALL
from marey.recipes.scatter import Scatter
from marey.recipes.stages import train_dynamics
from marey.tokens.quantizers import VQConfig
from marey.tokens.tokenizer import Tokenizer
from marey.train.weights import save_weights
from tests.tokens.small import shaken

LEVELS = torch.tensor([4096, 4096, 4096])


def numbers(digits: Tensor) -> Tensor:
    return (digits + 0.5) / LEVELS * 2 - 1


def never(many: int) -> Tensor:
    return torch.zeros(many, 8, dtype=torch.bool)


def clips(many: int, reach: float = 0.3) -> Tensor:
    """Digits B T 1 1 3 of smooth motions within `reach` of the middle."""
    generator = torch.Generator().manual_seed(0)
    t = torch.linspace(-1, 1, 8)[:, None]
    start, speed, bend = (torch.rand(many, 1, 3, generator=generator) * 2 - 1 for _ in range(3))
    path = reach / 3 * (start + speed * t + bend * t**2)
    return ((path + 1) / 2 * LEVELS).long()[:, :, None, None]


def test_a_scattered_motion_is_the_same_motion_elsewhere_and_at_another_size() -> None:
    digits = clips(200)
    torch.manual_seed(1)
    found = Scatter(shift=0.4, stretch=0.5)(digits, LEVELS, never(200))
    scattered = found.digits
    assert found.holds.all()
    before, after = (numbers(each)[:, :, 0, 0] for each in (digits, scattered))
    before, after = before - before.mean(dim=1, keepdim=True), after - after.mean(dim=1, keepdim=True)
    scale = (before * after).sum(dim=(1, 2)) / before.square().sum(dim=(1, 2))
    torch.testing.assert_close(after, scale[:, None, None] * before, rtol=0, atol=1.5 * 2 / 4096)
    assert scale.min() < 0.7 and scale.max() > 1.5 and scale.log().abs().max() <= 0.51
    moved = numbers(scattered).mean(dim=1) - numbers(digits).mean(dim=1)
    assert moved.abs().max() <= 0.401 and moved.abs().mean() > 0.15


def test_it_stays_in_range_and_leaves_alone_what_is_not_asked() -> None:
    digits = clips(200, reach=0.95)
    torch.manual_seed(1)
    wild = Scatter(shift=2.0, stretch=3.0)(digits, LEVELS, never(200))
    assert numbers(wild.digits).abs().max() <= 0.9901 and wild.holds.all()
    assert torch.equal(Scatter()(digits, LEVELS, never(200)).digits, digits)
    still = torch.zeros(2, 8, 1, 1, 3, dtype=torch.int64)  # at the rim
    assert torch.isfinite(numbers(Scatter(0.5, 0.5)(still, LEVELS, never(2)).digits)).all()


def test_an_observer_who_moves_sees_the_same_accelerations_until_it_leaves_the_frame() -> None:
    digits = clips(200)
    torch.manual_seed(1)
    found = Scatter(drift=1.5)(digits, LEVELS, never(200))
    change = numbers(found.digits)[:, :, 0, 0] - numbers(digits)[:, :, 0, 0]
    velocity = change[:, 1:2] / (2 / 7)
    assert velocity.abs().max() <= 1.51 and velocity.abs().mean() > 0.5
    steady = change - velocity * torch.linspace(0, 2, 8)[:, None]
    steps = torch.arange(8).clamp(min=1)[:, None] + 1  # each rounding counts
    assert ((steady.abs() <= steps / 4096) | ~found.holds[..., None]).all()
    assert 0.1 < found.holds.float().mean() < 0.9 and found.holds[:, 0].all()


def test_frames_that_tell_no_place_have_no_say() -> None:
    digits, gone = clips(200), never(200)
    gone[:, 5:] = True
    blank = digits.clone()
    blank[:, 5:] = 4095  # what a code is where there is nothing
    made = []
    for each in (digits, blank):
        torch.manual_seed(1)
        made.append(Scatter(0.4, 0.5, 0.5)(each, LEVELS, gone))
    assert torch.equal(made[0].digits[:, :5], made[1].digits[:, :5]) and torch.equal(made[0].holds, made[1].holds)
    stays = made[1].holds[:, 5:].all(dim=1)
    assert 70 < stays.sum() < 130 and not made[1].holds[~stays, 5:].any()
    assert torch.equal(made[1].digits[stays], blank[stays]), "how something leaves is learned from these"
    assert not torch.equal(made[1].digits[~stays, :5], blank[~stays, :5])


def test_it_is_a_function_of_torchs_random_numbers() -> None:
    scatter, digits = Scatter(0.3, 0.3), clips(4)
    made = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        made.append(scatter(digits, LEVELS, never(4)).digits)
    assert torch.equal(made[0], made[1]) and not torch.equal(made[0], made[2])


@pytest.mark.parametrize("given", [{"shift": -0.1}, {"stretch": 4.0}, {"drift": -1.0}, {"shift": float("nan")}])
def test_numbers_out_of_range(given: dict[str, float]) -> None:
    with pytest.raises(UserError, match=r"^scatter\.\w+=.* is out of range; choose 0 to "):
        Scatter(**given)


def test_codes_that_are_no_places_are_refused() -> None:
    for tokenizer in (
        replace(SMALL.tokenizer, quantizer=VQConfig(codes=64, channels=4)),
        replace(SMALL.tokenizer, encoder_kernel=(3, 3, 3)),
        replace(SMALL.tokenizer, quantizer=replace(SMALL.tokenizer.quantizer, slow=True, even=True)),
    ):
        with pytest.raises(UserError, match=r"^scatter moves codes that are numbers"):
            replace(SMALL, tokenizer=tokenizer)


@pytest.mark.parametrize("task", ["predict", "generate", "outpaint_dynamic"])
def test_new_clips_and_what_is_shown_in_part_are_learned_from_the_world_alone(task: str, tmp_path: Path) -> None:
    tokenizer, losses = shaken(Tokenizer(SMALL.tokenizer)).eval(), []
    assert isinstance(tokenizer, Tokenizer)
    for scatter in (None, Scatter(0.3, 0.3)):
        recipe = replace(
            SMALL,
            dataset=replace(SMALL.dataset, train=32, validation=4, test=1),
            dynamics_training=replace(SMALL.dynamics_training, steps=2, batch_size=8, warmup_steps=1, log_every=1),
            scatter=scatter,
            tasks=(task,),
        )
        out = tmp_path / str(scatter is None)
        (out / "tokenizer").mkdir(parents=True)
        save_weights(tokenizer, out / "tokenizer", "a test")
        train_dynamics(recipe, tokenizer, out, torch.device("cpu"), resume=False)
        losses.append((out / "dynamics" / "metrics.jsonl").read_text())
    assert (losses[0] == losses[1]) is (task != "predict")
