"""The site is built as `make docs` builds it, and looked at in a browser with the network cut off."""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.docs.snippets import ROOT
from tests.report.browser import Chromium
from tests.report.conftest import chromium

__all__ = ["chromium"]

TREE = ("docs", "src", "dev", "mkdocs.yml", "CHANGELOG.md", "CONTRIBUTING.md")


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """docs/make_site.py as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    return importlib.import_module("make_site")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built from a copy of the tree: the one that a reader has built stays as it is."""
    copy = tmp_path_factory.mktemp("copy")
    for name in TREE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "docs/make_site.py"]
    made = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    assert ", 0 faults; " in made.stdout
    return copy / "site"


@pytest.mark.slow
def test_the_site_is_whole(site: Path) -> None:
    """Made from the code, from the run, from docstrings."""
    for page, words in {
        "index.html": "100.0 %",
        "reference/commands.html": "--held-out FACTOR=LOW:HIGH",
        "reference/marey.html": 'id="marey.recipes.runs.load_run"',
        "decisions/index.html": "0001. The parameters are the data",
        "log.html": "Log of experiments",
    }.items():
        assert words in (site / page).read_text(encoding="utf-8"), page
    assert "<!-- figures -->" not in (site / "index.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_it_is_read_and_searched_from_disk_without_a_network(site: Path, chromium: Chromium) -> None:
    for page in ("index.html", "reference/world.html"):
        chromium.call("Page.navigate", url=(site / page).as_uri())
        chromium.until("document.readyState === 'complete' && [...document.images].every(image => image.naturalWidth)")
    assert chromium.run("getComputedStyle(document.querySelector('.md-typeset h1')).fontSize") > "20px"
    inside = "[...document.querySelectorAll('*')].find(each => each.shadowRoot)?.shadowRoot"
    chromium.until("!!document.querySelector('.md-search__button')")
    chromium.run("document.querySelector('.md-search__button').click()")
    chromium.until(f"!!{inside}?.querySelector('dialog[open] input')")
    chromium.run(f"{inside}.querySelector('input').focus()")
    chromium.call("Input.insertText", text="triangulation")
    chromium.until(f"{inside}.querySelector('[role=listbox]').innerText.includes('Several cameras')")
    assert all(address.startswith("file:") for address in chromium.requests())
    assert chromium.complaints() == []


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ('<a href="lost.html">a</a>', "a.html: lost.html is not there"),
        ('<a href="b.html#lost">a</a>', "a.html: b.html#lost has no such anchor"),
        ('<a href="#lost">a</a>', "a.html: #lost has no such anchor"),
        ('<img src="lost.png">', "a.html: lost.png is not there"),
        ('<script src="https://cdn.example/x.js"></script>', "a.html: loads https://cdn.example/x.js from the network"),
        ('<link rel="stylesheet" href="//cdn.example/x.css">', "a.html: loads //cdn.example/x.css from the network"),
    ],
)
def test_a_bad_link_is_found(page: str, fault: str, tmp_path: Path, scripts: ModuleType) -> None:
    good = '<h1 id="here">b</h1><a href="a.html">a</a><a href="#here">b</a><a href="https://example.com/">out</a>'
    (tmp_path / "b.html").write_text(good)
    (tmp_path / "a.html").write_text(page)
    wrong, outside = scripts.check(tmp_path)
    assert wrong == [fault] and "https://example.com/" in outside


def test_a_style_that_fetches_is_found(tmp_path: Path, scripts: ModuleType) -> None:
    (tmp_path / "a.css").write_text(
        "@font-face { src: url('https://fonts.example/a.woff2') } b { background: url(data:,x) }"
    )
    assert scripts.check(tmp_path)[0] == ["a.css: loads https://fonts.example/a.woff2 from the network"]


def test_every_page_is_in_a_menu_and_every_entry_is_a_page(tmp_path: Path, scripts: ModuleType) -> None:
    scripts.lay_out(tmp_path / "pages")
    assert scripts.missing_from_nav(tmp_path / "pages") == []
    (tmp_path / "pages" / "new.md").write_text("# New")
    (tmp_path / "pages" / "probe.md").unlink()
    assert scripts.missing_from_nav(tmp_path / "pages") == [
        "new.md: in no menu; add it to nav in mkdocs.yml",
        "mkdocs.yml: nav names probe.md, which is not there",
    ]
