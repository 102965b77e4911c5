"""The result of a bench on disk: results/YYYYMMDD_HHMMSS_probe.json and the log beside it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from marey.core.config import from_json, to_json
from marey.core.errors import UserError
from marey.core.files import read_json, write_json
from marey.judge.probing.result import ProbeResult


@dataclass(frozen=True)
class Place:
    """Where the files of one bench are: FOLDER/STAMP.json and others with its stem."""

    folder: Path
    stem: str

    @classmethod
    def now(cls, folder: Path, word: str = "probe") -> "Place":
        """A stem that is not taken, from the local time: a second bench in the same second waits for the next name."""
        stamp = f"{datetime.now().astimezone():%Y%m%d_%H%M%S}_{word}"
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, 100):
            stem = stamp if number == 1 else f"{stamp}_{number}"
            try:
                (folder / f"{stem}.log").open("x").close()
            except FileExistsError:
                continue
            return cls(folder, stem)
        raise UserError(f"{folder} has 99 results of this second; choose another --out")

    def file(self, ending: str) -> Path:
        """The file with that ending."""
        return self.folder / f"{self.stem}{ending}"

    def log(self, text: str) -> None:
        """A dated line in the log."""
        with self.file(".log").open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now().astimezone().isoformat(timespec='seconds')} {text}\n")


def write_result(result: ProbeResult, place: Place) -> Path:
    """Write the JSON, whole or not at all."""
    write_json(place.file(".json"), to_json(result))
    return place.file(".json")


def read_result(path: Path) -> ProbeResult:
    """The inverse; a damaged file, or one of something else, is a UserError that names the field."""
    return from_json(ProbeResult, read_json(path), str(path))
