"""Safetensors files that know their own checksum: a flipped bit or a cut is found, wherever it is.

A file stays readable by any safetensors reader. Its one metadata entry, "marey", is JSON and holds the SHA-256 of the
whole file as it was before the checksum was filled in (with zeros in its place).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from marey.core.errors import UserError
from marey.core.files import write_atomically

_BLANK = "0" * 64


class DamagedError(UserError):
    """The bytes on disk are not the bytes that were written."""


@dataclass(frozen=True)
class Sealed:
    """What a file holds: tensors by name, and facts (JSON) about them."""

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


def write_sealed(path: Path, content: Sealed) -> None:
    """Write atomically; the same content gives the same bytes."""
    # Copies: safetensors refuses tensors that share memory. One metadata entry: it writes several in random order.
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in content.tensors.items()}
    entry = json.dumps({"sha256": _BLANK, **content.facts}, sort_keys=True)
    blank = safetensors.torch.save(tensors, metadata={"marey": entry})
    data = blank.replace(_BLANK.encode(), hashlib.sha256(blank).hexdigest().encode(), 1)
    write_atomically(path, lambda file: file.write_bytes(data))


def read_sealed(path: Path) -> Sealed:
    """Read and verify; DamagedError names the file if a single bit differs."""
    data = path.read_bytes()
    try:
        length = 8 + int.from_bytes(data[:8], "little")
        facts = json.loads(json.loads(data[8:length])["__metadata__"]["marey"])
        checksum = facts.pop("sha256")
        blank = data.replace(checksum.encode(), _BLANK.encode(), 1)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DamagedError(f"{path} is damaged: its header cannot be read") from None
    if hashlib.sha256(blank).hexdigest() != checksum:
        raise DamagedError(f"{path} is damaged: its checksum does not fit its content")
    return Sealed(safetensors.torch.load(data), facts)
