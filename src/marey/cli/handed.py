"""Somebody else's videos, judged from the command line."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from marey.cli.options import chosen_device
from marey.core.errors import UserError

if TYPE_CHECKING:
    from marey.encoders.guest import Guest
    from marey.recipes.handed import HandedIn

TASKS = ("reconstruct", "predict", "interpolate", "generate")  # said here, so that the help need not load them


def judge_handed_in(asked: "HandedIn", out: Path) -> None:
    """Judge the videos into OUT and print their figures."""
    from marey.recipes.handed import judge_videos
    from marey.report import markdown
    from marey.report.terminal import print_budget

    judge_videos(asked, out, lambda trial: click.echo(f"judge: {trial}", err=True))
    if asked.task != "generate":  # which has no truth to be wrong about, clip by clip
        print_budget(out)
    click.echo(markdown(out))
    click.echo(f"\n{out / 'metrics.json'}")


def chosen_guest(name: str | None, device: str) -> "Guest | None":
    """The encoder of that name, as for marey probe; without its weights a UserError says how to come by them."""
    if name is None:
        return None
    from marey.judge.probing.guests import entry_of

    built: Guest = entry_of(name).configs[0].build()
    return built.to(chosen_device(device))


def handed_in(
    run: Path | None,
    videos: Path | None,
    dataset: Path | None,
    task: str | None,
    shown: int | None,
    clips: int | None,
    out: Path | None,
    guest: "Guest | None",
) -> "tuple[HandedIn, Path] | None":
    """What `marey judge` was given, if it was videos; a mixture of both is a UserError."""
    given = {"--dataset": dataset, "--task": task, "--shown": shown, "--clips": clips, "--out": out}
    if videos is None:
        if others := [name for name, value in given.items() if value is not None]:
            raise UserError(f"{others[0]} belongs to --videos; give these, or a RUN alone")
        if run is None:
            raise UserError("give the folder of a run, or --videos, --dataset, --task and --out")
        return None
    if run is not None:
        raise UserError(f"give either the run {run} or --videos {videos}")
    if dataset is None or task is None or out is None:
        missing = [name for name in ("--dataset", "--task", "--out") if given[name] is None]
        raise UserError(f"--videos {videos} needs {', '.join(missing)} too; see marey judge --help")
    from marey.judge.answers import ANSWER_TASKS
    from marey.recipes.handed import HandedIn

    known = {name: name for name in ANSWER_TASKS}
    return HandedIn(videos, dataset, known[task], shown, clips, guest), out  # type: ignore[index]
