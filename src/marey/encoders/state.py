"""Weights from files: read without running code, copied completely or not at all, and known by a hash."""

import hashlib
import pickle
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from marey.core.errors import UserError
from marey.encoders.guest import Weights

Net = TypeVar("Net", bound=nn.Module)
Tensors = Mapping[str, Tensor]
_COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class State:
    """The tensors of a weights file by name."""

    path: Path
    tensors: Tensors

    def refused(self, why: str) -> UserError:
        return UserError(f"{self.path} {why}")


def read_state(path: Path) -> State:
    """Read a safetensors or torch file; the latter with weights only, mapped into memory instead of copied.

    A mapping under `state_dict` (Lightning's checkpoints) is taken for the state. UserError: no such file, one that
    is cut short or of another kind, one that wants to run code when it is read, one that holds no tensors.
    """
    if not path.is_file():
        raise UserError(f"{path} is not a file; give the file that holds the weights")
    with path.open("rb") as file:
        start = file.read(9)
    try:
        found = load_file(path) if start[8:] == b"{" else _load_torch(path)
    except safetensors.SafetensorError as error:
        raise UserError(f"{path} is damaged or cut short ({error}); get it again") from None
    if isinstance(found, Mapping) and isinstance(found.get("state_dict"), Mapping):
        found = found["state_dict"]
    if not isinstance(found, Mapping) or not found or not all(isinstance(each, Tensor) for each in found.values()):
        kind = type(found).__name__
        raise UserError(f"{path} holds no weights: its content is {kind}, not tensors by name; give a state dict")
    return State(path, {str(name): tensor for name, tensor in found.items()})


def copied(net: Net, tensors: Tensors, path: Path) -> tuple[Net, Weights]:
    """Fill a net that was made on the device `meta`: every tensor of it, with none left over; frozen.

    Half floats become single ones. UserError: the first name that is missing, left over, or of another shape; numbers
    that are not finite.
    """
    check_fit(net, tensors, path)
    theirs = uncounted(tensors)
    if strange := [name for name, tensor in theirs.items() if not tensor.is_floating_point()]:
        raise UserError(f"{path}: {strange[0]} holds {theirs[strange[0]].dtype}, not floats; get the file again")
    single = {name: tensor.float() for name, tensor in theirs.items()}
    check_finite(single, path)
    counters = {name: torch.tensor(0) for name in net.state_dict() if name.endswith(_COUNTER)}
    net.load_state_dict(single | counters, strict=True, assign=True)
    assert not any(each.is_meta for each in (*net.parameters(), *net.buffers()))
    weights = Weights("pretrained", str(path), hash_of(single), copied=len(single), expected=len(single))
    return net.requires_grad_(requires_grad=False).eval(), weights


def check_fit(net: nn.Module, tensors: Tensors, path: Path) -> None:
    """UserError: the first name that the file lacks, has left over, or has in another shape than the net."""
    ours, theirs = uncounted(net.state_dict()), uncounted(tensors)
    matching = sum(name in theirs and ours[name].shape == theirs[name].shape for name in ours)
    for name in [*ours, *theirs]:
        our, their = (list(held[name].shape) if name in held else "absent" for held in (ours, theirs))
        if our != their:
            fit = f"{matching} of {len(ours)} tensors fit"
            raise UserError(f"{path} holds other weights: {name} is {their} in it and {our} in the network; {fit}")


def check_finite(tensors: Tensors, path: Path) -> None:
    """UserError: the first tensor that holds NaN or infinity."""
    if broken := [name for name, tensor in tensors.items() if not tensor.isfinite().all()]:
        raise UserError(f"{path}: {broken[0]} holds numbers that are not finite; get the file again")


def uncounted(tensors: Tensors) -> dict[str, Tensor]:
    """Without the counters in which batch norms keep the number of their steps: nothing depends on them."""
    return {name: tensor for name, tensor in tensors.items() if not name.endswith(_COUNTER)}


def drawn(build: Callable[[], Net], seed: int) -> tuple[Net, Weights]:
    """The net with the random weights that `build` gives it, a pure function of the seed; frozen."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = build()
    weights = Weights("random", expected=len(uncounted(net.state_dict())), seed=seed)
    return net.requires_grad_(requires_grad=False).eval(), weights


def kept_in_size(net: Net) -> Net:
    """Convolutions drawn anew so that numbers keep their size through many layers (He et al., arXiv 1502.01852).

    With the weights that torch begins with, what comes out of twenty layers is a hundred millionth of what went in.
    """
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_normal_(layer.weight)
    return net


def hash_of(tensors: Tensors) -> str:
    """SHA-256 of the tensors' names, types, shapes and bytes, in the order of the names."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu()
        found.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        found.update(np.ascontiguousarray(tensor.numpy()).data)
    return found.hexdigest()


def _load_torch(path: Path) -> object:
    archive = zipfile.is_zipfile(path)  # else a file of torch before 1.6, which cannot be mapped
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=archive)
    except pickle.UnpicklingError:
        if archive and (wanted := torch.serialization.get_unsafe_globals_in_checkpoint(path)):
            fix = "save its state dict alone, or give a safetensors file"
            raise UserError(f"{path} wants to run code ({', '.join(wanted)}) and is not read; {fix}") from None
        raise UserError(f"{path} is no weights file, or one that wants to run code; give a state dict") from None
    except (RuntimeError, OSError, EOFError, ValueError, KeyError):
        size = path.stat().st_size
        raise UserError(f"{path} is damaged, cut short or no weights file ({size:,} bytes); get it again") from None
