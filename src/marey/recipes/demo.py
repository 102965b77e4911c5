"""A recipe from nothing to figures: world, data, tokens, dynamics, judge. What is finished is not done again."""

from collections.abc import Callable
from pathlib import Path

import torch

from marey.core.config import fingerprint
from marey.core.errors import UserError
from marey.core.files import read_json, sha256, write_json
from marey.core.processes import processes
from marey.data.spec import DatasetSpec
from marey.dynamics.tasks import tasks_named
from marey.encoders.guest import Guest
from marey.judge.verdict import RULES
from marey.recipes.model import VideoModel
from marey.recipes.recipe import Recipe
from marey.recipes.stages import judge_run, start_run, timed, train_dynamics, train_tokenizer

Say = Callable[[str], None]


def run_recipe(recipe: Recipe, out: Path, device: torch.device, say: Say, resume: bool) -> None:
    """Train and judge the recipe in `out`, with `resume` going on where an earlier call was stopped."""
    if processes() > 1:
        raise UserError("a demo is one process; on many, train the stages (marey train), then judge and report alone")
    start_run(recipe, out, resume)
    say(describe(recipe.dataset))
    with timed(out, "tokenizer"):
        say(f"tokenizer: {recipe.tokenizer_training.steps} steps")
        tokenizer = train_tokenizer(recipe, out, device, resume=True)
    with timed(out, "dynamics"):
        say(f"dynamics: {recipe.dynamics_training.steps} steps")
        dynamics = train_dynamics(recipe, tokenizer, out, device, resume=True)
    judge_once(recipe, VideoModel(tokenizer, dynamics, recipe.shape, tasks_named(recipe.tasks)).to(device), out, say)


def judge_once(
    recipe: Recipe, model: VideoModel, out: Path, say: Say, again: bool = False, guest: Guest | None = None
) -> None:
    """Judge a run unless the same weights were judged by the same rules already. guest: see `judge`."""
    folders = ("tokenizer", "dynamics")
    identity = {name: sha256(out / name / "weights.safetensors") for name in folders}
    identity |= {"judge": fingerprint(recipe.judge), "dataset": fingerprint(recipe.dataset), "rules": str(RULES)}
    done = out / "judged.json"
    if done.exists() and read_json(done) == identity and not again:
        say("judge: done already")
        return
    with timed(out, "judge"):
        judge_run(recipe, model, out, lambda trial: say(f"judge: {trial}"), guest)
    write_json(done, identity)


def describe(dataset: DatasetSpec) -> str:
    """One line about a data set: what it holds and how many bytes that would be as pixels."""
    world, count = dataset.world, dataset.train + dataset.validation + dataset.test
    size = count * world.frames * world.size**2 * world.channels / 1e6
    return (
        f"data: {dataset.train:,} training, {dataset.validation:,} validation, {dataset.test:,} test clips of "
        f"`{world.kind}`, {world.frames} frames of {world.size}x{world.size}x{world.channels}, "
        f"{size:,.0f} MB if stored, drawn on demand instead"
    )
