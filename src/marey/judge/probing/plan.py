"""What a bench would do, without doing it: who takes part, on which clips, and about how long that takes."""

import time
from dataclasses import dataclass
from datetime import timedelta

from marey.core.errors import UserError
from marey.data.clips import as_video
from marey.encoders.controls import batch_norms
from marey.encoders.folded import folded
from marey.encoders.guest import Guest
from marey.judge.probing.bench import ProbeConfig, views_of
from marey.judge.probing.entrant import CALIBRATED_ON, NO_NORMS, built, views_to_see
from marey.judge.probing.guests import Entry, entries
from marey.judge.probing.oracles import TrueTrackConfig
from marey.judge.probing.set import ProbeSet
from marey.judge.probing.statistics import chance_interval

_TRIED = 2  # clips, after one that warms up


@dataclass(frozen=True)
class _Tried:
    """A network on a few clips. seconds: of one whole clip. passes: of each clip through it. norms: has batch norms."""

    seconds: float
    passes: int
    norms: bool


def in_words(clips: ProbeSet, names: list[str], config: ProbeConfig) -> list[str]:
    """A line for the clips, a line for each row of the table, and the sum; each architecture is tried on two clips."""
    guess = chance_interval(len(clips.test), 0.25)
    lines = [
        f"{clips.name}: {len(clips.pool):,} clips to learn from, {len(clips.test):,} test clips, {clips.frames} frames "
        f"of {clips.size[1]} x {clips.size[0]}; a rule that guesses one law of four lies within {guess.low:.3f} to "
        f"{guess.high:.3f}"
    ]
    total, tried = 0.0, dict[str, _Tried | None]()
    for entry in entries(names, config.networks):
        try:
            found = _tried(entry, tried, clips, config)
        except UserError as error:
            tried[entry.name] = None
            lines.append(f"{entry.name}: not run: {error}")
            continue
        tried[entry.name] = found
        passes = len(entry.configs) * found.passes * len(clips.clips)
        seconds = (passes + len(entry.configs) * CALIBRATED_ON * (entry.change == "calibrated")) * found.seconds
        total += seconds
        lines.append(f"{entry.name}: {entry.role}, {passes:,} clips through it, about {_span(seconds)}")
    probes = "the probes come on top: seconds for each network, half a minute for 10,000 labels"
    return [*lines, f"features, unless they are kept already: about {_span(total)}, at the speed of now; {probes}"]


def _tried(entry: Entry, tried: dict[str, _Tried | None], clips: ProbeSet, config: ProbeConfig) -> _Tried:
    """A random control is as quick as the guest whose network it is, which was tried before it."""
    views = views_of(clips, config.tasks)
    if isinstance(entry.configs[0], TrueTrackConfig):
        return _Tried(0.0, len(views), norms=False)
    if entry.role == "random control" and entry.of in tried:
        same = tried[entry.of]
        if same is None:
            raise UserError(f"{entry.of} was not run")
    else:
        same = _try(built(entry, 0, clips, config.own_size), views, clips)
    if entry.change == "calibrated" and not same.norms:
        raise UserError(NO_NORMS)
    return same


def _try(guest: Guest, views: tuple[bool, ...], clips: ProbeSet) -> _Tried:
    norms = bool(batch_norms(guest))
    guest = folded(guest)
    for warm in (True, False):
        begun = time.perf_counter()
        for run in clips.clips.runs(0, 1 if warm else _TRIED):
            guest.features(as_video(run), guest.taps)
    seconds = (time.perf_counter() - begun) / _TRIED
    return _Tried(seconds, len(views_to_see(guest, views)), norms)


def _span(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds))) if seconds >= 1 else f"{seconds:.2f} s"
