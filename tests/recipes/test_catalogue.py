"""The recipes: each builds, survives JSON, and what does not fit together is said before anything is trained."""

import json
from dataclasses import replace
from typing import Any

import pytest
import torch

from marey.core.config import from_json, to_json
from marey.core.errors import UserError
from marey.data.clips import Batches, as_video, clips
from marey.data.spec import DatasetSpec
from marey.dynamics.autoregressive import AutoregressiveConfig
from marey.dynamics.tasks import tasks_named
from marey.recipes.catalogue import LEVELS, RECIPES, SMALL, SMOKE, recipe
from marey.recipes.model import VideoModel
from marey.recipes.recipe import Recipe
from marey.recipes.stages import exercises, masked
from marey.tokens.quantizers import FSQConfig, VQConfig
from marey.tokens.tokenizer import Tokenizer
from marey.world.matched import MatchedWorld

CPU = torch.device("cpu")


def model_of(chosen: Recipe) -> VideoModel:
    dynamics = chosen.dynamics.build(chosen.layout)
    return VideoModel(Tokenizer(chosen.tokenizer), dynamics, chosen.shape, tasks_named(chosen.tasks))


def test_names() -> None:
    assert list(RECIPES)[:4] == ["smoke", "small", "every-task", "base"]
    assert list(RECIPES)[4:] == ["phyworld-uniform", "phyworld-parabola", "phyworld-collision"]
    assert all(recipe(name).name == name for name in RECIPES)
    assert set(LEVELS) <= set(RECIPES)
    with pytest.raises(
        UserError, match=r"^recipe='large' is unknown; the recipes are smoke, small, every-task, base, phyworld-"
    ):
        recipe("large")


@pytest.mark.parametrize("name", RECIPES)
def test_json_round_trip(name: str) -> None:
    chosen = recipe(name)
    assert from_json(Recipe, json.loads(json.dumps(to_json(chosen))), where="config.json") == chosen


@pytest.mark.parametrize("name", RECIPES)
def test_everything_fits_together(name: str) -> None:
    """The layout follows from the clips: the tokens of a clip fill it."""
    chosen = recipe(name)
    shape, video = chosen.shape, as_video(clips(chosen.dataset, "validation", 0, 2))
    assert video.shape == (2, shape.channels, shape.frames, shape.size, shape.size)
    model = model_of(chosen)
    assert model.indices(video).shape == (2, *chosen.layout.grid)
    if "classify" in chosen.tasks:
        assert model.classify(video).shape == (2, 4)


@pytest.mark.parametrize("name", RECIPES)
def test_one_step_of_each_training(name: str) -> None:
    chosen = recipe(name)
    few = replace(chosen.dataset, train=100)  # scenes of a whole split take their time
    batch = Batches(few, 4, seed=0, augmented=few.world.kind == "matched")(0, CPU)
    torch.manual_seed(1)  # a batch that asks for classes too
    model = model_of(chosen)
    for part, given in ((model.tokenizer, batch.video), (model.dynamics, masked(model, batch))):
        loss = part(given).total
        loss.backward()
        assert loss.isfinite()
        gradients = [parameter.grad for parameter in part.parameters() if parameter.grad is not None]
        assert gradients and all(gradient.isfinite().all() for gradient in gradients)
        optimizer = torch.optim.AdamW(part.parameters(), lr=1e-4)
        optimizer.step()
        assert part(given).total < loss


def test_exercises_hide_a_varying_share() -> None:
    """Parallel decoding meets sequences from all hidden to nearly all known: training shows them all."""
    model = model_of(SMOKE)
    batch = Batches(SMOKE.dataset, 128, seed=0, augmented=True)(0, CPU)
    asked = masked(model, batch).asked
    share = asked[:, SMOKE.layout.slice("video")].float().mean(dim=1)
    assert share.min() < 0.1 and share.max() > 0.9
    assert 0 < asked[:, SMOKE.layout.slice("class")].float().mean() < 1
    assert not asked[:, SMOKE.layout.slice("task")].any()


def revealed(changes: dict[str, Any]) -> torch.Tensor:
    """Of 400 exercises, which digits of which frames are known beyond what is shown as frames; B T F."""
    chosen = replace(SMOKE, **changes)
    torch.manual_seed(0)
    exercise, reveal = exercises(model_of(chosen), 400, CPU)
    layout = chosen.layout
    found = reveal[:, layout.slice("video")].unflatten(1, (layout.grid[0], -1))
    return found[~exercise.frames.all(dim=1)]


def test_clips_from_nothing_are_learned_as_they_are_drawn() -> None:
    """Some whole frames, and a part of one more: that is what drawing digit by digit meets."""
    found = revealed({"tasks": ("generate",)})
    whole, some = found.all(dim=2), found.any(dim=2)
    assert ((some & ~whole).sum(dim=1) <= 1).all() and (some & ~whole).any()
    count = whole.sum(dim=1)
    assert set(count.tolist()) == set(range(8)) and (count == 0).float().mean() > 0.25
    assert some[count == 1].float().mean(dim=0).min() > 0.05  # any frame may be the first


def test_numbers_are_also_learned_from_what_is_shown_alone() -> None:
    """As the likeliest continuation is read, in one pass; names are read in twelve."""
    share = []
    for quantizer in (SMOKE.tokenizer.quantizer, VQConfig(codes=64)):
        tokenizer = replace(SMOKE.tokenizer, quantizer=quantizer)
        found = revealed({"tasks": ("predict",), "tokenizer": tokenizer, "scatter": None})
        share.append((~found.flatten(1).any(dim=1)).float().mean())
    assert share[0] > 0.5 and share[0] > share[1] + 0.25


# -- what does not fit ---------------------------------------------------------------------------------------------

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "channels": ({"tokenizer": replace(SMALL.tokenizer, channels=3)}, r"tokenizer\.channels=3.*world draws 1"),
    "frames": (
        {"tokenizer": replace(SMALL.tokenizer, strides=((2, 1, 1),))},
        r"8 frames of 32 pixels do not fit .*1 \+ k \* 2",
    ),
    "size": (
        {"tokenizer": replace(SMALL.tokenizer, cell=(48, 48))},
        r"32 pixels do not fit .*multiple of 48",
    ),
    "prefix": ({"judge": replace(SMALL.judge, prefix=3)}, r"judge\.prefix \+ judge\.horizon.*7 and 8.*must be 8"),
    "hidden": ({"judge": replace(SMALL.judge, hidden=3)}, r"2 \* judge\.ends \+ judge\.hidden.*8 and 7.*must be 8"),
    "validation": ({"dataset": DatasetSpec(MatchedWorld(), validation=0)}, r"dataset\.validation .*at least 1"),
    "test": ({"dataset": DatasetSpec(MatchedWorld(), test=0)}, r"dataset\.test .*at least 1"),
    "tasks": ({"tasks": ("predict", "dream")}, r"tasks=\('predict', 'dream'\): name each once, out of classify"),
    "vocabulary": ({"dynamics": replace(SMALL.dynamics, vocabulary="joint")}, r"'joint' .* 1073741824 codes.*4096"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_fit_is_refused_at_once(wrong: str) -> None:
    changes, complaint = WRONG[wrong]
    with pytest.raises(UserError, match=complaint) as caught:
        replace(SMALL, **changes)
    assert "\n" not in str(caught.value)


VARIANTS = {
    "joint": {"dynamics": replace(SMOKE.dynamics, vocabulary="joint")},
    "autoregressive": {"dynamics": AutoregressiveConfig(vocabulary="joint")},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_fits_together_and_survives_json(name: str) -> None:
    small = replace(SMOKE.tokenizer, quantizer=FSQConfig(levels=(8, 8, 8, 8)))
    chosen = replace(SMOKE, tokenizer=small, **VARIANTS[name])
    assert chosen.layout.levels == (4096,) and not chosen.layout.ordinal
    assert from_json(Recipe, json.loads(json.dumps(to_json(chosen))), where="config.json") == chosen
    batch = masked(model_of(chosen), Batches(chosen.dataset, 4, seed=0, augmented=True)(0, CPU))
    revealed = batch.sequence.known[:, chosen.layout.slice("video")].float().mean()
    assert revealed < 1 and batch.targets.max() < 4096


def test_nothing_is_revealed_to_an_autoregressive_model() -> None:
    """It meets sequences as they are asked for: what a task shows, all else hidden."""
    chosen = replace(SMOKE, dynamics=AutoregressiveConfig(), tasks=("generate",))
    batch = masked(model_of(chosen), Batches(chosen.dataset, 8, seed=0, augmented=True)(0, CPU))
    assert not batch.sequence.known[:, chosen.layout.slice("video")].any()
    assert batch.sequence.known[:, chosen.layout.slice("class")].all()


def test_files_from_before_there_was_a_choice_are_read() -> None:
    data = to_json(SMALL)
    del data["tasks"], data["dynamics"]["kind"], data["dynamics"]["vocabulary"]
    assert from_json(Recipe, data, where="config.json") == SMALL


def test_a_wrong_file_is_named_with_its_field() -> None:
    data = to_json(SMALL)
    data["tokenizer"]["stride"] = 4
    with pytest.raises(UserError, match=r"^here/config\.json: field tokenizer\.stride"):
        from_json(Recipe, data, where="here/config.json")
    data = to_json(SMALL)
    data["dynamics_training"]["steps"] = -1
    with pytest.raises(UserError, match=r"^here/config\.json: field dynamics_training.*steps is -1"):
        from_json(Recipe, data, where="here/config.json")
