"""The finished weights of a stage, `weights.safetensors`."""

from pathlib import Path
from typing import TypeVar

from torch import nn

from marey.core.errors import UserError
from marey.train.players import without_adversary
from marey.train.sealed import DamagedError, Sealed, read_sealed, write_sealed
from marey.train.shards import laid_out_as, whole

Model = TypeVar("Model", bound=nn.Module)


def weights_file(folder: Path) -> Path:
    """Where a stage leaves its weights."""
    return folder / "weights.safetensors"


def save_weights(model: nn.Module, folder: Path, run: str, writes: bool = True) -> None:
    """Write the model's state. run: fingerprint of the training that made it. writes: or else only lend its parts."""
    tensors = {name: whole(value) for name, value in model.state_dict().items()}
    if writes:
        write_sealed(weights_file(folder), Sealed(tensors, {"run": run}))


def load_weights(model: Model, folder: Path, run: str | None = None) -> Model:
    """Fill `model` with a stage's finished weights and set it to evaluation mode, without adversary if it had one.

    run: refuse the weights of any other training than this one.
    Missing, damaged (`DamagedError`) or foreign weights are a UserError that names the file.
    """
    path = weights_file(folder)
    if not path.exists():
        raise UserError(f"{path} does not exist; finish its training first (same command with --resume)")
    try:
        content = read_sealed(path)
    except DamagedError as error:
        raise DamagedError(f"{error}; restore it, or make it again (same command with --resume)") from None
    if run is not None and content.facts["run"] != run:
        raise UserError(f"{path} comes from another training configuration or seed; choose another folder")
    load_state(without_adversary(model), content, path)
    return model.eval()


def load_state(model: nn.Module, content: Sealed, path: Path) -> None:
    """Copy the tensors into the model; if names or shapes differ, a UserError names the first that does."""
    state = model.state_dict()
    for name in sorted(state.keys() | content.tensors.keys()):
        ours, theirs = (list(held[name].shape) if name in held else "absent" for held in (state, content.tensors))
        if ours != theirs:
            raise UserError(
                f"{path} does not fit this model: {name} is {theirs} in the file and {ours} in the model; "
                "build the model from the config.json beside it"
            )
    sharded = {name for name, held in state.items() if hasattr(held, "full_tensor")}
    parts = {name: laid_out_as(state[name], content.tensors[name]) for name in sorted(sharded)}
    model.load_state_dict({**content.tensors, **parts})
