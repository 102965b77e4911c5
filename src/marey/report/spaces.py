"""The paths of clips in space: the true one, and that of the law read from the pixels of what was drawn."""

from typing import Any

import numpy as np

from marey.report.cases import MEASURED
from marey.report.files import Clips


def views(clips: dict[str, Clips], laws: list[str]) -> list[dict[str, Any]]:
    """The first clip of each law as space.js draws it, lengths in ball radii; empty where the judge kept no paths.

    truth, and one entry for each task: the points of a smooth path, with a bead for each frame; null where no law fits.
    """
    first = clips[MEASURED[0]]
    if any(clips[task].truth_space is None or clips[task].model_space is None for task in MEASURED):
        return []
    out = []
    for law in np.unique(first.law):
        i = int(np.flatnonzero(first.law == law)[0])
        paths = {"truth": first.truth_space} | {task: clips[task].model_space for task in MEASURED}
        said = {task: [*laws, None][clips[task].said[i]] for task in MEASURED}
        out.append({
            "law": laws[law],
            "number": i + 1,
            "frames": first.model.shape[1],
            "said": said,
            "paths": {kind: _points(path[i]) for kind, path in paths.items() if path is not None},
        })  # fmt: skip
    return out


def _points(path: np.ndarray) -> list[list[float]] | None:
    return path.round(3).tolist() if np.isfinite(path).all() else None
