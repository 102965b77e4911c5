"""A code of 4096 taken apart into factors, or as one name: from which does a transformer learn faster?

    python benchmarks/vocabularies.py --run runs/demo --steps 400

The tokenizer of a run of recipe `small`, its codes rounded more coarsely, to FSQ 16 x 16 x 16, and two transformers
that differ in how a code goes in and out: three small digits, each predicted by itself, or one softmax over all 4096.
Both see the same exercises in the same order. Printed at some steps: CPU seconds so far, nats a token on validation
clips of which four frames are shown (in factors: the sum over its digits); at the end what the judge finds.
"""

# ruff: noqa: T201 - what it prints is what it is for

import argparse
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from marey.core.config import from_json
from marey.core.files import read_json
from marey.core.runs import RunFolder
from marey.data.clips import Batches, as_video, clips
from marey.dynamics.tasks import Exercise, task_index
from marey.dynamics.transformer import Batch, Dynamics, DynamicsConfig
from marey.judge import generation, trials
from marey.judge.exam import Exam
from marey.metrics.figure import Figure
from marey.recipes.model import VideoModel
from marey.recipes.recipe import Recipe
from marey.recipes.stages import exercises
from marey.recipes.views import Views
from marey.tokens.quantizers import FSQConfig
from marey.tokens.tokenizer import Tokenizer
from marey.train import load_weights, train

CPU = torch.device("cpu")
TRAIN = 3000  # clips to learn from: each has to be encoded first, in sixteen views
LEVELS = (16, 16, 16)
SHOWN = ("ade", "law_right", "track_error")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="a finished run, whose tokenizer is taken")
    parser.add_argument("--steps", type=int, default=400, help="of each transformer")
    parser.add_argument("--clips", type=int, default=200, help="test clips, and generated ones")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"1 thread, load {os.getloadavg()[0]:.1f}", flush=True)
    recipe = from_json(Recipe, read_json(given.run / "config.json"), where=str(given.run))
    coarse = replace(recipe.tokenizer, quantizer=FSQConfig(levels=LEVELS))
    recipe = replace(recipe, tokenizer=coarse, dataset=replace(recipe.dataset, train=TRAIN))
    tokenizer = load_weights(Tokenizer(coarse), given.run / "tokenizer")
    for vocabulary in ("factors", "joint"):
        config = DynamicsConfig(vocabulary=vocabulary)
        _learn(replace(recipe, dynamics=config), tokenizer, given.steps, given.clips)


def _learn(recipe: Recipe, tokenizer: Tokenizer, steps: int, count: int) -> None:
    training = replace(recipe.dynamics_training, steps=steps, checkpoint_every=steps)
    torch.manual_seed(recipe.seed)
    model = VideoModel(tokenizer, recipe.dynamics.build(recipe.layout), recipe.shape)
    views = Views(model, Batches(recipe.dataset, training.batch_size, recipe.seed, augmented=True))
    asked, digits = _prediction(model, recipe), len(recipe.layout.levels)

    def batch_of(step: int, _: torch.device) -> Batch:
        indices, law = views(step)
        return model.batch_of(indices, law, *exercises(model, len(law), CPU))

    def validate(step: int, averaged: Dynamics) -> dict[str, float]:
        with torch.no_grad():
            nats = float(averaged(asked).parts["video"]) * digits
        name = recipe.dynamics.vocabulary
        print(f"{name:8} step {step:5}, {time.process_time() - start:6.1f} CPU s, {nats:.3f} nats a token", flush=True)
        return {"nats": nats}

    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        out = RunFolder.start(Path(folder) / "run", training, resume=False)
        train(model.dynamics, batch_of, training, out, recipe.seed, CPU, every=[(max(1, steps // 4), validate)])
    test = recipe.dataset.scenes("test").take(np.arange(count))
    judging = replace(recipe.judge, generated=count, train_clips=1000)
    exam = Exam(model.eval(), recipe.dataset.scenes("train"), test, judging)
    figures: list[Figure] = [*trials.reconstruct(exam).figures, *trials.predict(exam).figures]
    for figure in figures + generation.generate(exam, 1.0).figures:
        if figure.name.split(".")[1] in SHOWN:
            print(f"  {figure.name:28}{figure.value:8.3f} ({figure.low:.3f} to {figure.high:.3f}), n = {figure.n}")


def _prediction(model: VideoModel, recipe: Recipe) -> Batch:
    """Validation clips of which the first four frames are shown, nothing else revealed."""
    video = as_video(clips(recipe.dataset, "validation", 0, 200))
    law = torch.from_numpy(recipe.dataset.scenes("validation", 0, 200).law)
    shown = (torch.arange(recipe.shape.frames) < 4)[None, :, None, None].expand(200, -1, 1, 1)
    task = torch.full((200,), task_index("predict"))
    nothing = torch.zeros(200, model.dynamics.layout.elements, dtype=torch.bool)
    return model.batch(video, law, Exercise(task, shown, task < 0), nothing)


if __name__ == "__main__":
    main()
