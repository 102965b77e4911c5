"""Law 6: stopped and resumed equals never stopped, to the last bit. Kill at any moment."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from marey.core.errors import UserError
from marey.core.runs import RunFolder
from marey.train import train
from marey.train.checkpoint import Identity, Start, State, resume, save_checkpoint
from marey.train.ema import EMA
from marey.train.players import players
from tests.train.toy import CONFIG, CPU, LONG, SHORT, batch_of, run, sine


class StoppedError(Exception):
    """What a test throws to stop a run."""


def outcome(path: Path) -> tuple[bytes, bytes]:
    """Everything that a training leaves and that does not depend on the time of day."""
    return (path / "weights.safetensors").read_bytes(), (path / "metrics.jsonl").read_bytes()


def stop_at(path: Path, step: int, **options: object) -> None:
    """Train until the batch of `step` is asked for."""

    def stopping(now: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        if now == step:
            raise StoppedError
        return batch_of(now, device)

    with pytest.raises(StoppedError):
        run(path, batch_of=stopping, **options)


def bit_flip(path: Path, byte: int) -> None:
    data = bytearray(path.read_bytes())
    data[byte] ^= 16
    path.write_bytes(data)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A run that was never stopped."""
    path = tmp_path_factory.mktemp("whole")
    run(path)
    return outcome(path)


@pytest.mark.parametrize("step", range(12))
def test_a_run_stopped_at_any_step_ends_the_same(step: int, tmp_path: Path, whole: tuple[bytes, bytes]) -> None:
    stop_at(tmp_path, step)
    run(tmp_path)
    assert outcome(tmp_path) == whole


def test_a_line_cut_short_by_a_kill_is_forgotten(tmp_path: Path, whole: tuple[bytes, bytes]) -> None:
    stop_at(tmp_path, 10)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 12, "lo')
    run(tmp_path)
    assert outcome(tmp_path) == whole


def test_a_seed_changes_the_result(tmp_path: Path, whole: tuple[bytes, bytes]) -> None:
    train(sine(), batch_of, CONFIG, RunFolder.start(tmp_path, CONFIG, resume=False), 6, CPU)
    assert outcome(tmp_path) != whole


def test_killed_anywhere_it_ends_the_same(tmp_path: Path) -> None:
    """SIGKILL before every single file operation of a run, while saving too, and at random moments of another."""
    subprocess.run([sys.executable, "-m", "tests.train.toy", str(tmp_path)], check=True, stderr=subprocess.DEVNULL)
    run(tmp_path / "short", SHORT)
    run(tmp_path / "long", LONG)
    killed = sorted(tmp_path.glob("operation-*"))
    assert len(killed) > 25  # saving a checkpoint alone takes five
    assert {outcome(folder) for folder in killed} == {outcome(tmp_path / "short")}
    assert outcome(tmp_path / "random") == outcome(tmp_path / "long")
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_trial_sees_the_same_at_the_same_steps(tmp_path: Path) -> None:
    def trial(step: int, model: torch.nn.Module) -> dict[str, float]:
        assert not model.training
        return {"error": (model.output(torch.ones(1, 1)) + torch.rand(())).item()}

    run(tmp_path / "whole", every=[(5, trial)])
    stop_at(tmp_path / "stopped", 7, every=[(5, trial)])
    run(tmp_path / "stopped", every=[(5, trial)])
    assert outcome(tmp_path / "stopped") == outcome(tmp_path / "whole")
    assert outcome(tmp_path / "whole")[1].count(b"error") == 3  # steps 5, 10 and the last


def test_memory_layout_survives(tmp_path: Path) -> None:
    """channels_last kernels keep channels_last moments: in another layout they may be rounded otherwise."""

    class Pixels(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)

    def state() -> State:
        model = Pixels()
        return State(model, EMA(model, 0.9), players(model, CONFIG))

    folder, before, after = RunFolder(tmp_path), state(), state()
    before.model.kernel(torch.randn(1, 3, 8, 8)).sum().backward()
    before.optimizers[0].step()
    save_checkpoint(before, Start(1, 0.5), folder, Identity(CONFIG, 0))
    assert resume(after, folder, Identity(CONFIG, 0)) == Start(1, 0.5)
    for ours, theirs in zip(before.model.parameters(), after.model.parameters(), strict=True):
        for kind, value in before.optimizers[0].state[ours].items():
            assert torch.equal(value, after.optimizers[0].state[theirs][kind])
            assert value.stride() == after.optimizers[0].state[theirs][kind].stride()


def test_finished_training_returns_at_once(tmp_path: Path) -> None:
    def never(step: int, device: torch.device) -> None:
        raise AssertionError("a batch was asked for")

    done = run(tmp_path)
    before = outcome(tmp_path)
    again = run(tmp_path, batch_of=never)
    assert outcome(tmp_path) == before
    assert not again.training
    assert all(torch.equal(a, b) for a, b in zip(done.parameters(), again.parameters(), strict=True))


@pytest.mark.parametrize("byte", [3, 40, 600, -1])
def test_a_damaged_checkpoint_is_passed_over(byte: int, tmp_path: Path, whole: tuple[bytes, bytes]) -> None:
    stop_at(tmp_path, 10)
    assert sorted(file.name for file in (tmp_path / "checkpoints").iterdir()) == [
        "step-000006.safetensors",
        "step-000009.safetensors",
    ]
    bit_flip(tmp_path / "checkpoints" / "step-000009.safetensors", byte)
    run(tmp_path)
    log = (tmp_path / "log.txt").read_text()
    assert "step-000009.safetensors is damaged" in log
    assert "training from step 6" in log
    assert outcome(tmp_path) == whole


def test_only_damaged_checkpoints_are_an_error(tmp_path: Path) -> None:
    stop_at(tmp_path, 10)
    for file in (tmp_path / "checkpoints").iterdir():
        file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(UserError, match=r"step-000006\.safetensors is damaged.*train again"):
        run(tmp_path)


def test_damaged_final_weights_are_made_again(tmp_path: Path, whole: tuple[bytes, bytes]) -> None:
    run(tmp_path)
    bit_flip(tmp_path / "weights.safetensors", 500)
    run(tmp_path)
    assert outcome(tmp_path) == whole


def test_another_training_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    stop_at(tmp_path, 10)
    with pytest.raises(UserError, match=r"step-000009.*another training"):
        train(sine(), batch_of, CONFIG, folder, 6, CPU)
    with pytest.raises(UserError, match=r"step-000009.*another training"):
        train(sine(), batch_of, replace(CONFIG, learning_rate=0.02), folder, 5, CPU)
    run(tmp_path)
    with pytest.raises(UserError, match=r"weights\.safetensors.*another training"):
        train(sine(), batch_of, CONFIG, folder, 6, CPU)


def test_another_model_is_refused(tmp_path: Path) -> None:
    stop_at(tmp_path, 10)
    wider = sine()
    wider.last = torch.nn.Linear(32, 2)
    with pytest.raises(UserError, match=r"step-000009.*does not fit this model: ema\.last\.bias is \[1\].*\[2\]"):
        run(tmp_path, model=wider)


def test_what_a_model_does_last_is_done_once_whatever_stopped_it(tmp_path: Path) -> None:
    """Settling belongs to the weights that are kept; checkpoints know nothing of it."""

    def settle(model: torch.nn.Module) -> None:
        with torch.no_grad():
            model.last.bias.add_(100.0)

    one, other, plain = (tmp_path / name for name in ("one", "other", "plain"))
    settled, untouched = run(one, settle=settle), run(plain)
    assert torch.allclose(settled.last.bias - untouched.last.bias, torch.tensor(100.0))
    stop_at(other, 10, settle=settle)
    run(other, settle=settle)
    assert outcome(other) == outcome(one)
    again = run(one, settle=settle)
    assert torch.equal(again.last.bias, settled.last.bias), "finished weights are not settled again"
