"""Renders motion to video, learns it from pixels, and measures what was learned."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marey.data.dataset import ClipDataset, generate_dataset
    from marey.data.exports.single import save_clip
    from marey.data.free_path import trajectory_to_video
    from marey.data.spec import DatasetSpec
    from marey.recipes.runs import load_run
    from marey.world.classic import ClassicWorld
    from marey.world.matched import MatchedWorld

    __version__: str

__all__ = [
    "ClassicWorld",
    "ClipDataset",
    "DatasetSpec",
    "MatchedWorld",
    "__version__",
    "generate_dataset",
    "load_run",
    "save_clip",
    "trajectory_to_video",
]

# Where each public name lives. Rooms are imported when their name is first used: `import marey` costs nothing.
_HOMES = {
    "ClassicWorld": "marey.world.classic",
    "ClipDataset": "marey.data.dataset",
    "DatasetSpec": "marey.data.spec",
    "MatchedWorld": "marey.world.matched",
    "generate_dataset": "marey.data.dataset",
    "load_run": "marey.recipes.runs",
    "save_clip": "marey.data.exports.single",
    "trajectory_to_video": "marey.data.free_path",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("marey")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'marey' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
