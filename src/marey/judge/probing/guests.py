"""Who takes part in a bench, from the names that are given on the command line.

A name is the kind of a config, after a colon where its weights are, and before a dash what is to be done to it:
`i3d`, `videomae:/path`, `random-i3d` (the same network with random weights), `calibrated-i3d` (the same, its batch
norms calibrated), `shuffled-i3d` (shown the frames in a random order).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from marey.core.errors import UserError
from marey.encoders.catalogue import ENTRIES
from marey.encoders.controls import (
    ControlConfig,
    MeanFrameConfig,
    NoiseConfig,
    PixelsConfig,
    ShuffledConfig,
)
from marey.encoders.guest import Guest
from marey.judge.probing.oracles import TrackStatisticsConfig, TrueTrackConfig
from marey.judge.probing.result import Role

NETWORKS = 3  # of each random control
GUESTS: dict[str, type] = {entry.name: entry.config for entry in ENTRIES}
CONTROLS: dict[str, type] = {
    get_args(get_type_hints(each)["kind"])[0]: each
    for each in (*get_args(ControlConfig), TrackStatisticsConfig, TrueTrackConfig)
}
KINDS = GUESTS | CONTROLS
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


def entries(names: list[str], networks: int = NETWORKS) -> list[Entry]:
    """The guests that were asked for, each with its own random controls after it; then the controls that all share.

    networks: of each random control.
    """
    asked = [entry for name in dict.fromkeys(names) for entry in _with_controls(entry_of(name, networks), networks)]
    shared = [*_shared(networks), Entry("true-track", "ceiling", (TrueTrackConfig(),))]
    taken = {entry.name for entry in asked}
    return [*_unique(asked), *(entry for entry in shared if entry.name not in taken)]


def entry_of(name: str, networks: int = NETWORKS) -> Entry:
    """The entry of one name; an unknown one is a UserError that lists what there is."""
    head, _, path = name.partition(":")
    change, kind = _split(head)
    _check(name, kind, path)
    of = f"{kind}:{path}" if path else kind
    if change in ("random", "calibrated"):
        if kind not in GUESTS:
            raise UserError(f"--encoders {name}: {kind} learned nothing, so there is no random one; leave it out")
        return Entry(name, "random control", _random(networks, kind, path), change, of=of)
    if kind == "true-track":
        return Entry(name, "ceiling", (TrueTrackConfig(),))
    role: Role = "guest" if kind in GUESTS and not change else "control"
    configs = _random(networks, kind) if kind == "first-conv" else (_config(kind, path),)
    return Entry(name, role, configs, change, of=of if change else None, path=path or None)


def _split(head: str) -> tuple[Change, str]:
    for change in ("random", "calibrated", "shuffled"):
        if head.startswith(f"{change}-"):
            return change, head.removeprefix(f"{change}-")
    return "", head


def _check(name: str, kind: str, path: str) -> None:
    if kind not in KINDS:
        raise UserError(f"--encoders {name}: {kind!r} is unknown; there are {', '.join(KINDS)}")
    if path and kind not in GUESTS:
        raise UserError(f"--encoders {name}: {kind} takes no path; leave it out")


def _config(kind: str, path: str) -> Any:
    try:
        return KINDS[kind](path=Path(path)) if path else KINDS[kind]()
    except UserError as error:  # it cannot be without weights
        return Missing(str(error))


def _with_controls(entry: Entry, networks: int) -> list[Entry]:
    if entry.role != "guest":
        return [entry]
    kind, _, path = entry.name.partition(":")
    random = _random(networks, kind, path)
    return [
        entry,
        Entry(f"random-{entry.name}", "random control", random, "random", of=entry.name),
        Entry(f"calibrated-{entry.name}", "random control", random, "calibrated", of=entry.name),
    ]


def _random(networks: int, kind: str, path: str = "") -> tuple[Any, ...]:
    """The same network with random weights, drawn several times."""
    config = _config(kind, path)
    if not isinstance(config, Missing):
        return tuple(config.control(seed) for seed in range(networks))
    try:
        return tuple(KINDS[kind](seed=seed) for seed in range(networks))  # its network is known without its weights
    except UserError:
        return (config,)


def _shared(networks: int) -> list[Entry]:
    kinds = (NoiseConfig(), PixelsConfig(), MeanFrameConfig(), ShuffledConfig(), TrackStatisticsConfig())
    plain = [Entry(config.kind, "control", (config,)) for config in kinds]
    return [*plain, Entry("first-conv", "control", _random(networks, "first-conv"))]


def _unique(found: list[Entry]) -> list[Entry]:
    return list({entry.name: entry for entry in found}.values())
