"""Numbers that users give."""

import numpy as np
import pytest

from marey.core.errors import UserError
from marey.core.numbers import real_number, whole_number


def test_whole_numbers_of_any_kind_are_taken() -> None:
    assert whole_number(3, "n", 1) == whole_number(np.int64(3), "n", 1) == 3
    assert type(whole_number(np.uint8(3), "n", 1, 3)) is int


@pytest.mark.parametrize("value", [2.5, "a", None, True, 0, -1, 10**30, float("nan"), [3]])
def test_all_else_is_named(value: object) -> None:
    with pytest.raises(UserError, match=r"^n=.* is not possible; give a whole number from 1 to 9$"):
        whole_number(value, "n", 1, 9)


@pytest.mark.parametrize("value", ["a", "4", True, None, -0.1, float("nan"), float("inf")])
def test_a_number_that_is_none_is_named(value: object) -> None:
    assert real_number(np.float32(0.5), "t", 0) == 0.5
    with pytest.raises(UserError, match=r"^t=.* is not possible; give a number of at least 0$"):
        real_number(value, "t", 0)
