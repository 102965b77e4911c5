"""The machine learns, averages, follows its schedule, and stops when the loss is no number."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from marey.core.config import from_json, to_json
from marey.core.errors import UserError
from marey.core.runs import RunFolder
from marey.train import Loss, TrainConfig, load_weights, train
from marey.train.ema import EMA
from marey.train.sealed import DamagedError, Sealed, read_sealed, write_sealed
from tests.train.toy import CONFIG, CPU, batch_of, run, sine


def test_it_learns(tmp_path: Path) -> None:
    config = replace(CONFIG, steps=400, learning_rate=0.02, checkpoint_every=400, log_every=400)
    model = run(tmp_path, config)
    x = torch.linspace(-1, 1, 50)[:, None]
    assert (model.output(x) - torch.sin(3 * x)).square().mean() < 0.05  # a constant has 0.55


def test_metrics_hold_the_numbers_of_the_steps(tmp_path: Path) -> None:
    run(tmp_path, replace(CONFIG, log_every=5))
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [5, 10, 12]
    assert set(rows[0]) == {"step", "loss", "largest", "learning_rate", "gradient_norm"}
    assert rows[1]["learning_rate"] == CONFIG.learning_rate_at(9)


def test_the_result_is_the_average_and_can_be_loaded(tmp_path: Path) -> None:
    model = run(tmp_path)
    assert not model.training
    loaded = load_weights(sine(), tmp_path)
    last = read_sealed(tmp_path / "checkpoints" / "step-000012.safetensors").tensors
    for name, value in model.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name])
        assert torch.equal(value, last[f"ema.{name}"])
    assert not torch.equal(last["ema.last.weight"], last["model.last.weight"])


def test_the_average_by_hand() -> None:
    model = nn.Linear(1, 1, bias=False)
    model.register_buffer("count", torch.tensor(0))
    values = [1.0, 5.0, -2.0, 4.0]
    nn.init.constant_(model.weight, values[0])
    ema, expected = EMA(model, 0.2), values[0]
    for step, value in enumerate(values[1:]):
        nn.init.constant_(model.weight, value)
        model.count += 1
        ema.update(model, step)
        decay = [0.1, 2 / 11, 0.2][step]
        expected = decay * expected + (1 - decay) * value
    assert ema.model.weight.item() == pytest.approx(expected)
    assert ema.model.count == 3


def test_the_average_moves_a_shared_weight_once() -> None:
    model = sine()
    ema = EMA(model, 0.999)
    nn.init.constant_(model.middle.weight, 1.0)
    before = ema.model.middle.weight.clone()
    ema.update(model, 0)
    torch.testing.assert_close(ema.model.middle.weight, 0.1 * before + 0.9)
    assert ema.model.again.weight is ema.model.middle.weight


@given(warmup=st.integers(0, 30), more=st.integers(1, 200))
def test_schedule_rises_straight_and_falls_to_zero(warmup: int, more: int) -> None:
    config = TrainConfig(steps=warmup + more, batch_size=1, learning_rate=0.5, warmup_steps=warmup)
    rates = [config.learning_rate_at(step) for step in range(config.steps)]
    assert rates[warmup] == max(rates) == 0.5
    assert rates[:warmup] == pytest.approx([0.5 * (step + 1) / (warmup + 1) for step in range(warmup)])
    assert all(a > b > 0 for a, b in zip(rates[warmup:], rates[warmup + 1 :], strict=False))
    assert config.learning_rate_at(config.steps) == pytest.approx(0)
    assert config.learning_rate_at(warmup + more // 2) == pytest.approx(0.25, abs=0.5 / more * math.pi)


def test_only_matrices_decay_and_at_the_scheduled_rate(tmp_path: Path) -> None:
    class Still(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.matrix, self.vector = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2))

        def forward(self, batch: object) -> Loss:
            return Loss(0 * (self.matrix.sum() + self.vector.sum()))

    config = TrainConfig(steps=2, batch_size=1, learning_rate=0.5, warmup_steps=1, weight_decay=0.1, ema_decay=0)
    model = run(tmp_path, config, model=Still())
    torch.testing.assert_close(model.matrix.data, torch.full((2, 2), (1 - 0.25 * 0.1) * (1 - 0.5 * 0.1)))
    torch.testing.assert_close(model.vector.data, torch.ones(2))


def test_a_long_gradient_is_clipped(tmp_path: Path) -> None:
    class Steep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(4))

        def forward(self, batch: object) -> Loss:
            return Loss(1000 * self.weight.sum())

    config = TrainConfig(steps=1, batch_size=1, warmup_steps=0, clip_norm=2.0)
    run(tmp_path, config, model=Steep())
    moment = read_sealed(tmp_path / "checkpoints" / "step-000001.safetensors").tensors["optimizer.weight.exp_avg"]
    torch.testing.assert_close(moment, torch.full((4,), 0.1 * 1.0))  # norm 2 shared by four, times 1 - beta
    assert json.loads((tmp_path / "metrics.jsonl").read_text())["gradient_norm"] == 2000


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_the_run(bad: float, tmp_path: Path) -> None:
    def poisoned(step: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        x, y = batch_of(step, device)
        return x, y * bad if step == 7 else y

    message = r"loss is (nan|inf) at step 7, whose batch is samples 70, 71, 72; .*step-000006\.safetensors.*lower learn"
    with pytest.raises(UserError, match=message):
        run(tmp_path, batch_of=poisoned, samples=lambda step: range(10 * step, 10 * step + 3))
    assert "loss is" in (log := (tmp_path / "log.txt").read_text()) and "samples of its batch: 70 71 72" in log
    assert not (tmp_path / "weights.safetensors").exists()
    assert [json.loads(line)["step"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()] == [2, 4, 6]


def test_a_long_batch_is_named_in_one_line_and_whole_in_the_log(tmp_path: Path) -> None:
    def poisoned(step: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        x, y = batch_of(step, device)
        return x, y * math.nan

    message = r"samples 0, 1, .* 31 and 68 more \(log\.txt\); the last good .* none yet"
    with pytest.raises(UserError, match=message) as error:
        run(tmp_path, batch_of=poisoned, samples=lambda step: range(100))
    assert "\n" not in str(error.value)
    assert " 98 99\n" in (tmp_path / "log.txt").read_text()


def test_a_loss_that_grows_beyond_reason_stops_the_run(tmp_path: Path) -> None:
    """The loss of step 0, about one here, is what it is compared with, by a run that was resumed too."""

    def growing(step: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        x, y = batch_of(step, device)
        return x, y * 100 if step == 7 else y

    with pytest.raises(ZeroDivisionError):
        run(tmp_path, batch_of=lambda step, device: batch_of(step, device) if step < 5 else 1 / 0)
    with pytest.raises(UserError, match=r"loss is \d+, and was [\d.]+ at step 0, at step 7; .*step-000006\.safe"):
        run(tmp_path, batch_of=growing)


def test_load_weights_names_file_and_fix(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"weights\.safetensors does not exist; finish its training"):
        load_weights(sine(), tmp_path)
    run(tmp_path)
    with pytest.raises(
        UserError, match=r"weights\.safetensors does not fit .*: again\.bias is \[32\] in the file and absent"
    ):
        load_weights(nn.Linear(1, 1), tmp_path)
    file = tmp_path / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"weights\.safetensors is damaged.*make it again"):
        load_weights(sine(), tmp_path)


def test_any_flipped_bit_and_any_cut_is_found(tmp_path: Path) -> None:
    path = tmp_path / "some.safetensors"
    tensors = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(True), "c": torch.tensor(7)}
    write_sealed(path, Sealed(tensors, {"step": 3, "run": "x"}))
    data = path.read_bytes()
    content = read_sealed(path)
    assert content.facts == {"step": 3, "run": "x"}
    assert all(torch.equal(tensors[name], content.tensors[name]) for name in tensors)
    for byte in range(len(data)):
        flipped = bytearray(data)
        flipped[byte] ^= 1 << byte % 8
        path.write_bytes(flipped)
        with pytest.raises(DamagedError, match=r"some\.safetensors is damaged"):
            read_sealed(path)
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(DamagedError):
            read_sealed(path)


def test_config_round_trip() -> None:
    assert from_json(TrainConfig, to_json(CONFIG), "config.json") == CONFIG


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0),
        ("batch_size", -1),
        ("learning_rate", math.nan),
        ("learning_rate", 0.0),
        ("warmup_steps", 12),
        ("weight_decay", -0.1),
        ("clip_norm", math.inf),
        ("ema_decay", 1.0),
        ("checkpoint_every", 0),
        ("log_every", 0),
        ("adversary_learning_rate", -1.0),
        ("parts", 0),
        ("parts", 3),
    ],
)
def test_config_refuses_and_names_the_field(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field} is {value}"):
        replace(CONFIG, **{field: value})
    with pytest.raises(UserError, match=rf"train\.json: .*{field} is {value}"):
        from_json(TrainConfig, to_json(CONFIG) | {field: value}, "train.json")


def test_progress_says_where_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(sine(), batch_of, CONFIG, RunFolder.start(tmp_path / "toy", CONFIG, resume=False), 5, CPU)
    said = capsys.readouterr()
    assert said.out == ""
    assert "toy: step 12/12  loss" in said.err and "steps/s" in said.err
    assert "step 12/12" in (tmp_path / "toy" / "log.txt").read_text()
