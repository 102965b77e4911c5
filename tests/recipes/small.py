"""Small video models with random weights, one for each reach of the encoder in time."""

import torch

from marey.dynamics.sequence import Layout
from marey.dynamics.tasks import Exercise, draw_exercises, task_index
from marey.dynamics.transformer import Dynamics, DynamicsConfig
from marey.recipes.model import Shape, VideoModel
from tests.tokens.small import KINDS, SIZE, noise, shaken, tokenizer_of

TASKS = ("classify", "generate", "predict", "interpolate")


def model_of(kind: str) -> VideoModel:
    tokenizer, frames = tokenizer_of(kind), KINDS[kind][1]
    grid = (1 + (frames - 1) // tokenizer.config.stride[0], SIZE // 8, SIZE // 8)
    layout = Layout(4, 4, grid, tokenizer.config.quantizer.levels)
    dynamics = shaken(Dynamics(DynamicsConfig(), layout), seed=1)
    return VideoModel(tokenizer, dynamics, Shape(1, frames, SIZE)).eval()


def exercises(task: str, frames: int, count: int = 48) -> Exercise:
    """Random exercises of one task."""
    u = torch.rand(count, 4, generator=torch.Generator().manual_seed(3))
    u[:, 0] = (task_index(task) + 0.5) / len(TASKS)
    return draw_exercises(frames, u)


def redrawn(video: torch.Tensor, shown: torch.Tensor, seed: int = 1) -> torch.Tensor:
    """The same clips with other hidden frames."""
    other = noise(len(video), video.shape[2], seed=seed)
    return torch.where(shown[:, None, :, None, None], video, other)
