"""A recipe's twin: that recipe, but coordinates.

The same transformer learns the same exercises on the same clips, told as coordinates, for which nothing has to be
learned: what a video model would be if it saw perfectly. It is a control, and named as one wherever its figures stand.

run/config.json   run/dynamics/   run/metrics.json, details.json   run/costs.json, times.json
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from marey.core.config import fingerprint, strict
from marey.core.files import read_json, sha256, write_json
from marey.core.runs import RunFolder
from marey.data.clips import Batch, Batches
from marey.data.coordinates import CoordinateBatches, Of, Scale
from marey.data.spec import DatasetSpec
from marey.dynamics.autoregressive import AutoregressiveConfig
from marey.dynamics.sequence import Layout
from marey.dynamics.tasks import tasks_named
from marey.dynamics.transformer import Batch as MaskedBatch
from marey.dynamics.transformer import DynamicsConfig
from marey.judge.exam import Exam
from marey.judge.twin import TwinExam, judge_twin
from marey.recipes.model import Shape, VideoModel
from marey.recipes.recipe import Recipe
from marey.recipes.stages import VALIDATED, losses_on, masked, often, timed
from marey.tokens.coordinates import CoordinateTokenizer
from marey.tokens.quantizers import FSQConfig
from marey.train import TrainConfig, train
from marey.train.weights import weights_file
from marey.world.render import render

Say = Callable[[str], None]
_TIMED, _TIMES = 1000, 5  # clips made to measure what making them costs, and how often


@strict
@dataclass(frozen=True)
class Twin:
    """That recipe, but coordinates. Its tokenizer is not used; the quantizer is of coordinates, a digit for each."""

    recipe: Recipe
    of: Of
    quantizer: FSQConfig = FSQConfig(levels=(1024, 1024, 1024))  # noqa: RUF009 (frozen)

    @property
    def shape(self) -> Shape:
        """Of its clips: one pixel with a channel for each coordinate."""
        return Shape(len(self.of.names), self.recipe.shape.frames, 1)

    @property
    def layout(self) -> Layout:
        """The recipe's, with one token for each frame."""
        return replace(self.recipe.layout, grid=(self.shape.frames, 1, 1), levels=self.quantizer.levels)


@strict
@dataclass(frozen=True)
class TwinStage:
    """All that decides a twin's weights."""

    dataset: DatasetSpec
    of: Of
    quantizer: FSQConfig
    dynamics: DynamicsConfig | AutoregressiveConfig
    training: TrainConfig
    seed: int


def run_twin(twin: Twin, out: Path, device: torch.device, say: Say, resume: bool) -> None:
    """Train and judge the twin in `out`, with `resume` going on where an earlier call was stopped."""
    folder = RunFolder.start(out, twin, resume)
    if _judged(twin, out):
        say(f"{out}: done already")
        return
    folder.write_environment(twin.recipe.seed)
    say(f"twin on {twin.of.kind}: {twin.recipe.dynamics_training.steps} steps")
    with timed(out, "dynamics"):
        batches = batches_of(twin)
        model = train_twin(twin, batches, out, device, resume=True)
    if not (out / "costs.json").exists():
        write_json(out / "costs.json", costs(twin))
    dataset = twin.recipe.dataset
    exam = Exam(model, dataset.scenes("train"), dataset.scenes("test"), twin.recipe.judge)
    with timed(out, "judge"):
        judge_twin(TwinExam(exam, twin.of, batches.scale), folder, lambda trial: say(f"judge: {trial}"))
    write_json(out / "judged.json", _identity(twin, out))


def _judged(twin: Twin, out: Path) -> bool:
    """Whether the weights that lie there were judged, by the same rules."""
    weights, done = weights_file(out / "dynamics"), out / "judged.json"
    return weights.exists() and done.exists() and read_json(done) == _identity(twin, out)


def _identity(twin: Twin, out: Path) -> dict[str, str]:
    return {"dynamics": sha256(weights_file(out / "dynamics")), "twin": fingerprint(twin)}


def batches_of(twin: Twin) -> CoordinateBatches:
    """The clips that the recipe's own transformer learns from, in the same order and in the same ways."""
    recipe, augmented = twin.recipe, twin.recipe.dataset.world.kind == "matched"
    pixels = Batches(recipe.dataset, recipe.dynamics_training.batch_size, recipe.seed, augmented)
    return CoordinateBatches(pixels, twin.of)


def train_twin(twin: Twin, batches: CoordinateBatches, out: Path, device: torch.device, resume: bool) -> VideoModel:
    """Train the transformer on rounded coordinates in out/dynamics, or finish what is there."""
    recipe, training = twin.recipe, twin.recipe.dynamics_training
    stage = TwinStage(recipe.dataset, twin.of, twin.quantizer, recipe.dynamics, training, recipe.seed)
    folder = RunFolder.start(out / "dynamics", stage, resume)
    tokenizer = CoordinateTokenizer(twin.quantizer)
    torch.manual_seed(recipe.seed)
    dynamics = recipe.dynamics.build(twin.layout)
    model = VideoModel(tokenizer, dynamics, twin.shape, tasks_named(recipe.tasks)).to(device)
    validation = masked(model, _validation(twin, batches.scale, device), torch.Generator().manual_seed(0))

    def batch_of(step: int, device: torch.device) -> MaskedBatch:
        return masked(model, batches(step, device))

    every = often(training, losses_on(validation))
    train(dynamics, batch_of, training, folder, recipe.seed, device, every=every)
    return model.eval()


def _validation(twin: Twin, scale: Scale, device: torch.device) -> Batch:
    dataset = twin.recipe.dataset
    scenes = dataset.scenes("validation", 0, min(VALIDATED, dataset.validation))
    return Batch(scale.video(twin.of.points(scenes)).to(device), torch.from_numpy(scenes.law).to(device))


def costs(twin: Twin) -> dict[str, Any]:
    """What the clips take as images and as coordinates: bytes, and CPU seconds to make a thousand, measured here.

    Pixels are counted as bytes, coordinates as float32. Making begins with nothing but the spec; of several
    measurements the median, with the least and the most.
    """
    dataset = twin.recipe.dataset
    count = min(_TIMED, dataset.train)
    render(dataset.scenes("train", 0, 1))  # compile first
    seconds: dict[str, list[float]] = {"images": [], "coordinates": []}
    sizes: dict[str, float] = {}
    for _ in range(_TIMES):
        start = time.process_time()
        scenes = dataset.scenes("train", 0, count)
        known = time.process_time()
        clips = render(scenes)
        drawn = time.process_time()
        points = twin.of.points(scenes).astype(np.float32)
        told = time.process_time()
        seconds["images"].append((drawn - start) * 1000 / count)
        seconds["coordinates"].append((known - start + told - drawn) * 1000 / count)
        sizes = {"images": clips.nbytes / count, "coordinates": points.nbytes / count}
    return {"clips": count, "times": _TIMES, "names": list(twin.of.names)} | {
        name: {
            "bytes_per_clip": sizes[name],
            "cpu_seconds_per_1000": float(np.median(each)),
            "least": min(each),
            "most": max(each),
        }
        for name, each in seconds.items()
    }
