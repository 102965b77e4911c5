"""A tokenizer of natural video, from the command line."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import torch


def train_on_videos(
    videos: Path, out: Path, seed: int | None, device: "torch.device", resume: bool, tensorboard: bool, shard: bool
) -> None:
    """Take the films in, train, measure, and say how held-out windows came back."""
    from marey.core.processes import place
    from marey.data.progress import bar
    from marey.recipes.films import FILMS, judge_films, take_films, train_on_films
    from marey.recipes.stages import timed
    from marey.train import Manner

    recipe = FILMS if seed is None else replace(FILMS, seed=seed)
    with bar(out.name, "films") as progress:
        films = take_films(videos, out, recipe, progress)
    with timed(out, "tokenizer"):
        tokenizer = train_on_films(films, recipe, out, device, resume, Manner(tensorboard, shard))
    if place() > 0:
        return
    for figure in judge_films(films, recipe, tokenizer, out):
        beside = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in figure.baselines.items())
        interval = "" if figure.low is None else f" ({figure.low:.3g} to {figure.high:.3g})"
        click.echo(f"{figure.name} {figure.value:.4g} {figure.unit}{interval}, n = {figure.n}; {beside}".rstrip("; "))
    click.echo(out / "metrics.json")
