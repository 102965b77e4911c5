"""The gate: can a trivial fact tell the law? If it can, a model's accuracy says nothing about motion.

Decision trees learn each fact on the true tracks of one split and are scored on another; they are of depth 3 for up
to four laws, and have two leaves for each of more laws. A world passes when no fact beats its limit; both lengths
together have no limit, because geometry ties them (a line's are equal).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float64
from sklearn.tree import DecisionTreeClassifier

from marey.data.spec import DatasetSpec
from marey.metrics.figure import Figure, Level, share_figure
from marey.world.matched import MatchedWorld
from marey.world.scenes import Scenes

FACTS = {
    "one_frame": "place and size of the disc in one frame",
    "net_displacement": "distance from the first place to the last",
    "path_length": "length of the path",
    "first_last": "places and sizes in the first and the last frame",
    "both_lengths": "both lengths together",
}
LIMITS: Mapping[str, float] = {"one_frame": 0.30, "net_displacement": 0.35, "path_length": 0.40, "first_last": 0.40}
_SAMPLES = 4000  # to learn from, and as many to score


@dataclass(frozen=True)
class Gate:
    """A figure for each trivial fact; passed when none exceeds its limit. remark: what to know about the limits."""

    figures: tuple[Figure, ...]
    remark: str = ""

    @property
    def passed(self) -> bool:
        return all(figure.reached is not False for figure in self.figures)

    def to_json(self) -> list[dict[str, Any]]:
        """As details.json shows it: figures with their limits."""
        return [figure.to_json() | {"limit": figure.level.value if figure.level else None} for figure in self.figures]


def gate_of(spec: DatasetSpec, samples: int = _SAMPLES) -> Gate:
    """The gate of a spec's world and regions, on `samples` fresh training and as many test samples.

    The world `matched`, in any look, is asked to keep the limits with the frames of its presets. With more of them
    they are shown, and a remark says that they need not be kept; of other worlds the figures are only reported.
    """
    drawn = replace(spec, train=samples, validation=0, test=samples, held_out=0)
    matched, own = isinstance(spec.world, MatchedWorld), MatchedWorld().frames
    found = gate(drawn.scenes("train"), drawn.scenes("test"), LIMITS if matched else {})
    if matched and spec.world.frames != own:
        remark = f"The limits are those of the preset's own {own} frames; clips of {spec.world.frames} may exceed them."
        return replace(found, remark=remark)
    return found


def gate(train: Scenes, test: Scenes, limits: Mapping[str, float] = LIMITS) -> Gate:
    """Score every trivial fact, learned on `train`, on `test`; the intervals are Wilson's.

    The law and the facts are those of the first body. Figures of scenes with one law alone have no value: there is
    nothing to tell apart.
    """
    laws = len(np.unique(np.concatenate([train.law, test.law])))
    if laws == 1:
        why = "there is one law only, so there is nothing to tell apart"
        return Gate(tuple(Figure(f"gate.{name}", None, "share", len(test), why=why) for name in FACTS))
    theirs, ours = facts(train), facts(test)
    tree = DecisionTreeClassifier(random_state=0, **({"max_depth": 3} if laws <= 4 else {"max_leaf_nodes": 2 * laws}))
    figures = []
    for name in FACTS:
        hits = [tree.fit(a, train.law).predict(b) == test.law for a, b in zip(theirs[name], ours[name], strict=True)]
        worst = max(hits, key=lambda each: float(each.mean()))
        figure = share_figure(f"gate.{name}", worst, baselines={"chance": 1 / laws})
        level = Level("at most", limits[name]) if name in limits else None
        figures.append(replace(figure, level=level))
    return Gate(tuple(figures))


def facts(scenes: Scenes) -> dict[str, list[Float64[np.ndarray, "n F"]]]:
    """What can be known of the first body without its motion; one frame is asked at the start, middle and end.

    NaN where no part of the disc is in the frame, which is a fact too.
    """
    discs = np.concatenate([scenes.track, scenes.apparent_radius[..., None]], axis=-1)
    discs = np.where(scenes.seen[:, 0, 0, :, None], discs, np.nan)
    net = np.linalg.norm(discs[:, -1, :2] - discs[:, 0, :2], axis=-1)
    path = np.nansum(np.linalg.norm(np.diff(discs[..., :2], axis=1), axis=-1), axis=1)
    return {
        "one_frame": [discs[:, t] for t in (0, discs.shape[1] // 2, -1)],
        "net_displacement": [net[:, None]],
        "path_length": [path[:, None]],
        "first_last": [np.concatenate([discs[:, 0], discs[:, -1]], axis=-1)],
        "both_lengths": [np.column_stack([net, path])],
    }


def notes(gate: Gate) -> str:
    """The gate as a section of Markdown, for the data card."""
    head = "## Shortcuts\n\nHow often the law of the first body can be told without its motion"
    if (why := gate.figures[0].why) is not None:
        return f"{head}: not measured; {why}.\n"
    rows = "\n".join(_row(figure) for figure in gate.figures)
    return (
        f"{head}: small decision trees learn one trivial fact from\n"
        "training samples and are scored on test samples. Intervals are of 95 %.\n\n"
        f"| fact | share right | interval | n | chance | limit |\n|---|---|---|---|---|---|\n{rows}\n"
        + (f"\n{gate.remark}\n" if gate.remark else "")
    )


def _row(figure: Figure) -> str:
    fact, limit = FACTS[figure.name.removeprefix("gate.")], "none"
    if figure.level is not None:
        limit = f"{figure.level.value:.2f} ({'kept' if figure.reached else 'exceeded'})"
    interval, chance = f"{figure.low:.3f} to {figure.high:.3f}", figure.baselines["chance"]
    return f"| {fact} | {figure.value:.3f} | {interval} | {figure.n} | {chance:.3f} | {limit} |"
