"""The stages of a run, each in its own folder, each taken up again where it was stopped.

run/config.json   run/tokenizer/   run/dynamics/   run/metrics.json, details.json, clips/   run/report.html
"""

import math
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from torch import Tensor, nn

from marey.core.config import LATER, strict
from marey.core.errors import UserError
from marey.core.files import read_json, sha256, write_json
from marey.core.processes import place
from marey.core.runs import RunFolder
from marey.data.clips import Ahead, Batch, Batches, as_video, clips
from marey.data.spec import DatasetSpec
from marey.dynamics.autoregressive import Autoregressive, AutoregressiveConfig
from marey.dynamics.tasks import Exercise, Task, draw_exercises, example, tasks_named, uniforms_needed
from marey.dynamics.transformer import Batch as MaskedBatch
from marey.dynamics.transformer import Dynamics, DynamicsConfig
from marey.encoders.guest import Guest
from marey.judge.physics import judge_physics
from marey.judge.verdict import judge
from marey.metrics import codebook
from marey.recipes.catalogue import LEVELS
from marey.recipes.model import VideoModel
from marey.recipes.recipe import Recipe
from marey.recipes.scatter import Scatter
from marey.recipes.strips import strip
from marey.recipes.views import Views
from marey.recipes.zoom import Zoom
from marey.tokens.tokenizer import AnyTokenizerConfig, Perceptual, Tokenizer
from marey.train import Manner, TrainConfig, train

VALIDATED = 256  # validation clips looked at during training, at most
_PIXELS = 1 << 23  # of them: of large clips fewer are looked at, which a training would otherwise wait for
_SETTLED = 2048  # training clips whose latents say how fast digits change, and how far they reach
_SHOWN = 4  # of them, in the strips
_ALONE = Manner()
Look = TypeVar("Look", bound=Callable[..., Any])
NOT_RUN = [
    {"what": "probes of frozen pretrained encoders", "why": "they have a bench of their own: marey probe"},
    {"what": "rollouts longer than the training clips", "why": "the test clips have no frames beyond their end"},
]


@strict
@dataclass(frozen=True)
class TokenizerStage:
    """All that decides a tokenizer's weights."""

    dataset: DatasetSpec
    tokenizer: AnyTokenizerConfig
    training: TrainConfig
    seed: int
    zoom: Zoom | None = field(default=None, metadata=LATER)


@strict
@dataclass(frozen=True)
class DynamicsStage:
    """All that decides a transformer's weights; the tokenizer by the hash of its weights."""

    dataset: DatasetSpec
    dynamics: DynamicsConfig | AutoregressiveConfig
    training: TrainConfig
    tokenizer_weights: str
    seed: int
    tasks: tuple[str, ...]
    scatter: Scatter | None = field(default=None, metadata=LATER)


def train_tokenizer(
    recipe: Recipe,
    out: Path,
    device: torch.device,
    resume: bool,
    manner: Manner = _ALONE,
    perceptual: Perceptual | None = None,
) -> Tokenizer:
    """Train the recipe's tokenizer in out/tokenizer, or finish what is there.

    perceptual: one more term of its loss (see `Tokenizer`); a folder does not remember which.
    """
    stage = TokenizerStage(recipe.dataset, recipe.tokenizer, recipe.tokenizer_training, recipe.seed, recipe.zoom)
    folder = RunFolder.start(out / "tokenizer", stage, resume)
    batches = _batches(recipe, stage.training)
    ahead = Ahead(batches)
    torch.manual_seed(recipe.seed)
    model = Tokenizer(recipe.tokenizer, perceptual)
    validation = _validation(recipe, device)

    def validate(_: int, averaged: Tokenizer) -> dict[str, float]:
        with torch.no_grad():
            loss, indices = averaged(validation.video).total, averaged.encode(validation.video).indices
        return {"validation_loss": float(loss)} | codebook.census(indices.cpu().numpy(), averaged.quantizer.levels)

    def paint(_: int, averaged: Tokenizer) -> UInt8[np.ndarray, "H W 3"]:
        video = validation.video[:_SHOWN]
        with torch.no_grad():
            return strip(video, averaged.decode(averaged.encode(video).indices))

    def batch_of(step: int, device: torch.device) -> torch.Tensor:
        video = ahead(step, device).video
        return recipe.zoom(video) if recipe.zoom else video

    def settle(averaged: Tokenizer) -> None:
        with torch.no_grad():
            seen = (batches(step, device).video for step in range(math.ceil(_SETTLED / stage.training.batch_size)))
            averaged.quantizer.settle(torch.cat([averaged.latents(video) for video in seen]))

    every, pictures = often(stage.training, validate), often(stage.training, paint)
    last = settle if model.quantizer.settles else None
    rows = batches.rows
    return train(model, batch_of, stage.training, folder, recipe.seed, device, every, pictures, rows, manner, last)


def train_dynamics(
    recipe: Recipe, tokenizer: Tokenizer, out: Path, device: torch.device, resume: bool, manner: Manner = _ALONE
) -> Dynamics:
    """Train the recipe's transformer on the tokenizer's tokens in out/dynamics, or finish what is there."""
    weights = sha256(out / "tokenizer" / "weights.safetensors")
    training, scatter = recipe.dynamics_training, recipe.scatter
    stage = DynamicsStage(recipe.dataset, recipe.dynamics, training, weights, recipe.seed, recipe.tasks, scatter)
    folder = RunFolder.start(out / "dynamics", stage, resume)
    batches = _batches(recipe, stage.training)
    torch.manual_seed(recipe.seed)
    dynamics = recipe.dynamics.build(recipe.layout)
    tasks = tasks_named(recipe.tasks)
    model = VideoModel(tokenizer, dynamics, recipe.shape, tasks).to(device)
    shown = _validation(recipe, device)
    validation = masked(model, shown, torch.Generator().manual_seed(0))

    levels = torch.tensor(dynamics.layout.levels)
    views = cache(lambda: Views(model, batches))  # made when a step first asks: a finished training never does

    def batch_of(step: int, device: torch.device) -> MaskedBatch:
        if not tokenizer.local:
            return masked(model, batches(step, device))
        digits, law = views()(step)
        exercise, reveal = exercises(model, len(law), device)
        unlike = torch.zeros_like(digits, dtype=torch.bool)
        if scatter:  # a new clip is to be like the world's; what is shown in part is given as pixels
            other = exercise.frames.any(dim=1).cpu() & ~exercise.partial.cpu()
            scattered = scatter(digits, levels, views().gone(step))
            digits = torch.where(other[:, None, None, None, None], scattered.digits, digits)
            unlike |= (other[:, None] & ~scattered.holds)[..., None, None, None]
        video = batches(step, device).video if model.may_hint(exercise).any() else None
        batch = model.batch_of(digits.to(device), law.to(device), exercise, reveal, video)
        return batch.without(dynamics.layout.row(law < 0, law < 0, unlike).to(device))

    def paint(_: int, averaged: Dynamics) -> UInt8[np.ndarray, "H W 3"]:
        video = shown.video[:_SHOWN]
        prefix = video[:, :, : recipe.judge.prefix]
        return strip(video, VideoModel(tokenizer, averaged, recipe.shape, tasks).predict(prefix, recipe.judge.horizon))

    every = often(stage.training, losses_on(validation))
    pictures = often(stage.training, paint) if "predict" in recipe.tasks else []
    return train(dynamics, batch_of, stage.training, folder, recipe.seed, device, every, pictures, batches.rows, manner)


def losses_on(validation: MaskedBatch) -> Callable[[int, nn.Module], dict[str, float]]:
    """The trial of a transformer: its loss on a batch kept for that, and the parts of it."""

    def validate(_: int, averaged: nn.Module) -> dict[str, float]:
        with torch.no_grad():
            loss = averaged(validation)
        parts = {f"validation_{name}": float(value) for name, value in loss.parts.items()}
        return {"validation_loss": float(loss.total)} | parts

    return validate


def masked(model: VideoModel, batch: Batch, generator: torch.Generator | None = None) -> MaskedBatch:
    """Clips as exercises for the transformer."""
    exercise, reveal = exercises(model, len(batch.video), batch.video.device, generator)
    return model.batch(batch.video, batch.law, exercise, reveal)


def exercises(
    model: VideoModel, n: int, device: torch.device, generator: torch.Generator | None = None
) -> tuple[Exercise, Bool[Tensor, "B E"]]:
    """A task for each of n clips, and what of the hidden is revealed, as decoding frame by frame will meet it.

    Of a clip that is made from nothing some whole frames and a part of one more. Of half of the others nothing, where
    digits are numbers: the likeliest continuation is read at once. Of the rest so much that what stays hidden is the
    cosine of a uniform angle (MaskGIT), frame by frame or digit by digit. To an autoregressive model nothing is.
    """
    u = torch.rand(n, uniforms_needed(model.tasks), generator=generator)
    exercise = draw_exercises(model.shape.frames, u, model.tasks, model.shape.size).to(device)
    layout = model.dynamics.layout
    if isinstance(model.dynamics, Autoregressive):
        return exercise, torch.zeros(n, layout.elements, dtype=torch.bool, device=device)
    hidden = torch.cos(torch.pi / 2 * torch.rand(n, 1, 1, generator=generator))
    kind = torch.rand(n, 1, generator=generator)
    reveal = torch.rand(n, layout.elements, generator=generator) >= hidden[:, 0]
    video, frames = layout.slice("video"), layout.grid[0]
    digits = reveal[:, video].unflatten(1, (frames, -1))
    whole = torch.rand(n, frames, 1, generator=generator) >= hidden
    reveal[:, video] = torch.where(kind[:, :, None] % 0.5 < 0.25, whole, digits).flatten(1)
    if layout.ordinal:
        reveal &= kind < 0.5
    new = ~exercise.shown.flatten(1).any(dim=1).cpu()
    reveal[new, video] = _as_drawn(frames, digits.shape[2], int(new.sum()), generator).flatten(1)
    return exercise, reveal.to(device)


def _as_drawn(frames: int, digits: int, n: int, generator: torch.Generator | None) -> Bool[Tensor, "n frames digits"]:
    """What is known of clips that are drawn frame by frame in any order, digit by digit: k frames, k = frames * u**2
    (the first ones decide most), and up to all but one of the digits of the next.
    """
    whole = (frames * torch.rand(n, 1, generator=generator).square()).long()
    some = (digits * torch.rand(n, 1, 1, generator=generator)).long()
    turn = torch.rand(n, frames, generator=generator).argsort(dim=1)
    rank = torch.rand(n, frames, digits, generator=generator).argsort(dim=2)
    return (turn < whole)[:, :, None] | ((turn == whole)[:, :, None] & (rank < some))


def _batches(recipe: Recipe, training: TrainConfig) -> Batches:
    """Clips that are mirrored, turned and reversed where the world's laws allow it."""
    return Batches(recipe.dataset, training.batch_size, recipe.seed, augmented=recipe.dataset.world.kind == "matched")


def judge_run(
    recipe: Recipe, model: VideoModel, out: Path, progress: Callable[[str], None], guest: Guest | None = None
) -> None:
    """Measure the model on the test split, and beyond what it was trained on if the data set holds that out.

    Writes metrics.json, and of a world that the law fit knows details.json and clips/.
    """
    dataset, levels = recipe.dataset, LEVELS.get(recipe.name, {})
    test, held_out = dataset.scenes("test"), dataset.scenes("held_out") if dataset.held_out else None
    if dataset.world.kind == "phyworld":
        sides = {"within": test} | ({} if held_out is None else {"beyond": held_out})
        judge_physics(model.eval(), sides, recipe.judge, RunFolder(out), progress, levels)
        return
    shape = model.shape
    judge(
        model.eval(),
        dataset.scenes("train"),
        test,
        recipe.judge,
        RunFolder(out),
        progress,
        levels=levels,
        tasks=[_row(task) for task in model.tasks],
        not_run=NOT_RUN,
        held_out=held_out,
        guest=guest,
        painted={task.name: example(task, shape.frames, shape.size).numpy() for task in model.tasks if task.region},
    )


def start_run(recipe: Recipe, out: Path, resume: bool = True) -> None:
    """Claim the run folder for this recipe; a folder of another recipe, or without `resume` of any, is refused."""
    RunFolder.start(out, recipe, resume).write_environment(recipe.seed)


@contextmanager
def timed(out: Path, stage: str) -> Iterator[None]:
    """Add a stage's wall and CPU seconds, and the peak memory so far, to the run's times.json."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    if place() > 0:
        return
    path = out / "times.json"
    times = read_json(path) if path.exists() else {}
    before = times.get(stage, {"seconds": 0.0, "cpu_seconds": 0.0})
    times[stage] = {
        "seconds": round(before["seconds"] + time.perf_counter() - wall, 2),
        "cpu_seconds": round(before["cpu_seconds"] + time.process_time() - cpu, 2),
    }
    times["peak_memory_gb"] = round(max(_peak_memory(), times.get("peak_memory_gb", 0.0)), 3)
    write_json(path, times)


def _peak_memory() -> float:
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def _validation(recipe: Recipe, device: torch.device) -> Batch:
    frames, size = recipe.shape.frames, recipe.shape.size
    count = min(VALIDATED, recipe.dataset.validation, max(1, _PIXELS // (frames * size**2)))
    law = recipe.dataset.scenes("validation", 0, count).law
    video = as_video(clips(recipe.dataset, "validation", 0, count))
    return Batch(video.to(device), torch.from_numpy(law).to(device))


def often(config: TrainConfig, look: Look) -> list[tuple[int, Look]]:
    """A trial or a picture some twenty times in a training."""
    return [(max(1, config.steps // 20), look)]


def _row(task: Task) -> dict[str, str]:
    """A task as the report's table shows it."""
    row = asdict(task)
    return {"task": row["name"], "class": row["law"]} | {part: row[part] for part in ("first", "middle", "last")}


def require(path: Path, made_by: str) -> None:
    """A UserError that names the command, if the file is missing."""
    if not path.exists():
        raise UserError(f"{path} is missing; make it with `{made_by}`")
