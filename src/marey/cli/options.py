"""What the commands share: their options, the values these stand for, and errors in one line."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marey.core.errors import UserError
from marey.core.processes import local_place, processes
from marey.core.runs import located

if TYPE_CHECKING:
    import torch

    from marey.recipes.recipe import Recipe

PATH = click.Path(path_type=Path)


class RunPath(click.Path):
    """The folder of a run, given by its path or by the name that it is kept by."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return located(Path(os.fsdecode(super().convert(value, param, ctx))))


RUN = RunPath(path_type=Path)
_RECIPES = "smoke, small, every-task, base, or phyworld-uniform, -parabola, -collision."
RECIPE = click.option("--recipe", "recipe_name", default="small", show_default=True, help=_RECIPES)
DEVICE = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
SEED = click.option("--seed", type=click.IntRange(min=0), default=None, help="Another seed than the recipe's own.")
RESUME = click.option("--resume", is_flag=True, help="Go on with the run in --out where it was stopped.")


def out_option(default: str | None = None, what: str = "Folder of the run.") -> Any:
    """The option --out, which must be given unless it has a default."""
    if default is None:  # click takes a default of None for an answer
        return click.option("--out", type=PATH, required=True, help=what)
    return click.option("--out", type=PATH, default=default, show_default=True, help=what)


class Commands(click.Group):
    """A group that lists its commands in the order they were added and turns a UserError into one line and status 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            click.echo(f"marey: {error}", err=True)
            sys.exit(2)
        except BrokenPipeError:
            raise  # nobody reads on: click ends without a word
        except OSError as error:
            from marey.core.files import advice

            what, fix = f"marey: {error.filename or 'disk'}: {error.strerror or error}", advice(error)
            click.echo(f"{what}; {fix}, and run the same command again" if fix else what, err=True)
            sys.exit(2)


def chosen_recipe(name: str, seed: int | None) -> "Recipe":
    """The recipe of that name, with another seed if one is given."""
    from marey.recipes.catalogue import recipe

    chosen = recipe(name)
    return chosen if seed is None else replace(chosen, seed=seed, dataset=replace(chosen.dataset, seed=seed))


def chosen_device(name: str) -> "torch.device":
    """The device of that name; `auto` is the GPU if there is one, each process its own. Unusable: a UserError."""
    import torch

    from marey.core.memory import keep_freed_memory

    keep_freed_memory()
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and processes() > 1:
        name = f"cuda:{local_place()}"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError):
        raise UserError(f"--device {name} is not usable on this machine; choose cpu") from None
    return torch.device(name)
