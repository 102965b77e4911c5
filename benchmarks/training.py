"""How much of this machine's speed a training step reaches, and where the rest goes.

    python benchmarks/training.py [small] [base]

For the tokenizer and the transformer of each recipe: floating-point operations of a step (convolutions and matrix
products, forwards and backwards, counted by torch) per CPU second, against those of the same step's own largest ones,
run again by themselves on the same tensors. Beside it the operations that the step's time goes to. A batch is made
once, before: batches.py tells what making one costs.
Steps and single operations take turns, so that all meet the same load, and are timed in CPU seconds.
"""

# ruff: noqa: T201 - what it prints is what it is for

import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from marey.core.memory import keep_freed_memory
from marey.data.clips import Batches
from marey.dynamics.transformer import Dynamics
from marey.recipes.catalogue import recipe
from marey.recipes.model import VideoModel
from marey.recipes.stages import masked
from marey.tokens.tokenizer import Tokenizer
from marey.train import TrainConfig
from marey.train.checkpoint import State
from marey.train.devices import Alone
from marey.train.ema import EMA
from marey.train.players import players
from marey.train.step import run_step

CPU = torch.device("cpu")
LARGEST = 3  # operations that are run again
TURNS = {"small": 7, "base": 3}
SHOWN = 8  # operations in the list of where the time goes


@dataclass(frozen=True)
class Operation:
    """A convolution or matrix product of a step, ready to be run again."""

    name: str
    flops: int
    again: Callable[[], object]


class Recorder(TorchDispatchMode):
    """Keeps every operation that torch can count, with copies of what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[Operation] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if count := flop_registry.get(func._overloadpacket):
            flops = count(*args, **kwargs, out_val=out)
            held, named = tree_map(_copy, args), tree_map(_copy, kwargs)
            again = lambda: func(*held, **named)  # noqa: E731
            self.operations.append(Operation(str(func._overloadpacket), flops, again))
            self.operations = sorted(self.operations, key=lambda each: -each.flops)[:LARGEST]
        return out


def _copy(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, torch.Tensor) else value


def tokenizer_of(name: str) -> tuple[nn.Module, Any, TrainConfig]:
    chosen = recipe(name)
    training = chosen.tokenizer_training
    batches = Batches(replace(chosen.dataset, train=2 * training.batch_size), training.batch_size, 0, augmented=True)
    torch.manual_seed(0)
    return Tokenizer(chosen.tokenizer), batches(0, CPU).video, training


def dynamics_of(name: str) -> tuple[nn.Module, Any, TrainConfig]:
    """On the tokens of an untrained tokenizer: the same number of them."""
    chosen = recipe(name)
    training = chosen.dynamics_training
    batches = Batches(replace(chosen.dataset, train=2 * training.batch_size), training.batch_size, 0, augmented=True)
    torch.manual_seed(0)
    dynamics = Dynamics(chosen.dynamics, chosen.layout)
    model = VideoModel(Tokenizer(chosen.tokenizer), dynamics, chosen.shape)
    return dynamics, masked(model, batches(0, CPU)), training


def stepper(model: nn.Module, batch: Any, training: TrainConfig) -> Callable[[], object]:
    """A whole training step, optimizer and averaging too."""
    state = State(model.train(), EMA(model, training.ema_decay), players(model, training))
    return lambda: run_step(state, lambda *_: batch, training, 0, 0, CPU, Alone())


def in_turns(tasks: list[Callable[[], object]], turns: int) -> list[float]:
    """Median CPU seconds of each; the first turn is left out."""
    seconds = np.zeros((turns + 1, len(tasks)))
    for row in seconds:
        for n, task in enumerate(tasks):
            start = time.process_time()
            task()
            row[n] = time.process_time() - start
    return [float(value) for value in np.median(seconds[1:], axis=0)]


def measure(title: str, model: nn.Module, batch: Any, training: TrainConfig, turns: int) -> None:
    step = stepper(model, batch, training)
    step()
    with FlopCounterMode(display=False) as counter:
        model(batch).total.backward()
    with Recorder() as recorder:
        model(batch).total.backward()
    largest = recorder.operations
    own, *again = in_turns([step, *(each.again for each in largest)], turns)
    flops = counter.get_total_flops()
    reached, possible = flops / own / 1e9, sum(each.flops for each in largest) / sum(again) / 1e9
    print(f"\n{title}: {flops / 1e9:.2f} GFLOP and {own * 1e3:.0f} CPU ms a step (median of {turns})")
    print(f"  step {reached:.1f} GFLOP/s = {reached / possible:.0%} of its largest operations' {possible:.1f}")
    for each, seconds in zip(largest, again, strict=True):
        print(f"    {each.name:32}{each.flops / 1e9:8.2f} GFLOP{each.flops / seconds / 1e9:8.1f} GFLOP/s")
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step()
    rows = sorted(profiler.key_averages(), key=lambda row: -row.self_cpu_time_total)
    whole = sum(row.self_cpu_time_total for row in rows)
    print("  " + ", ".join(f"{row.key} {row.self_cpu_time_total / whole:.0%}" for row in rows[:SHOWN]), flush=True)


def main() -> None:
    keep_freed_memory()  # as a training does
    threads = torch.get_num_threads()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, {threads} thread(s), load {os.getloadavg()[0]:.1f} at the start"
    )
    for name in sys.argv[1:] or TURNS:
        measure(f"{name}, tokenizer", *tokenizer_of(name), TURNS[name])
        measure(f"{name}, transformer", *dynamics_of(name), TURNS[name])
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
