"""Numbers that users give."""

import math
from operator import index
from typing import Any

from marey.core.errors import UserError


def whole_number(value: Any, name: str, least: int, most: int | None = None) -> int:
    """`value` as an int, if it is a whole number of any kind between the two (numpy's too; True is none).

    Anything else is a UserError that names it.
    """
    try:
        number = least - 1 if isinstance(value, bool) else index(value)
    except TypeError:
        number = least - 1
    if number < least or (most is not None and number > most):
        wanted = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise UserError(f"{name}={value!r} is not possible; give a whole number {wanted}")
    return number


def real_number(value: Any, name: str, least: float) -> float:
    """`value` as a float, if it is a finite number of at least `least`. Anything else is a UserError that names it."""
    try:
        number = math.nan if isinstance(value, str | bytes | bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not least <= number < math.inf:
        raise UserError(f"{name}={value!r} is not possible; give a number of at least {least:g}")
    return number
