"""Pickles of numpy arrays, read by a reader that knows arrays and nothing else."""

import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy._core.multiarray import _reconstruct  # how numpy's pickles make an array

from marey.core.errors import UserError

# All that a pickle of plain arrays asks for; anything else is refused before it is imported.
_ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it wants {module}.{name}")
        return _ALLOWED[module, name]


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The float arrays in a pickle of nested dicts, by their keys joined with slashes.

    UserError: the pickle wants anything but arrays, is cut short, or holds something else.
    """
    try:
        with path.open("rb") as file:
            tree = _Reader(file).load()
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        raise UserError(f"{path} is not read: no pickle of arrays ({error}); get it again") from None
    arrays = dict(_leaves(tree, ""))
    for place, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            raise UserError(f"{path}: {place or 'its content'} is {type(array).__name__}, no array of floats")
    return arrays


def _leaves(tree: object, place: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(tree, Mapping):
        yield place, tree
        return
    for key, branch in tree.items():
        yield from _leaves(branch, f"{place}/{key}" if place else str(key))
