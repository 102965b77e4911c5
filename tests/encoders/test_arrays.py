"""Pickles of arrays: read by a reader that knows nothing else, and turned into the weights of I3D."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from marey.core.errors import UserError
from marey.encoders import i3d
from marey.encoders.arrays import read_arrays
from tests.encoders.seeded import seeded


class Command:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch /tmp/marey-arrays-were-here",)


def pickled(path: Path, tree: object) -> Path:
    path.write_bytes(pickle.dumps(tree))
    return path


def test_arrays_by_their_place(tmp_path: Path) -> None:
    arrays = {"a/b": np.arange(6, dtype=np.float32).reshape(2, 3), "c": np.float32([[1]])}
    found = read_arrays(pickled(tmp_path / "p", {"a": {"b": arrays["a/b"]}, "c": arrays["c"]}))
    assert found.keys() == arrays.keys() and all((found[place] == arrays[place]).all() for place in arrays)


@pytest.mark.parametrize(
    ("tree", "complaint"),
    [
        ({"a": Command()}, r"no pickle of arrays \(it wants posix\.system\)"),
        ({"a": Path("x")}, r"it wants pathlib"),
        ({"a": np.array([Command()], dtype=object)}, r"it wants posix\.system"),
        ({"a": "text"}, "a is str, no array of floats"),
        ({"a": np.arange(3)}, "a is ndarray, no array of floats"),
        (np.float32([1]).tobytes(), "its content is bytes"),
    ],
    ids=["code", "a class", "code in an array", "text", "whole numbers", "bytes"],
)
def test_anything_else_is_refused(tree: object, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=complaint):
        read_arrays(pickled(tmp_path / "p", tree))
    assert not Path("/tmp/marey-arrays-were-here").exists()


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = pickled(tmp_path / "p", {"a": np.ones(1000, np.float32)})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match="no pickle of arrays"):
        read_arrays(path)


def test_the_tree_of_i3d(tmp_path: Path) -> None:
    """Kernels come as time, height, width, inputs, outputs; norms without a scale; one array too many is noticed."""
    with torch.device("meta"):
        shapes = {name: tuple(tensor.shape) for name, tensor in i3d.Network().state_dict().items()}
    names = [name for name in shapes if name.startswith(("Conv3d_2b", "Mixed_3b.b2b", "logits"))]
    state = {name: seeded(name, shapes[name]) for name in names if not name.endswith(("tracked", "bn.weight"))}
    tree: dict[str, Any] = {}
    for name, tensor in state.items():
        *places, leaf = i3d._original(name).split("/")
        branch = tree
        for place in places:
            branch = branch.setdefault(place, {})
        branch[leaf] = tensor.numpy().transpose(2, 3, 4, 1, 0) if tensor.ndim == 5 else tensor.numpy()
    tree["params"]["strange"] = {"bias": np.float32([1])}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(i3d, "_names", lambda: [name for name in names if not name.endswith("tracked")])
        found = i3d._converted(pickled(tmp_path / "p", tree))
    assert all((found[name] == tensor).all() for name, tensor in state.items())
    assert (found["Conv3d_2b_1x1.bn.weight"] == 1).all() and "params/strange/bias" in found
    assert i3d._original("Mixed_3b.b2b.conv3d.weight") == "params/Mixed_3b/Branch_2/Conv3d_0b_3x3/Conv_0/kernel"
