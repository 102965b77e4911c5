"""The checksums of a folder, in the format of sha256sum; its last line seals the others.

While the folder is being made the file grows by a line per finished shard and has no seal, so that what is recorded
is what need not be made again. Sealed, it is sorted and says that all is there. `sha256sum -c SHA256SUMS` reads it too.
"""

import hashlib
import re
from pathlib import Path

from marey.core.errors import UserError
from marey.core.files import write_text

SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)\n")


def seal(folder: Path, sums: dict[str, str]) -> None:
    """Write the sealed checksums: hex SHA-256 by path in the folder."""
    text = to_lines(sums)
    write_text(folder / SUMS, text + _seal_of(text))


def to_lines(sums: dict[str, str]) -> str:
    """A line for each file, in the order of their names."""
    return "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))


def is_sealed(folder: Path) -> bool:
    """Whether the folder is finished, by its checksums; they may still find it damaged."""
    try:
        read_seal(folder)
    except UserError:
        return False
    return True


def read_seal(folder: Path) -> dict[str, str]:
    """The checksums of a finished folder; an unfinished folder and a damaged file are UserErrors."""
    file = folder / SUMS
    if not file.exists():
        raise UserError(f"{folder} was not written to its end ({SUMS} is missing); run the same marey make again")
    text = file.read_bytes().decode("utf-8", errors="replace")
    body, mark, _ = text.rpartition("# sealed")
    if text != body + _seal_of(body):
        state = "is damaged (its seal does not fit)" if mark or _unlike_a_journal(text) else "has no seal yet"
        raise UserError(f"{file} {state}; run the same marey make again to finish or repair the dataset")
    return {name: digest for digest, name in _LINE.findall(body)}


def record(journal: Path, name: str, digest: str) -> None:
    """Add a finished file to a journal. If the machine dies before the line is on disk, the file is made again."""
    with journal.open("a", encoding="utf-8") as file:
        file.write(f"{digest}  {name}\n")


def read_journal(journal: Path) -> dict[str, str]:
    """What a journal, or a seal, says is finished; a line that a kill cut short counts for nothing."""
    if not journal.exists():
        return {}
    return {name: digest for digest, name in _LINE.findall(journal.read_bytes().decode("utf-8", errors="replace"))}


def _seal_of(text: str) -> str:
    return f"# sealed {hashlib.sha256(text.encode()).hexdigest()}\n"


def _unlike_a_journal(text: str) -> bool:
    return bool(_LINE.sub("", text))
