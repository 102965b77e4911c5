"""Runs held against each other: on the same clips or not at all, clip by clip, and as one page."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from marey.core.errors import UserError
from marey.data.clips import as_clips, as_video
from marey.data.folder import write_dataset
from marey.data.spec import DatasetSpec
from marey.judge.compare import compare
from marey.judge.judged import PER_CLIP, read_judged
from marey.metrics.comparison import paired
from marey.recipes.handed import HandedIn, judge_videos
from marey.report.compare import markdown, story
from marey.report.compare_page import write_page
from marey.world.matched import MatchedWorld
from marey.world.render import render
from tests.judge import models
from tests.test_cli import invoke, refusal

SPEC = DatasetSpec(MatchedWorld(), train=60, validation=0, test=24)
FAULTS = {"good": models.none, "shifted": models.shifted, "erased": models.half_erased}


def judged(base: Path, name: str, fault: models.Fault, spec: DatasetSpec, **more: int) -> Path:
    """A judged folder of the true clips with a fault."""
    if not (base / "D" / "spec.json").exists():
        write_dataset(spec, base / "D")
    clips = as_clips(fault(as_video(render(spec.scenes("test")))))
    (base / "videos").mkdir(exist_ok=True)
    np.savez(base / "videos" / f"{name}.npz", videos=clips.transpose(0, 1, 4, 2, 3))
    asked = HandedIn(base / "videos" / f"{name}.npz", base / "D", "predict", **more)
    judge_videos(asked, base / name, lambda _: None)
    return base / name


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("runs")
    return {name: judged(base, name, fault, SPEC) for name, fault in FAULTS.items()}


def test_every_clip_is_kept_and_its_mean_is_the_figure(runs: dict[str, Path]) -> None:
    table = pq.read_table(runs["shifted"] / PER_CLIP).to_pydict()
    assert set(table) == {"figure", "clip", "value"} and len(table["clip"]) == 4 * 24
    for entry in json.loads((runs["shifted"] / "metrics.json").read_text()):
        values = [v for name, v in zip(table["figure"], table["value"], strict=True) if name == entry["name"]]
        if not entry["name"].startswith("gate"):
            assert np.mean(values) == pytest.approx(entry["value"], abs=1e-12) and len(values) == entry["n"]


def test_a_difference_is_that_of_the_clips_and_its_words_say_which_way(runs: dict[str, Path]) -> None:
    comparison = compare([runs["good"], runs["shifted"], runs["erased"]])
    rows = {row.name: row for row in comparison.rows}
    first, second = (read_judged(runs[name]).figures["predict.ade"].each for name in ("good", "shifted"))
    shift, vanished = rows["predict.ade"].against
    assert shift.difference == paired(first, second) and shift.difference.value == pytest.approx(1, abs=0.02)
    assert comparison.tests == 8 and shift.p <= 8 * shift.difference.p and shift.p >= shift.difference.p
    assert vanished.difference.value > 20 * shift.difference.value
    survival = rows["predict.survival"].against
    assert survival[0].p == 1 and survival[1].difference.value == -1 and survival[1].p == 0
    text = story(comparison)
    assert "Against good, shifted is worse in 2 of 4 figures" in text and "in 2 no difference was found" in text
    assert "erased is worse in 4 of 4 figures" in text
    assert "better in 4 of 4" in story(compare([runs["erased"], runs["good"]]))
    line = next(line for line in markdown(comparison).splitlines() if line.startswith("| prediction: ADE"))
    assert "| 24 | 0.00" in line and "px (+" in line and "p < 0.0001: worse" in line
    assert "told apart by none of 4" in story(compare([runs["good"], runs["good"]]))


def test_runs_on_other_test_clips_are_refused_by_the_field_that_differs(runs: dict[str, Path], tmp_path: Path) -> None:
    others = {
        "seed": (judged(tmp_path, "seed", models.none, DatasetSpec(MatchedWorld(), 60, 0, 24, seed=1)), "seed: 1 != 0"),
        "shown": (runs["good"].parent / "shown", "judge.prefix: 3 != 4"),
        "few": (runs["good"].parent / "few", "dataset.test: 12 != 24"),
    }
    judged(runs["good"].parent, "shown", models.none, SPEC, shown=3)
    judged(runs["good"].parent, "few", models.none, SPEC, clips=12)
    for path, said in others.values():
        with pytest.raises(UserError, match="were not judged on the same test clips") as error:
            compare([runs["good"], path])
        assert said in str(error.value) and str(path) in str(error.value)


def test_what_was_not_judged_or_does_not_belong_together_is_refused(runs: dict[str, Path], tmp_path: Path) -> None:
    for name in ("judged.json", PER_CLIP):
        spoiled = Path(shutil.copytree(runs["good"], tmp_path / name))
        (spoiled / name).unlink()
        with pytest.raises(UserError, match=rf"{name} is missing; judge the run \(again\) with marey judge"):
            compare([runs["good"], spoiled])
    mixed = Path(shutil.copytree(runs["good"], tmp_path / "mixed"))
    shutil.copy(runs["good"].parent / "few" / PER_CLIP, mixed / PER_CLIP)
    with pytest.raises(UserError, match=r"does not belong to metrics\.json"):
        compare([runs["good"], mixed])
    (mixed / PER_CLIP).write_bytes(b"PAR1")
    with pytest.raises(UserError, match="cannot be read"):
        compare([runs["good"], mixed])


def test_training_on_other_clips_is_noted_and_not_refused(runs: dict[str, Path], tmp_path: Path) -> None:
    other = judged(tmp_path, "other", models.none, DatasetSpec(MatchedWorld(), train=80, validation=0, test=24))
    assert "train: 80 != 60" in compare([runs["good"], other]).notes[0]


def test_the_command_line(runs: dict[str, Path], tmp_path: Path) -> None:
    both, page = (runs["good"], runs["shifted"]), tmp_path / "compare.html"
    said = invoke("compare", *both, "--out", page)
    assert said.exit_code == 0, said.output
    assert "prediction: ADE" in said.stdout and said.stdout.endswith(f"{page}\n")
    assert f"{page} is there already" in refusal("compare", *both, "--out", page)
    assert invoke("compare", *both, "--markdown").stdout.startswith("| figure | n | floor | good | shifted |")
    told = json.loads(invoke("compare", *both, "--json").stdout)
    assert [run["name"] for run in told["runs"]] == ["good", "shifted"] and told["tests"] == 4
    assert told["figures"][0]["against_first"][0]["difference"]["paired"] is True
    assert "alone cannot be compared; give two runs or more" in refusal("compare", runs["good"])


def test_a_page_replaces_no_file_that_is_none(runs: dict[str, Path], tmp_path: Path) -> None:
    kept = runs["good"] / "metrics.json"
    before = kept.read_bytes()
    said = refusal("compare", runs["good"], runs["shifted"], "--out", kept, "--overwrite")
    assert "does not end in .html" in said and kept.read_bytes() == before


def test_what_the_judge_did_not_write_is_named(runs: dict[str, Path], tmp_path: Path) -> None:
    for name, text in (("metrics.json", '[{"name": 1}]'), ("judged.json", "[]")):
        copy = tmp_path / name.split(".")[0]
        shutil.copytree(runs["good"], copy)
        (copy / name).write_text(text)
        assert "was not written by the judge" in refusal("compare", runs["shifted"], copy)


def test_judged_videos_have_a_report(runs: dict[str, Path]) -> None:
    said = invoke("report", runs["shifted"])
    assert said.stdout == f"{runs['shifted'] / 'report.html'}\n"
    page = (runs["shifted"] / "report.html").read_text()
    assert "predicts hidden frames with a mean error of 1.0" in page and "constant velocity" in page
    assert page.count('class="sides"') == 4 and "Against" not in page and "no law" in page


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_page_opens_anywhere_and_asks_for_nothing(runs: dict[str, Path], tmp_path: Path, chromium) -> None:
    page = write_page(compare([runs["good"], runs["shifted"], runs["erased"]]), tmp_path / "compare.html")
    for width in (1280, 390):
        chromium.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=True)
        chromium.open(page)
        assert chromium.run("document.documentElement.scrollWidth") == width
        spilt = (
            "[...document.querySelectorAll('.num')].filter(e => e.getBoundingClientRect().right > innerWidth).length"
        )
        assert chromium.run(spilt) == 0
    assert chromium.run("document.querySelectorAll('[data-figure]').length") == 4
    assert chromium.run("document.querySelectorAll('.scatters circle').length") == 2 * 24
    assert not chromium.complaints() and set(chromium.requests()) == {page.resolve().as_uri()}
