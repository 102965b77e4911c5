"""The command line: it teaches, and it refuses in one line."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from marey.cli import main
from tests.demo import marey, one_line

COMMANDS = {
    (): ("demo", "make", "train", "judge", "report"),
    ("demo",): ("--recipe", "--out", "--seed", "--device", "--resume", "smoke, small or base"),
    ("make",): ("--preset", "--frames", "--size", "--overwrite", "--engine", "--shard-index", "--dry-run", "pixels"),
    ("check",): ("DATASET", "checksum"),
    ("export",): ("DATASET", "--format", "webdataset", "huggingface", "lerobot", "45 dB", "--overwrite", "README.md"),
    ("import",): ("SOURCE", "--out", "trajectory_3d", "clip, frame, u, v", "videos", "--overwrite"),
    ("train",): ("tokenizer", "dynamics"),
    ("train", "tokenizer"): ("--recipe", "--out", "--resume", "smoke, small or base", "OUT/tokenizer"),
    ("train", "dynamics"): ("--recipe", "--out", "--resume", "smoke, small or base", "OUT/dynamics"),
    ("judge",): ("RUN", "--device", "metrics.json"),
    ("report",): ("RUN", "--gif", "report.html"),
}


def invoke(*arguments: str | int | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="marey")


def refusal(*arguments: str | int | Path) -> str:
    """The one line in which a command refused."""
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1 and result.stderr.startswith("marey: "), result.stderr
    return result.stderr.strip()


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_teaches(command: tuple[str, ...], option: str) -> None:
    result = invoke(*command, option)
    assert result.exit_code == 0
    assert " ".join(["Usage: marey", *command]) in result.output
    missing = [word for word in COMMANDS[command] if word not in result.output]
    assert not missing, result.output


def test_every_command_is_listed_here() -> None:
    found = {(name,) for name in main.commands} | {("train", name) for name in main.commands["train"].commands}
    assert found | {()} == COMMANDS.keys()


def test_version() -> None:
    assert invoke("--version").output.startswith("marey, version 0.")


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("demo",), ("train", "tokenizer"), ("train", "dynamics")], ids=" ".join)
def test_unknown_recipe(command: tuple[str, ...], tmp_path: Path) -> None:
    line = refusal(*command, "--recipe", "large", "--out", tmp_path / "run")
    assert line == "marey: recipe='large' is unknown; the recipes are smoke, small, base"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--preset", "wild"), "preset='wild' is unknown; the presets are classic, matched, hard"),
        (("--size", "0"), "size"),
        (("--size", "-32"), "size"),
        (("--frames", "0"), "frames"),
        (("--channels", "2"), "channels=2 is not possible; choose 1 (grey) or 3 (RGB)"),
        (("--seed", str(1 << 63)), "seed"),
    ],
    ids=" ".join,
)
def test_impossible_data_sets(options: tuple[str, ...], complaint: str, tmp_path: Path) -> None:
    assert complaint in refusal("make", *options, "--out", tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_unusable_device(tmp_path: Path) -> None:
    for device in ("cuda:99", "abacus"):
        line = refusal("demo", "--recipe", "smoke", "--device", device, "--out", tmp_path / "run")
        assert f"--device {device} is not usable on this machine" in line
        assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["judge", "report"])
def test_no_run(command: str, tmp_path: Path) -> None:
    assert str(tmp_path / "nowhere") in refusal(command, tmp_path / "nowhere")
    assert str(tmp_path) in refusal(command, tmp_path)


def test_dynamics_need_a_tokenizer(tmp_path: Path) -> None:
    line = refusal("train", "dynamics", "--recipe", "smoke", "--out", tmp_path / "run")
    assert str(tmp_path / "run" / "tokenizer" / "weights.safetensors") in line
    assert f"marey train tokenizer --recipe smoke --out {tmp_path / 'run'}" in line
    assert not (tmp_path / "run").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert str(tmp_path / "file") in refusal("train", "tokenizer", "--recipe", "smoke", "--out", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_wrong_usage_is_clicks_own() -> None:
    for arguments in (("make", "-n", "3", "--out", "x"), ("train", "tokenizer"), ("dance",), ("demo", "--seed", "-1")):
        result = invoke(*arguments)
        assert result.exit_code == 2 and "Error: " in result.stderr and "Traceback" not in result.stderr


def test_no_traceback_in_a_process_of_its_own(tmp_path: Path) -> None:
    assert "preset='wild'" in one_line(marey("make", "--preset", "wild", "--out", tmp_path / "data"))


# -- make ----------------------------------------------------------------------------------------------------------


def contents(out: Path) -> dict[str, bytes]:
    return {file.relative_to(out).as_posix(): file.read_bytes() for file in out.rglob("*") if file.is_file()}


@pytest.mark.parametrize("preset", ["matched", "classic"])
def test_make_and_check_a_data_set_once(preset: str, tmp_path: Path) -> None:
    out = tmp_path / "data"
    made = invoke("make", "--preset", preset, "-n", "20", "--out", out)
    assert made.exit_code == 0, made.output
    assert made.stdout.startswith(f"{out}: 24 samples\n## Shortcuts") and "0.250" in made.stdout
    before = contents(out)
    assert {"spec.json", "samples/part-00000-train.parquet", "README.md", "SHA256SUMS"} <= before.keys()
    assert before["README.md"].decode().endswith(made.stdout.partition("\n")[2])

    assert "--overwrite" in refusal("make", "--preset", preset, "-n", "20", "--out", out)
    assert "train: 20 != 30" in refusal("make", "--preset", preset, "-n", "30", "--out", out)
    checked = invoke("check", out)
    assert checked.stdout == f"{out}: 24 samples; all checksums hold, and 20 rows made again are the same\n"
    again = invoke("make", "--preset", preset, "-n", "20", "--out", out, "--overwrite")
    assert again.exit_code == 0, again.output
    assert contents(out) == before

    (out / "samples" / "part-00001-validation.parquet").write_bytes(b"PAR1")
    assert f"{out}/samples/part-00001-validation.parquet is damaged" in refusal("check", out)


def test_make_in_parts(tmp_path: Path) -> None:
    options = ("make", "-n", "20", "--out")
    for index in (1, 0):
        made = invoke(*options, tmp_path / "parts", "--shard-index", index, "--num-shards", 2)
        assert f"part {index} of 2 is there" in made.stdout
        assert "is missing" in refusal("check", tmp_path / "parts")
    for out in ("parts", "whole"):
        assert invoke(*options, tmp_path / out, "--workers", 1).exit_code == 0
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")
    assert "belong together" in refusal(*options, tmp_path / "x", "--shard-index", 0)
    parts = ("--shard-index", 0, "--num-shards", 2)
    assert "--overwrite would remove the other parts" in refusal(*options, tmp_path / "x", *parts, "--overwrite")
    assert "give 0 to 1" in refusal(*options, tmp_path / "x", "--shard-index", 2, "--num-shards", 2)
    assert not (tmp_path / "x").exists()


def test_a_dry_run_makes_nothing(tmp_path: Path) -> None:
    said = invoke(
        "make", "-n", "40", "--out", tmp_path / "data", "--dry-run", "--price", "0.5", "--workers", "3"
    ).stdout
    lines = said.splitlines()
    assert (
        "measured on 40 clips" in lines[0] and "3 CPUs" in lines[1] and "$0.5 per CPU hour, an assumption" in lines[-1]
    )
    assert [line.split()[0] for line in lines[2:-1]] == ["48", "1,000,000", "1,000,000,000"]
    assert lines[2].split()[3:5] == ["393", "kB"]  # 48 clips of 8 frames of 32 x 32 pixels
    assert not (tmp_path / "data").exists()


def test_make_never_overwrites_what_is_not_a_data_set(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("mine")
    refusal("make", "-n", "4", "--out", tmp_path, "--overwrite")
    assert [file.name for file in tmp_path.iterdir()] == ["letters.txt"]
