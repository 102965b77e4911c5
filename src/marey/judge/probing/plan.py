"""What a bench would do, without doing it: who takes part, on which clips, and about how long that takes."""

import time
from datetime import timedelta

from marey.core.errors import UserError
from marey.data.clips import as_video
from marey.judge.probing.bench import ProbeConfig, plan
from marey.judge.probing.entrant import built
from marey.judge.probing.guests import Entry
from marey.judge.probing.oracles import TrueTrackConfig
from marey.judge.probing.set import ProbeSet
from marey.judge.probing.statistics import chance_interval

_TRIED = 2  # clips, after one that warms up


def in_words(clips: ProbeSet, names: list[str], config: ProbeConfig) -> list[str]:
    """A line for the clips, a line for each row of the table, and the sum; each guest is built and tried on clips."""
    guess = chance_interval(len(clips.test), 0.25)
    lines = [
        f"{clips.name}: {len(clips.pool):,} clips to learn from, {len(clips.test):,} test clips, {clips.frames} frames "
        f"of {clips.size[1]} x {clips.size[0]}; a rule that guesses one law of four lies within {guess.low:.3f} to "
        f"{guess.high:.3f}"
    ]
    total, absent = 0.0, set()
    for entry, passes in plan(clips, names, config):
        try:
            if entry.of in absent:
                raise UserError(f"{entry.of} was not run")
            seconds = passes * _seconds(entry, clips)
        except UserError as error:
            absent.add(entry.name)
            lines.append(f"{entry.name}: not run: {error}")
            continue
        total += seconds
        lines.append(f"{entry.name}: {entry.role}, {passes:,} clips through it, about {_span(seconds)}")
    probes = "the probes come on top: about a minute for each network and all tasks"
    return [*lines, f"features, unless they are kept already: about {_span(total)}, at the speed of now; {probes}"]


def _seconds(entry: Entry, clips: ProbeSet) -> float:
    """Of one whole clip."""
    if isinstance(entry.configs[0], TrueTrackConfig):
        return 0.0
    guest = built(entry, 0, clips)
    for warm in (True, False):
        begun = time.perf_counter()
        for run in clips.clips.runs(0, 1 if warm else _TRIED):
            guest.features(as_video(run))
    return (time.perf_counter() - begun) / _TRIED


def _span(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds))) if seconds >= 1 else f"{seconds:.2f} s"
