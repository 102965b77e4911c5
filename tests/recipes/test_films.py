"""A tokenizer of films, from a folder of videos to figures."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from marey.cli import main
from marey.core.config import from_json, to_json
from marey.core.errors import UserError
from marey.recipes import films as room
from marey.recipes.films import FILMS, FilmsRecipe
from marey.tokens.quantizers import FSQConfig
from marey.tokens.tokenizer import MagvitConfig
from marey.train import TrainConfig
from tests.data.test_films import write_films

TINY = FilmsRecipe(
    frames=5,
    size=16,
    shorter=24,
    judged=3,
    tokenizer=MagvitConfig(widths=(4, 6, 8), blocks=(0, 1, 0), stride=(2, 4, 4), quantizer=FSQConfig(levels=(8, 8, 8))),
    training=TrainConfig(steps=30, batch_size=4, learning_rate=5e-3, warmup_steps=2, checkpoint_every=10, log_every=5),
)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(room, "FILMS", TINY)
    return write_films(tmp_path / "source")


def train(source: Path, out: Path, *options: str) -> Result:
    command = ["train", "tokenizer", "--videos", str(source), "--out", str(out), "--device", "cpu", *options]
    return CliRunner().invoke(main, command)


def test_from_videos_to_figures(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = train(source, out)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == str(out / "metrics.json")
    figures = {figure["name"]: figure for figure in json.loads((out / "metrics.json").read_text())}
    assert figures.keys() == {"films.psnr", "films.ssim", "films.codebook_use", "films.perplexity"}
    for name in ("films.psnr", "films.ssim"):
        figure = figures[name]
        assert figure["n"] == 3 and figure["low"] <= figure["value"] <= figure["high"]
        assert figure["baselines"].keys() == {"copy_first", "mean_colour"}
    assert 0 < figures["films.codebook_use"]["value"] <= 1 <= figures["films.perplexity"]["value"]
    with np.load(out / "clips" / "films.npz") as clips:
        assert clips["truth"].shape == clips["model"].shape == (3, 5, 16, 16, 3)
    rows = [json.loads(line) for line in (out / "tokenizer" / "metrics.jsonl").read_text().splitlines()]
    losses = [row["validation_loss"] for row in rows if "validation_loss" in row]
    assert losses[-1] < 0.7 * losses[0]
    assert all("codebook_use" in row and "perplexity" in row for row in rows if "validation_loss" in row)

    again = train(source, out, "--resume")
    assert again.exit_code == 0 and again.stdout == result.stdout
    refused = train(source, out)
    assert refused.exit_code == 2 and "already holds a run; add --resume" in refused.output
    other = train(source, out, "--resume", "--seed", "3")
    assert other.exit_code == 2 and "recipe.seed: 0 != 3" in other.output
    imported = train(out / "films", tmp_path / "second")
    assert imported.exit_code == 0 and not (tmp_path / "second" / "films").exists()
    weights = [(folder / "tokenizer" / "weights.safetensors").read_bytes() for folder in (out, tmp_path / "second")]
    assert weights[0] == weights[1]


def test_a_folder_without_videos_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = train(tmp_path / "empty", tmp_path / "run")
    assert result.exit_code == 2 and "empty holds no videos" in result.output and result.output.count("\n") == 1


def test_json_round_trip() -> None:
    assert from_json(FilmsRecipe, to_json(FILMS), "config.json") == FILMS
    assert torch.Size(FILMS.tokenizer.stride) == (4, 8, 8)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"frames": 8}, r"frames=8.*1 \+ k \* 4"),
        ({"size": 60}, r"size=60.*multiple of 8 and 8"),
        ({"shorter": 32}, r"shorter=32.*at most shorter"),
        ({"held_out": 1.0}, r"held_out=1"),
        ({"tokenizer": replace(FILMS.tokenizer, channels=1)}, r"tokenizer\.channels=1"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint) as caught:
        replace(FILMS, **changes)
    assert "\n" not in str(caught.value)
