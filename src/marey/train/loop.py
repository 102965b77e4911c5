"""The training loop: where to begin, step after step, what is kept and when to stop."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import UInt8
from torch import nn

from marey.core.errors import UserError
from marey.core.memory import keep_freed_memory
from marey.core.runs import RunFolder
from marey.train.checkpoint import Identity, Start, State, last_checkpoint, resume, save_checkpoint
from marey.train.config import TrainConfig
from marey.train.devices import Alone, devices_of
from marey.train.ema import EMA
from marey.train.players import players
from marey.train.precision import products
from marey.train.progress import Meter
from marey.train.record import Record
from marey.train.sealed import DamagedError
from marey.train.step import BatchOf, run_step, share_of
from marey.train.weights import load_weights, save_weights, weights_file

Model = TypeVar("Model", bound=nn.Module)
# Of the steps done and the averaged model, which is of the trained one's type.
Trial = Callable[[int, Any], Mapping[str, float]]
Painter = Callable[[int, Any], UInt8[np.ndarray, "H W 3"]]
_DIVERGED = 1e3  # times the loss of step 0
_NAMED = 32  # samples in an error's one line; all are in log.txt


@dataclass(frozen=True)
class Manner:
    """How a training runs here; nothing of it changes what is learned.

    tensorboard: figures and pictures go to the folder `tensorboard` too. sharded: each of many devices keeps a part of
    the weights only, for models that do not fit on one.
    """

    tensorboard: bool = False
    sharded: bool = False


def train(
    model: Model,
    batch_of: BatchOf,
    config: TrainConfig,
    folder: RunFolder,
    seed: int,
    device: torch.device,
    every: Sequence[tuple[int, Trial]] = (),
    pictures: Sequence[tuple[int, Painter]] = (),
    samples: Callable[[int], Iterable[int]] | None = None,
    manner: Manner = Manner(),
    settle: Callable[[Any], None] | None = None,
) -> Model:
    """Minimise `model(batch_of(step, device)).total`; return the model with its averaged weights, in evaluation mode.

    The folder says where to begin: at once done if it holds finished weights, else after its newest checkpoint, else at
    step 0. Killed at any moment and called again with the same arguments, it ends with the same bytes as if never
    killed (one machine, one number of threads), provided that the model's first weights are a function of the seed,
    that `batch_of` is pure, and that all randomness inside a step is torch's.

    Called in each of several processes started by torchrun or accelerate launch, these share the work of each step;
    the loss must then be a mean over the samples of a batch (see `train.parts`). How many there are may change at each
    resumption.

    every, pictures: (n, trial) and (n, painter) pairs; each n steps, and at the end, the trial's figures go to
    metrics.jsonl and the painter's picture to samples/. samples: step -> indices of the samples in its batch, to be
    named when a loss is no number. settle: what the averaged model has still to do before its weights are written.
    A loss that is not a number or grows beyond reason, a model with another seed's or config's checkpoints in its
    folder, or a batch that cannot be divided among the devices is a UserError.
    """
    run, devices = Identity(config, seed), devices_of(device, manner.sharded)
    share_of(config, devices)
    keep_freed_memory()
    model = model if manner.sharded else model.to(device)
    if _finished(model, folder, run):
        return model
    state = _state(model, config, devices)
    start = resume(state, folder, run)
    devices.agree("the checkpoint's step", [start.step])
    folder.log(f"training from step {start.step} to {config.steps}")
    if config.precision == "bfloat16" and products(config.precision, device) is torch.float32:
        folder.log(f"warning: {device} has no instructions for bfloat16; computing in float32, which takes longer")
    first_loss = start.first_loss
    with Meter(folder, start.step, config.steps) as meter, Record(folder, manner.tensorboard, start.step) as record:
        for step in range(start.step, config.steps):
            row = run_step(state, batch_of, config, seed, step, device, devices)
            first_loss = row["loss"] if step == 0 else first_loss
            _check(row, first_loss, step, folder, samples)
            done = step + 1
            if _due(done, config.log_every, config.steps):
                record.figures(done, **row)
            _look(state, done, config, every, pictures, record, devices)
            if _due(done, config.checkpoint_every, config.steps):
                _same_buffers(state, devices)
                save_checkpoint(state, Start(done, first_loss), folder, run)
            meter.update(done, row["loss"])
    if settle:
        with devices.gathered(state.ema.model):
            settle(state.ema.model)
    save_weights(state.ema.model, folder.path, run.key, folder.writes)
    devices.wait()
    return load_weights(model, folder.path)


def _state(model: nn.Module, config: TrainConfig, devices: Alone) -> State:
    average = EMA(model.train(), config.ema_decay)
    devices.spread(model, average.model)
    return State(model, average, tuple(devices.shared(model, player) for player in players(model, config)))


def _look(
    state: State,
    done: int,
    config: TrainConfig,
    every: Sequence[tuple[int, Trial]],
    pictures: Sequence[tuple[int, Painter]],
    record: Record,
    devices: Alone,
) -> None:
    """The trials and pictures that are due. Each process makes them, for sharded models need all; one keeps them."""
    trials = [trial for period, trial in every if _due(done, period, config.steps)]
    painters = [painter for period, painter in pictures if _due(done, period, config.steps)]
    if not (trials or painters):
        return
    with devices.gathered(state.ema.model):
        for trial in trials:
            record.figures(done, **trial(done, state.ema.model))
        for painter in painters:
            record.picture(done, painter(done, state.ema.model))


def _same_buffers(state: State, devices: Alone) -> None:
    """Devices that each keep statistics of their own part of the batch would drift apart unseen."""
    buffers = dict(state.model.named_buffers())
    if devices.count > 1 and buffers:
        sums = [value.double().sum().item() for value in buffers.values()]
        devices.agree(f"what the model keeps beside its weights ({', '.join(buffers)})", sums)


def _finished(model: nn.Module, folder: RunFolder, run: Identity) -> bool:
    """Whether the folder's final weights are whole and now in the model; damaged ones can be made again."""
    if not weights_file(folder.path).exists():
        return False
    try:
        load_weights(model, folder.path, run.key)
    except DamagedError as error:
        folder.log(f"warning: {error}")
        return False
    return True


def _check(
    row: Mapping[str, float],
    first_loss: float | None,
    step: int,
    folder: RunFolder,
    samples: Callable[[int], Iterable[int]] | None,
) -> None:
    """Stop a training that has gone wrong, and say all that helps to find out why."""
    wrong = [f"{name} is {value}" for name, value in row.items() if not math.isfinite(value)]
    if not wrong and first_loss is not None and row["loss"] > _DIVERGED * max(abs(first_loss), 1.0):
        wrong = [f"loss is {row['loss']:.4g}, and was {first_loss:.4g} at step 0,"]
    if not wrong:
        return
    indices = [] if samples is None else [str(index) for index in samples(step)]
    if indices:
        folder.log(f"{wrong[0]} at step {step}; samples of its batch: {' '.join(indices)}")
    more = f" and {len(indices) - _NAMED} more (log.txt)" if len(indices) > _NAMED else ""
    batch = f", whose batch is samples {', '.join(indices[:_NAMED])}{more}" if indices else ""
    raise UserError(
        f"{folder.path}: {wrong[0]} at step {step}{batch}; the last good checkpoint is "
        f"{last_checkpoint(folder) or 'none yet'}; lower learning_rate or raise warmup_steps, in another folder"
    )


def _due(done: int, period: int, steps: int) -> bool:
    return done % period == 0 or done == steps
