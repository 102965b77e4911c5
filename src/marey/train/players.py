"""Who learns: the model and, where it has one, its adversary, each by its own loss and with its own optimizers.

An adversary is a submodule `adversary` of a model that has `adversary_loss(batch) -> Loss`: a discriminator, say. It
plays after the model in each step. It is no part of what is made: averaged and finished weights are without it, and
there `model.adversary` is None.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

import torch
from torch import Tensor, nn

from marey.train.config import TrainConfig
from marey.train.loss import Loss
from marey.train.muon import Muon

_ADVERSARY = "adversary"
_BETAS, _ADVERSARY_BETAS = (0.9, 0.99), (0.0, 0.99)  # short trainings; an opponent that moves (MAGVIT, appendix B)


@dataclass(frozen=True)
class Player:
    """Parameters, and the loss that alone moves them.

    name: in front of its figures in metrics.jsonl. pace: its learning rate, as a multiple of the schedule's.
    """

    name: str
    loss: Callable[[Any], Loss]
    parameters: tuple[nn.Parameter, ...]
    optimizers: tuple[torch.optim.Optimizer, ...]  # each for parameters of its own
    pace: float = 1.0


def players(model: nn.Module, config: TrainConfig) -> tuple[Player, ...]:
    """The model, then its adversary if it has one, with optimizers for what each of them trains."""
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    ours = [parameter for name, parameter in trained.items() if not _adverse(name)]
    main = Player("", model, tuple(ours), _optimizers(model, ours, config))
    if getattr(model, _ADVERSARY, None) is None:
        return (main,)
    theirs = [parameter for name, parameter in trained.items() if _adverse(name)]
    optimizer = _adamw(theirs, config, _ADVERSARY_BETAS)
    pace = (config.adversary_learning_rate or config.learning_rate) / config.learning_rate
    return main, Player("adversary_", cast(Any, model).adversary_loss, tuple(theirs), (optimizer,), pace)


def without_adversary(model: nn.Module) -> nn.Module:
    """The same model; its adversary, if it has one, is None from now on."""
    if getattr(model, _ADVERSARY, None) is not None:
        setattr(model, _ADVERSARY, None)
    return model


def kept(model: nn.Module) -> Iterator[Tensor]:
    """Parameters and buffers (running codebooks, norms) but the adversary's, each once, though modules may share it."""
    for name, tensor in chain(model.named_parameters(), model.named_buffers()):
        if not _adverse(name):
            yield tensor


def _adverse(name: str) -> bool:
    return name.startswith(f"{_ADVERSARY}.")


def _optimizers(
    model: nn.Module, trained: list[nn.Parameter], config: TrainConfig
) -> tuple[torch.optim.Optimizer, ...]:
    """AdamW; with Muon, for the rest."""
    inner = [p for p in model.get_submodule("blocks").parameters() if p.ndim == 2] if config.muon else []
    rest = [parameter for parameter in trained if all(parameter is not each for each in inner)]
    adamw = _adamw(rest, config, _BETAS)
    if not inner:
        return (adamw,)
    return adamw, Muon(inner, config.learning_rate, config.weight_decay, config.precision)


def _adamw(parameters: list[nn.Parameter], config: TrainConfig, betas: tuple[float, float]) -> torch.optim.Optimizer:
    """AdamW that decays matrices and kernels, and leaves biases and gains alone."""
    groups = [
        {"params": [parameter for parameter in parameters if parameter.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [parameter for parameter in parameters if parameter.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=betas, fused=True)
