"""Checkpoints: all that a step changes, kept so that training stopped and resumed equals training never stopped."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from marey.core.config import differences, fingerprint, to_json
from marey.core.errors import UserError
from marey.core.files import write_text
from marey.core.runs import RunFolder
from marey.train.config import TrainConfig
from marey.train.ema import EMA
from marey.train.players import Player
from marey.train.sealed import DamagedError, Sealed, read_sealed, write_sealed
from marey.train.shards import laid_out_as, whole
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


@dataclass(frozen=True)
class Identity:
    """What a training is: only this one goes on from its checkpoints."""

    config: TrainConfig
    seed: int

    @property
    def key(self) -> str:
        return f"{fingerprint(self.config)}-{self.seed}"

    def facts(self) -> dict[str, Any]:
        return to_json(self.config) | {"seed": self.seed}


@dataclass(frozen=True)
class Start:
    """Where a training goes on: after so many steps. first_loss: of step 0, if it is known."""

    step: int = 0
    first_loss: float | None = None


def save_checkpoint(state: State, at: Start, folder: RunFolder, run: Identity) -> None:
    """Write the state after `at.step` steps, then drop what is older than the one before. All devices must call."""
    tensors = {}
    for name, value in _tensors(state):
        full = whole(value)
        if folder.writes:  # the other devices only lend their parts
            tensors[name] = full.cpu()
    if not folder.writes:
        return
    path = folder.path / "checkpoints" / f"step-{at.step:06d}.safetensors"
    facts = {"step": at.step, "first_loss": at.first_loss, "run": run.key, "training": run.facts()}
    write_sealed(path, Sealed(tensors, facts))
    older = [file for file in _checkpoints(folder) if _step(file) < at.step]
    for file in older[: -(_KEEP - 1)]:
        file.unlink()


def resume(state: State, folder: RunFolder, run: Identity) -> Start:
    """Fill `state` from the newest undamaged checkpoint; if there is none, it is the start and nothing is filled.

    Also undoes what an interrupted run did after that step: later lines of metrics.jsonl, half-written files.
    Checkpoints of another training, or none but damaged ones, are a UserError.
    """
    path, content = _newest(folder)
    start = Start()
    if path and content:
        if content.facts["run"] != run.key:
            changed = "; ".join(differences(content.facts.get("training", {}), run.facts()))
            raise UserError(f"{path} comes from another training ({changed}); choose another folder")
        _restore(state, content, path)
        start = Start(int(content.facts["step"]), content.facts.get("first_loss"))
    if folder.writes:
        _forget_after(start.step, folder)
    return start


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


def _tensors(state: State) -> Iterator[tuple[str, Tensor]]:
    """All that a step changes, by name."""
    yield from state.modules().state_dict().items()
    for name, parameter in state.model.named_parameters():
        for optimizer in state.optimizers:
            for kind, value in optimizer.state.get(parameter, {}).items():
                yield f"{_OPTIMIZER}{name}.{kind}", value


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
        # Moments have the device and memory layout of their parameter; a count of steps is one number.
        laid_out = value.to(parameter.device) if kind == "step" else laid_out_as(parameter, value)
        owners[parameter].state[parameter][kind] = laid_out


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
