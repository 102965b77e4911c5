"""Who takes part in a bench, from the names that are given on the command line.

A name is the kind of a config, after a colon where its weights are, and before a dash what is to be done to it:
`i3d`, `videomae:/path`, `random-i3d` (the same network with random weights), `calibrated-i3d` (the same, its batch
norms calibrated), `shuffled-i3d` (shown the frames in a random order).
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from marey.core.errors import UserError
from marey.encoders.controls import (
    ControlConfig,
    FirstConvConfig,
    MeanFrameConfig,
    NoiseConfig,
    PixelsConfig,
    ShuffledConfig,
)
from marey.encoders.guest import Guest, GuestConfig
from marey.judge.probe_oracles import TrackStatisticsConfig, TrueTrackConfig
from marey.judge.probe_result import Role

SEEDS = (0, 1, 2)  # of random controls
KINDS: tuple[type, ...] = (*get_args(ControlConfig), TrackStatisticsConfig, TrueTrackConfig)
Change = Literal["", "random", "calibrated", "shuffled"]


@dataclass(frozen=True)
class Entry:
    """One row of the table: a guest, or several random networks of one architecture. of: whose control it is."""

    name: str
    role: Role
    configs: tuple[Any, ...]
    change: Change = ""
    of: str | None = None
    path: str | None = None


@dataclass(frozen=True)
class Missing:
    """A guest whose weights are not known: a row that says so, and never another network."""

    why: str

    def build(self) -> Guest:
        raise UserError(self.why)


def entries(names: list[str]) -> list[Entry]:
    """The guests that were asked for, each with its own random controls after it; then the controls that all share."""
    asked = [entry for name in dict.fromkeys(names) for entry in _with_controls(entry_of(name))]
    shared = [*_shared(), Entry("true-track", "ceiling", (TrueTrackConfig(),))]
    taken = {entry.name for entry in asked}
    return [*_unique(asked), *(entry for entry in shared if entry.name not in taken)]


def entry_of(name: str) -> Entry:
    """The entry of one name; an unknown one is a UserError that lists what there is."""
    head, _, path = name.partition(":")
    change, kind = _split(head)
    config = _config(name, kind, path)
    if change in ("random", "calibrated"):
        if "seed" not in _names(config):
            raise UserError(f"--encoders {name}: {kind} has no weights, so there is no random {kind}; leave it out")
        return Entry(name, "random control", _random(config), change, of=f"{kind}:{path}" if path else kind)
    if isinstance(config, TrueTrackConfig):
        return Entry(name, "ceiling", (config,))
    controls = (*get_args(ControlConfig), TrackStatisticsConfig)
    role: Role = "control" if change or isinstance(config, controls) else "guest"
    configs = _random(config) if isinstance(config, FirstConvConfig) else (config,)
    return Entry(name, role, configs, change, of=kind if change else None, path=path or None)


def _split(head: str) -> tuple[Change, str]:
    for change in ("random", "calibrated", "shuffled"):
        if head.startswith(f"{change}-"):
            return change, head.removeprefix(f"{change}-")
    return "", head


def _config(name: str, kind: str, path: str) -> Any:
    known = {get_args(get_type_hints(each)["kind"])[0]: each for each in KINDS}
    if kind not in known:
        raise UserError(f"--encoders {name}: {kind!r} is unknown; there are {', '.join(known)}")
    if path and "path" not in {field.name for field in fields(known[kind])}:
        raise UserError(f"--encoders {name}: {kind} takes no path; leave it out")
    try:
        return known[kind](path=Path(path)) if path else known[kind]()
    except UserError as error:  # it cannot be without weights
        return Missing(str(error))


def _with_controls(entry: Entry) -> list[Entry]:
    config = entry.configs[0]
    if entry.role != "guest" or "seed" not in _names(config):
        return [entry]
    random = _random(config)
    return [
        entry,
        Entry(f"random-{entry.name}", "random control", random, "random", of=entry.name),
        Entry(f"calibrated-{entry.name}", "random control", random, "calibrated", of=entry.name),
    ]


def _random(config: Any) -> tuple[GuestConfig, ...]:
    """The same network with random weights, once for each seed."""
    bare = {"path": None} if "path" in _names(config) else {}
    return tuple(replace(config, seed=seed, **bare) for seed in SEEDS)


def _shared() -> list[Entry]:
    kinds = (NoiseConfig(), PixelsConfig(), MeanFrameConfig(), ShuffledConfig(), TrackStatisticsConfig())
    plain = [Entry(config.kind, "control", (config,)) for config in kinds]
    return [*plain, Entry("first-conv", "control", _random(FirstConvConfig()))]


def _names(config: Any) -> set[str]:
    return {field.name for field in fields(config)}


def _unique(found: list[Entry]) -> list[Entry]:
    return list({entry.name: entry for entry in found}.values())
