"""One step of training. It depends on the state before it, the seed and its own number, and on nothing else."""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from marey.core.errors import UserError
from marey.core.seeds import step_seed
from marey.train.checkpoint import State
from marey.train.config import TrainConfig
from marey.train.devices import Alone
from marey.train.parts import part
from marey.train.players import Player
from marey.train.precision import products
from marey.train.shards import whole

BatchOf = Callable[[int, torch.device], Any]  # (step, device) -> what the model takes; a pure function


@dataclass(frozen=True)
class Share:
    """What one process does of each step: parts `first` to `first + number - 1` of the batch's `count`."""

    first: int
    number: int
    count: int


def share_of(config: TrainConfig, devices: Alone) -> Share:
    """This process's share. A batch that cannot be divided among them is a UserError."""
    count = math.lcm(config.parts, devices.count)
    if config.batch_size % count:
        raise UserError(
            f"batch_size={config.batch_size} cannot be divided into {count} equal parts (parts={config.parts}, "
            f"{devices.count} devices); choose another number of devices"
        )
    number = count // devices.count
    return Share(devices.place * number, number, count)


def run_step(
    state: State,
    batch_of: BatchOf,
    config: TrainConfig,
    seed: int,
    step: int,
    device: torch.device,
    devices: Alone,
) -> dict[str, float]:
    """Step number 0, 1, ...: each player moves once; returns losses, their parts, learning rates, gradients' norms.

    Random numbers: those of `batch_of` are drawn for the whole batch, by every process, which then takes its parts.
    Those drawn inside the model belong to the part, so that they do not depend on which process works on it.
    """
    torch.manual_seed(step_seed(seed, step))
    learning_rate, batch, share = config.learning_rate_at(step), batch_of(step, device), share_of(config, devices)
    numbers = range(share.first, share.first + share.number)
    parts = [part(batch, number, share.count) for number in numbers]
    row: dict[str, float] = {}
    for turn, player in enumerate(state.players):
        streams = [1 + turn * share.count + number for number in numbers]
        seeds = [step_seed(seed, step, stream) if share.count > 1 else None for stream in streams]
        _set(player, learning_rate * player.pace)
        figures = _differentiate(player, parts, seeds, devices, autocast(config, device), len(state.players) > 1)
        norm = whole(nn.utils.clip_grad_norm_(player.parameters, config.clip_norm))
        for optimizer in player.optimizers:
            optimizer.step()
        figures |= {"learning_rate": learning_rate * player.pace, "gradient_norm": norm.item()}
        row |= {player.name + name: value for name, value in figures.items()}
    state.ema.update(state.model, step)
    return row


def autocast(config: TrainConfig, device: torch.device) -> AbstractContextManager[Any]:
    """Inside, matrix products and convolutions are computed in the training's precision; weights stay float32."""
    dtype = products(config.precision, device)
    return nullcontext() if dtype is torch.float32 else torch.autocast(device.type, dtype)


def _set(player: Player, learning_rate: float) -> None:
    for optimizer in player.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        optimizer.zero_grad()


def _differentiate(
    player: Player,
    parts: Sequence[Any],
    seeds: Sequence[int | None],
    devices: Alone,
    precision: AbstractContextManager[Any],
    one_of_two: bool,
) -> dict[str, float]:
    """Leave the gradient of the player's mean loss over the batch in its parameters; returns the loss and its parts."""
    sums: dict[str, float] = {}
    for n, (batch, seed) in enumerate(zip(parts, seeds, strict=True)):
        if seed is not None:
            torch.manual_seed(seed)
        with nullcontext() if n == len(parts) - 1 else devices.unsynced(player):
            with precision:
                loss = player.loss(batch)
            mean = loss.total / len(parts)
            mean.backward(inputs=player.parameters if one_of_two else None)  # the other's are not even computed
        figures = {"loss": loss.total.item()} | {name: value.item() for name, value in loss.parts.items()}
        sums = {name: sums.get(name, 0.0) + value / len(parts) for name, value in figures.items()}
    return devices.mean(sums)
