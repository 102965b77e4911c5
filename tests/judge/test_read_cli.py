"""`marey read` from the folder to the table."""

import re
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from marey.cli import main
from marey.core.files import read_json
from marey.data.folder import write_dataset
from marey.data.spec import DatasetSpec
from marey.world.classic import ClassicWorld
from marey.world.matched import MatchedWorld
from marey.world.varied import VariedWorld


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(word) for word in words])
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("read") / "D"
    write_dataset(DatasetSpec(MatchedWorld(frames=12, size=48), train=4, validation=40, test=24, seed=3), out)
    return out


def test_a_data_set_is_read_and_its_table_written(dataset: Path) -> None:
    code, text = run("read", dataset)
    assert code == 0, text
    for title in (
        "law right",
        "parameter error, median",
        "truth inside the 95 % interval",
        "n = 24",
        "of validation clips",
    ):
        assert title in text
    assert re.search(r"tracker: position, rms +0\.00\d+ px .* n = 24\n", text)
    assert re.search(r"tracker: found where visible, and only there +100 %", text)
    table = pq.read_table(dataset / "reading-test.parquet").to_pydict()
    assert len(table["law"]) == 24 and table["law"] == table["true_law"]
    assert all("±" in each for each in table["parameters"]) and all("x(t) = " in each for each in table["equation"])
    assert max(table["position_error_m"]) < 0.1
    code, text = run("read", dataset)
    assert code == 2 and "add --overwrite" in text
    assert run("check", dataset)[0] == 0  # what was read is no part of the data set


def test_csv_other_splits_and_fewer_clips(dataset: Path, tmp_path: Path) -> None:
    code, text = run("read", dataset, "--split", "train", "-n", 3, "--out", tmp_path / "a.csv")
    assert code == 0, text
    assert "not measured: fewer than six clips" in text and "of validation clips" in text
    assert pyarrow.csv.read_csv(tmp_path / "a.csv").num_rows == 3
    code, text = run("read", dataset, "--split", "validation", "-n", 8, "--out", tmp_path / "b.parquet")
    assert code == 0 and "noise is not known" in text, text


def test_the_floor_is_stored_beside_the_clips(dataset: Path) -> None:
    code, text = run("floor", dataset, "-n", 20)
    assert code == 0, text
    stored = read_json(dataset / "floor.json")
    figures = {each["name"]: each for each in stored["figures"]}
    assert stored["clips"] == 20 and figures["floor.position"]["n"] == 20
    assert f"{figures['floor.velocity']['value']:.3g} px/frame" in text and "100.00%" in text
    assert 0 < figures["floor.position"]["value"] < 0.005
    assert run("check", dataset)[0] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--split", "held_out"], "--split held_out of .* is empty; choose another"),
        (["--split", "old"], "split='old' is unknown; the splits are train"),
        (["--out", "a.txt"], "is neither .parquet nor .csv"),
    ],
)
def test_wrong_words_are_one_line(words: list[str], message: str, dataset: Path) -> None:
    code, text = run("read", dataset, *words)
    assert code == 2 and re.search(message, text.replace("\n", " ")), text


@pytest.mark.parametrize(
    ("world", "message"), [(ClassicWorld(size=32), "one size everywhere"), (VariedWorld(size=32), "up to 4 bodies")]
)
def test_worlds_that_cannot_be_read_say_why(world: ClassicWorld | VariedWorld, message: str, tmp_path: Path) -> None:
    write_dataset(DatasetSpec(world, train=4, validation=0, test=4), tmp_path / "D")
    code, text = run("read", tmp_path / "D")
    assert code == 2 and message in text
