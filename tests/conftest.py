"""What every test shares: one thread, one seed, no deadlines, and numba kernels that skip the shape checker."""

import inspect
import random
from typing import Any

import numba
import numpy as np
import pytest
import torch
from hypothesis import settings

settings.register_profile("marey", deadline=None, derandomize=True, max_examples=30)
settings.load_profile("marey")
torch.set_num_threads(1)  # the order of a sum, hence its last bit, depends on the number of threads


def _njit(*args: Any, **options: Any) -> Any:
    """`numba.njit` of the plain function: the shape checker's wrapper around it is Python that numba cannot compile."""

    if args and callable(args[0]):
        return _numba_njit(inspect.unwrap(args[0]), **options)
    return lambda function: _numba_njit(*args, **options)(inspect.unwrap(function))


_numba_njit, numba.njit = numba.njit, _njit  # before any test imports a room


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - for libraries that still use the global state
    torch.manual_seed(0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked gpu on machines without one."""
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
