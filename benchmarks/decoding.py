"""Parallel decoding against the autoregressive twin: what each costs, and what each is worth.

    python benchmarks/decoding.py                               cost against tokens, clips and width
    python benchmarks/decoding.py --run runs/demo --steps 400   quality: both trained alike on the tokens of that run

Cost does not depend on what a model has learned, so the first table is of untrained ones: CPU seconds of this process
for each clip, the least of some turns that both take in turn. Twelve passes of the parallel model over all tokens stand
against one pass of the twin for each element (a digit of a token), its keys and values kept.
"""

# ruff: noqa: T201 - what it prints is what it is for

import argparse
import os
import platform
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from marey.core.config import from_json
from marey.core.files import read_json
from marey.core.runs import RunFolder
from marey.data.clips import Batches
from marey.dynamics.autoregressive import AutoregressiveConfig
from marey.dynamics.decode import fill
from marey.dynamics.sequence import Layout, Sequence
from marey.dynamics.tasks import tasks_named
from marey.dynamics.transformer import DynamicsConfig
from marey.judge import generation, trials
from marey.judge.exam import Exam
from marey.recipes.catalogue import recipe
from marey.recipes.model import VideoModel
from marey.recipes.recipe import Recipe
from marey.recipes.stages import exercises
from marey.recipes.views import Views
from marey.tokens.tokenizer import Tokenizer
from marey.train import load_weights, train

STEPS = 12  # of parallel decoding
TRAIN = 3000  # clips to learn from, at most: each has to be encoded first, in sixteen views
CPU = torch.device("cpu")
SMALL, LEVELS = ((8, 1, 1), (1024, 1024, 1024)), (8, 8, 8, 8)
GRIDS = (SMALL, ((8, 2, 2), LEVELS), ((8, 4, 4), LEVELS), ((16, 4, 4), LEVELS))
MIDDLE = GRIDS[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="a finished run, whose tokenizer is taken")
    parser.add_argument("--steps", type=int, default=400, help="of each training")
    parser.add_argument("--clips", type=int, default=200, help="test clips, and generated ones")
    given = parser.parse_args()
    torch.set_num_threads(1)
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{platform.machine()}, {os.cpu_count()} cores, 1 thread, load {load}", flush=True)
    if given.run is None:
        costs()
    else:
        quality(given.run, given.steps, given.clips)


def costs() -> None:
    """The tables: one thing is varied at a time."""
    print(f"\nCPU ms a clip: {STEPS} parallel steps, and the twin\n")
    print(
        "| varied | tokens | elements | clips | width | parallel | in turn | ratio |\n|---|---|---|---|---|---|---|---|"
    )
    for grid in GRIDS:
        _row("tokens", grid, 1, DynamicsConfig(), steps=STEPS)
    for grid in GRIDS[:3]:
        _row("tokens", grid, 16, DynamicsConfig(), steps=STEPS)
    for clips in (1, 4, 16, 64):
        _row("clips", MIDDLE, clips, DynamicsConfig(), steps=STEPS)
    for width in (64, 128, 256):
        _row("width", MIDDLE, 4, DynamicsConfig(width=width), steps=STEPS)
    print("\nCPU ms a clip, decoded as it is unless said otherwise: the likeliest second half, and a clip drawn\n")
    print("| recipe | tokens | elements | clips | width | parallel | in turn | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for name in ("small", "base"):
        shape, layout = recipe(name).dynamics, recipe(name).layout
        grid = layout.grid, layout.levels
        for clips in (1, 16):
            _row(f"{name}, second half", grid, clips, shape, shown=0.5, temperature=0.0)
            _row(f"{name}, drawn", grid, clips, shape)


def _row(
    varied: str,
    grid: tuple[tuple[int, int, int], tuple[int, ...]],
    clips: int,
    shape: DynamicsConfig,
    shown: float = 0.0,
    **decoding: Any,
) -> None:
    """shown: share of the elements, the first ones."""
    layout = Layout(4, 4, *grid)
    torch.manual_seed(0)
    models = [config.build(layout).eval() for config in (shape, twin_of(shape))]
    values = torch.zeros(clips, layout.elements, dtype=torch.long)
    known = torch.zeros_like(values, dtype=torch.bool)
    start = layout.slice("video").start
    known[:, : start + int(shown * (layout.elements - start))] = True
    sequence = Sequence(values, known, torch.zeros_like(known))
    least = [np.inf, np.inf]
    for turn in range(4):
        for i, model in enumerate(models):
            begin = time.process_time()
            fill(model, sequence, generator=torch.Generator().manual_seed(turn), **decoding)
            least[i] = min(least[i], (time.process_time() - begin) / clips)
    parallel, turns = (each * 1e3 for each in least)
    cells = [varied, layout.length - 2, layout.elements - 2, clips, shape.width]
    print(f"| {' | '.join(map(str, cells))} | {parallel:.2f} | {turns:.2f} | {turns / parallel:.1f} |", flush=True)


def twin_of(shape: DynamicsConfig) -> AutoregressiveConfig:
    """With the same trunk."""
    return AutoregressiveConfig(width=shape.width, depth=shape.depth, heads=shape.heads)


def quality(run: Path, steps: int, count: int) -> None:
    """Both kinds, the same trunk, tokens, exercises and steps; then what the judge finds in them."""
    chosen = from_json(Recipe, read_json(run / "config.json"), where=str(run))
    tokenizer = load_weights(Tokenizer(chosen.tokenizer), run / "tokenizer")
    training, dataset = replace(chosen.dynamics_training, steps=steps, checkpoint_every=steps), chosen.dataset
    dataset = replace(dataset, train=min(TRAIN, dataset.train))
    judging = replace(chosen.judge, generated=count, train_clips=min(1000, dataset.train))
    shape, test = chosen.dynamics, chosen.dataset.scenes("test").take(np.arange(count))
    print(
        f"\n{steps} steps of {training.batch_size} clips on the tokens of {run.name}; {count} test clips\n", flush=True
    )
    views: Views | None = None
    for name, config in (("parallel", shape), ("in turn", twin_of(shape))):
        torch.manual_seed(chosen.seed)
        model = VideoModel(tokenizer, config.build(chosen.layout), chosen.shape, tasks_named(chosen.tasks))
        views = views or Views(model, Batches(dataset, training.batch_size, chosen.seed, augmented=True))

        def batch_of(step: int, _: torch.device, model: VideoModel = model, views: Views = views) -> object:
            digits, law = views(step)
            return model.batch_of(digits, law, *exercises(model, len(law), CPU))

        start = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            out = RunFolder.start(Path(folder) / "run", training, resume=False)
            train(model.dynamics, batch_of, training, out, chosen.seed, CPU)
        learned = time.process_time() - start
        exam = Exam(model.eval(), dataset.scenes("train"), test, judging)
        start = time.process_time()
        model.generate(torch.arange(count) % 4, drafts=1)
        drawn = (time.process_time() - start) / count * 1e3
        figures = [*trials.predict(exam).figures, *trials.interpolate(exam).figures]
        figures += generation.generate(exam, 1.0).figures
        print(f"{name}: trained in {learned:.0f} CPU s; one draft of a clip, decoded to pixels, {drawn:.1f} CPU ms")
        for figure in figures:
            if figure.name.split(".")[1] in ("ade", "law_right", "survival"):
                print(f"  {figure.name:24}{figure.value:8.3f} ({figure.low:.3f} to {figure.high:.3f}), n = {figure.n}")
        print(flush=True)


if __name__ == "__main__":
    main()
