"""The training loop. A step depends on the state before it, the seed and its own number, and on nothing else."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import nn

from marey.core.config import fingerprint
from marey.core.errors import UserError
from marey.core.runs import RunFolder
from marey.core.seeds import step_seed
from marey.train.checkpoint import State, last_checkpoint, resume, save_checkpoint
from marey.train.config import TrainConfig
from marey.train.ema import EMA
from marey.train.players import Player, players
from marey.train.progress import Meter
from marey.train.sealed import DamagedError
from marey.train.weights import load_weights, save_weights, weights_file

Model = TypeVar("Model", bound=nn.Module)
BatchOf = Callable[[int, torch.device], Any]  # (step, device) -> what the model takes; a pure function
Trial = Callable[[int, nn.Module], Mapping[str, float]]  # (steps done, averaged model) -> named figures


def train(
    model: Model,
    batch_of: BatchOf,
    config: TrainConfig,
    folder: RunFolder,
    seed: int,
    device: torch.device,
    every: Sequence[tuple[int, Trial]] = (),
) -> Model:
    """Minimise `model(batch_of(step, device)).total`; return the model with its averaged weights, in evaluation mode.

    The folder says where to begin: at once done if it holds finished weights, else after its newest checkpoint, else at
    step 0. Killed at any moment and called again with the same arguments, it ends with the same bytes as if never
    killed (one machine, one number of threads), provided that the model's first weights are a function of the seed,
    that `batch_of` is pure, and that all randomness inside a step is torch's.

    every: (n, trial) pairs; each n steps, and at the end, the trial's figures go to metrics.jsonl.
    A loss that is not a number, or a folder that another training made, is a UserError.
    """
    run = f"{fingerprint(config)}-{seed}"
    model = model.to(device)
    if _finished(model, folder, run):
        return model
    state = State(model.train(), EMA(model, config.ema_decay), players(model, config))
    first = resume(state, folder, run)
    folder.log(f"training from step {first} to {config.steps}")
    with Meter(folder, first, config.steps) as meter:
        for step in range(first, config.steps):
            row = run_step(state, batch_of, config, seed, step, device)
            _check(row, step, folder)
            done = step + 1
            if _due(done, config.log_every, config.steps):
                folder.append(step=done, **row)
            for period, trial in every:
                if _due(done, period, config.steps):
                    folder.append(step=done, **trial(done, state.ema.model))
            if _due(done, config.checkpoint_every, config.steps):
                save_checkpoint(state, done, folder, run)
            meter.update(done, row["loss"])
    save_weights(state.ema.model, folder.path, run)
    return load_weights(model, folder.path)


def run_step(
    state: State, batch_of: BatchOf, config: TrainConfig, seed: int, step: int, device: torch.device
) -> dict[str, float]:
    """Step number 0, 1, ...: each player moves once; returns losses, their parts, learning rates, gradients' norms."""
    torch.manual_seed(step_seed(seed, step))
    learning_rate, batch = config.learning_rate_at(step), batch_of(step, device)
    row: dict[str, float] = {}
    for player in state.players:
        row |= _move(player, batch, learning_rate * player.pace, config.clip_norm)
    state.ema.update(state.model, step)
    return row


def _move(player: Player, batch: Any, learning_rate: float, clip_norm: float) -> dict[str, float]:
    loss = player.loss(batch)
    for optimizer in player.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        optimizer.zero_grad()
    loss.total.backward(inputs=player.parameters)  # the other player's are not even computed
    norm = nn.utils.clip_grad_norm_(player.parameters, clip_norm)
    for optimizer in player.optimizers:
        optimizer.step()
    parts = {name: value.item() for name, value in loss.parts.items()}
    figures = {"loss": loss.total.item()} | parts | {"learning_rate": learning_rate, "gradient_norm": norm.item()}
    return {player.name + name: value for name, value in figures.items()}


def _finished(model: nn.Module, folder: RunFolder, run: str) -> bool:
    """Whether the folder's final weights are whole and now in the model; damaged ones can be made again."""
    if not weights_file(folder.path).exists():
        return False
    try:
        load_weights(model, folder.path, run)
    except DamagedError as error:
        folder.log(f"warning: {error}")
        return False
    return True


def _check(row: Mapping[str, float], step: int, folder: RunFolder) -> None:
    for name, value in row.items():
        if not math.isfinite(value):
            raise UserError(
                f"{folder.path}: {name} is {value} at step {step}; the last good checkpoint is "
                f"{last_checkpoint(folder) or 'none yet'}; lower learning_rate or raise warmup_steps, in another folder"
            )


def _due(done: int, period: int, steps: int) -> bool:
    return done % period == 0 or done == steps
