"""`marey demo` from nothing to a report, what it leaves, and that it is not done twice."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import marey as package
from marey.core.errors import UserError
from tests.demo import marey, one_line

pytestmark = pytest.mark.slow

FIGURES = {
    *(f"reconstruction.{name}" for name in ("survival", "track_error", "velocity_times_floor", "psnr", "codebook_use")),
    "classify.accuracy",
    "classify.calibration_error",
    "ruler.interval_coverage",
    *(
        f"{task}.{name}"
        for task in ("predict", "interpolate")
        for name in ("ade", "fde", "velocity_times_floor", "survival")
    ),
    *(f"generate.{name}" for name in ("law_right", "survival", "copies", "spread")),
    *(f"gate.{name}" for name in ("one_frame", "net_displacement", "path_length", "first_last", "both_lengths")),
}
KEYS = {"name", "value", "unit", "n", "low", "high", "floor", "baselines"}


def read(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.fixture
def copy(demo: Path, tmp_path: Path) -> Path:
    """A run folder that may be spoiled."""
    return Path(shutil.copytree(demo, tmp_path / "run"))


# -- what it leaves ------------------------------------------------------------------------------------------------


def test_files(demo: Path) -> None:
    for name in ("config", "environment", "times", "metrics", "details"):
        assert read(demo / f"{name}.json")
    for stage in ("tokenizer", "dynamics"):
        names = {file.name for file in (demo / stage).iterdir()}
        assert {"config.json", "metrics.jsonl", "log.txt", "checkpoints", "weights.safetensors"} <= names
        assert all(json.loads(line)["step"] for line in (demo / stage / "metrics.jsonl").read_text().splitlines())
    assert "<html" in (demo / "report.html").read_text()[:500]
    assert not list(demo.rglob("*.tmp"))


def test_every_figure_is_there(demo: Path) -> None:
    figures = {figure["name"]: figure for figure in read(demo / "metrics.json")}
    assert figures.keys() >= FIGURES
    for name, figure in figures.items():
        assert figure.keys() >= KEYS, name
        assert figure["n"] > 0
        assert isinstance(figure["baselines"], dict)
        assert figure["value"] is not None or figure["why"]
        if figure["low"] is not None:
            assert figure["low"] <= figure["value"] <= figure["high"], name


def test_details_and_clips(demo: Path) -> None:
    details = read(demo / "details.json")
    assert details["laws"] == ["linear", "circular", "helical", "parabolic"]
    assert {"confusion", "parameters", "gate", "not_run", "tasks", "errors"} <= details.keys()
    assert [row["task"] for row in details["tasks"]] == ["classify", "generate", "predict", "interpolate"]
    assert all(row.keys() == {"task", "class", "first", "middle", "last"} for row in details["tasks"])
    for task in ("reconstruct", "predict", "interpolate", "generate"):
        with np.load(demo / "clips" / f"{task}.npz") as clips:
            shape = clips["model"].shape
            assert clips["model"].dtype == np.uint8 and shape[1:] == (8, 32, 32, 1)
            assert clips["given"].shape == (8,) and clips["law"].shape == clips["said"].shape == (shape[0],)
            if task in ("predict", "interpolate"):
                shown = clips["given"]
                assert shown.any() and not shown.all()
                assert np.array_equal(clips["model"][:, shown], clips["truth"][:, shown])


def test_times(demo: Path) -> None:
    times = read(demo / "times.json")
    assert times.pop("peak_memory_gb") > 0
    assert times.keys() == {"tokenizer", "dynamics", "judge"}
    assert all(part.keys() == {"seconds", "cpu_seconds"} for part in times.values())


# -- again ---------------------------------------------------------------------------------------------------------


def state(run: Path) -> dict[str, tuple[int, bytes]]:
    """When the files that training and judging made were written, and what they hold."""
    files = [*run.rglob("*.safetensors"), *run.rglob("metrics.*"), *run.rglob("*.npz"), run / "details.json"]
    return {str(file.relative_to(run)): (file.stat().st_mtime_ns, file.read_bytes()) for file in files}


def test_resuming_a_finished_demo_does_nothing_again(copy: Path) -> None:
    before = state(copy)
    result = marey("demo", "--recipe", "smoke", "--out", copy, "--resume")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == str(copy / "report.html")
    assert state(copy) == before


def test_judging_again_finds_the_same(copy: Path) -> None:
    before = {name: content for name, (_, content) in state(copy).items()}
    result = marey("judge", copy)
    assert result.returncode == 0, result.stderr
    assert {name: content for name, (_, content) in state(copy).items()} == before
    assert re.search(r"Position: \d+ % of the prediction error is the (tracker|tokenizer|dynamics)", result.stdout)
    assert "velocity, px/frame" in result.stdout and result.stdout.splitlines()[-1] == str(copy / "metrics.json")


def test_a_run_judged_by_older_rules_is_judged_again(copy: Path) -> None:
    judged = json.loads((copy / "judged.json").read_text())
    (copy / "judged.json").write_text(json.dumps({name: value for name, value in judged.items() if name != "rules"}))
    (copy / "details.json").unlink()
    result = marey("demo", "--recipe", "smoke", "--out", copy, "--resume")
    assert result.returncode == 0 and "judge: done already" not in result.stdout
    assert "budget" in json.loads((copy / "details.json").read_text())
    assert json.loads((copy / "judged.json").read_text()) == judged


def test_a_report_is_made_from_files_alone(copy: Path) -> None:
    assert marey("report", copy).returncode == 0  # the page names its folder
    page = (copy / "report.html").read_bytes()
    (copy / "report.html").unlink()
    for stage in ("tokenizer", "dynamics"):
        (copy / stage / "weights.safetensors").unlink()
    result = marey("report", copy)
    assert result.returncode == 0, result.stderr
    assert (copy / "report.html").read_bytes() == page


def test_a_folder_that_holds_a_run_is_left_alone(demo: Path) -> None:
    before = state(demo)
    assert "already holds a run; add --resume" in one_line(marey("demo", "--recipe", "smoke", "--out", demo))
    for stage in ("tokenizer", "dynamics"):
        refusal = one_line(marey("train", stage, "--recipe", "smoke", "--out", demo))
        assert f"{demo / stage} already holds a run; add --resume" in refusal
    other = one_line(marey("demo", "--recipe", "smoke", "--seed", "5", "--out", demo, "--resume"))
    assert f"{demo} was made with another configuration" in other and "seed: 0 != 5" in other
    assert state(demo) == before


# -- in Python -----------------------------------------------------------------------------------------------------


def test_a_run_is_a_model(demo: Path) -> None:
    """The use that README shows."""
    clips = package.ClipDataset(package.DatasetSpec(package.MatchedWorld(), test=100, seed=0), split="test")[:4]
    run = package.load_run(demo)
    assert not run.training
    assert torch.allclose(run.classify(clips.video).sum(dim=1), torch.ones(4))
    future = run.predict(clips.video[:, :, :4], horizon=4)
    assert future.shape == clips.video.shape and torch.equal(future[:, :, :4], clips.video[:, :, :4])
    between = run.interpolate(clips.video[:, :, :2], clips.video[:, :, -2:], hidden=4)
    assert between.shape == clips.video.shape
    assert run.generate("helical", n=2).shape == (2, 1, 8, 32, 32)
    assert torch.equal(package.load_run(str(demo)).generate("linear", seed=3), run.generate("linear", seed=3))


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


SPOILED: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "no tokenizer": ("tokenizer/weights.safetensors", Path.unlink, "does not exist; finish its training"),
    "no dynamics": ("dynamics/weights.safetensors", Path.unlink, "does not exist; finish its training"),
    "short weights": ("dynamics/weights.safetensors", shorten, "is damaged"),
    "empty weights": ("tokenizer/weights.safetensors", lambda path: path.write_bytes(b""), "is damaged"),
    "no config": ("config.json", Path.unlink, "does not exist"),
    "short config": ("config.json", shorten, "is not valid JSON"),
    "strange config": ("config.json", lambda path: path.write_text('{"name": 3}'), "field "),
}


@pytest.mark.parametrize("spoiled", SPOILED)
def test_half_a_run_is_named(spoiled: str, copy: Path) -> None:
    name, spoil, complaint = SPOILED[spoiled]
    spoil(copy / name)
    with pytest.raises(UserError) as caught:
        package.load_run(copy)
    assert str(copy / name) in str(caught.value) and complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere is not a folder; give the folder of a run"):
        package.load_run(tmp_path / "nowhere")
