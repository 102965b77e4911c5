"""Many processes train what one would: the same samples, losses and, part by part, the same bytes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from marey.train.parts import part
from marey.train.sealed import read_sealed
from tests.train.many import BRIEF, Curve, Points, run

pytestmark = pytest.mark.timeout(900)  # two dozen trainings, on cores that may be busy


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of tests/train/many.py."""
    path = tmp_path_factory.mktemp("many")
    subprocess.run([sys.executable, "-m", "tests.train.many", str(path)], check=True, stderr=subprocess.DEVNULL)
    return path


def losses(run: Path) -> list[float]:
    """Of all steps, and what a trial found."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [row["loss"] if "loss" in row else row["middle"] for row in rows]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return dict(read_sealed(run / "weights.safetensors").tensors)


def outcome(run: Path) -> tuple[bytes, bytes]:
    return (run / "weights.safetensors").read_bytes(), (run / "metrics.jsonl").read_bytes()


def codes(run: Path) -> str:
    return run.with_suffix(".codes").read_text()


def assert_alike(run: Path, other: Path) -> None:
    assert losses(run) == pytest.approx(losses(other), abs=1e-5)
    for tensor, value in weights(run).items():
        torch.testing.assert_close(value, weights(other)[tensor], atol=1e-4, rtol=0)


@pytest.mark.parametrize(("name", "figures"), [("plain", 50 + 9), ("muon", 50 + 9), ("duel", 12 + 2)])
def test_two_processes_have_the_losses_of_one(name: str, figures: int, runs: Path) -> None:
    assert len(losses(runs / f"{name}-1")) == figures
    assert_alike(runs / f"{name}-2", runs / f"{name}-1")


def test_two_processes_that_share_the_weights_have_the_losses_of_one_with_muon_too(runs: Path) -> None:
    assert_alike(runs / "sharded-muon", runs / "muon-1")


def test_in_equal_parts_they_leave_the_same_bytes(runs: Path) -> None:
    """With dropout: what a part draws inside the model does not depend on the process that works on it."""
    assert outcome(runs / "parts-1") == outcome(runs / "parts-2")


@pytest.mark.parametrize("killed", ["2-0", "2-1", "1-0"])
def test_killed_at_two_and_resumed_at_one_or_the_other_way_round(killed: str, runs: Path) -> None:
    assert "training from step 4" in (runs / f"killed-{killed}" / "log.txt").read_text()
    assert outcome(runs / f"killed-{killed}") == outcome(runs / "parts-1")


def test_a_batch_in_parts_has_the_loss_of_the_whole(tmp_path: Path, runs: Path) -> None:
    """Gradient accumulation, without dropout."""
    run(tmp_path, Curve, BRIEF)
    assert losses(tmp_path) == pytest.approx(losses(runs / "brief"), abs=1e-5)


@pytest.mark.parametrize("name", ["resharded", "unsharded"])
def test_sharded_weights_are_the_same_weights(name: str, runs: Path) -> None:
    """Of a run killed and taken up by one process that holds all of them, and the other way round."""
    assert codes(runs / name) in ("0 0", "0")
    assert_alike(runs / name, runs / "brief")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sharded-duel", "a model with an adversary cannot be sharded"),
        ("sharded-alone", "sharded weights need several devices; start with `torchrun"),
        ("averaging", "what the model keeps beside its weights (mean) is not the same on all devices"),
        ("odd", "batch_size=15 cannot be divided into 2 equal parts"),
    ],
)
def test_what_cannot_be_shared_is_refused(name: str, message: str, runs: Path) -> None:
    for code, file in zip(codes(runs / name).split(), sorted(runs.glob(f"{name}.error-*")), strict=True):
        assert code != "0"
        assert file.read_text().startswith("UserError") and message in file.read_text()


def test_parts_are_equal_and_make_the_whole() -> None:
    whole = Points(torch.arange(12.0)[:, None], torch.arange(12.0)[:, None] + 100)
    parts = [part((whole, None), index, 3) for index in range(3)]
    assert all(len(each[0].x) == 4 and each[1] is None for each in parts)
    assert torch.equal(torch.cat([each[0].y for each in parts]), whole.y)
    assert part(whole, 0, 1) is whole
    with pytest.raises(AssertionError, match="12 samples do not make 5 equal parts"):
        part(whole, 0, 5)
