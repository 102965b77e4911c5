"""How fast clips arrive as training input, and how long a training waits for them.

    python benchmarks/batches.py

Clips per second of wall time and of CPU time, of this process and its workers; each figure is the median of several
turns, and the routes take turns, so that all meet the same load; only workers run alone. Beside them the speed at which
this machine fills memory, and the clips per second that this alone would allow. Then the share of a training step that
is spent in waiting for its batch, in the recipes `small` and `base`, with batches made in their turn and made ahead.
"""

# ruff: noqa: T201 - what it prints is what it is for

import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader

from marey.core.runs import RunFolder
from marey.data.clips import Ahead, Batches
from marey.data.dataset import ClipDataset, Sample
from marey.data.spec import DatasetSpec
from marey.recipes.catalogue import recipe
from marey.tokens.tokenizer import Tokenizer
from marey.train import train
from marey.world.matched import MatchedWorld

SPEC = DatasetSpec(MatchedWorld(frames=16, size=64, channels=3), train=4096)
BATCH, SHARE, TURNS = 128, 6, 7  # clips of a batch, batches of a turn
CPU = torch.device("cpu")
STEPS = {"small": 60, "base": 12}  # of a training; the first quarter is not counted


def main() -> None:
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    threads = torch.get_num_threads()
    print(f"{platform.machine()}, {os.cpu_count()} cores, {threads} thread(s), load {load} at the start")
    _routes()
    _waiting()
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


def _routes() -> None:
    world = SPEC.world
    pixels = BATCH * world.frames * world.size**2 * world.channels
    floats, whole = np.empty(pixels, np.float32), np.empty(pixels, np.uint8)
    plain, turned = (Batches(SPEC, BATCH, 0, augmented=flag) for flag in (False, True))
    loader = _forever()
    routes: dict[str, Callable[[int], object]] = {
        "memory filled, uint8": lambda step: whole.fill(step % 256),
        "memory filled, float32": lambda step: floats.fill(step),
        "Batches.clips, uint8": plain.clips,
        "Batches, float32": lambda step: plain(step, CPU),
        "Batches, float32, turned": lambda step: turned(step, CPU),
        "ClipDataset, DataLoader, 0 workers": lambda _: next(loader),
    }
    seconds: dict[str, list[float]] = {name: [] for name in routes}
    shape = f"{world.frames} x {world.size} x {world.size} x {world.channels}"
    print(f"\nclips of {shape} in batches of {BATCH}; {TURNS} turns of {SHARE} batches", flush=True)
    for turn in range(TURNS + 1):
        for name, route in routes.items():
            wall = time.perf_counter()
            for step in range(SHARE):
                route(turn * SHARE + step)
            if turn:  # the first compiles, and touches memory for the first time
                seconds[name].append(time.perf_counter() - wall)
    print(f"{'':36}{'clips/s':>9}{'best':>9}{'per CPU s':>11}{'GB/s':>7}")
    for name, route in routes.items():
        each = pixels * (1 if "uint8" in name else 4) / BATCH
        speed, best = (BATCH * SHARE / value for value in (np.median(seconds[name]), min(seconds[name])))
        print(f"{name:36}{speed:9,.0f}{best:9,.0f}{_per_cpu_second(route):11,.0f}{speed * each / 1e9:7.1f}")
    speed, cpu = _with_workers()
    rate = 4 * speed * pixels / BATCH / 1e9
    print(f"{'ClipDataset, DataLoader, 2 workers':36}{speed:9,.0f}{'':9}{cpu:11,.0f}{rate:7.1f}")


def _forever() -> Iterator[Sample]:
    """Epoch after epoch; nothing is kept."""
    while True:
        yield from DataLoader(ClipDataset(SPEC), BATCH)


def _per_cpu_second(route: Callable[[int], object]) -> float:
    start = time.process_time()
    for step in range(4 * SHARE):
        route(step)
    return 4 * SHARE * BATCH / (time.process_time() - start)


def _with_workers() -> tuple[float, float]:
    """Clips per second and per CPU second by two workers, from their start; alone, for they work ahead of the others'
    turns. Those that have ended are counted with this process.
    """
    start, before, epochs = time.perf_counter(), _cpu(), 2
    for _ in range(epochs):
        for _ in DataLoader(ClipDataset(SPEC), BATCH, num_workers=2):
            pass
    count = epochs * SPEC.train
    return count / (time.perf_counter() - start), count / (_cpu() - before)


def _cpu() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    usages = [resource.getrusage(kind) for kind in kinds]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _waiting() -> None:
    """Train the tokenizers for some steps; the transformer's stage draws no pixels, its tokens are encoded once."""
    print("\nwaiting for the batch, share of a step in the tokenizer's training")
    for name, steps in STEPS.items():
        chosen = recipe(name)
        spec, size = replace(chosen.dataset, train=2000), chosen.tokenizer_training.batch_size
        source = Batches(spec, size, chosen.seed, augmented=True)
        config = replace(chosen.tokenizer_training, steps=steps, warmup_steps=2, checkpoint_every=steps)
        for way, batches in (("in turn", source), ("ahead", Ahead(source))):
            watch = _Watch(batches)
            with tempfile.TemporaryDirectory() as folder:
                out = RunFolder.start(Path(folder) / "run", config, resume=False)
                train(Tokenizer(chosen.tokenizer), watch, config, out, 0, CPU)
            first = steps // 4
            whole, waits = np.diff(watch.asked)[first:], np.array(watch.waited)[first:-1]
            print(
                f"  {name:6}{way:8}{waits.sum() / whole.sum():7.2%} (medians: {np.median(waits) * 1e3:.2f} ms "
                f"of {np.median(whole) * 1e3:.1f} ms; n = {len(whole)} steps)",
                flush=True,
            )


class _Watch:
    """Batches of a tokenizer's training; notes when each was asked for and how long that took."""

    def __init__(self, batches: Batches | Ahead):
        self.batches = batches
        self.asked: list[float] = []
        self.waited: list[float] = []

    def __call__(self, step: int, device: torch.device) -> torch.Tensor:
        self.asked.append(time.perf_counter())
        video = self.batches(step, device).video
        self.waited.append(time.perf_counter() - self.asked[-1])
        return video


if __name__ == "__main__":
    main()
