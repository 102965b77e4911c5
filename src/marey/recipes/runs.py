"""A finished run, taken from disk."""

from pathlib import Path

import torch

from marey.core.config import from_json
from marey.core.errors import UserError
from marey.core.files import read_json, sha256
from marey.core.runs import located
from marey.dynamics.tasks import tasks_named
from marey.recipes.model import VideoModel
from marey.recipes.recipe import Recipe
from marey.tokens.tokenizer import Tokenizer
from marey.train import load_weights


def read_recipe(path: Path) -> Recipe:
    """The recipe of the run in a folder."""
    if not path.is_dir():
        raise UserError(f"{path} is not a folder; give the folder of a run, such as runs/demo, or a name of marey runs")
    return from_json(Recipe, read_json(path / "config.json"), where=str(path / "config.json"))


def load_run(path: str | Path, device: str | torch.device = "cpu") -> VideoModel:
    """The model of a finished run, ready for its tasks. path: its folder, or the name that it is kept by.

    A missing or half-written run is a UserError that names the file and the command that finishes it.
    """
    path = located(path)
    recipe = read_recipe(path)
    tokenizer = Tokenizer(recipe.tokenizer)
    dynamics = recipe.dynamics.build(recipe.layout)
    load_weights(tokenizer, path / "tokenizer")
    load_weights(dynamics, path / "dynamics")
    learned_on = read_json(path / "dynamics" / "config.json")["tokenizer_weights"]
    if learned_on != sha256(path / "tokenizer" / "weights.safetensors"):
        raise UserError(f"{path}/dynamics was trained on another tokenizer than {path}/tokenizer; train it again")
    return VideoModel(tokenizer, dynamics, recipe.shape, tasks_named(recipe.tasks)).to(device).eval()
