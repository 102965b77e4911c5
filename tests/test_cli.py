"""The command line: it teaches, and it refuses in one line."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from marey.cli import main
from tests.demo import marey, one_line

COMMANDS = {
    (): ("demo", "make", "train", "judge", "report"),
    ("demo",): ("--recipe", "--out", "--seed", "--device", "--resume", "smoke, small or base"),
    ("make",): ("--preset", "--frames", "--size", "--channels", "--overwrite", "matched or classic", "pixels"),
    ("train",): ("tokenizer", "dynamics"),
    ("train", "tokenizer"): ("--recipe", "--out", "--resume", "smoke, small or base", "OUT/tokenizer"),
    ("train", "dynamics"): ("--recipe", "--out", "--resume", "smoke, small or base", "OUT/dynamics"),
    ("judge",): ("RUN", "--device", "metrics.json"),
    ("report",): ("RUN", "--gif", "report.html"),
}


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="marey")


def refusal(*arguments: str | Path) -> str:
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
        (("--preset", "wild"), "preset='wild' is unknown; the presets are matched, classic"),
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


@pytest.mark.parametrize("preset", ["matched", "classic"])
def test_make_a_data_set_once(preset: str, tmp_path: Path) -> None:
    out = tmp_path / "data"
    made = invoke("make", "--preset", preset, "-n", "20", "--out", out)
    assert made.exit_code == 0, made.output
    assert made.stdout.startswith(f"{out}: 24 samples\n") and "chance 0.25" in made.stdout
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    assert {"spec.json", "samples.npz", "README.md", "checksums.json"} <= before.keys()

    assert "--overwrite" in refusal("make", "--preset", preset, "-n", "30", "--out", out)
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before

    again = invoke("make", "--preset", preset, "-n", "20", "--out", out, "--overwrite")
    assert again.exit_code == 0, again.output
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before


def test_make_never_overwrites_what_is_not_a_data_set(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("mine")
    refusal("make", "-n", "4", "--out", tmp_path, "--overwrite")
    assert [file.name for file in tmp_path.iterdir()] == ["letters.txt"]
