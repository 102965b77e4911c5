"""One row of the bench at work: its networks built, its features extracted, or the reason why not."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32
from torch import Tensor

from marey.core.errors import UserError
from marey.data.clips import as_video
from marey.data.staged import Progress
from marey.encoders.controls import Shuffled, batch_norms, calibrated
from marey.encoders.features import Extracted, extract
from marey.encoders.folded import folded
from marey.encoders.guest import Facts, Guest, Weights, at_own_size
from marey.judge.probing.gains import Seen
from marey.judge.probing.guests import Entry
from marey.judge.probing.oracles import TrueTrackConfig, of_truth
from marey.judge.probing.result import Card, State
from marey.judge.probing.set import ProbeSet
from marey.judge.probing.space import WIDTH

CALIBRATED_ON = 16  # clips of the pool: every norm sees thousands of places in each
NO_NORMS = "it has no batch norms, so there is nothing to calibrate"
_STATES: dict[str, State] = {"pretrained": "weights found", "random": "random control", "none": "no weights"}

Features = Float32[np.ndarray, "N t D"]


@dataclass(frozen=True)
class Extraction:
    """How features are extracted. cache: where they are kept. all_taps: of guests, not the main tap alone.

    batch: clips a guest sees at once. own_size: guests that take frames of any size see them as they are.
    """

    cache: Path = Path("results/features")
    all_taps: bool = True
    batch: int = 8
    device: str = "cpu"
    own_size: bool = False


@dataclass(frozen=True)
class Entrant:
    """found: by network, then by view (False: whole clips, True: without their future), by tap."""

    card: Card
    found: tuple[dict[bool, dict[str, Seen]], ...] = ()

    def seen(self, tap: str, before: bool) -> list[Seen]:
        """The features of each network."""
        return [views[before][tap] for views in self.found]


def enter(
    entry: Entry,
    clips: ProbeSet,
    views: tuple[bool, ...],
    how: Extraction,
    progress: Progress,
) -> Entrant:
    """Build and extract; what cannot be had is a card that says why, and never another network in its place."""
    blank = Card(entry.name, entry.role, "not run", of=entry.of, networks=len(entry.configs), path=entry.path)
    try:
        if isinstance(entry.configs[0], TrueTrackConfig):
            return _true_track(blank, clips, views)
        seen = [_seen(entry, number, clips, views, how, progress) for number in range(len(entry.configs))]
    except UserError as error:
        return Entrant(replace(blank, why=str(error)))
    return Entrant(_card(blank, seen), tuple(_to_probe(network.found, clips) for network in seen))


def _to_probe(found: dict[bool, dict[str, Features]], clips: ProbeSet) -> dict[bool, dict[str, Seen]]:
    return {
        before: {tap: Seen(features, clips.pool, WIDTH) for tap, features in taps.items()}
        for before, taps in found.items()
    }


@dataclass(frozen=True)
class _Seen:
    """What remains of a network when its features are there; it is let go before the next one is built."""

    facts: Facts
    weights: Weights
    whole: Extracted
    found: dict[bool, dict[str, Features]]


def _seen(
    entry: Entry, number: int, clips: ProbeSet, views: tuple[bool, ...], how: Extraction, progress: Progress
) -> _Seen:
    guest = folded(built(entry, number, clips, how.own_size)).to(how.device)
    taps = guest.taps if how.all_taps and entry.role in ("guest", "random control") else guest.taps[:1]
    extracted = {
        before: extract(guest, clips.before if before else clips.clips, how.cache, taps, how.batch, progress)
        for before in views_to_see(guest, views)
    }
    found = {before: each.taps for before, each in extracted.items()}
    if True in views and True not in found:
        found[True] = {tap: rows[:, : clips.prefix] for tap, rows in found[False].items()}
    return _Seen(guest.facts, guest.weights, next(iter(extracted.values())), found)


def views_to_see(guest: Guest, views: tuple[bool, ...]) -> tuple[bool, ...]:
    """The views that go through a guest; where each frame is seen alone, the first half is cut out of the whole."""
    return (False,) if guest.framewise and False in views else views


def built(entry: Entry, number: int, clips: ProbeSet, own_size: bool = False) -> Guest:
    """One network of an entry, changed as its name says."""
    guest: Guest = entry.configs[number].build()
    guest = at_own_size(guest) if own_size else guest
    wanted = "random" if entry.role == "random control" else None
    assert wanted is None or guest.weights.state == wanted, f"{entry.name}: {guest.weights}"
    if entry.role == "guest" and guest.weights.state == "random":
        raise UserError(f"{entry.name} came with random weights; ask for them by name, as random-{entry.name}")
    if entry.change == "shuffled":
        return Shuffled(guest)
    if entry.change == "calibrated":
        if not batch_norms(guest):
            raise UserError(NO_NORMS)
        return calibrated(guest, _videos(clips))
    return guest


def _videos(clips: ProbeSet) -> list[Float[Tensor, "B C T H W"]]:
    """Some whole clips of the pool, eight at a time."""
    shots = [next(clips.clips.runs(int(row), int(row) + 1)) for row in clips.pool[:CALIBRATED_ON]]
    if len({shot.shape for shot in shots}) > 1:
        raise UserError("clips of several sizes make no batch to calibrate its batch norms on")
    return [as_video(np.concatenate(shots[start : start + 8])) for start in range(0, len(shots), 8)]


def _card(blank: Card, seen: list[_Seen]) -> Card:
    facts, weights, cost, taps = seen[0].facts, seen[0].weights, seen[0].whole.cost, seen[0].whole.taps
    main = next(iter(taps.values()))
    return replace(
        blank,
        state=_STATES[weights.state],
        title=facts.name,
        licence=facts.licence,
        source=facts.source,
        input=facts.input,
        path=weights.path,
        sha256=weights.sha256,
        seeds=tuple(each.weights.seed for each in seen if each.weights.seed is not None),
        fingerprint=tuple(each.whole.fingerprint for each in seen),
        taps=tuple(taps),
        steps=main.shape[1],
        width=main.shape[2],
        seconds=round(cost.seconds, 6),
        cpu_seconds=round(cost.cpu_seconds, 6),
        forward=round(cost.forward, 6),
        peak_mb=None if cost.peak_mb is None else round(cost.peak_mb, 1),
    )


def _true_track(blank: Card, clips: ProbeSet, views: tuple[bool, ...]) -> Entrant:
    tap = "statistics"
    found = {before: {tap: of_truth(clips.truth, clips.prefix if before else clips.frames)} for before in views}
    width = found[views[0]][tap].shape[2]
    title, source = "true track", "what the clips were drawn from; it sees no pixels"
    card = replace(blank, state="no weights", title=title, source=source, taps=(tap,), steps=1, width=width)
    return Entrant(card, (_to_probe(found, clips),))
