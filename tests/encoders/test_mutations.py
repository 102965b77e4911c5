"""A file of weights that is not exactly what it should be is refused in one line, whatever kind of file it is."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from marey.core.errors import UserError
from marey.encoders import efficientnet_lite0, mobilenet_v2, transnet_v2
from marey.encoders.efficientnet_lite0 import EfficientNetLite0Config
from marey.encoders.i3d import I3DConfig, Network
from marey.encoders.mobilenet_v2 import MobileNetV2Config
from marey.encoders.open_magvit2 import OpenMagvit2Config
from marey.encoders.transnet_v2 import TransNetV2Config
from tests.encoders.magvit import MICRO, checkpoint
from tests.encoders.tiny import FAMILIES

State = dict[str, Tensor]


class Command:
    """An object whose unpickling would run a command."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch /tmp/marey-was-here",)


def thin(net: torch.nn.Module) -> State:
    """Weights of a network that take no room: one number each, read again and again."""
    return {
        name: torch.full((), 0.1).expand(tensor.shape)
        for name, tensor in net.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def on_meta(kind: type[torch.nn.Module]) -> torch.nn.Module:
    with torch.device("meta"):
        return kind()


STATES: dict[str, tuple[Callable[[], State], Callable[[Path], Any], str]] = {  # its state, its guest, a tensor of it
    "open-magvit2": (
        checkpoint,
        lambda path: OpenMagvit2Config(path, net=MICRO),
        "model_ema.encodermid_block0conv1conv_1weight",
    ),
    "open-magvit2, raw part": (
        checkpoint,
        lambda path: OpenMagvit2Config(path, net=MICRO),
        "encoder.mid_block.0.conv1.conv_1.weight",
    ),
    "i3d": (lambda: thin(on_meta(Network)), I3DConfig, "Mixed_4f.b2b.conv3d.weight"),
    "efficientnet-lite0": (
        lambda: thin(on_meta(efficientnet_lite0.Network)),
        EfficientNetLite0Config,
        "blocks.7.project_conv.weight",
    ),
    "mobilenet-v2": (lambda: thin(on_meta(mobilenet_v2.Network)), MobileNetV2Config, "features.7.conv.0.weight"),
    "transnet-v2": (lambda: thin(on_meta(transnet_v2.Network)), TransNetV2Config, "fc1.weight"),
}


def write(state: Any) -> Callable[[Path], None]:
    return lambda path: torch.save(state, path)


def cut(state: State) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        torch.save(state, path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])

    return save


MUTATIONS: dict[str, tuple[Callable[[State, str], Callable[[Path], Any]], str]] = {
    "dropped key": (lambda s, k: write({n: t for n, t in s.items() if n != k}), "is absent in it"),
    "renamed key": (lambda s, k: write({n + "s" * (n == k): t for n, t in s.items()}), "is absent in it"),
    "extra key": (lambda s, k: write(s | {k + "2": s[k]}), "absent in the network"),
    "foreign key": (lambda s, k: write(s | {"head.weight": s[k]}), "absent in the network|that no Open-MAGVIT2 has"),
    "wrong shape": (lambda s, k: write(s | {k: s[k][1:]}), r"is \[.*\] in it and \[.*\] in the network"),
    "turned axes": (lambda s, k: write(s | {k: s[k].movedim(-1, 0)}), r"is \[.*\] in it and \[.*\] in the network"),
    "truncated": (lambda s, k: cut(s), "damaged, cut short or no weights file"),
    "pickled code": (lambda s, k: write(s | {"x": Command()}), "wants to run code .*posix.system"),
    "another model": (lambda s, k: write({"conv1.weight": s[k]}), "absent in it|has no encoder"),
    "halves, one not a number": (
        lambda s, k: write(s | {k: torch.full_like(s[k], torch.nan, dtype=torch.bfloat16)}),
        "holds numbers that are not finite",
    ),
    "whole numbers": (lambda s, k: write(s | {k: torch.ones_like(s[k], dtype=torch.int64)}), "int64, not floats"),
    "no tensors": (lambda s, k: write({"state_dict": {"a": "b"}}), "holds no weights"),
    "a list": (lambda s, k: write(list(s.values())[:1]), "holds no weights: its content is list"),
    "text": (lambda s, k: lambda path: path.write_text("version https://git-lfs"), "no weights file"),
}


@pytest.mark.parametrize("kind", STATES)
def test_every_change_of_a_file_is_refused(kind: str, tmp_path: Path) -> None:
    make, config, name = STATES[kind]
    state = make()
    torch.save(state, tmp_path / "whole")
    weights = config(tmp_path / "whole").build().weights
    assert weights.state == "pretrained" and weights.copied == weights.expected
    for mutation, (change, complaint) in MUTATIONS.items():
        if kind.endswith("raw part") and mutation in ("halves, one not a number", "whole numbers"):
            continue  # the raw numbers are not read where there are averaged ones
        path = tmp_path / mutation.replace(" ", "-")
        change(state, name)(path)
        with pytest.raises(UserError, match=complaint) as error:
            config(path).build()
        assert "\n" not in str(error.value) and str(path) in str(error.value), mutation
    assert not Path("/tmp/marey-was-here").exists()


# -- directories ---------------------------------------------------------------------------------------------------


def tensors(change: Callable[[State, str], State]) -> Callable[[Path, str], None]:
    def rewrite(folder: Path, name: str) -> None:
        file = folder / "model.safetensors"
        save_file(change(load_file(file), name), file, metadata={"format": "pt"})

    return rewrite


def said(**values: Any) -> Callable[[Path, str], None]:
    def rewrite(folder: Path, name: str) -> None:
        file = folder / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | values))

    return rewrite


def shorter(folder: Path, name: str) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])


def pickled(folder: Path, name: str) -> None:
    torch.save(load_file(folder / "model.safetensors") | {"x": Command()}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def foreign(folder: Path, name: str) -> None:
    save_file({"conv1.weight": torch.zeros(2)}, folder / "model.safetensors", metadata={"format": "pt"})


DIRECTORIES: dict[str, Callable[[Path, str], None]] = {
    "dropped key": tensors(lambda s, k: {n: t for n, t in s.items() if n != k}),
    "renamed key": tensors(lambda s, k: {n + "s" * (n == k): t for n, t in s.items()}),
    "extra key": tensors(lambda s, k: s | {k + "2": s[k].clone()}),
    "wrong shape": tensors(lambda s, k: s | {k: s[k][1:].clone()}),
    "halves, one not a number": tensors(lambda s, k: s | {k: torch.full_like(s[k], torch.nan, dtype=torch.bfloat16)}),
    "truncated": shorter,
    "another model": foreign,
    "pickled code": pickled,
    "no weights": lambda folder, name: (folder / "model.safetensors").unlink(),
    "another class": said(architectures=["ResNetModel"]),
    "another width": said(hidden_size=64),
    "broken config": lambda folder, name: (folder / "config.json").write_text("{"),
}


@pytest.mark.parametrize("family", ["videomae", "dinov2"])
@pytest.mark.parametrize("mutation", DIRECTORIES)
def test_every_change_of_a_directory_is_refused(mutation: str, family: str, tmp_path: Path) -> None:
    config, save = FAMILIES[family]
    save(tmp_path)
    ends = ("layer.2.output.dense.weight", "layer.2.mlp.fc1.weight")
    name = next(each for each in load_file(tmp_path / "model.safetensors") if each.endswith(ends))
    DIRECTORIES[mutation](tmp_path, name)
    with pytest.raises(UserError) as error:
        config(tmp_path).build()
    assert "\n" not in str(error.value) and str(tmp_path) in str(error.value)
    assert not Path("/tmp/marey-was-here").exists()
