"""Small video models with random weights, one for each reach of the encoder in time, that know every task."""

from dataclasses import replace

import torch

from marey.dynamics.autoregressive import AutoregressiveConfig
from marey.dynamics.sequence import Layout
from marey.dynamics.tasks import EVERY_TASK, TABLE, Exercise, draw_exercises, task_index, uniforms_needed
from marey.dynamics.transformer import DynamicsConfig
from marey.recipes.model import Shape, VideoModel
from tests.tokens.small import KINDS, SIZE, noise, shaken, tokenizer_of

TASKS, PARALLEL = EVERY_TASK, DynamicsConfig()


def model_of(
    kind: str, tasks: int = len(TABLE), config: DynamicsConfig | AutoregressiveConfig = PARALLEL
) -> VideoModel:
    """tasks: how many of the table's first ones it knows."""
    tokenizer, frames = tokenizer_of(kind), KINDS[kind][1]
    grid = (1 + (frames - 1) // tokenizer.config.stride[0], SIZE // 8, SIZE // 8)
    layout = Layout(tasks, 4, grid, tokenizer.config.quantizer.levels)
    if config.vocabulary == "joint":
        layout = replace(layout, levels=(8 * 5 * 4,), ordinal=False)
    dynamics = shaken(config.build(layout), seed=1)
    return VideoModel(tokenizer, dynamics, Shape(1, frames, SIZE), TABLE[:tasks]).eval()


def exercises(task: str, frames: int, count: int = 48) -> Exercise:
    """Random exercises of one task."""
    row = TABLE[task_index(task, TABLE)]
    u = torch.rand(count, uniforms_needed((row,)), generator=torch.Generator().manual_seed(3))
    drawn = draw_exercises(frames, u, (row,), SIZE)
    return replace(drawn, task=drawn.task + task_index(task, TABLE))


def redrawn(video: torch.Tensor, shown: torch.Tensor, seed: int = 1) -> torch.Tensor:
    """The same clips with other hidden pixels."""
    other = noise(len(video), video.shape[2], seed=seed)
    return torch.where(shown[:, None], video, other)
