"""What is true of each clip of a bench, as far as it is known: of its first body, as the first camera sees it."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from marey.data.imports.foreign import Foreign
from marey.world.laws import law_named
from marey.world.scenes import Scenes

_SIZES = ("_m", "_m_s", "_m_s2", "_rad_s", "_1_s", "_m_rad", "restitution", "eccentricity")  # endings of parameters


@dataclass(frozen=True)
class Truth:
    """N clips; what is not known is None, and NaN where it is not known of one clip.

    track, radius: widths of the frame. depth: along the line of sight, metres. parameters: a column for each parameter
    of each law (`columns`), NaN for clips of other laws. Phases and moments are left out, for they depend on where the
    clock or the law's own axes begin, and so are signs, which depend on the view.
    """

    names: tuple[str, ...]
    law: Int64[np.ndarray, "N"] | None
    track: Float64[np.ndarray, "N T 2"] | None = None
    radius: Float64[np.ndarray, "N T"] | None = None
    depth: Float64[np.ndarray, "N T"] | None = None
    parameters: Float64[np.ndarray, "N P"] | None = None
    columns: tuple[str, ...] = ()

    def take(self, rows: Int64[np.ndarray, "n"]) -> "Truth":
        """The truth of some clips."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return Truth(
            **{name: value[rows] if isinstance(value, np.ndarray) else value for name, value in values.items()}
        )


def truth_of(scenes: Scenes) -> Truth:
    """All that is known of scenes."""
    size = scenes.camera.size
    points = scenes.camera.to_camera(scenes.trajectories[:, :1].reshape(len(scenes), 1, -1, 3))
    parameters, columns = _parameters(scenes)
    return Truth(
        names=scenes.names,
        law=scenes.law,
        track=scenes.track / size,
        radius=scenes.apparent_radius / size,
        depth=points[:, 0, :, 2],
        parameters=parameters,
        columns=columns,
    )


def _parameters(scenes: Scenes) -> tuple[Float64[np.ndarray, "N P"], tuple[str, ...]]:
    values, columns = [np.empty((len(scenes), 0))], []
    for label, law in enumerate(scenes.names):
        for place, name in enumerate(law_named(law).parameters):
            if name.endswith(_SIZES) and (scenes.law == label).any():
                column = np.where(scenes.law == label, np.abs(scenes.parameters[:, 0, place]), np.nan)
                values.append(column[:, None])
                columns.append(f"{law}.{name}")
    return np.concatenate(values, axis=1), tuple(columns)


def truth_of_foreign(rows: list[dict[str, Any]], foreign: Foreign) -> Truth:
    """What an import knows: labels (of videos, the folder they lie in), and tracks if all clips are of one length."""
    names, law = _labels(rows, foreign)
    even = len({row["frames"] for row in rows}) == 1
    track = _frames(rows, "track") if "track" in foreign.has and even else None
    radius = _frames(rows, "radius") if "radius" in foreign.has and even else None
    width = np.array([foreign.clip(row).shape[2] for row in rows], np.float64)[:, None]
    return Truth(
        names=names,
        law=law,
        track=None if track is None else track / width[..., None],
        radius=None if radius is None else radius / width,
    )


def _labels(rows: list[dict[str, Any]], foreign: Foreign) -> tuple[tuple[str, ...], Int64[np.ndarray, "N"] | None]:
    if "law" in foreign.has:
        said = [row["law"] for row in rows]
    elif "label" in foreign.has:
        said = [row["label"] for row in rows]
    else:
        said = [row["clip"].rpartition("/")[0] or None for row in rows]
    if any(each is None for each in said):
        return (), None
    names = sorted(set(said))
    return tuple(map(str, names)), np.array([names.index(each) for each in said], np.int64)


def _frames(rows: list[dict[str, Any]], column: str) -> Float64[np.ndarray, "N T ..."] | None:
    values = [row[column] for row in rows]
    return None if any(value is None for value in values) else np.stack(values).astype(np.float64)
