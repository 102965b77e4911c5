"""The same small trainings by one process and by two.

`python -m tests.train.many FOLDER` runs them all under FOLDER. Processes are forked and told what torchrun would
tell them, so that torch is imported once; when one dies, the others of its training are killed.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from marey.core.runs import RunFolder
from marey.train import Loss, Manner, TrainConfig, train

CONFIG = TrainConfig(
    steps=50, batch_size=16, learning_rate=0.01, warmup_steps=2, ema_decay=0.9, checkpoint_every=10, log_every=1
)
BRIEF = replace(CONFIG, steps=12, checkpoint_every=4)
PARTS = replace(BRIEF, parts=2)
QUARTERS = replace(BRIEF, parts=4)
MUON = replace(CONFIG, muon=True)
KILLED_AT = 6


@dataclass(frozen=True)
class Points:
    """A batch: points of a curve, some of them noisy."""

    x: Tensor
    y: Tensor


class Curve(nn.Module):
    """Layers in `blocks`, as a model must have them to be sharded layer by layer; an adversary judges what it draws."""

    def __init__(self, dropout: float = 0.0, duel: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(1, 33), nn.Linear(33, 1)  # odd: no two equal parts
        self.blocks = nn.ModuleList(nn.Linear(33, 33) for _ in range(2))
        self.dropout = nn.Dropout(dropout)
        self.adversary: nn.Module | None = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1)) if duel else None

    def output(self, x: Tensor) -> Tensor:
        hidden = torch.tanh(self.first(x))
        for block in self.blocks:
            hidden = hidden + self.dropout(torch.tanh(block(hidden)))
        return self.last(hidden)

    def forward(self, batch: Points) -> Loss:
        drawn = self.output(batch.x)
        error = (drawn - batch.y).square().mean()
        tricked = self.adversary(drawn).mean() if self.adversary else torch.zeros(())
        return Loss(error - 0.1 * tricked, {"error": error})

    def adversary_loss(self, batch: Points) -> Loss:
        return Loss(
            torch.relu(1 - self.adversary(batch.y)).mean() + torch.relu(1 + self.adversary(self.output(batch.x))).mean()
        )


class Averaging(Curve):
    """Keeps the mean of the part of the batch that it sees: what many devices must not do."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, batch: Points) -> Loss:
        self.mean = batch.y.mean()
        return super().forward(batch)


def batch_of(step: int, device: torch.device) -> Points:
    """Drawn from the step's own random numbers."""
    x = torch.rand(16, 1) * 2 - 1
    return Points(x.to(device), (torch.sin(3 * x) + 0.1 * torch.randn(16, 1)).to(device))


def run(
    path: Path, model: Callable[[], Curve], config: TrainConfig = CONFIG, dies: int | None = None, sharded: bool = False
) -> None:
    """Train, or go on; the process with number `dies` is killed at step KILLED_AT."""

    def batch(step: int, device: torch.device) -> Points:
        if step == KILLED_AT and os.environ.get("RANK", "0") == str(dies):
            os.kill(os.getpid(), signal.SIGKILL)
        return batch_of(step, device)

    def trial(step: int, averaged: Curve) -> dict[str, float]:
        return {"middle": averaged.output(torch.zeros(1, 1)).item()}  # a method that is not forward

    folder, manner = RunFolder.start(path, config, resume=True), Manner(sharded=sharded)
    train(model(), batch, config, folder, 5, torch.device("cpu"), every=[(6, trial)], manner=manner)


def launch(count: int, path: Path, *arguments: Any, **options: Any) -> None:
    """`run` in so many processes, as torchrun starts them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = {}
    for number in range(count):
        if (child := os.fork()) == 0:
            places = {"RANK": number, "LOCAL_RANK": number, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
            os.environ |= {name: str(value) for name, value in places.items() if count > 1}
            os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
            os._exit(_exit_code(path, lambda: run(path, *arguments, **options)))
        children[child] = number
    codes = {}
    while children:
        child, status = os.wait()
        codes[children.pop(child)] = os.waitstatus_to_exitcode(status)
        if status:
            for other in children:
                os.kill(other, signal.SIGTERM)
    path.with_suffix(".codes").write_text(" ".join(str(codes[number]) for number in range(count)))


def _exit_code(path: Path, action: Callable[[], None]) -> int:
    try:
        action()
    except BaseException as error:
        path.with_suffix(f".error-{os.environ.get('RANK', '0')}").write_text(f"{type(error).__name__}: {error}")
        return 1
    return 0


def main(path: Path) -> None:
    dropping, duelling = (lambda: Curve(dropout=0.2)), (lambda: Curve(duel=True))
    for count in (1, 2):
        launch(count, path / f"plain-{count}", Curve)
        launch(count, path / f"muon-{count}", Curve, MUON)
        launch(count, path / f"parts-{count}", dropping, PARTS)
        launch(count, path / f"duel-{count}", duelling, QUARTERS)
    for before, dies, after in ((2, 0, 1), (2, 1, 1), (1, 0, 2)):
        launch(before, path / f"killed-{before}-{dies}", dropping, PARTS, dies=dies)
        launch(after, path / f"killed-{before}-{dies}", dropping, PARTS)
    launch(1, path / "brief", Curve, QUARTERS)
    launch(2, path / "resharded", Curve, QUARTERS, sharded=True, dies=0)
    launch(1, path / "resharded", Curve, QUARTERS)
    launch(1, path / "unsharded", Curve, QUARTERS, dies=0)
    launch(2, path / "unsharded", Curve, QUARTERS, sharded=True)
    launch(2, path / "sharded-muon", Curve, MUON, sharded=True)
    launch(2, path / "sharded-duel", duelling, BRIEF, sharded=True)
    launch(1, path / "sharded-alone", Curve, BRIEF, sharded=True)
    launch(2, path / "averaging", Averaging, BRIEF)
    launch(2, path / "odd", Curve, replace(BRIEF, batch_size=15))


if __name__ == "__main__":
    import accelerate  # noqa: F401 - here once, not in each child

    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
