"""What a run is made of. A recipe is a value; the only place where a chosen number lives."""

import math
from dataclasses import dataclass, field

from marey.core.config import LATER, strict
from marey.core.errors import UserError
from marey.data.spec import DatasetSpec
from marey.dynamics.autoregressive import AutoregressiveConfig
from marey.dynamics.sequence import Layout
from marey.dynamics.tasks import TASKS, tasks_named
from marey.dynamics.transformer import DynamicsConfig
from marey.judge.exam import JudgeConfig
from marey.recipes.model import Shape
from marey.recipes.scatter import Scatter
from marey.recipes.zoom import Zoom
from marey.tokens.quantizers import FSQConfig
from marey.tokens.tokenizer import AnyTokenizerConfig, TokenizerConfig
from marey.train import TrainConfig
from marey.world.laws import BASE_LAWS

MOST_NAMES = 4096  # codes in a joint softmax


@strict
@dataclass(frozen=True)
class Recipe:
    """A whole run: data, tokenizer, dynamics, judge."""

    name: str
    dataset: DatasetSpec
    tokenizer: AnyTokenizerConfig
    tokenizer_training: TrainConfig
    dynamics: DynamicsConfig | AutoregressiveConfig
    dynamics_training: TrainConfig
    judge: JudgeConfig
    seed: int = 0
    tasks: tuple[str, ...] = tuple(task.name for task in TASKS)  # that the dynamics learns, out of `dynamics.tasks`
    scatter: Scatter | None = field(default=None, metadata=LATER)  # of the tokens that the dynamics learns from
    zoom: Zoom | None = field(default=None, metadata=LATER)  # of the clips that the tokenizer learns from

    def __post_init__(self) -> None:
        world = self.dataset.world
        if self.tokenizer.channels != world.channels:
            raise UserError(f"tokenizer.channels={self.tokenizer.channels}, but the world draws {world.channels}")
        t, h, w = self.tokenizer.stride
        if (world.frames - 1) % t or world.size % h or world.size % w:
            raise UserError(
                f"clips of {world.frames} frames of {world.size} pixels do not fit the tokenizer's strides {t, h, w}: "
                f"frames must be 1 + k * {t}, the size a multiple of {h} and {w}"
            )
        asked = self.judge.prefix + self.judge.horizon, 2 * self.judge.ends + self.judge.hidden
        if asked != (world.frames, world.frames):
            raise UserError(
                f"judge.prefix + judge.horizon and 2 * judge.ends + judge.hidden are {asked[0]} and {asked[1]}; "
                f"both must be {world.frames}, the frames of a clip"
            )
        if min(self.dataset.validation, self.dataset.test) < 1:
            raise UserError("dataset.validation and dataset.test must be at least 1: training and judge look at them")
        tasks_named(self.tasks)
        if self.scatter and not _in_straight_lines(self.tokenizer):
            raise UserError(
                "scatter moves codes that are numbers, each of one frame; give scatter=None, or use FSQ with even=False"
            )
        size = math.prod(self.tokenizer.quantizer.levels)
        if self.dynamics.vocabulary == "joint" and size > MOST_NAMES:
            raise UserError(
                f"dynamics.vocabulary='joint' is one softmax over {size} codes; keep quantizer.levels to {MOST_NAMES} "
                "codes, or predict them in 'factors'"
            )

    @property
    def shape(self) -> Shape:
        world = self.dataset.world
        return Shape(world.channels, world.frames, world.size)

    @property
    def layout(self) -> Layout:
        """Of the token sequence: it follows from the clips' shape, the strides and the quantizer."""
        joint = self.dynamics.vocabulary == "joint"
        return Layout.of(
            self.tokenizer, self.shape.frames, self.shape.size, len(self.tasks), len(BASE_LAWS), joint=joint
        )


def _in_straight_lines(tokenizer: AnyTokenizerConfig) -> bool:
    """Whether its codes are numbers that move as what is in a frame does."""
    alone = isinstance(tokenizer, TokenizerConfig) and tokenizer.stride[0] == tokenizer.encoder_kernel[0] == 1
    bent = isinstance(tokenizer.quantizer, FSQConfig) and tokenizer.quantizer.even
    return alone and tokenizer.quantizer.ordinal and not bent
