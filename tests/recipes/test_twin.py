"""A recipe's twin: the same transformer, exercises and clips, told as coordinates."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from marey.cli import main
from marey.core.config import from_json, to_json
from marey.core.errors import UserError
from marey.core.files import write_json
from marey.data.clips import Batches
from marey.data.coordinates import CoordinateBatches, OfTracks, OfTrajectories
from marey.dynamics.tasks import TASKS
from marey.dynamics.transformer import Dynamics, DynamicsConfig
from marey.judge.exam import JudgeConfig
from marey.recipes.catalogue import SMALL, SMOKE
from marey.recipes.model import Shape, VideoModel
from marey.recipes.twin import Twin, batches_of, run_twin, train_twin
from marey.report.twin import side_by_side
from marey.tokens.coordinates import CoordinateTokenizer
from tests.recipes.small import exercises

CPU = torch.device("cpu")
TINY = replace(
    SMOKE,
    dataset=replace(SMOKE.dataset, train=64, validation=8, test=16),
    dynamics=DynamicsConfig(width=16, depth=1, heads=2),
    dynamics_training=replace(SMOKE.dynamics_training, steps=8, batch_size=16, warmup_steps=2, checkpoint_every=3),
    judge=JudgeConfig(generated=8, shown=4, train_clips=64),
)
TWINS = {of.kind: Twin(TINY, of) for of in (OfTracks(), OfTrajectories())}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both twins of the tiny recipe, trained and judged."""
    base = tmp_path_factory.mktemp("twins")
    for kind, twin in TWINS.items():
        run_twin(twin, base / kind, CPU, lambda _: None, resume=False)
    return {kind: base / kind for kind in TWINS}


@pytest.mark.parametrize("kind", TWINS)
def test_json_round_trip(kind: str) -> None:
    twin = Twin(SMALL, TWINS[kind].of)
    assert from_json(Twin, json.loads(json.dumps(to_json(twin))), where="config.json") == twin


def test_it_is_the_same_transformer_to_the_last_weight() -> None:
    """`small` has three digits a frame, and so has its twin."""
    twin = Twin(SMALL, OfTracks())
    assert twin.layout == SMALL.layout and twin.shape == Shape(3, 8, 1)


@pytest.mark.parametrize("task", [task.name for task in TASKS])
@pytest.mark.parametrize("kind", TWINS)
def test_what_is_given_depends_on_what_is_told_alone(kind: str, task: str) -> None:
    """Law 5, for coordinates: redraw the hidden frames, and no given token changes."""
    twin = TWINS[kind]
    dynamics = Dynamics(TINY.dynamics, twin.layout)
    model = VideoModel(CoordinateTokenizer(twin.quantizer), dynamics, twin.shape)
    exercise, law = exercises(task, frames=8), torch.zeros(48, dtype=torch.long)
    told, other = (1.98 * torch.rand(48, 3, 8, 1, 1) - 0.99 for _ in range(2))
    redrawn = torch.where(exercise.frames[:, None, :, None, None], told, other)
    before, after = model.sequence(told, law, exercise), model.sequence(redrawn, law, exercise)
    assert torch.equal(before.known, after.known) and torch.equal(before.values, after.values)
    frames = before.known[:, twin.layout.slice("video")].unflatten(1, (8, 3))
    assert torch.equal(frames, exercise.frames[:, :, None].expand(-1, -1, 3)) and not before.condition.any()


class Stopping(CoordinateBatches):
    """Batches that are interrupted at a step."""

    def __call__(self, step: int, device: torch.device):  # type: ignore[no-untyped-def]
        if step == 5:
            raise KeyboardInterrupt
        return super().__call__(step, device)


@pytest.mark.parametrize("kind", TWINS)
def test_stopped_and_resumed_equals_never_stopped(kind: str, runs: dict[str, Path], tmp_path: Path) -> None:
    twin = TWINS[kind]
    pixels = Batches(TINY.dataset, TINY.dynamics_training.batch_size, TINY.seed, augmented=True)
    stopping = Stopping(pixels, twin.of)
    with pytest.raises(KeyboardInterrupt):
        train_twin(twin, stopping, tmp_path, CPU, resume=False)
    assert not (tmp_path / "dynamics" / "weights.safetensors").exists()
    train_twin(twin, batches_of(twin), tmp_path, CPU, resume=True)
    assert "training from step 3 to" in (tmp_path / "dynamics" / "log.txt").read_text()
    for name in ("weights.safetensors", "metrics.jsonl"):
        assert (tmp_path / "dynamics" / name).read_bytes() == (runs[kind] / "dynamics" / name).read_bytes()


def test_it_learns(runs: dict[str, Path]) -> None:
    for run in runs.values():
        rows = [json.loads(line) for line in (run / "dynamics" / "metrics.jsonl").read_text().splitlines()]
        losses = [row["validation_loss"] for row in rows if "validation_loss" in row]
        assert losses[-1] < losses[0]


def test_a_finished_twin_is_not_made_again(runs: dict[str, Path]) -> None:
    run, said = runs["tracks"], []
    before = {
        file: (file.stat().st_mtime_ns, file.read_bytes()) for file in run.rglob("*.*") if "times" not in str(file)
    }
    run_twin(TWINS["tracks"], run, CPU, said.append, resume=True)
    assert said == [f"{run}: done already"]
    for name in ("metrics.json", "details.json", "costs.json", "dynamics/weights.safetensors"):
        assert before[run / name] == ((run / name).stat().st_mtime_ns, (run / name).read_bytes()), name
    with pytest.raises(UserError, match="already holds a run; add --resume"):
        run_twin(TWINS["tracks"], run, CPU, said.append, resume=False)
    with pytest.raises(UserError, match=r"another configuration \(of\.kind: 'tracks' != 'trajectories'\)"):
        run_twin(TWINS["trajectories"], run, CPU, said.append, resume=True)


# -- the table -----------------------------------------------------------------------------------------------------


@pytest.fixture
def images(runs: dict[str, Path], tmp_path: Path) -> Path:
    """The files of a run of the recipe itself, as far as the table reads them."""
    path = tmp_path / "demo"
    write_json(path / "config.json", to_json(TINY))
    seconds = {"seconds": 3.0, "cpu_seconds": 2.5}
    write_json(path / "times.json", {"tokenizer": seconds, "dynamics": seconds})
    figures = json.loads((runs["tracks"] / "metrics.json").read_text())
    figures = [figure | {"value": 0.5, "low": 0.25, "high": 0.75} for figure in figures if figure["value"] is not None]
    write_json(path / "metrics.json", figures)
    return path


def test_the_table_sets_images_beside_coordinates(images: Path, runs: dict[str, Path]) -> None:
    table = side_by_side([images, runs["tracks"], runs["trajectories"]])
    rows = {cells[1].strip(): cells[2:-1] for line in table.splitlines() if (cells := line.split("|"))[1:]}
    assert [cell.split()[0] for cell in rows[""]] == ["images", "tracks", "trajectories"]
    assert all(len(cells) == 3 for cells in rows.values())
    assert [cell.strip() for cell in rows["what enters"]] == [
        "8 frames of 32x32x1", "8 frames of u, v, radius", "8 frames of x, y, z",
    ]  # fmt: skip
    assert "(8192 bytes a clip)" in rows["training clips"][0].replace("\u202f", "")
    assert all("(96 bytes a clip)" in cell for cell in rows["training clips"][1:])
    assert rows["training: tokenizer"][0].strip() == "2.50 CPU s (150 steps of 8 clips)"
    assert rows["training: tokenizer"][1].strip() == "–" and "8 steps of 16" in rows["training: transformer"][2]
    assert "50.0 % (25.0 to 75.0), n 16" in rows["classification: Accuracy"][0]
    assert "px)" in rows["prediction: ADE"][1]  # the best trivial rule
    assert "floor" in rows["prediction: ADE"][1] and "n 16" in rows["prediction: ADE"][2]
    assert rows["generation: Copies"][2].strip() == "not measured"
    assert "controls" in table and "of trajectories; a generated trajectory has no camera" in table


def test_what_cannot_be_compared_is_refused(images: Path, runs: dict[str, Path], tmp_path: Path) -> None:
    other = replace(TINY, dataset=replace(TINY.dataset, test=17))
    write_json(images / "config.json", to_json(other))
    with pytest.raises(UserError, match=r"were not judged alike \(dataset\.test: 16 != 17\)"):
        side_by_side([images, runs["tracks"]])
    with pytest.raises(UserError, match=r"none of .*demo is a twin"):
        side_by_side([images])
    with pytest.raises(UserError, match=r"config\.json does not exist"):
        side_by_side([tmp_path / "nowhere"])
    write_json(tmp_path / "strange" / "config.json", {"name": 3})
    with pytest.raises(UserError, match="not the run of a recipe"):
        side_by_side([tmp_path / "strange"])


def test_the_command_trains_judges_and_prints_the_table(tmp_path: Path) -> None:
    arguments = ["twin", "--recipe", "smoke", "--of", "tracks", "--steps", "6", "--out", str(tmp_path / "run")]
    first = CliRunner().invoke(main, arguments)
    assert first.exit_code == 0, first.output
    assert first.stdout.startswith("|  | tracks (run) |\n|---|---|\n| what enters |")
    again = CliRunner().invoke(main, [*arguments, "--resume"])
    assert again.stdout == first.stdout
    refused = CliRunner().invoke(main, [*arguments[:-4], "--steps", "5", "--out", str(tmp_path / "few")])
    assert refused.exit_code == 2 and refused.stderr.startswith("marey: --steps 5 is too few: warmup_steps is 5")
    assert not (tmp_path / "few").exists()
