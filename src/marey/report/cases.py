"""The moving clips of a run, side by side: what was true and what each task made of it, with its error."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from marey.metrics.tracks import displacement
from marey.report import plates
from marey.report.files import TASKS, Clips

KINDS = ("truth", *TASKS)
MEASURED = tuple(task for task in TASKS if task != "generate")  # where the truth is known frame by frame


@dataclass(frozen=True)
class Case:
    """One true clip, the `number`-th as stored, and what was made of it.

    errors: task -> mean distance to the truth over the hidden frames (all frames for reconstruct), pixels. said: task
    -> the law read from what was drawn, None where none fits. lost: task -> frames without a dot. rows: kind -> row of
    its sheet; no generated clip where there are fewer of this law.
    """

    number: int
    law: str
    errors: dict[str, float]
    said: dict[str, str | None]
    lost: dict[str, int]
    rows: dict[str, int]


@dataclass(frozen=True)
class Reel:
    """The cases that are shown, of `count` stored; sheets: kind -> picture with the clip of row n in its row n."""

    cases: list[Case]
    count: int
    size: tuple[int, int]
    given: dict[str, list[bool]]
    sheets: dict[str, str]
    tracks: dict[str, list[list[list[float] | None]]]

    @property
    def player(self) -> dict[str, Any]:
        """What the script needs to play the clips: sizes, what was given, and tracks (null where the dot was lost)."""
        frames, (height, width) = len(next(iter(self.given.values()))), self.size
        return {"frames": frames, "height": height, "width": width, "given": self.given, "tracks": self.tracks}


def reel(clips: dict[str, Clips], laws: list[str]) -> Reel:
    """As many clips as the page may hold, the same number of every law, in the order in which they are stored.

    A generated clip has no truth of its own: the k-th of each law stands beside the k-th true clip of that law.
    """
    first = clips[MEASURED[0]]
    assert first.truth is not None and first.truth_track is not None
    shown = plates.choose(first.law, first.model[0].nbytes)
    partners = [_partner(first.law, clips["generate"].law, i) for i in shown]
    drawn = [i for i in partners if i is not None]
    rows = dict.fromkeys(("truth", *MEASURED), shown) | {"generate": drawn}
    pixels = {"truth": first.truth} | {task: each.model for task, each in clips.items()}
    tracks = {"truth": first.truth_track} | {task: each.model_track for task, each in clips.items()}
    errors = {task: mean_errors(clips[task]) for task in MEASURED}
    cases = []
    for row, (i, partner) in enumerate(zip(shown, partners, strict=True)):
        places = dict.fromkeys(("truth", *MEASURED), row)
        places |= {} if partner is None else {"generate": drawn.index(partner)}
        at = {task: partner if task == "generate" else i for task in TASKS}
        there = {task: (clips[task], k) for task, k in at.items() if k is not None}
        cases.append(Case(
            number=i + 1,
            law=laws[first.law[i]],
            errors={task: float(errors[task][i]) for task in MEASURED},
            said={task: [*laws, None][each.said[k]] for task, (each, k) in there.items()},
            lost={task: _lost(each.model_track[k]) for task, (each, k) in there.items()},
            rows=places,
        ))  # fmt: skip
    return Reel(
        cases=cases,
        count=len(first.law),
        size=first.model.shape[2:4],
        given={"truth": [True] * first.model.shape[1]} | {task: each.given.tolist() for task, each in clips.items()},
        sheets={kind: plates.sprite_sheet(pixels[kind][rows[kind]]) for kind in KINDS if rows[kind]},
        tracks={kind: [[_point(xy) for xy in tracks[kind][i]] for i in rows[kind]] for kind in KINDS},
    )


def mean_errors(clips: Clips) -> np.ndarray:
    """Of each clip, over its hidden frames, pixels; a lost dot costs as much as the frame allows."""
    assert clips.truth_track is not None
    asked = np.ones_like(clips.given) if clips.given.all() or clips.task == "reconstruct" else ~clips.given
    size = max(clips.model.shape[2:4])
    return displacement(clips.model_track[:, asked], clips.truth_track[:, asked], size).mean(axis=1)


def exposures(clips: dict[str, Clips], laws: list[str]) -> list[tuple[str, dict[str, str]]]:
    """The first clip of each law as chronophotographs: (law, kind -> picture)."""
    first = clips[MEASURED[0]]
    assert first.truth is not None
    out = []
    for law in np.unique(first.law):
        there = {"truth": first.truth[first.law == law][0]}
        there |= {task: each.model[each.law == law][0] for task, each in clips.items() if (each.law == law).any()}
        out.append((laws[law], {kind: plates.chronophotograph(clip) for kind, clip in there.items()}))
    return out


def _partner(law: np.ndarray, asked: np.ndarray, i: int) -> int | None:
    """The generated clip of the same law and rank."""
    same = np.flatnonzero(asked == law[i])
    rank = int((law[:i] == law[i]).sum())
    return int(same[rank]) if rank < len(same) else None


def _lost(track: np.ndarray) -> int:
    return int((~np.isfinite(track).all(axis=-1)).sum())


def _point(xy: np.ndarray) -> list[float] | None:
    return [round(float(v), 2) for v in xy] if np.isfinite(xy).all() else None
