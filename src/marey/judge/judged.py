"""What the judge left of a run, figure by figure and clip by clip.

per_clip.parquet   figure, clip, value: of every figure that is a mean over clips, the number of each clip. `clip` is
                   its row in the test split; of generate.* (but for recall) the number of the generated clip.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from marey.core.errors import UserError
from marey.core.files import read_json, write_atomically
from marey.metrics.figure import Figure

PER_CLIP = "per_clip.parquet"
_KEPT = ("name", "value", "unit", "n", "low", "high", "floor", "baselines", "why")


@dataclass(frozen=True)
class Judged:
    """A judged run. name: of its folder. config: its config.json. figures: with the values of each clip in `each`.
    rules: by which it was judged, None where there is one set of them (a twin's).
    """

    path: Path
    name: str
    config: dict[str, Any]
    figures: dict[str, Figure]
    rules: str | None


def write_per_clip(path: Path, figures: list[Figure]) -> None:
    """Write per_clip.parquet into the run folder `path`; figures that are no mean over clips are not in it."""
    known = [(figure.name, figure.each) for figure in figures if figure.each is not None]
    columns = {
        "figure": pa.DictionaryArray.from_arrays(
            pa.array(np.concatenate([np.full(len(each), k, np.int32) for k, (_, each) in enumerate(known)])
                     if known else np.empty(0, np.int32)),
            pa.array([name for name, _ in known], pa.string()),
        ),
        "clip": np.concatenate([np.arange(len(each)) for _, each in known] or [np.empty(0, np.int64)]),
        "value": np.concatenate([each for _, each in known] or [np.empty(0)]),
    }  # fmt: skip
    table = pa.table(columns)
    write_atomically(path / PER_CLIP, lambda file: pq.write_table(table, file, compression="zstd"))


def read_judged(path: Path) -> Judged:
    """A run that was judged; what is missing or does not belong together is a UserError with the next step in it."""
    for name in ("config.json", "judged.json", "metrics.json", PER_CLIP):
        if not (path / name).is_file():
            raise UserError(f"{path / name} is missing; judge the run (again) with marey judge {path}")
    entries = read_json(path / "metrics.json")
    try:
        figures = {entry["name"]: Figure(**{key: entry[key] for key in _KEPT if key in entry}) for entry in entries}
        rules = read_json(path / "judged.json").get("rules")
    except (AttributeError, AssertionError, KeyError, TypeError) as error:
        raise UserError(
            f"{path}: metrics.json or judged.json was not written by the judge ({error}); run it again"
        ) from None
    for name, each in _read_per_clip(path / PER_CLIP).items():
        if name not in figures or len(each) != figures[name].n:
            raise UserError(f"{path / PER_CLIP} does not belong to metrics.json ({name}); judge the run again")
        figures[name] = replace(figures[name], each=each)
    return Judged(path, path.resolve().name, read_json(path / "config.json"), figures, rules)


def _read_per_clip(file: Path) -> dict[str, np.ndarray]:
    try:
        table = pq.read_table(file)
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{file} cannot be read ({error}); judge the run again") from None
    names = np.array(table["figure"].to_pylist(), object)
    clip, value = table["clip"].to_numpy(), table["value"].to_numpy()
    found = {}
    for name in dict.fromkeys(names.tolist()):
        rows = names == name
        found[name] = value[rows][np.argsort(clip[rows], kind="stable")]
    return found
