"""Configs are frozen dataclasses; this file turns them to JSON and back, strictly."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from marey.core.errors import UserError

Config = TypeVar("Config")

# Metadata of a field that came after runs were made. It is left out of JSON while it has its default, so that those
# runs are still the same configuration and can be taken up again:  name: int = field(default=0, metadata=LATER)
LATER: Mapping[str, bool] = MappingProxyType({"later": True})


def strict(cls: type[Config]) -> type[Config]:
    """Mark a dataclass so that unknown keys in its JSON are an error instead of silently dropped."""
    assert is_dataclass(cls)
    cls.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]
    return cls


def to_json(config: Any) -> Any:
    """A config (nested dataclasses, tuples, numbers, strings) as plain JSON data."""
    return _without_later(config, TypeAdapter(type(config)).dump_python(config, mode="json"))


def _without_later(config: Any, data: Any) -> Any:
    """Leave out what is marked LATER and has its default; `data` is `config` as JSON."""
    if is_dataclass(config):
        late = [each for each in fields(config) if each.metadata.get("later")]
        absent = {each.name for each in late if getattr(config, each.name) == each.default}
        kept = {name: value for name, value in data.items() if name not in absent}
        return {name: _without_later(getattr(config, name), value) for name, value in kept.items()}
    if isinstance(config, tuple | list):
        return [_without_later(*pair) for pair in zip(config, data, strict=True)]
    return data


def from_json(cls: type[Config], data: Any, where: str) -> Config:
    """Build `cls` from JSON data; the first wrong field is named in a UserError.

    where: what the data came from, for the message (a path, or the name of an argument).
    """
    try:
        return TypeAdapter(cls).validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(_keys(first["loc"], data)) or cls.__name__
        ours = first["type"] == "value_error"  # said by the config itself, with the value in it
        what = str(first["ctx"]["error"]) if ours else f"{first['msg']} (got {first['input']!r})"
        raise UserError(f"{where}: field {field}: {what}") from None


def _keys(path: tuple[int | str, ...], data: Any) -> list[str]:
    """A path without what is no key in the data: pydantic also names the choice that was tried at each fork."""
    keys = []
    for place, part in enumerate(path):
        inside = (isinstance(data, dict) and part in data) or (isinstance(data, list | tuple) and isinstance(part, int))
        if inside or place == len(path) - 1:
            keys.append(str(part))
        if inside:
            data = data[part]
    return keys


def differences(ours: Any, theirs: Any, prefix: str = "") -> list[str]:
    """The fields in which two JSON values differ, as `path: ours != theirs`, in order."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = sorted(set(ours) | set(theirs))
        return [line for key in keys for line in differences(ours.get(key), theirs.get(key), f"{prefix}{key}.")]
    return [] if ours == theirs else [f"{prefix.rstrip('.')}: {ours!r} != {theirs!r}"]


def fingerprint(config: Any) -> str:
    """Twelve hex digits that change when any field of the config changes."""
    return hashlib.sha256(json.dumps(to_json(config), sort_keys=True).encode()).hexdigest()[:12]
