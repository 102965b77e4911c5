"""The command line: it teaches, and it refuses in one line."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from marey.cli import main
from marey.data.folder import open_dataset
from marey.data.spec import PRESETS
from marey.recipes.catalogue import RECIPES
from marey.world.factors import FACTORS, Region
from tests.demo import marey, one_line

_MAKING = ["demo", "make", "look", "check", "export", "import", "floor", "read", "track"]
STORY = (*_MAKING, "train", "judge", "report", "studio", "compare", "runs", "twin", "encoders", "probe", "classify")
COMMANDS = {
    (): (*STORY, "COMMAND --help"),
    ("demo",): ("--recipe", "--out", "--seed", "--device", "--resume", "smoke, small, every-task, base"),
    ("make",): (
        "--preset",
        "--frames",
        "--size",
        "--overwrite",
        "--engine",
        "--shard-index",
        "--dry-run",
        "pixels",
        "--held-out",
        "--images",
    ),
    ("look",): ("DATASET", "--out", "--split", "--count", "--open", "look.html", "moving clips"),
    ("check",): ("DATASET", "checksum"),
    ("export",): ("DATASET", "--format", "webdataset", "huggingface", "lerobot", "45 dB", "--overwrite", "README.md"),
    ("import",): ("SOURCE", "--out", "trajectory_3d", "clip, frame, u, v", "videos", "--overwrite"),
    ("floor",): ("DATASET", "-n", "95 %", "floor.json"),
    ("read",): ("DATASET", "--split", "--out", "--overwrite", "error bars", "reading-SPLIT.parquet"),
    ("track",): ("VIDEO", "--box", "X Y W H", "--start", "--out", "frame, x, y, w, h", "marey[video]"),
    ("train",): ("tokenizer", "dynamics"),
    ("train", "tokenizer"): ("--recipe", "--out", "--resume", "smoke, small, every-task, base", "OUT/tokenizer"),
    ("runs",): ("pack", "keep", "marey studio mine"),
    ("runs", "pack"): ("RUN", "--out", "checkpoints"),
    ("runs", "keep"): ("PACKED", "--name", "marey/runs"),
    ("train", "dynamics"): ("--recipe", "--out", "--resume", "smoke, small, every-task, base", "OUT/dynamics"),
    ("judge",): ("RUN", "--device", "metrics.json", "--videos", "--dataset", "--task", "--shown", "clip-00012.mp4"),
    ("report",): ("RUN", "--gif", "report.html"),
    ("studio",): ("[RUN]", "--port", "--no-open", "marey[studio]", "writes nothing", "Ctrl-C"),
    ("compare",): ("RUN1 RUN2", "--markdown", "--json", "--out", "paired", "same test clips"),
    ("twin",): ("--recipe", "--of", "--out", "--steps", "--beside", "--resume", "control", "trajectories"),
    ("encoders",): ("get", "licence", "next step"),
    ("encoders", "get"): ("NAME...", "hash", "safetensors", "fingerprint"),
    ("probe",): ("--dataset", "--encoders", "--tasks", "--dry-run", "--historical", "future-position", "_probe.json"),
    ("classify",): ("--encoder", "--train", "--out", "--clips", "probability"),
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
    found = {(name,) for name in main.commands}
    found |= {(group, name) for group in ("train", "encoders", "runs") for name in main.commands[group].commands}
    assert found | {()} == COMMANDS.keys()


def test_the_help_tells_the_story_in_order_one_line_each() -> None:
    before, after = invoke("--help").output.split("Commands:\n")
    listed = [line.split(maxsplit=1) for line in after.splitlines()]
    assert [name for name, _ in listed] == list(STORY)
    assert all(words.endswith(".") and not words.endswith("...") for _, words in listed)
    shown = [line.split()[1] for line in before.splitlines() if line.startswith("  marey ") and "COMMAND" not in line]
    assert list(dict.fromkeys(shown)) == list(STORY)


def test_the_help_of_make_knows_every_preset_and_factor() -> None:
    """They stand in it as words, so that it need not load them."""
    said = invoke("make", "--help").output
    presets = said.split("The presets:\n")[1].split("\n\n")[0].replace(" -", " phyworld-").replace(",", "").split()
    assert {*PRESETS} <= {*presets}
    words = [line.split()[0] for line in said.split("The factors:\n")[1].split("\n\n")[0].splitlines()]
    assert words == [field.name for field in fields(Region)]


def test_version() -> None:
    assert invoke("--version").output.startswith("marey, version 0.")


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [("demo",), ("train", "tokenizer"), ("train", "dynamics"), ("twin", "--of", "tracks")], ids=" ".join
)
def test_unknown_recipe(command: tuple[str, ...], tmp_path: Path) -> None:
    line = refusal(*command, "--recipe", "large", "--out", tmp_path / "run")
    assert line == "marey: recipe='large' is unknown; the recipes are " + ", ".join(RECIPES)
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
    assert "## Floor" in made.stdout and "position, rms | 0.00" in made.stdout
    assert invoke("look", out).stdout == f"{out / 'look.html'}\n"
    refusal("make", "--preset", preset, "-n", "20", "--out", out)
    assert (out / "look.html").exists()
    again = invoke("make", "--preset", preset, "-n", "20", "--out", out, "--overwrite")
    assert again.exit_code == 0 and not (out / "look.html").exists(), again.output
    before = contents(out)
    assert {"spec.json", "samples/part-00000-train.parquet", "README.md", "SHA256SUMS"} <= before.keys()
    assert before["README.md"].decode().endswith(made.stdout.partition("\n")[2])

    assert "--overwrite" in refusal("make", "--preset", preset, "-n", "20", "--out", out)
    assert "train: 20 != 30" in refusal("make", "--preset", preset, "-n", "30", "--out", out)
    checked = invoke("check", out)
    assert checked.stdout == f"{out}: 24 samples; all checksums hold, and 20 rows made again are the same\n"
    invoke("make", "--preset", preset, "-n", "20", "--out", out, "--overwrite")
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


@pytest.mark.parametrize(
    ("options", "region", "words"),
    [
        (("--held-out", "speed=2:3"), Region(speed=((2, 3),)), "speed 2 to 3"),
        (("--held-out", "speed=2:2.4", "--held-out", "speed=2.8:4"), Region(speed=((2, 2.4), (2.8, 4))),
         "speed 2 to 2.4 or 2.8 to 4"),
        (("--held-out", "law=circular,helical", "--held-out", "radius=0.6:0.7"),
         Region(law=("circular", "helical"), radius=((0.6, 0.7),)), "law circular or helical and radius 0.6 to 0.7"),
    ],
    ids=["value", "values", "combination"],
)  # fmt: skip
def test_what_is_held_out_is_in_one_split_alone(
    options: tuple[str, ...], region: Region, words: str, tmp_path: Path
) -> None:
    made = invoke("make", "-n", 60, *options, "--held-out-n", 12, "--out", tmp_path / "data")
    assert made.exit_code == 0, made.output
    dataset = open_dataset(tmp_path / "data")
    assert dataset.spec.unseen == region and dataset.spec.held_out == 12 and len(dataset) == 60 + 6 + 6 + 12
    scenes = dataset.rows(0, len(dataset)).scenes
    inside = np.ones(len(scenes), bool)
    for factor in region.bounded:
        if factor == "law":
            inside &= np.isin(scenes.law, [scenes.names.index(name) for name in region.law])
        else:
            values = FACTORS[factor](scenes)[:, 0]
            inside &= np.any([(low <= values) & (values <= high) for low, high in getattr(region, factor)], axis=0)
    assert inside.tolist() == [False] * 72 + [True] * 12
    card = (tmp_path / "data" / "README.md").read_text()
    assert "| held_out | 12 |" in card and f"has {words}; in the other splits none has" in card


def test_a_preset_keeps_its_own_held_out_split_or_takes_another(tmp_path: Path) -> None:
    for number, options in enumerate(((), ("--held-out-n", 2), ("--held-out", "bodies=4:4", "--held-out-n", 3))):
        made = invoke("make", "--preset", "varied", "-n", 20, *options, "--out", tmp_path / str(number))
        assert made.exit_code == 0, made.output
    specs = [open_dataset(tmp_path / str(number)).spec for number in range(3)]
    assert [spec.held_out for spec in specs] == [2, 2, 3]
    assert specs[0].unseen == specs[1].unseen == PRESETS["varied"].unseen and specs[2].unseen == Region(
        bodies=((4, 4),)
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--held-out", "spede=2:3"), "--held-out spede=2:3: factor 'spede' is unknown; the factors are law, speed"),
        (("--held-out", "speed=3"), "--held-out speed=3: '3' is no range; give two numbers, as in speed=2:3"),
        (("--held-out", "speed=0:inf"), "'0:inf' is no range"),
        (("--held-out", "speed=3:2"), "--held-out speed=3:2: speed=(3.0, 2.0) is reversed; give (low, high)"),
        (("--held-out", "law=flight"), "--held-out law=flight: law='flight' is unknown; the laws are linear"),
        (("--held-out", "law=walk"), "'walk' is not in this world; its laws are linear, circular"),
        (("--held-out", "law=linear,circular,helical,parabolic"), "left for train=40; leave some of its laws: linear"),
        (("--held-out", "speed=4:6"), "left for held_out=4; hold out more: where the law is linear, in nine clips"),
        (("--held-out", "speed=0:99"), "left for train=40; hold out less: where the law is"),
        (("--held-out-n", "3"), "--held-out-n 3: nothing is held out; say what, as in --held-out speed=2:3"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_what_cannot_be_held_out(options: tuple[str, ...], complaint: str, tmp_path: Path) -> None:
    assert complaint in refusal("make", "-n", 40, *options, "--out", tmp_path / "data")
    assert not (tmp_path / "data").exists()


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


def test_pictures_of_ones_own_become_backgrounds(tmp_path: Path) -> None:
    (tmp_path / "pictures" / "more").mkdir(parents=True)
    Image.new("RGB", (60, 40), (10, 200, 90)).save(tmp_path / "pictures" / "green.png")
    Image.new("L", (20, 50), 70).save(tmp_path / "pictures" / "more" / "grey.bmp")
    (tmp_path / "pictures" / "notes.txt").write_text("no picture")
    options = ("-n", 12, "--channels", 3, "--images", tmp_path / "pictures")
    assert invoke("make", *options, "--out", tmp_path / "data").exit_code == 0
    assert "all checksums hold" in invoke("check", tmp_path / "data").stdout
    corners = {tuple(clip[0, 0, 0]) for clip in open_dataset(tmp_path / "data").rows(0, 12).clips()}
    assert corners == {(10, 200, 90), (70, 70, 70)}
    (tmp_path / "pictures" / "torn.png").write_bytes(b"no picture either")
    assert "torn.png cannot be read" in refusal("make", *options, "--out", tmp_path / "other")
    assert "holds 0 pictures" in refusal("make", "--images", tmp_path / "data" / "samples", "--out", tmp_path / "other")
    assert "is not a folder" in refusal("make", "--images", tmp_path / "none", "--out", tmp_path / "other")


def test_make_never_overwrites_what_is_not_a_data_set(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("mine")
    refusal("make", "-n", "4", "--out", tmp_path, "--overwrite")
    assert [file.name for file in tmp_path.iterdir()] == ["letters.txt"]
