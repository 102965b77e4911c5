"""A real, small training: a network with dropout, running statistics and tied weights learns a sine.

`python -m tests.train.toy FOLDER` trains it many times under FOLDER and kills it at every turn.
"""

import math
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from marey.core.runs import RunFolder
from marey.core.seeds import step_seed
from marey.train import Loss, TrainConfig, train

CPU = torch.device("cpu")
CONFIG = TrainConfig(
    steps=12, batch_size=16, learning_rate=0.01, warmup_steps=2, ema_decay=0.9, checkpoint_every=3, log_every=2
)
SHORT = replace(CONFIG, steps=3, warmup_steps=1, checkpoint_every=1, log_every=1)
LONG = replace(CONFIG, steps=200, checkpoint_every=5)


class Sine(nn.Module):
    """Everything that makes resuming hard: random numbers inside, buffers of both kinds, a weight used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(1, 32), nn.Linear(32, 1)
        self.middle, self.again = nn.Linear(32, 32), nn.Linear(32, 32)
        self.again.weight = self.middle.weight
        self.norm, self.dropout = nn.BatchNorm1d(32), nn.Dropout(0.1)

    def output(self, x: Tensor) -> Tensor:
        hidden = self.dropout(self.norm(torch.tanh(self.first(x))))
        return self.last(torch.tanh(self.again(torch.tanh(self.middle(hidden)))))

    def forward(self, batch: tuple[Tensor, Tensor]) -> Loss:
        x, y = batch
        error = self.output(x) - y
        return Loss(error.square().mean(), {"largest": error.abs().max()})


def sine() -> Sine:
    """The network with its first weights."""
    torch.manual_seed(0)
    return Sine()


def batch_of(step: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Sixteen points of the curve, a function of the step."""
    generator = torch.Generator().manual_seed(step_seed(1, step))
    x = torch.rand(16, 1, generator=generator) * 2 - 1
    return x.to(device), torch.sin(3 * x).to(device)


def run(path: Path, config: TrainConfig = CONFIG, **options: Any) -> Any:
    """Train, or go on."""
    torch.set_num_threads(1)
    model = options.pop("model", None) or sine()
    data = options.pop("batch_of", batch_of)
    return train(model, data, config, RunFolder.start(path, config, resume=True), 5, CPU, **options)


def run_and_die(path: Path, operation: int) -> None:
    """Train, or go on, and be killed just before the n-th operation on a file of the run."""
    left = operation

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event in ("open", "os.rename", "os.remove", "os.chmod") and str(arguments[0]).startswith(str(path)):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    run(path, SHORT)


def live(action: Callable[[], object], seconds: float = math.inf) -> bool:
    """Do it in a process of its own, killed after so many seconds; whether it lived to the end."""
    if (process := os.fork()) == 0:
        try:
            action()
        except BaseException:
            os._exit(1)
        os._exit(0)
    if seconds < math.inf:
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)
    status = os.waitpid(process, 0)[1]
    assert status in (0, signal.SIGKILL), "the run failed"
    return status == 0


def lives(path: Path) -> None:
    """Runs killed twice at their n-th file operation, n = 1, 2, ..., and one killed at random; each then finished."""
    torch.optim.AdamW([torch.zeros(1)])  # slow the first time, as is the next line: once here, not in each child
    step_seed(0, 0)
    for operation in count(1):
        folder = path / f"operation-{operation:03d}"
        lived = live(lambda: run_and_die(folder, operation))  # noqa: B023 - called at once
        live(lambda: run_and_die(folder, operation))  # noqa: B023
        assert live(lambda: run(folder, SHORT))  # noqa: B023
        if lived:
            break
    for _ in range(8):
        live(lambda: run(path / "random", LONG), seconds=random.uniform(0, 0.2))
    assert live(lambda: run(path / "random", LONG))


if __name__ == "__main__":
    lives(Path(sys.argv[1]))
