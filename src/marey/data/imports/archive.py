"""The arrays of an npz file, a part at a time: an archive may be larger than memory."""

import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from marey.core.errors import UserError

UNREADABLE = (  # what zipfile and numpy raise at damaged, encrypted or hostile archives
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    KeyError,
    RuntimeError,
    SyntaxError,
    MemoryError,
    OverflowError,
    tokenize.TokenError,
)


@dataclass(frozen=True)
class Member:
    """One array of an archive."""

    path: Path
    key: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def row(self) -> int:
        """Bytes of a row."""
        return int(np.prod(self.shape[1:])) * self.dtype.itemsize

    def parts(self, size: int) -> Iterator[Shaped[np.ndarray, "n *shape"]]:
        """The array from front to back, `size` rows at a time; at its end the archive's own checksum is compared."""
        with (
            _named(self.path, self.key),
            zipfile.ZipFile(self.path) as archive,
            archive.open(f"{self.key}.npy") as stream,
        ):
            _header(stream)
            for start in range(0, self.shape[0], size):
                count = min(size, self.shape[0] - start)
                content = stream.read(count * self.row)
                if len(content) != count * self.row:
                    raise EOFError(f"it ends in row {start + len(content) // max(1, self.row)}")
                yield np.frombuffer(content, self.dtype).reshape(count, *self.shape[1:])
            if stream.read(1):
                raise EOFError("it is longer than it says")


def members(path: Path) -> dict[str, Member]:
    """The arrays of an archive, by name; a file that is none is a UserError that names it."""
    found = {}
    with _named(path, "the archive"), zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            key = name.removesuffix(".npy")
            with _named(path, key), archive.open(name) as stream:
                found[key] = Member(path, key, *_header(stream))
    return found


def _header(stream: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"its npy version is {version}")
    shape, fortran, dtype = read(stream)
    if fortran and len(shape) > 1:
        raise ValueError("its axes lie in Fortran order; save np.ascontiguousarray of it")
    return shape, dtype


@contextmanager
def _named(path: Path, key: str) -> Iterator[None]:
    """Say which file, and what in it, cannot be read."""
    try:
        yield
    except UserError:
        raise
    except UNREADABLE as error:
        reason = str(error).rstrip(".")
        raise UserError(f"{path}: {key} cannot be read ({reason}); restore the file, or save it again") from None
