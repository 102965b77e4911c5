"""The smoke demo, for every test of this room."""

from tests.demo import demo

__all__ = ["demo"]
