"""The recipes. A variant is "that one, but"."""

from dataclasses import replace

from marey.core.errors import UserError
from marey.data.spec import PRESETS, DatasetSpec
from marey.dynamics.tasks import EVERY_TASK
from marey.dynamics.transformer import DynamicsConfig
from marey.judge.exam import JudgeConfig
from marey.metrics.figure import Level
from marey.recipes.recipe import Recipe
from marey.recipes.scatter import Scatter
from marey.recipes.zoom import Zoom
from marey.tokens.quantizers import FSQConfig
from marey.tokens.tokenizer import TokenizerConfig
from marey.train import TrainConfig
from marey.world.matched import MatchedWorld

SMALL = Recipe(
    name="small",
    dataset=DatasetSpec(world=MatchedWorld(), train=10_000, validation=1_000, test=1_000),
    tokenizer=TokenizerConfig(),
    tokenizer_training=TrainConfig(
        steps=8000,
        batch_size=8,
        learning_rate=1.5e-2,
        warmup_steps=50,
        ema_decay=0.995,
        precision="bfloat16",
    ),
    dynamics=DynamicsConfig(scaled=True),
    dynamics_training=TrainConfig(
        steps=10_500,
        batch_size=128,
        learning_rate=3e-3,
        warmup_steps=100,
        muon=True,
        ema_decay=0.998,
        precision="bfloat16",
    ),
    judge=JudgeConfig(),
    scatter=Scatter(shift=0.3, stretch=0.3),
)

# The whole story, small enough for a test. Its figures mean nothing but that every part ran.
SMOKE = replace(
    SMALL,
    name="smoke",
    dataset=replace(SMALL.dataset, train=400, validation=50, test=60),
    tokenizer_training=replace(
        SMALL.tokenizer_training,
        steps=150,
        warmup_steps=10,
        checkpoint_every=20,
        log_every=10,
        precision="float32",  # the same losses on any number of devices
    ),
    dynamics_training=replace(SMALL.dynamics_training, steps=30, warmup_steps=5, checkpoint_every=10, log_every=10),
    judge=replace(SMALL.judge, generated=24, shown=8, train_clips=200),
)

# All that MAGVIT asks of one model, and generation without a class, from which guidance leads away.
EVERY = replace(SMALL, name="every-task", tasks=EVERY_TASK)

BASE = replace(
    SMALL,
    name="base",
    dataset=DatasetSpec(world=MatchedWorld(frames=16, size=64, channels=3), train=10_000),
    tokenizer=TokenizerConfig(
        channels=3,
        cell=(64, 64),
        widths=(16,),
        maps=8,
        quantizer=FSQConfig(levels=(4096,) * 5, slow=True),  # two for a colour, three for place and size
    ),
    tokenizer_training=replace(SMALL.tokenizer_training, steps=10_000, batch_size=4),
    dynamics=DynamicsConfig(width=192, depth=6),
    dynamics_training=replace(SMALL.dynamics_training, steps=15_000, batch_size=64),
    judge=replace(SMALL.judge, prefix=8, horizon=8, ends=4, hidden=8),
)


def _phyworld(motion: str, maps: int, quantizer: FSQConfig, scatter: Scatter | None) -> Recipe:
    """Three frames are shown and 29 predicted; judged within and beyond the radii and speeds of training.

    scatter: what leaves the motion lawful. Gravity is not magnified, nor is the distance at which two balls collide.
    """
    spec = PRESETS[f"phyworld-{motion}"]
    return replace(
        SMALL,
        name=f"phyworld-{motion}",
        dataset=replace(spec, train=10_000, validation=500, test=500, held_out=500),
        tokenizer=TokenizerConfig(channels=3, cell=(64, 64), maps=maps, quantizer=quantizer),
        tokenizer_training=replace(SMALL.tokenizer_training, steps=7000, batch_size=2),
        dynamics=DynamicsConfig(),
        dynamics_training=replace(SMALL.dynamics_training, steps=5000, batch_size=64),
        judge=replace(SMALL.judge, prefix=3, horizon=29, ends=3, hidden=26),
        tasks=("predict",),
        scatter=scatter,
        zoom=Zoom(least=0.4, most=1.5),
    )


# Two balls are five numbers; a decoder that is told them in six learns to paint both, in five it learns one.
_ONE_BALL, _TWO_BALLS = FSQConfig(levels=(1 << 15,) * 3), FSQConfig(levels=(1024,) * 6)
PHYWORLD = (
    _phyworld("uniform", 4, _ONE_BALL, Scatter(shift=0.5, stretch=0.5, drift=0.7)),
    _phyworld("parabola", 4, _ONE_BALL, Scatter(shift=0.5, drift=0.7)),
    _phyworld("collision", 8, _TWO_BALLS, None),
)

RECIPES = {recipe.name: recipe for recipe in (SMOKE, SMALL, EVERY, BASE, *PHYWORLD)}

# What the recipes are asked to reach on their test splits.
LEVELS = {
    "small": {
        "reconstruction.survival": Level("at least", 0.995),
        "reconstruction.track_error": Level("at most", 0.10),
        "classify.accuracy": Level("at least", 0.97),
        "predict.ade": Level("at most", 0.5),
        "interpolate.ade": Level("at most", 0.3),
        "generate.law_right": Level("at least", 0.97),
        "generate.survival": Level("at least", 0.95),
    },
    "base": {
        "reconstruction.survival": Level("at least", 0.995),
        "reconstruction.velocity_times_floor": Level("at most", 1.1),
        "classify.accuracy": Level("at least", 0.99),
        "predict.velocity_times_floor": Level("at most", 1.5),
        "generate.law_right": Level("at least", 0.98),
        "generate.copies": Level("at most", 0.01),
    },
} | {
    each.name: {
        f"{figure}{ruler}": Level("at most", most)
        for figure, most in (
            ("within.reconstruction_times_floor", 1.05),
            ("within.prediction_times_floor", 1.5),
            ("beyond.prediction_times_floor", 10.0),
        )
        for ruler in ("", "_by_mask")
    }
    for each in PHYWORLD
}


def recipe(name: str) -> Recipe:
    """The recipe of that name; a UserError lists what there is."""
    if name not in RECIPES:
        raise UserError(f"recipe={name!r} is unknown; the recipes are {', '.join(RECIPES)}")
    return RECIPES[name]
