"""The studio of the smoke demo, made once; and the browser of the report's tests."""

from pathlib import Path

import pytest

from marey.studio.answers import LawSheet, Studio
from marey.studio.serve import open_studio
from marey.studio.stage import Stage
from tests.demo import demo
from tests.report.conftest import chromium

__all__ = ["chromium", "demo"]


@pytest.fixture(scope="session")
def studio(demo: Path) -> Studio:
    return open_studio(demo)


@pytest.fixture(scope="session")
def stage(studio: Studio) -> Stage:
    return studio.stage


@pytest.fixture(scope="session")
def laws(studio: Studio) -> dict[str, LawSheet]:
    return {sheet.name: sheet for sheet in studio.start().laws}
