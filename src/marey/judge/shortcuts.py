"""The gate: can a trivial fact tell the law? If it can, a model's accuracy says nothing about motion.

Decision trees of depth 3 learn each fact on the true tracks of one split and are scored on another. A world passes
when no fact beats its limit; both lengths together have no limit, because geometry ties them (a line's are equal).
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float64
from sklearn.tree import DecisionTreeClassifier

from marey.metrics.figure import Figure, Level, share_figure
from marey.world.laws import BASE_LAWS
from marey.world.scenes import Scenes

LIMITS: dict[str, float | None] = {
    "one_frame": 0.30,
    "net_displacement": 0.35,
    "path_length": 0.35,
    "first_last": 0.40,
    "both_lengths": None,
}
_DEPTH = 3


@dataclass(frozen=True)
class Gate:
    """A figure for each trivial fact; passed when none exceeds its limit."""

    figures: tuple[Figure, ...]

    @property
    def passed(self) -> bool:
        return all(figure.reached is not False for figure in self.figures)

    def to_json(self) -> list[dict[str, Any]]:
        """As details.json shows it: figures with their limits."""
        return [figure.to_json() | {"limit": figure.level.value if figure.level else None} for figure in self.figures]


def gate(train: Scenes, test: Scenes) -> Gate:
    """Score every trivial fact, learned on `train`, on `test`; the intervals are Wilson's."""
    theirs, ours = facts(train), facts(test)
    figures = []
    for name, limit in LIMITS.items():
        hits = [_hits(a, train.law, b, test.law) for a, b in zip(theirs[name], ours[name], strict=True)]
        worst = max(hits, key=lambda each: float(each.mean()))
        chance = {"chance": 1 / len(BASE_LAWS)}
        figure = share_figure(f"gate.{name}", worst, baselines=chance)
        level = None if limit is None else Level("at most", limit)
        figures.append(replace(figure, level=level))
    return Gate(tuple(figures))


def facts(scenes: Scenes) -> dict[str, list[Float64[np.ndarray, "n F"]]]:
    """What can be known without the motion; one frame is asked at the start, middle and end."""
    discs = np.concatenate([scenes.track, scenes.apparent_radius[..., None]], axis=-1)
    net = np.linalg.norm(scenes.track[:, -1] - scenes.track[:, 0], axis=-1)
    path = np.linalg.norm(np.diff(scenes.track, axis=1), axis=-1).sum(axis=1)
    return {
        "one_frame": [discs[:, t] for t in (0, discs.shape[1] // 2, -1)],
        "net_displacement": [net[:, None]],
        "path_length": [path[:, None]],
        "first_last": [np.concatenate([discs[:, 0], discs[:, -1]], axis=-1)],
        "both_lengths": [np.column_stack([net, path])],
    }


def _hits(train: np.ndarray, train_law: np.ndarray, test: np.ndarray, test_law: np.ndarray) -> np.ndarray:
    tree = DecisionTreeClassifier(max_depth=_DEPTH, random_state=0).fit(train, train_law)
    return np.asarray(tree.predict(test) == test_law)
