"""LeRobot's own reader reads our export. It wants other versions of numpy and torch than we do, so it runs elsewhere:

python -m venv E && E/bin/pip install lerobot==0.4.4
MAREY_LEROBOT_PYTHON=E/bin/python pytest tests/data/test_lerobot.py
"""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from marey.data.exports import FORMATS, export_dataset
from marey.data.folder import open_dataset, write_dataset
from tests.data.conftest import SPECS
from tests.data.test_exports import assert_documented

_READ = """
import sys
from pathlib import Path

folder = Path(sys.argv[1])
{reading}
pixels = np.stack([films[i]["observation.image"].numpy() for i in range(len(films))])
tasks = [films[i]["task"] for i in range(len(films))]
states = np.stack([films[i]["observation.state"].numpy() for i in range(len(films))])
stats = films.meta.stats["observation.image"]
few = LeRobotDataset("marey/clips", root=folder, episodes=[9, 10], delta_timestamps=dict.fromkeys(
    ["observation.image"], [0, 1 / films.fps]))
np.savez(sys.argv[2], clip=clip, law=law, pixels=pixels, tasks=tasks, states=states, few=few[0]["observation.image"],
    mean=stats["mean"].ravel(), std=stats["std"].ravel(), equations=films.meta.episodes["equations"])
"""


def test_it_is_documented() -> None:
    assert_documented("lerobot")


@pytest.mark.parametrize("kind", SPECS)
def test_lerobots_own_reader(kind: str, tmp_path: Path) -> None:
    python = os.environ.get("MAREY_LEROBOT_PYTHON")
    if python is None:
        pytest.skip("MAREY_LEROBOT_PYTHON names no Python that has lerobot")
    write_dataset(replace(SPECS[kind], train=9, validation=2, test=0), tmp_path / "data")
    stored = open_dataset(tmp_path / "data")
    export_dataset(stored, tmp_path / "out", "lerobot", per_shard=4)
    (tmp_path / "read.py").write_text(_READ.format(reading=FORMATS["lerobot"].reading))
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(tmp_path / "cache")}
    command = [python, str(tmp_path / "read.py"), str(tmp_path / "out"), str(tmp_path / "read.npz")]
    subprocess.run(command, check=True, env=environment)
    samples, read = stored.rows(0, 11), np.load(tmp_path / "read.npz")
    clips, frames = samples.clips(), samples.clips().shape[1]
    found = np.rint(255 * read["pixels"]).astype(np.uint8).transpose(0, 2, 3, 1).reshape(clips.shape)
    np.testing.assert_array_equal(found, clips)
    np.testing.assert_array_equal(read["clip"], clips[0])
    laws = [samples.scenes.names[label] for label in samples.scenes.law]
    assert read["law"] == laws[0] and read["tasks"].tolist() == [law for law in laws for _ in range(frames)]
    assert tuple(read["equations"]) == samples.equations
    np.testing.assert_array_equal(read["states"], samples.scenes.trajectory.reshape(-1, 3).astype(np.float32))
    np.testing.assert_array_equal(np.rint(255 * read["few"]).astype(np.uint8), clips[9, :2].transpose(0, 3, 1, 2))
    np.testing.assert_allclose(read["mean"], clips.mean(axis=(0, 1, 2, 3)) / 255)
    np.testing.assert_allclose(read["std"], clips.std(axis=(0, 1, 2, 3)) / 255)
