"""Features of many clips, extracted once: a folder of shards that is whole or absent, and goes on where it was killed.

CACHE/GUEST-HASH/features.json      what was asked: weights, fingerprint, clips, taps, versions; HASH is of this
                 shards/00000.safetensors   the features of 64 clips by tap, and what they cost
                 SHA256SUMS         checksums of all files
"""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import safetensors
import safetensors.numpy
import torch
from jaxtyping import Float32, UInt8

from marey.core.errors import UserError
from marey.core.files import read_json, sha256
from marey.core.seeds import step_seed
from marey.data.clips import as_video
from marey.data.manifest import read_seal
from marey.data.staged import Plan, Progress, Step, build, silent
from marey.encoders.guest import Guest
from marey.encoders.peak import peak_memory, reset_peak

PLAN = "features.json"
_SHARD = 64  # clips: what a kill loses at most
_PIXELS = 600_000  # that a network on a processor sees at once; beyond, memory for its maps is fetched anew each time
_STILLS = 300_000  # the same for one that goes frame by frame, whose maps do not get shorter in time
_LAYOUT = 1  # of the folder; raised when what is stored changes its meaning

Clip = UInt8[np.ndarray, "B T H W C"]


@runtime_checkable
class Clips(Protocol):
    """Clips in a fixed order. fingerprint: changes when any of their bytes does."""

    @property
    def fingerprint(self) -> str: ...
    def __len__(self) -> int: ...
    def runs(self, start: int, stop: int) -> Iterator[Clip]:
        """Clips start to stop - 1 in their order, those of one shape together."""


@dataclass(frozen=True)
class Cost:
    """What extraction took: per clip, wall and CPU seconds, drawing the clips and writing the features included.

    forward: the part of the wall seconds inside the guest. peak_mb: of the process while the guest worked, above what
    it held before; None where the system does not tell.
    """

    seconds: float
    cpu_seconds: float
    forward: float
    peak_mb: float | None


@dataclass(frozen=True)
class Extracted:
    """The features of N clips by tap, the main one first, and what they cost when they were made. fingerprint: the
    guest's."""

    path: Path
    fingerprint: str
    taps: dict[str, Float32[np.ndarray, "N t D"]]
    cost: Cost


def extract(
    guest: Guest,
    clips: Clips,
    cache: Path,
    taps: tuple[str, ...] | None = None,
    batch: int = 8,
    progress: Progress = silent,
) -> Extracted:
    """The features of all clips at some taps (by default all): from the cache, or made now and kept there.

    A stopped extraction goes on after its last whole shard, to the same bytes. A damaged file is a UserError.
    """
    assert len(clips), "no clips"
    taps = taps or guest.taps
    content = _content(guest, clips, taps, batch)
    out = folder_of(cache, guest.facts.name, content)
    if not out.exists():
        steps = (
            Step(f"{start:09}", stop - start, partial(_write, guest, clips, taps, batch, start, stop))
            for start, stop in _ranges(len(clips))
        )
        build(out, Plan(PLAN, content, len(clips)), steps, progress=progress)
    return _read(out, taps)


def folder_of(cache: Path, name: str, content: dict[str, Any]) -> Path:
    """Where features of that content are kept."""
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    return cache / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}-{digest}"


def seeded_fingerprint(guest: Guest) -> str:
    """The guest's fingerprint, with the randomness of those that have any fixed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return guest.fingerprint()


def _content(guest: Guest, clips: Clips, taps: tuple[str, ...], batch: int) -> dict[str, Any]:
    """All that the features depend on. The fingerprint stands for the guest's code: it changes when its output does."""
    weights = {name: value for name, value in asdict(guest.weights).items() if name != "path"}
    return {
        "guest": guest.facts.name,
        "weights": weights,
        "fingerprint": seeded_fingerprint(guest),
        "taps": list(taps),
        "clips": clips.fingerprint,
        "count": len(clips),
        "batch": batch,
        "layout": _LAYOUT,
        "versions": {name: version(name) for name in ("marey", "torch", "numpy")},
    }


def _ranges(count: int) -> list[tuple[int, int]]:
    return [(start, min(start + _SHARD, count)) for start in range(0, count, _SHARD)]


def _write(
    guest: Guest, clips: Clips, taps: tuple[str, ...], batch: int, start: int, stop: int, folder: Path
) -> list[str]:
    """One shard. Its random numbers are those of its first clip, so that it does not matter which were made before."""
    reset_peak()
    before, (wall, cpu) = peak_memory(), (time.perf_counter(), time.process_time())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(step_seed(0, start))
        arrays, forward = _features(guest, clips, taps, batch, start, stop)
    after = peak_memory()
    cost = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "forward": forward,
        "peak_mb": None if before is None or after is None else (after - before) / 1e6,
    }
    name = f"shards/{start // _SHARD:05}.safetensors"
    (folder / name).parent.mkdir(exist_ok=True)
    safetensors.numpy.save_file(arrays, folder / name, metadata={"cost": json.dumps(cost)})
    return [name]


def _features(
    guest: Guest, clips: Clips, taps: tuple[str, ...], batch: int, start: int, stop: int
) -> tuple[dict[str, Float32[np.ndarray, "n t D"]], float]:
    parts: dict[str, list[np.ndarray]] = {tap: [] for tap in taps}
    device = next((each.device for each in guest.parameters()), torch.device("cpu"))
    forward = 0.0
    for run in clips.runs(start, stop):
        count = _at_once(guest, run, batch)
        for place in range(0, len(run), count):
            video = as_video(run[place : place + count]).to(device)
            begun = time.perf_counter()
            found = guest.features(video, taps)
            forward += time.perf_counter() - begun
            for tap in taps:
                parts[tap].append(found[tap].float().cpu().numpy())
    _refuse_uneven(guest, parts)
    arrays = {tap: np.ascontiguousarray(np.concatenate(some), dtype=np.float32) for tap, some in parts.items()}
    for tap, array in arrays.items():
        if not np.isfinite(array).all():
            row = start + int(np.flatnonzero(~np.isfinite(array).all(axis=(1, 2)))[0])
            raise UserError(f"{guest.facts.name}: tap {tap} of clip {row} is not finite; the weights are of no use")
    return arrays, forward


def _at_once(guest: Guest, run: Clip, batch: int) -> int:
    """Clips that go through the guest together: on a processor fewer than `batch` if they are large."""
    device = next((each.device for each in guest.parameters()), None)
    if device is None or device.type != "cpu":
        return batch
    frames, (rows, columns) = guest.look.frames or run.shape[1], guest.look.size or run.shape[2:4]
    most = _STILLS if guest.framewise else _PIXELS
    return max(1, min(batch, most // (frames * rows * columns)))


def _refuse_uneven(guest: Guest, parts: dict[str, list[np.ndarray]]) -> None:
    for tap, some in parts.items():
        if len(shapes := {part.shape[1:] for part in some}) > 1:
            raise UserError(f"{guest.facts.name}: tap {tap} has shapes {sorted(shapes)}; give clips of one length")


def _read(out: Path, taps: tuple[str, ...]) -> Extracted:
    sums = read_seal(out)
    parts: dict[str, list[np.ndarray]] = {tap: [] for tap in taps}
    costs: list[tuple[int, dict[str, Any]]] = []
    for name in sorted(name for name in sums if name.startswith("shards/")):
        if not (out / name).exists() or sha256(out / name) != sums[name]:
            raise UserError(f"{out / name} is missing or damaged; remove {out}, and the same command makes it again")
        with safetensors.safe_open(out / name, framework="np") as file:
            for tap in taps:
                parts[tap].append(file.get_tensor(tap))
            costs.append((len(parts[taps[0]][-1]), json.loads(file.metadata()["cost"])))
    arrays = {tap: np.concatenate(some) for tap, some in parts.items()}
    return Extracted(out, read_json(out / PLAN)["fingerprint"], arrays, _cost(costs))


def _cost(costs: list[tuple[int, dict[str, Any]]]) -> Cost:
    clips = sum(count for count, _ in costs)
    total: Callable[[str], float] = lambda name: sum(cost[name] for _, cost in costs) / clips  # noqa: E731
    peaks = [cost["peak_mb"] for _, cost in costs if cost["peak_mb"] is not None]
    return Cost(total("seconds"), total("cpu_seconds"), total("forward"), max(peaks, default=None))
