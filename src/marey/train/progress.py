"""How fast training goes and how long it will take: a bar in a terminal, else a line every half minute."""

import sys
import time
from datetime import timedelta
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from marey.core.runs import RunFolder

_SECONDS_BETWEEN_LINES = 30.0


class Meter:
    """Shows progress on stderr and keeps it in log.txt; nothing in it reaches the results."""

    def __init__(self, folder: RunFolder, first: int, steps: int) -> None:
        self.folder, self.first, self.steps = folder, first, steps
        self.started = self.last_line = time.monotonic()
        console = Console(file=sys.stderr)
        self.bar = Progress(
            TextColumn(folder.path.name),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not (console.is_terminal and folder.writes),
        )
        self.task = self.bar.add_task("", total=steps, completed=first, numbers="")

    def __enter__(self) -> "Meter":
        self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.bar.stop()

    def update(self, step: int, loss: float) -> None:
        """Say that `step` steps are done."""
        now = time.monotonic()
        rate = (step - self.first) / max(now - self.started, 1e-9)
        numbers = f"loss {loss:.4g}  {rate:.3g} steps/s"
        self.bar.update(self.task, completed=step, numbers=numbers)
        if now - self.last_line >= _SECONDS_BETWEEN_LINES or step == self.steps:
            self.last_line = now
            left = timedelta(seconds=round((self.steps - step) / rate))
            self.say(f"step {step}/{self.steps}  {numbers}  {left} left")

    def say(self, text: str) -> None:
        """A line in log.txt; on stderr too, unless a bar is there."""
        self.folder.log(text)
        if self.bar.disable and self.folder.writes:
            print(f"{self.folder.path.name}: {text}", file=sys.stderr, flush=True)  # noqa: T201
