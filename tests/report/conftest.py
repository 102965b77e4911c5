"""A small run folder with plausible content, drawn with numpy alone; a browser to look at pages with."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.report import findings
from tests.report.browser import Chromium

LAWS = findings.LAWS
TASKS = ("reconstruct", "predict", "interpolate", "generate")


def draw(track: np.ndarray, height: int, width: int, channels: int) -> np.ndarray:
    """Black anti-aliased dots on white: tracks `N T 2` to clips `N T H W C`; a lost dot leaves the page blank."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    distance = np.hypot(x - track[..., 0, None, None], y - track[..., 1, None, None])
    cover = np.nan_to_num(np.clip(2.7 - distance, 0, 1))
    return np.repeat((255 * (1 - cover) + 0.5).astype(np.uint8)[..., None], channels, axis=-1)


def tracks(law: np.ndarray, frames: int, height: int, width: int) -> np.ndarray:
    """One motion per law, moved a little from clip to clip: `N T 2` pixels."""
    s = np.linspace(0, 1, frames)
    shapes = [
        np.stack([s - 0.5, 0.5 * s - 0.25], -1),
        0.5 * np.stack([np.cos(5 * s), np.sin(5 * s)], -1),
        np.stack([0.4 * np.cos(8 * s), s - 0.5], -1),
        np.stack([s - 0.5, 2 * (s - 0.4) ** 2 - 0.3], -1),
    ]
    centre = np.array([width, height]) / 2
    return np.stack([centre * (1 + shapes[k] + 0.01 * i) for i, k in enumerate(law)])


def write_clips(run: Path, task: str, n: int, frames: int, height: int, width: int, channels: int) -> None:
    law = np.arange(n) % 4
    truth = tracks(law, frames, height, width)
    given = np.zeros(frames, bool)
    if task != "generate":
        given[: frames // 4] = given[frames - frames // 4 :] = True
    slip = 0.1 * (1 + 3 * np.arange(n) % 8)  # each clip has its own error, in no order
    model = truth + slip[:, None, None] * np.sin(np.arange(frames))[:, None]
    model[1, -1] = np.nan
    arrays = {"model": draw(model, height, width, channels), "model_track": model, "given": given, "law": law}
    arrays["said"] = np.where(np.arange(n) == 2, -1, law)
    if task != "generate":
        arrays |= {"truth": draw(truth, height, width, channels), "truth_track": truth}
        arrays |= {"truth_space": findings.paths(truth), "model_space": findings.paths(truth + 0.5)}
    np.savez_compressed(run / "clips" / f"{task}.npz", **arrays)


def figure(name: str, value: float | None, unit: str = "share", **more: object) -> dict:
    low, high = (None, None) if value is None else (round(value * 0.9, 4), round(value * 1.05, 4))
    entry = {"name": name, "value": value, "unit": unit, "n": 512, "low": low, "high": high, "floor": None}
    return entry | {"baselines": {}} | more


def metrics() -> list[dict]:
    pixels = {"copy_last_frame": 5.31, "constant_velocity": 1.92, "<b>odd & name</b>": 3.5}
    return [
        figure("reconstruction.survival", 0.917, baselines={"blank_page": 0.0}, level=0.95, reached=False),
        figure("classify.accuracy", 0.938, n=499, baselines={"chance": 0.25}, level=0.9, reached=True),
        figure("predict.ade", 0.742, "px", floor=0.021, baselines=pixels),
        figure("interpolate.ade", 0.4021, "px", baselines={"straight_line": 1.44}),
        figure("generate.law_right", 0.871, n=256, baselines={"chance": 0.25}),
        figure("generate.copies", None, n=None, why="the training set was <not> kept & nothing was compared"),
    ]


def details() -> dict:
    given, hidden = "given", "hidden"
    rows = [("classify", hidden, given, given, given), ("generate", given, hidden, hidden, hidden),
            ("predict", hidden, given, hidden, hidden), ("interpolate", hidden, given, hidden, given)]  # fmt: skip
    return {
        "laws": LAWS,
        "confusion": {
            "classify": (9 * np.eye(4, dtype=int) + 1).tolist(),
            "generate": np.eye(4, 5, dtype=int).tolist(),
        },
        "parameters": {"linear": {"speed": {"data": [1.0, 2.0, 2.5], "generated": [1.5, 1.5]}}},
        "gate": [figure("gate.one_frame", 0.268, limit=0.3), figure("gate.path_length", 0.461, limit=0.4)],
        "not_run": [{"what": "guest encoder", "why": "no weights were given"}],
        "tasks": [dict(zip(("task", "class", "first", "middle", "last"), row, strict=True)) for row in rows],
        "errors": {"predict": {"frame": [4, 5, 6], "model": [0.3, None, 0.9], "constant_velocity": [0.5, 1.2, 2.4]}},
        "error_intervals": {"predict": {"low": [0.25, 0.5, 0.8], "high": [0.35, 0.6, 1.0]}},
        "budget": findings.budget(),
        "calibration": findings.calibration(),
        "recovered": findings.recovered(),
    }


def make_run(run: Path, n: int = 8, frames: int = 8, height: int = 32, width: int = 32, channels: int = 1) -> Path:
    """A whole run folder in `run`."""
    (run / "clips").mkdir(parents=True)
    for task in TASKS:
        write_clips(run, task, n, frames, height, width, channels)
    for stage in ("tokenizer", "dynamics"):
        (run / stage).mkdir()
        rows = [{"step": 50 * i, "loss": 2.0 / i, "codebook_use": i / 20, "rate": 0.1} for i in range(1, 21)]
        rows[9] |= {"validation_loss": 0.3}
        rows[19] |= {"validation_loss": 0.2}
        lines = [json.dumps(row) for row in rows]
        (run / stage / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    files = {
        "config.json": {"seed": 7, "world": {"frames": frames, "levels": [8, 8]}},
        "environment.json": {"command": "marey demo", "packages": {"torch": "2.13.0"}, "seed": 7},
        "times.json": {"tokenizer": {"seconds": 311.7, "cpu_seconds": 602.3}, "peak_memory_gb": 1.34},
        "metrics.json": metrics(),
        "details.json": details(),
    }
    for name, data in files.items():
        (run / name).write_text(json.dumps(data))
    return run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run")


@pytest.fixture
def chromium(tmp_path: Path):
    if not shutil.which("chromium"):
        pytest.skip("no `chromium` on the path: install it to drive the page in a browser")
    browser = Chromium(tmp_path / "profile")
    yield browser
    browser.close()
