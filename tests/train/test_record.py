"""What a training shows of itself while it runs."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from marey.core.errors import UserError
from marey.core.runs import RunFolder
from marey.train import Manner
from marey.train.precision import products
from marey.train.sealed import read_sealed
from tests.train.test_resume import stop_at
from tests.train.toy import CONFIG, run, sine


def painter(step: int, model: torch.nn.Module) -> np.ndarray:
    assert not model.training
    return np.full((4, 6, 3), step, np.uint8)


def trial(step: int, model: torch.nn.Module) -> dict[str, float]:
    return {"error": step / 4}


def read_board(path: Path) -> dict[str, dict[int, float]]:
    """What TensorBoard reads: the scalars by name and step."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(path))
    board.Reload()
    scalars = {tag: {each.step: each.value for each in board.Scalars(tag)} for tag in board.Tags()["scalars"]}
    return scalars | {tag: {each.step: 0.0 for each in board.Images(tag)} for tag in board.Tags()["images"]}


def test_pictures_are_painted_when_due_and_at_the_end(tmp_path: Path) -> None:
    run(tmp_path, pictures=[(5, painter)])
    files = sorted((tmp_path / "samples").iterdir())
    assert [file.name for file in files] == ["step-000005.png", "step-000010.png", "step-000012.png"]
    with Image.open(files[1]) as picture:
        assert np.array_equal(np.asarray(picture), painter(10, torch.nn.Identity().eval()))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of TensorBoard's own dependencies
def test_tensorboard_shows_what_metrics_holds_after_a_stop_too(tmp_path: Path) -> None:
    options = {"every": [(4, trial)], "pictures": [(4, painter)], "manner": Manner(tensorboard=True)}
    stop_at(tmp_path, 11, **options)
    run(tmp_path, **options)
    board = read_board(tmp_path / "tensorboard")
    expected: dict[str, dict[int, float]] = {"samples": dict.fromkeys((4, 8, 12), 0.0)}
    for line in (tmp_path / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line)
        for name in row.keys() - {"step"}:
            expected.setdefault(name, {})[row["step"]] = pytest.approx(row[name], rel=1e-6)
    assert board == expected


def test_without_tensorboard_asking_for_it_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UserError, match=r"--tensorboard needs TensorBoard; install marey\[tensorboard\]"):
        run(tmp_path, manner=Manner(tensorboard=True))
    run(tmp_path)
    assert not (tmp_path / "tensorboard").exists()


def test_one_of_many_processes_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder.start(tmp_path / "run", CONFIG, resume=False)
    monkeypatch.setenv("RANK", "1")
    other = RunFolder.start(tmp_path / "run", replace(CONFIG, steps=99), resume=False)  # number 0 has refused, or not
    other.append(loss=1.0)
    other.log("hello")
    other.write_environment(0)
    assert [file.name for file in folder.path.iterdir()] == ["config.json"]
    monkeypatch.setenv("RANK", "0")
    assert folder.writes


def test_in_bfloat16_products_are_coarse_and_weights_are_not(tmp_path: Path) -> None:
    seen = set()

    class Watching(torch.nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.add(out.dtype if (out := super().forward(x)).requires_grad else None)
            return out

    model = sine()
    model.first.__class__ = Watching
    run(tmp_path, replace(CONFIG, precision="bfloat16"), model=model)
    dtype = products("bfloat16", torch.device("cpu"))
    assert seen == {dtype}
    assert (dtype is torch.float32) == ("computing in float32" in (tmp_path / "log.txt").read_text())
    state = read_sealed(tmp_path / "checkpoints" / "step-000012.safetensors").tensors
    assert {value.dtype for value in state.values() if value.is_floating_point()} == {torch.float32}
