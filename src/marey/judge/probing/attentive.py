"""The attentive probe: one learned question to all steps of a clip, and a linear layer on what it attends to."""

import copy

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from marey.judge.probing.fit import Kind, Lesson, Rows, Values

TOKEN = 64  # numbers of a step
_HEADS, _STEPS, _BATCH, _LOOK_EVERY, _RATE = 4, 200, 128, 20, 3e-3


class Attentive(nn.Module):
    """Steps of features with their places, asked by one query (as the attentive probe of V-JEPA does, but smaller)."""

    def __init__(self, steps: int, width: int, outputs: int):
        super().__init__()
        self.places = nn.Parameter(0.02 * torch.randn(steps, width))
        self.query = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.attention = nn.MultiheadAttention(width, _HEADS, batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.read = nn.Linear(width, outputs)

    def forward(self, tokens: Float[Tensor, "B t D"]) -> Float[Tensor, "B K"]:
        """Log odds of the classes, or the numbers."""
        tokens = tokens + self.places
        answer, _ = self.attention(self.query.expand(len(tokens), -1, -1), tokens, tokens, need_weights=False)
        return self.read(self.norm(answer[:, 0]))


def attentive(lesson: Lesson, rows: Rows, steps: int, seed: int) -> Values:
    """Trained by AdamW; the validation rows say when to stop. rows: the steps of each clip side by side."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classes = lesson.classes
        outputs = len(classes) if lesson.kind == "class" else lesson.train_values.shape[1]
        model = Attentive(steps, lesson.train.shape[1] // steps, outputs)
        targets, centre, scale = _targets(lesson, classes)
        _train(model, lesson, targets, steps)
    with torch.no_grad():
        said = model(_tokens(rows, steps)).numpy().astype(np.float64)
    return classes[said.argmax(axis=1)].astype(np.float64)[:, None] if lesson.kind == "class" else said * scale + centre


def _targets(lesson: Lesson, classes: Int64[np.ndarray, "K"]) -> tuple[tuple[Tensor, Tensor], np.ndarray, np.ndarray]:
    """What is to be said of training and validation rows; mean and scale of numbers."""
    both = lesson.train_values, lesson.validation_values
    if lesson.kind == "class":
        train, validation = (torch.from_numpy(np.searchsorted(classes, each[:, 0])) for each in both)
        return (train, validation.clamp(max=len(classes) - 1)), np.zeros(1), np.ones(1)
    centre, scale = both[0].mean(axis=0), both[0].std(axis=0).clip(1e-9)
    train, validation = (torch.from_numpy(((each - centre) / scale).astype(np.float32)) for each in both)
    return (train, validation), centre, scale


def _train(model: Attentive, lesson: Lesson, targets: tuple[Tensor, Tensor], steps: int) -> None:
    train, validation = _tokens(lesson.train, steps), _tokens(lesson.validation, steps)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=_STEPS)
    best, least = copy.deepcopy(model.state_dict()), float("inf")
    for step in range(_STEPS):
        some = torch.randint(len(train), (min(_BATCH, len(train)),))
        loss = _loss(lesson.kind, model(train[some]), targets[0][some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % _LOOK_EVERY == 0:
            with torch.no_grad():
                found = float(_loss(lesson.kind, model(validation), targets[1]))
            if found < least:
                best, least = copy.deepcopy(model.state_dict()), found
    model.load_state_dict(best)


def _loss(kind: Kind, said: Tensor, wanted: Tensor) -> Tensor:
    return F.cross_entropy(said, wanted) if kind == "class" else F.mse_loss(said, wanted)


def _tokens(rows: Rows, steps: int) -> Float[Tensor, "n t d"]:
    return torch.from_numpy(np.ascontiguousarray(rows)).unflatten(1, (steps, -1))
