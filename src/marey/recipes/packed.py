"""Finished runs as single files, to be handed on and kept by name (see `core.runs.located`).

A packed run is a zip of what a run folder holds, but its checkpoints and samples.
"""

import re
import shutil
import tempfile
import zipfile
from pathlib import Path

from marey.core.errors import UserError
from marey.core.files import write_atomically
from marey.core.runs import kept_folder
from marey.data.imports.archive import UNREADABLE
from marey.recipes.runs import load_run

_STAGE = ("config.json", "metrics.jsonl", "weights.safetensors")
_STAGES = tuple(f"{stage}/{name}" for stage in ("tokenizer", "dynamics") for name in _STAGE)
_NEEDED = ("config.json", "environment.json", *_STAGES)
_JUDGED = ("times.json", "judged.json", "metrics.json", "details.json", "per_clip.parquet", "report.html")
_CLIPS = tuple(f"clips/{task}.npz" for task in ("reconstruct", "predict", "interpolate", "generate"))
_MEMBERS = _NEEDED + _JUDGED + _CLIPS
_MOST = 4 << 30  # bytes that are unpacked: more is no run of ours
_DAY = (1980, 1, 1, 0, 0, 0)  # of every member, so that the same run packs to the same bytes


def pack(run: Path, out: Path) -> Path:
    """Write a finished run, with what the judge found if it was judged, to one file.

    A run that is not finished, or a file that is there already, is a UserError.
    """
    if out.exists():
        raise UserError(f"{out} is there already; choose another --out")
    load_run(run)
    if missing := [name for name in _NEEDED if not (run / name).is_file()]:
        raise UserError(f"{run / missing[0]} does not exist; pack the folder that the training wrote")
    write_atomically(out, lambda file: _write(run, file))
    return out


def _write(run: Path, file: Path) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in _MEMBERS:
            if (run / name).is_file():
                info = zipfile.ZipInfo(name, _DAY)
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, (run / name).read_bytes())


def keep(packed: Path, name: str) -> Path:
    """Unpack a run and keep it under a name. Nothing is kept of a file that is damaged or no run; each is a UserError.

    A name that is taken is a UserError.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        raise UserError(f"--name {name!r}: use small letters, digits, dots and dashes")
    folder = kept_folder() / name
    if folder.exists():
        raise UserError(f"a run is kept as {name} already, in {folder}; choose another --name, or remove that folder")
    kept_folder().mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".", dir=kept_folder()))
    try:
        _unpack(packed, staging)
        load_run(staging)
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder


def _unpack(packed: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(packed) as archive:
            members = {member.filename: member for member in archive.infolist()}
            if strangers := sorted(members.keys() - set(_MEMBERS)):
                raise UserError(f"{packed} holds {strangers[0]!r}, which no packed run does; nothing was kept")
            if missing := [name for name in _NEEDED if name not in members]:
                raise UserError(f"{packed} is no packed run: it has no {missing[0]}; make one with marey runs pack")
            if sum(member.file_size for member in members.values()) > _MOST:
                raise UserError(f"{packed} would unpack to more than {_MOST >> 30} GiB; nothing was kept")
            archive.extractall(folder)
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{packed} does not exist; give a file that marey runs pack wrote") from None
    except UNREADABLE as error:
        raise UserError(f"{packed} is damaged or no zip file ({error}); get it again") from None
