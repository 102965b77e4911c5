"""`marey check` finds whatever was changed, and says where."""

import hashlib
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from marey.core.errors import UserError
from marey.data import shards
from marey.data.check import check_dataset, verify
from marey.data.folder import write_dataset
from marey.data.manifest import read_seal, seal
from marey.data.spec import DatasetSpec
from marey.data.table import Samples, from_parquet, to_parquet
from tests.data.conftest import SPECS

TRAIN = "samples/part-00000-train.parquet"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made")
    write_dataset(SPECS["matched"], out)
    return out


@pytest.fixture
def dataset(made: Path, tmp_path: Path) -> Path:
    """A copy, to be damaged."""
    return shutil.copytree(made, tmp_path, dirs_exist_ok=True)


def test_a_whole_dataset_passes(dataset: Path, matched: DatasetSpec) -> None:
    found, rows = check_dataset(dataset)
    assert found.spec == matched and rows == 16 + 12 + 12


def test_a_thousand_flipped_bits(dataset: Path) -> None:
    def flip(content: bytes, random: random.Random) -> bytes:
        place = random.randrange(8 * len(content))
        return content[: place // 8] + bytes([content[place // 8] ^ 1 << place % 8]) + content[place // 8 + 1 :]

    _damage_a_thousand_times(dataset, flip)


def test_a_thousand_truncations(dataset: Path) -> None:
    _damage_a_thousand_times(dataset, lambda content, random: content[: random.randrange(len(content))])


def _damage_a_thousand_times(dataset: Path, damage: Callable[[bytes, random.Random], bytes]) -> None:
    """Every file in turn; check must name it."""
    verify(dataset)
    files = sorted(file for file in dataset.rglob("*") if file.is_file())
    assert {file.name for file in files} >= {"SHA256SUMS", "spec.json", "README.md", "strip.png", "LICENSE"}
    whole, moments = {file: file.read_bytes() for file in files}, random.Random(1)
    for turn in range(1000):
        file = files[turn % len(files)]
        file.write_bytes(damage(whole[file], moments))
        with pytest.raises(UserError) as error:
            verify(dataset)
        assert str(file) in str(error.value), turn
        file.write_bytes(whole[file])
    verify(dataset)


def test_missing_and_foreign_files(dataset: Path) -> None:
    (dataset / "samples" / "part-00009-train.parquet").write_bytes(b"mine")
    with pytest.raises(UserError, match=r"part-00009-train\.parquet is not part of the dataset"):
        verify(dataset)
    (dataset / "samples" / "part-00009-train.parquet").unlink()
    (dataset / TRAIN).unlink()
    with pytest.raises(UserError, match=r"part-00000-train\.parquet is missing"):
        check_dataset(dataset)
    sums = read_seal(dataset)
    seal(dataset, {name: digest for name, digest in sums.items() if name != TRAIN})
    with pytest.raises(UserError, match=r"part-00000-train\.parquet is missing, and from SHA256SUMS too"):
        check_dataset(dataset)


@pytest.mark.parametrize("column", ["parameters", "discs", "picture_paper", "equation", "visible"])
def test_a_row_that_is_not_the_specs_own(dataset: Path, column: str) -> None:
    """Checksums that fit do not help a forger."""

    def forge(samples: Samples) -> None:
        if column == "equation":
            object.__setattr__(samples, "equations", ("x(t) = 0", *samples.equations[1:]))
            return
        records = {"parameters": samples.scenes, "picture_paper": samples.scenes.picture}
        array = getattr(records.get(column, samples), column.removeprefix("picture_"))
        array[0] = ~array[0] if column == "visible" else array[0] + 3

    _forge(dataset, forge)
    pattern = rf"{TRAIN}: row 0: {'parameters|trajectories' if column == 'parameters' else column} is .*, but the spec"
    with pytest.raises(UserError, match=pattern):
        check_dataset(dataset)


def test_the_last_bits_of_another_processor_pass(dataset: Path) -> None:
    def nudge(samples: Samples) -> None:
        samples.scenes.origins[:] = np.nextafter(samples.scenes.origins, 100)
        samples.discs[0, 0, 0, 0, 0] += 1

    _forge(dataset, nudge)
    check_dataset(dataset)


def test_a_column_of_another_shape(dataset: Path, matched: DatasetSpec) -> None:
    content = to_parquet(from_parquet((dataset / TRAIN).read_bytes()).take(np.arange(30)))
    (dataset / TRAIN).write_bytes(content)
    seal(dataset, read_seal(dataset) | {TRAIN: hashlib.sha256(content).hexdigest()})
    with pytest.raises(UserError, match="column split is missing or of another shape"):
        check_dataset(dataset)
    assert shards.shard_count(matched) == 3


def _forge(dataset: Path, change: Callable[[Samples], None]) -> None:
    """Change a shard, and all checksums with it."""
    samples = from_parquet((dataset / TRAIN).read_bytes())
    change(samples)
    content = to_parquet(samples)
    (dataset / TRAIN).write_bytes(content)
    seal(dataset, read_seal(dataset) | {TRAIN: hashlib.sha256(content).hexdigest()})
