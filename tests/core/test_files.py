"""A file is whole or absent, and a broken one is named."""

import hashlib
import math
from pathlib import Path

import pytest

from marey.core.errors import UserError
from marey.core.files import read_json, sha256, write_atomically, write_json, write_text


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "kept.txt"
    write_text(path, "old")

    def fail(file: Path) -> None:
        file.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_the_old_content_is_there_until_the_new_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    write_text(path, "old")

    def look(file: Path) -> None:
        file.write_text("new")
        assert path.read_text() == "old"

    write_atomically(path, look)
    assert path.read_text() == "new"


def test_written_files_can_be_read_by_others(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "x")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_json_round_trip_and_its_limits(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"é": [1, 0.1, None]})
    assert read_json(path) == {"é": [1, 0.1, None]}
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, math.nan)
    assert read_json(path) == {"é": [1, 0.1, None]}


def test_unreadable_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.json does not exist"):
        read_json(tmp_path / "none.json")
    for content in (b'{"a": ', b"", b"\xff\xfe"):
        (tmp_path / "cut.json").write_bytes(content)
        with pytest.raises(UserError, match=r"cut\.json is not valid JSON"):
            read_json(tmp_path / "cut.json")


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"marey" * 1000)
    assert sha256(tmp_path / "a") == hashlib.sha256(b"marey" * 1000).hexdigest()
