"""Files that are either whole or absent, whatever moment the process dies at."""

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from marey.core.errors import UserError

_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_RIGHTS = (errno.EACCES, errno.EPERM, errno.EROFS)


def cache_folder(what: str) -> Path:
    """The folder of the user's cache in which marey keeps this, there or not."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "marey" / what


def advice(error: OSError) -> str:
    """What to do about a full disk or a missing right; of anything else empty."""
    if error.errno in _ROOM:
        return "make room"
    return "see to the rights" if error.errno in _RIGHTS else ""


@contextmanager
def writing(out: Path, kept: str, command: str) -> Iterator[None]:
    """A full disk or a missing right while `out` is written is a UserError: what is kept, and what to do now."""
    try:
        yield
    except OSError as error:
        if not (fix := advice(error)):
            raise
        where = error.filename or out
        raise UserError(f"{where}: {error.strerror}; {kept}: {fix}, and run the same {command} again") from None


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, flush it to disk, then rename it to `path`.

    A kill at any moment leaves the old content or the new one, never a mixture.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp makes private files; results are meant to be shared
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, atomically."""
    write_atomically(path, lambda file: file.write_text(text, encoding="utf-8"))


def write_json(path: Path, data: Any) -> None:
    """Write `data` as indented JSON to `path`, atomically; NaN and infinity are refused (JSON has neither)."""
    write_text(path, json.dumps(data, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file; a missing or broken one is a UserError that names it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; give a folder that marey has finished writing") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid JSON ({error}); restore it or make the run again") from None


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
