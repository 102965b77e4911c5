"""The run folder: everything one execution made, in open formats.

config.json        the whole configuration     environment.json   versions, machine, seed, command
metrics.jsonl      one JSON object per line     log.txt            what was printed, with times
"""

import json
import os
import platform
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from marey.core.config import differences, to_json
from marey.core.errors import UserError
from marey.core.files import cache_folder, read_json, write_json
from marey.core.processes import place

_PACKAGES = ("marey", "torch", "numpy", "numba", "scipy", "scikit-learn", "vector-quantize-pytorch", "safetensors")


@dataclass(frozen=True)
class RunFolder:
    """A folder on disk that belongs to one configuration.

    Of many processes that work on one run, one writes; in the others whatever would write does nothing.
    """

    path: Path

    @property
    def writes(self) -> bool:
        return place() == 0

    @classmethod
    def start(cls, path: Path, config: Any, resume: bool) -> "RunFolder":
        """Make the folder, or take it up again.

        A folder with another configuration, or an existing one without `resume`, is refused with a UserError.
        """
        if place() > 0:
            return cls(path)  # process 0 makes it, or refuses for all
        wanted = to_json(config)
        file = path / "config.json"
        if file.exists():
            if not resume:
                raise UserError(f"{path} already holds a run; add --resume to go on with it, or choose another --out")
            if changed := differences(read_json(file), wanted):
                fields = "; ".join(changed[:5])
                raise UserError(f"{path} was made with another configuration ({fields}); choose another --out")
        else:
            write_json(file, wanted)
        return cls(path)

    def write_environment(self, seed: int) -> None:
        """Record versions, machine and command beside the results, as they were when the run began."""
        file = self.path / "environment.json"
        if self.writes and not file.exists():
            write_json(file, environment() | {"seed": seed})

    def append(self, **values: Any) -> None:
        """Add one line to metrics.jsonl."""
        if not self.writes:
            return
        with (self.path / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(values, allow_nan=False) + "\n")

    def log(self, text: str) -> None:
        """Add one dated line to log.txt."""
        if not self.writes:
            return
        with (self.path / "log.txt").open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {text}\n")


def kept_folder() -> Path:
    """Where runs are kept by name: marey/runs in the user's cache folder."""
    return cache_folder("runs")


def kept_runs() -> list[str]:
    """The names of the runs that are kept."""
    folder = kept_folder()
    return sorted(each.name for each in folder.iterdir() if not each.name.startswith(".")) if folder.is_dir() else []


def located(run: str | Path) -> Path:
    """The folder of a run: the path itself or, where there is none, the run that is kept by that name."""
    path = Path(run)
    return kept_folder() / path if not path.exists() and str(path) in kept_runs() else path


def environment() -> dict[str, Any]:
    """What a reader needs to know about the machine and the software that made a result."""
    return {
        "command": " ".join(["marey", *sys.argv[1:]]),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
