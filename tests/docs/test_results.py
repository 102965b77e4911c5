"""No figure is typed by hand: the results page, its picture and the README's table are what the run's own file says."""

import importlib
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from tests.docs.snippets import ROOT

DOCS = ROOT / "docs"


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """docs/results.py as a module."""
    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module("results")


def test_page_and_picture_are_what_the_script_makes(results: ModuleType) -> None:
    assert (DOCS / "results.md").read_text(encoding="utf-8") == results.page(), "run: python docs/results.py"
    assert (DOCS / "results/errors.svg").read_text(encoding="utf-8") == results.picture(), "run: python docs/results.py"


def test_the_page_of_phyworld_is_what_the_script_makes(results: ModuleType) -> None:
    page = results.physics_page()
    assert (DOCS / "phyworld.md").read_text(encoding="utf-8") == page, "run: python docs/results.py"
    for motion in results.MOTIONS:
        run = json.loads((DOCS / f"results/phyworld-{motion}.json").read_text(encoding="utf-8"))
        figures = {entry["name"]: entry for entry in run["metrics"]}
        beyond = figures["beyond.prediction_times_floor_by_mask"]
        assert f"{results.number(beyond['value'])} ({results.number(beyond['low'])}" in page
    rows = page.count(" **missed**")
    assert f"{18 - rows} of 18 levels are reached." in page and rows == 18 - page.count(", reached")


def test_the_table_of_the_readme_is_that_of_the_page() -> None:
    """Rows of the README that begin as a figure's do stand on the page too, digit for digit."""
    page, readme = (file.read_text(encoding="utf-8").splitlines() for file in (DOCS / "results.md", ROOT / "README.md"))
    groups = ("reconstruction", "classification", "prediction", "interpolation", "generation")
    figures = [line for line in readme if line.startswith(tuple(f"| {group}: " for group in groups))]
    assert len(figures) >= 16 and set(figures) <= set(page)


def test_what_fails_is_on_the_page(results: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A level that is missed, a rule that is better, a figure that is absent."""
    content = json.loads(results.RESULTS.read_text(encoding="utf-8"))
    figures = {entry["name"]: entry for entry in content["metrics"]}
    figures["predict.ade"] |= {"reached": False}
    figures["interpolate.ade"]["baselines"]["cubic"] = 0.01
    figures["generate.copies"] |= {"value": None, "why": "nothing was compared"}
    monkeypatch.setattr(results, "RESULTS", tmp_path / "small.json")
    results.RESULTS.write_text(json.dumps(content), encoding="utf-8")
    page = results.page()
    assert (
        "It did not reach what was asked of ADE (predict.ade), Law right (generate.law_right)." in page
        and "It reached all" not in page
    )
    filled = results.number(figures["interpolate.ade"]["value"])
    assert f"| interpolate.ade | {filled} px | cubic (0.0100 px) |" in page and "No trivial rule" not in page
    assert "- generate.copies: nothing was compared" in page


def test_rules_that_are_better_clip_by_clip_are_on_the_page(
    results: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And those that are no better, not told apart, or told the laws are not."""
    content = json.loads(results.RESULTS.read_text(encoding="utf-8"))
    paired = {
        "copy_last": {"difference": 0.03, "low": 0.02, "high": 0.04, "p": 0.0},
        "linear": {"difference": 0.03, "low": -0.02, "high": 0.08, "p": 0.2},
        "cubic": {"difference": -0.5, "low": -0.6, "high": -0.4, "p": 0.0},
        "fitted_law": {"difference": 0.08, "low": 0.07, "high": 0.09, "p": 0.0},
    }
    alive = {"blank_page": {"difference": 0.9, "low": 0.8, "high": 1.0, "p": 0.0}}
    radius = {"task": "predict", "quantity": "radius", "unit": "px", "n": 1000, "paired": paired}
    content["budget"] = [radius, radius | {"quantity": "survival", "unit": "share", "paired": alive}]
    monkeypatch.setattr(results, "RESULTS", tmp_path / "small.json")
    results.RESULTS.write_text(json.dumps(content), encoding="utf-8")
    page = results.page()
    assert "| predict: radius, px (n = 1000) | copy last | 0.0300 (0.0200 to 0.0400) |" in page
    assert page.count("predict: radius") == 1 and "predict: survival" not in page and "Radius and colour" not in page


def test_the_cards_of_the_front_page(results: ModuleType) -> None:
    """Each with its interval, its n and the best trivial rule, never one that sees the truth."""
    cards = results.cards()
    assert cards.count("n = ") == 4 and "probe on true tracks" not in cards and "true clips" not in cards
    for name, rule in (("predict.ade", "nearest train"), ("interpolate.ade", "cubic"), ("classify.accuracy", "pixels")):
        assert any(results.NAMES[name] in line and rule in line for line in cards.splitlines())


def test_the_chronophotograph_is_what_the_script_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS))
    drawn = np.asarray(importlib.import_module("chronophotograph").picture(), float)
    stored = np.asarray(Image.open(DOCS / "chronophotograph.png").convert("RGBA"), float)
    assert drawn.shape == stored.shape
    assert np.abs(drawn[..., 3] - stored[..., 3]).mean() < 2 and (drawn[..., 3] > 0).mean() > 0.05
    inside = (drawn[..., 3] > 250) & (stored[..., 3] > 250)
    assert np.abs(drawn - stored)[inside].mean() < 4  # of 255: the file has 256 colours
