"""The processes that train one model together: what they share, and what they tell each other.

Started alone, a process needs none of it. Started with others, by `torchrun` or `accelerate launch`, it works on its
part of each batch; accelerate finds its device and the way to talk, and torch averages the gradients
(DistributedDataParallel) or keeps a part of every weight on each device (FSDP2).
"""

import atexit
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any, cast

import torch
from torch import nn

from marey.core.errors import UserError
from marey.core.processes import place, processes
from marey.train.loss import Loss
from marey.train.players import Player


class Alone:
    """One process."""

    place, count = 0, 1

    def spread(self, *models: nn.Module) -> None:
        """Let each device keep its part of the models only, if that is wanted."""

    def shared(self, model: nn.Module, player: Player) -> Player:
        """The same player; its loss, differentiated on every device, moves it by the mean gradient of all."""
        del model
        return player

    def unsynced(self, player: Player) -> AbstractContextManager[None]:
        """Inside, gradients are added up on each device and not averaged yet."""
        del player
        return nullcontext()

    def gathered(self, model: nn.Module) -> AbstractContextManager[None]:
        """Inside, every device has the whole model: any of its methods can be called."""
        del model
        return nullcontext()

    def mean(self, figures: Mapping[str, float]) -> dict[str, float]:
        """Of the devices' figures."""
        return dict(figures)

    def agree(self, what: str, values: list[float]) -> None:
        """A UserError unless all devices say the same."""

    def wait(self) -> None:
        """Until all have come as far as this."""


class Together(Alone):
    """One of many processes."""

    def __init__(self, device: torch.device, sharded: bool) -> None:
        try:
            from accelerate import Accelerator
        except ImportError:
            raise UserError("training on many devices needs accelerate; install marey[devices]") from None
        self.engine = Accelerator(cpu=device.type == "cpu", mixed_precision="no")
        self.place, self.count, self.device, self.sharded = place(), processes(), self.engine.device, sharded
        atexit.register(_leave)

    def spread(self, *models: nn.Module) -> None:
        if not self.sharded:
            return
        if getattr(models[0], "adversary", None) is not None:
            raise UserError("a model with an adversary cannot be sharded; train it without --shard")
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh(self.device.type, (self.count,))
        for model in models:
            for layer in [*getattr(model, "blocks", ()), model]:
                fully_shard(layer, mesh=mesh, reshard_after_forward=True)

    def shared(self, model: nn.Module, player: Player) -> Player:
        if self.sharded:
            return player
        # Averaged are the gradients of parameters that can have one: for this moment, the player's only.
        others = [p for p in model.parameters() if p.requires_grad and all(p is not own for own in player.parameters)]
        for parameter in others:
            parameter.requires_grad_(False)
        turn = self.engine.prepare_model(_Turn(model, player))
        for parameter in others:
            parameter.requires_grad_(True)
        return replace(player, loss=turn)

    @contextmanager
    def unsynced(self, player: Player) -> Iterator[None]:
        if not self.sharded:
            with self.engine.no_sync(cast(nn.Module, player.loss)):
                yield
            return
        model = cast(Any, player.loss)
        model.set_requires_gradient_sync(False)
        yield
        model.set_requires_gradient_sync(True)

    @contextmanager
    def gathered(self, model: nn.Module) -> Iterator[None]:
        layers: list[Any] = [layer for layer in model.modules() if hasattr(layer, "unshard")]
        for layer in layers:
            layer.unshard()
        yield
        for layer in layers:
            layer.reshard()

    def mean(self, figures: Mapping[str, float]) -> dict[str, float]:
        values = torch.tensor(list(figures.values()), dtype=torch.float64, device=self.device)
        return dict(zip(figures, self.engine.reduce(values, "mean").tolist(), strict=True))

    def agree(self, what: str, values: list[float]) -> None:
        said = self.engine.gather(torch.tensor([values], dtype=torch.float64, device=self.device))
        if not (said == said[0]).all():
            raise UserError(f"{what} is not the same on all devices: {said.tolist()}")

    def wait(self) -> None:
        torch.distributed.barrier()


class _Turn(nn.Module):
    """A player's loss as the forward of a module, which is what DistributedDataParallel wraps."""

    def __init__(self, model: nn.Module, player: Player) -> None:
        super().__init__()
        self.model = model
        self.loss: Callable[[Any], Loss] = lambda batch: player.loss(batch)  # a module in here would be counted twice

    def forward(self, batch: Any) -> Loss:
        return self.loss(batch)


def devices_of(device: torch.device, sharded: bool) -> Alone:
    """What this process was started with. sharded: each device keeps a part of the weights, for models too large."""
    if processes() > 1:
        return Together(device, sharded)
    if sharded:
        raise UserError("sharded weights need several devices; start with `torchrun --nproc-per-node N -m marey ...`")
    return Alone()


def _leave() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
