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
        self.folder, self.steps = folder, steps
        self.line: tuple[float, int] | None = None  # when the last one was said, at which step
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
        """Say that `step` steps are done. Speed is that since the last line; the first step, which may have to prepare
        much, does not count.
        """
        now, numbers = time.monotonic(), f"loss {loss:.4g}"
        since, before = self.line = self.line or (now, step)
        if step > before:
            rate = (step - before) / max(now - since, 1e-9)
            numbers += f"  {rate:.3g} steps/s"
            numbers += f"  {timedelta(seconds=round((self.steps - step) / rate))} left" if self.bar.disable else ""
        self.bar.update(self.task, completed=step, numbers=numbers)
        if now - since >= _SECONDS_BETWEEN_LINES or step == self.steps:
            self.line = now, step
            self.say(f"step {step}/{self.steps}  {numbers}")

    def say(self, text: str) -> None:
        """A line in log.txt; on stderr too, unless a bar is there."""
        self.folder.log(text)
        if self.bar.disable and self.folder.writes:
            print(f"{self.folder.path.name}: {text}", file=sys.stderr, flush=True)  # noqa: T201
