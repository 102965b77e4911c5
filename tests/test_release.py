"""What is shipped: a wheel of the whole package and nothing else, honest metadata. `make release-check` installs it."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    (file,) = out.glob("marey-*.whl")
    return zipfile.ZipFile(file)


def test_the_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    source = ROOT / "src"
    package = {file.relative_to(source).as_posix() for file in (source / "marey").rglob("*")
               if file.is_file() and "__pycache__" not in file.parts}  # fmt: skip
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert inside == package
    assert "marey/py.typed" in inside and any(name.startswith("marey/report/templates/") for name in inside)


def test_its_metadata_names_the_licence_the_command_and_every_extra(wheel: zipfile.ZipFile) -> None:
    (info,) = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    metadata = wheel.read(f"{info}/METADATA").decode()
    assert "License-Expression: Apache-2.0" in metadata and "Classifier: Typing :: Typed" in metadata
    assert set(re.findall(r"^Provides-Extra: (.+)$", metadata, re.MULTILINE)) == PROJECT["optional-dependencies"].keys()
    assert "marey = marey.cli:main" in wheel.read(f"{info}/entry_points.txt").decode()


def test_the_core_needs_nothing_that_an_extra_is_for() -> None:
    """And every extra is small: what is asked for by few packages."""

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[\[<>=~! ]", each)[0] for each in requirements}

    core, extras = names(PROJECT["dependencies"]), PROJECT["optional-dependencies"]
    for extra, requirements in extras.items():
        assert extra == "dev" or len(requirements) <= 5, extra
        assert not names(requirements) & core, f"{extra} repeats the core"
        assert all(re.search(r">=", each) or each.startswith("marey[") for each in requirements), (
            f"{extra} has no range"
        )


def test_every_package_of_an_extra_has_its_reason() -> None:
    """In a decision, so that none comes in unnoticed."""
    reasons = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "docs/decisions").glob("*.md"))
    for extra, requirements in PROJECT["optional-dependencies"].items():
        for each in requirements if extra != "dev" else ():
            assert re.split(r"[<>=]", each)[0] in reasons, f"{each} of {extra}: say in docs/decisions what it is for"


def test_the_citation_is_valid_and_of_this_version() -> None:
    """CFF 1.2.0: the keys it asks for, and those that software has."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation.keys() >= {"cff-version", "message", "title", "authors"} and citation["cff-version"] == "1.2.0"
    assert citation.keys() <= {"cff-version", "message", "title", "authors", "type", "version", "license", "keywords",
                               "abstract", "doi", "url", "date-released", "repository-code"}  # fmt: skip
    assert citation["type"] == "software" and citation["license"] == PROJECT["license"]
    assert str(citation["version"]) == PROJECT["version"]
    assert all(author.keys() in ({"name"}, {"family-names", "given-names"}) for author in citation["authors"])
    assert set(citation["keywords"]) <= set(PROJECT["keywords"])
