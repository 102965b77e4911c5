"""Libraries that only some formats need."""

from importlib import import_module
from typing import Any

from marey.core.errors import UserError


def library(name: str) -> Any:
    """The module of that name; where it is not installed, a UserError says how to get it."""
    try:
        return import_module(name)
    except ImportError:
        raise UserError(f"{name} is needed and not installed; run: pip install 'marey[formats]'") from None
