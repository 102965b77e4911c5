"""The tokens that are encoded once are those of the batches."""

import numpy as np
import pytest
import torch

from marey.data.clips import Batches
from marey.data.spec import DatasetSpec
from marey.dynamics.sequence import Layout
from marey.dynamics.tasks import TABLE
from marey.dynamics.transformer import Dynamics, DynamicsConfig
from marey.recipes.model import Shape, VideoModel
from marey.recipes.stages import exercises
from marey.recipes.views import Views
from marey.recipes.zoom import left
from marey.tokens.quantizers import FSQConfig
from marey.tokens.tokenizer import Tokenizer, TokenizerConfig
from marey.world.classic import ClassicWorld
from marey.world.matched import MatchedWorld
from marey.world.phyworld import PhyWorld
from tests.tokens.small import shaken

LEVELS = (64, 64, 9)


@pytest.mark.parametrize(
    "world", [MatchedWorld(), ClassicWorld(frames=8, size=32), PhyWorld(frames=8, size=32, channels=1, fps=3)]
)
def test_views_are_the_tokens_of_the_batches(world: MatchedWorld | ClassicWorld | PhyWorld) -> None:
    spec = DatasetSpec(world, train=70, validation=0, test=0)  # two whole chunks and some
    batches = Batches(spec, 32, seed=3, augmented=world.kind == "matched")
    tokenizer = shaken(Tokenizer(TokenizerConfig(quantizer=FSQConfig(levels=LEVELS))))
    assert isinstance(tokenizer, Tokenizer)
    layout = Layout(tasks=len(TABLE), laws=4, grid=(8, 1, 1), levels=LEVELS)
    model = VideoModel(tokenizer, Dynamics(DynamicsConfig(width=8, depth=1, heads=1), layout), Shape(1, 8, 32), TABLE)
    views = Views(model, batches)
    for step in (0, 1, 5):
        batch = batches(step, torch.device("cpu"))
        digits, law = views(step)
        assert torch.equal(digits, model.digits(batch.video)) and torch.equal(law, batch.law)
        assert torch.equal(views.gone(step), left(batch.video))
        assert views.gone(step).any() == (world.kind == "phyworld")
        exercise, reveal = exercises(model, 32, torch.device("cpu"))
        assert exercise.partial.any() and not exercise.partial.all()
        fast = model.batch_of(digits, law, exercise, reveal, batch.video)
        plain = model.sequence(batch.video, law, exercise)
        seen = ~fast.sequence.known | plain.known  # not revealed
        assert torch.equal(fast.sequence.values.where(seen, 0), plain.values.where(seen, 0))
        assert torch.equal(fast.sequence.condition, plain.condition & ~fast.sequence.known)
    assert len(np.unique(views.digits[..., 0])) > 10
