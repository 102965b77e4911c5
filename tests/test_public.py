"""The public names: all there, each imported when it is first used."""

import json
import subprocess
import sys

import pytest

import marey

LOOK = """
import json, sys
import marey
before = [room for room in ("torch", "numba", "numpy", "pydantic") if room in sys.modules]
names = dir(marey)
marey.MatchedWorld(), marey.DatasetSpec(), marey.trajectory_to_video, marey.generate_dataset, marey.ClipDataset
print(json.dumps([before, names, "torch" in sys.modules]))
"""


def test_importing_marey_imports_nothing_heavy() -> None:
    answer = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True, timeout=120)
    before, names, after = json.loads(answer.stdout)
    assert before == [] and after
    assert set(marey.__all__) <= set(names)


def test_every_public_name_is_there() -> None:
    for name in marey.__all__:
        assert getattr(marey, name) is not None
    assert marey.__version__.count(".") == 2
    with pytest.raises(AttributeError, match="no attribute 'generate_datasets'"):
        _ = marey.generate_datasets
