"""The trained run that comes with the code is one that this code can use."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import marey
from marey.core.files import read_json
from marey.core.runs import kept_folder
from marey.data.clips import as_video
from marey.recipes.catalogue import BASE
from marey.recipes.packed import keep
from marey.world.render import render

RELEASE = Path(__file__).parents[2] / "releases" / "base.zip"
pytestmark = pytest.mark.skipif(not RELEASE.exists(), reason="a source distribution has no releases")


def test_the_release_is_loaded_by_name_and_reads_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    keep(RELEASE, "base")
    model = marey.load_run("base")
    scenes = replace(BASE.dataset, seed=99).scenes("test", 0, 60)
    video = as_video(render(scenes))
    said = model.classify(video).argmax(dim=1)
    assert (said == torch.from_numpy(scenes.law)).float().mean() >= 0.95
    assert (model.reconstruct(video[:8]) - video[:8]).square().mean() < 0.01
    figures = {entry["name"]: entry for entry in read_json(kept_folder() / "base" / "metrics.json")}
    assert figures["classify.accuracy"]["n"] == 1000 and figures["generate.law_right"]["level"] == 0.98
    assert RELEASE.stat().st_size < 40e6
