"""How far a long job is and how long it will take: a bar in a terminal, else a line every half minute."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_SECONDS_BETWEEN_LINES = 30.0


@contextmanager
def bar(name: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Gives a function to call with what is done and what there is to do; the first call sets where the job begins."""
    console = Console(file=sys.stderr)
    columns = (TextColumn(name), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    shown = Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal)
    task = shown.add_task("", total=None, rate="")
    began: tuple[int, float] | None = None
    last_line = time.monotonic()

    def update(done: int, total: int) -> None:
        nonlocal began, last_line
        now = time.monotonic()
        first, start = began = began or (done, now)
        speed = (done - first) / max(now - start, 1e-9)
        shown.update(task, completed=done, total=total, rate=f"{speed:,.0f} {unit}/s")
        if shown.disable and speed and now - last_line >= _SECONDS_BETWEEN_LINES:
            last_line = now
            left = timedelta(seconds=round((total - done) / speed))
            print(f"{name}: {done:,}/{total:,}  {speed:,.0f} {unit}/s  {left} left", file=sys.stderr, flush=True)  # noqa: T201

    with shown:
        yield update
