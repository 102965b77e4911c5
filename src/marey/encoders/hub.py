"""Transformers from a directory in the layout of the Hugging Face hub, complete or refused.

`from_pretrained` alone fills what a file lacks with random numbers and ignores what it does not know: a directory with
wrong keys would become a random encoder. Here any key missing, left over or of another shape is an error.
"""

import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from marey.core.config import strict
from marey.core.errors import UserError
from marey.core.files import read_json
from marey.encoders.guest import Facts, Features, Guest, Weights
from marey.encoders.look import Colours, Look
from marey.encoders.state import check_finite, drawn, hash_of

_FAULTS = {"missing_keys": "lacks", "unexpected_keys": "has left over", "mismatched_keys": "has another shape of"}


@strict
@dataclass(frozen=True)
class HubConfig:
    """path: a directory with config.json and weights, or a name on the hub. seed: its network with random weights."""

    path: Path | None = None
    seed: int | None = None

    guest: ClassVar[type["HubGuest"]]

    def __post_init__(self) -> None:
        if self.path is None:
            raise UserError(f"{self.guest.name}: give a directory with config.json and weights, or a name on the hub")

    def control(self, seed: int) -> "HubConfig":
        return replace(self, seed=seed)

    def build(self) -> "HubGuest":
        assert self.path is not None
        folder = _folder(self.guest.name, self.path)
        model, weights = _model(self.guest, folder, self.seed)
        tower = model.get_submodule(self.guest.towers[type(model).__name__])
        if self.seed is None:
            state = {name: tensor for name, tensor in tower.state_dict().items() if tensor.is_floating_point()}
            check_finite(state, folder)
            weights = Weights("pretrained", str(folder), hash_of(state), copied=len(state), expected=len(state))
        return self.guest(tower, weights, _colours(folder) or self.guest.colours, str(self.path))


class HubGuest(Guest):
    """A transformer over patches: `last` is the mean of the patches after the last layer, `layer.N` after the N-th.

    name, licence: of the family; towers: the part that sees, by the class of the model that the directory holds.
    """

    name: ClassVar[str]
    licence: ClassVar[str]
    towers: ClassVar[Mapping[str, str]]
    colours: ClassVar[Colours]
    tower: Any

    def __init__(self, tower: nn.Module, weights: Weights, colours: Colours, source: str):
        config: Any = tower.config
        look = self.looks(config, colours)
        depth, width = config.num_hidden_layers, config.hidden_size
        layers = sorted({depth // 4, depth // 2, 3 * depth // 4} - {0, depth}, reverse=True)
        taps = {"last": width} | {f"layer.{number}": width for number in layers}
        super().__init__(Facts(self.name, self.licence, source, str(look)), weights, look, taps)
        self.tower = tower

    def looks(self, config: Any, colours: Colours) -> Look:
        """What the network that `config` describes looks at."""
        raise NotImplementedError

    def run(self, video: Float[Tensor, "B 3 T H W"]) -> Any:
        """The network's own output for a video, hidden states included."""
        raise NotImplementedError

    def arranged(self, tokens: Float[Tensor, "N L D"], clips: int) -> Float[Tensor, "B t P D"]:
        """Its tokens by clip, time and place; those that stand for no place are left out."""
        raise NotImplementedError

    def read(self, video: Float[Tensor, "B 3 T H W"], taps: tuple[str, ...]) -> Features:
        return self.over_patches(self.run(video), taps, len(video))

    def over_patches(self, output: Any, taps: tuple[str, ...], clips: int) -> Features:
        """Of the network's output, the mean over the places at each layer's tap."""
        found = {}
        for tap in taps:
            layer = tap.removeprefix("layer.")
            if tap == "last" or layer != tap:
                tokens = output.last_hidden_state if tap == "last" else output.hidden_states[int(layer)]
                found[tap] = self.arranged(tokens, clips).mean(dim=2)
        return found


def _transformers(name: str) -> Any:
    try:
        return import_module("transformers")
    except ImportError:
        raise UserError(f"{name} needs transformers; run: pip install 'marey[guests]'") from None


def _folder(name: str, path: Path) -> Path:
    """The directory itself, or that of a name on the hub, which is downloaded."""
    if path.is_dir():
        return path
    why = "it is no directory, and no name on the hub"
    if re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", str(path)):
        _transformers(name)
        try:
            hub = import_module("huggingface_hub")
            return Path(hub.snapshot_download(str(path), allow_patterns=["*.json", "*.safetensors"]))
        except (OSError, ValueError, RuntimeError) as error:
            why = f"the hub did not give it ({_first_line(error)})"
    raise UserError(f"{name}: {path}: {why}; give a directory with config.json and model.safetensors")


def _model(guest: type[HubGuest], folder: Path, seed: int | None) -> tuple[Any, Weights]:
    """The whole model that the directory holds; with random weights if there is a seed."""
    transformers = _transformers(guest.name)
    classes = read_json(folder / "config.json").get("architectures") or ["no named model"]
    if classes[0] not in guest.towers:
        raise UserError(f"{folder} holds {classes[0]}; {guest.name} is one of {', '.join(guest.towers)}")
    kind = getattr(transformers, classes[0])
    level = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity(transformers.logging.CRITICAL)  # what it would say is said below
    try:
        config = kind.config_class.from_pretrained(folder)
        if seed is not None:
            return drawn(lambda: kind(config), seed)
        model, report = kind.from_pretrained(folder, config=config, dtype=torch.float32, output_loading_info=True)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise UserError(f"{folder} cannot be read as {classes[0]} ({_first_line(error)}); get it again") from None
    except Exception as error:  # safetensors' own error has no other base
        if type(error).__name__ != "SafetensorError":
            raise
        raise UserError(
            f"{folder}: its weights are damaged or cut short ({_first_line(error)}); get it again"
        ) from None
    finally:
        transformers.logging.set_verbosity(level)
    for fault, words in _FAULTS.items():
        if names := sorted(str(name) for name in report[fault]):
            raise UserError(f"{folder} {words} {names[0]} and {len(names) - 1} more of {classes[0]}; get it again")
    return model.requires_grad_(requires_grad=False).eval(), Weights("none")


def _colours(folder: Path) -> Colours | None:
    file = folder / "preprocessor_config.json"
    said = read_json(file) if file.exists() else {}
    return Colours(tuple(said["image_mean"]), tuple(said["image_std"])) if "image_mean" in said else None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].strip()[:200]
