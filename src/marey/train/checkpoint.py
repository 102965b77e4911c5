"""Checkpoints: all that a step changes, kept so that training stopped and resumed equals training never stopped."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from marey.core.errors import UserError
from marey.core.files import write_text
from marey.core.runs import RunFolder
from marey.train.ema import EMA
from marey.train.players import Player
from marey.train.sealed import DamagedError, Sealed, read_sealed, write_sealed
from marey.train.weights import load_state

_KEEP = 2  # the newest, and one to fall back on should the disk damage it
_OPTIMIZER = "optimizer."


@dataclass(frozen=True)
class State:
    """Everything that a step changes. Random numbers are not in it: each step seeds its own."""

    model: nn.Module
    ema: EMA
    players: tuple[Player, ...]

    @property
    def optimizers(self) -> list[torch.optim.Optimizer]:
        return [optimizer for player in self.players for optimizer in player.optimizers]

    def modules(self) -> nn.Module:
        """Both sets of weights as one module, so that their tensors have distinct names."""
        return nn.ModuleDict({"model": self.model, "ema": self.ema.model})


def save_checkpoint(state: State, step: int, folder: RunFolder, run: str) -> None:
    """Write the state after `step` steps, then drop what is older than the one before.

    run: fingerprint of the training, so that no other one resumes from this file.
    """
    moments = {
        f"{_OPTIMIZER}{name}.{kind}": value
        for name, parameter in state.model.named_parameters()
        for optimizer in state.optimizers
        for kind, value in optimizer.state.get(parameter, {}).items()
    }
    path = folder.path / "checkpoints" / f"step-{step:06d}.safetensors"
    write_sealed(path, Sealed(state.modules().state_dict() | moments, {"step": step, "run": run}))
    older = [file for file in _checkpoints(folder) if _step(file) < step]
    for file in older[: -(_KEEP - 1)]:
        file.unlink()


def resume(state: State, folder: RunFolder, run: str) -> int:
    """Fill `state` from the newest undamaged checkpoint and return its step; 0, with nothing filled, if there is none.

    Also undoes what an interrupted run did after that step: later lines of metrics.jsonl, half-written files.
    Checkpoints of another training, or none but damaged ones, are a UserError.
    """
    path, content = _newest(folder)
    step = 0
    if path and content:
        if content.facts["run"] != run:
            raise UserError(f"{path} comes from another training configuration or seed; choose another folder")
        _restore(state, content, path)
        step = int(content.facts["step"])
    _forget_after(step, folder)
    return step


def last_checkpoint(folder: RunFolder) -> Path | None:
    """The newest checkpoint file, damaged or not."""
    return max(_checkpoints(folder), key=_step, default=None)


def _newest(folder: RunFolder) -> tuple[Path | None, Sealed | None]:
    damaged = None
    for path in reversed(_checkpoints(folder)):
        try:
            return path, read_sealed(path)
        except DamagedError as error:
            damaged = error
            folder.log(f"warning: {error}; trying the one before")
    if damaged:
        raise UserError(f"{damaged}, and no other checkpoint is whole; delete {folder.path} and train again")
    return None, None


def _restore(state: State, content: Sealed, path: Path) -> None:
    weights = {name: value for name, value in content.tensors.items() if not name.startswith(_OPTIMIZER)}
    load_state(state.modules(), Sealed(weights, {}), path)
    parameters = dict(state.model.named_parameters())
    owners = {
        p: optimizer for optimizer in state.optimizers for group in optimizer.param_groups for p in group["params"]
    }
    for name in sorted(content.tensors.keys() - weights.keys()):
        owner, kind = name.removeprefix(_OPTIMIZER).rsplit(".", 1)
        value, parameter = content.tensors[name], parameters[owner]
        # AdamW counts steps on the CPU; its moments have the device and memory layout of their parameter.
        owners[parameter].state[parameter][kind] = value if kind == "step" else torch.zeros_like(parameter).copy_(value)


def _forget_after(step: int, folder: RunFolder) -> None:
    for directory in (folder.path, folder.path / "checkpoints"):
        for file in directory.glob(".*.tmp"):
            file.unlink()
    metrics = folder.path / "metrics.jsonl"
    if metrics.exists():
        lines = metrics.read_text(encoding="utf-8").splitlines(keepends=True)
        # A kill may have cut the last line short. No loss: lines are written before the checkpoint of their step.
        whole = [line for line in lines if line.endswith("\n")]
        write_text(metrics, "".join(line for line in whole if json.loads(line)["step"] <= step))


def _checkpoints(folder: RunFolder) -> list[Path]:
    return sorted((folder.path / "checkpoints").glob("step-*.safetensors"), key=_step)


def _step(path: Path) -> int:
    return int(path.stem.removeprefix("step-"))
