"""What a dataset is: a world, how many samples each split holds, and a seed. Everything else follows."""

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from jaxtyping import Int64
from pydantic import Field

from marey.core.config import strict
from marey.core.errors import UserError
from marey.world.classic import ClassicWorld
from marey.world.matched import MatchedWorld
from marey.world.scenes import Scenes

World = Annotated[MatchedWorld | ClassicWorld, Field(discriminator="kind")]

PRESETS: dict[str, type[MatchedWorld] | type[ClassicWorld]] = {"matched": MatchedWorld, "classic": ClassicWorld}
SPLITS = ("train", "validation", "test")
_MOST = 1 << 40  # samples per split: the splits are this far apart in the index, so none grows into the next


@strict
@dataclass(frozen=True)
class DatasetSpec:
    """Sample `row` of split number k has index k * 2**40 + row: its content does not depend on the splits' sizes."""

    world: World = field(default_factory=MatchedWorld)
    train: int = 10_000
    validation: int = 1_000
    test: int = 1_000
    seed: int = 0

    def __post_init__(self) -> None:
        for split in SPLITS:
            if not 0 <= self.count(split) <= _MOST:
                raise UserError(f"{split}={self.count(split)} is out of range; a split holds 0 to 2**40 samples")
        if not 0 <= self.seed < 1 << 63:
            raise UserError(f"seed={self.seed} is out of range; choose 0 to 2**63 - 1")

    def count(self, split: str) -> int:
        """Number of samples in a split."""
        return int(getattr(self, SPLITS[_number(split)]))

    def index(self, split: str, rows: Int64[np.ndarray, "n"]) -> Int64[np.ndarray, "n"]:
        """Index of the samples at the given rows of a split; rows outside the split are a UserError."""
        outside = (rows < 0) | (rows >= self.count(split))
        if outside.any():
            raise UserError(f"row {rows[outside][0]} is not in the {split} split of {self.count(split)} samples")
        return _number(split) * _MOST + rows

    def scenes_at(self, split: str, rows: Int64[np.ndarray, "n"]) -> Scenes:
        """Scenes of the samples at the given rows of a split, in that order."""
        return self.world.sample(self.seed, self.index(split, rows))

    def scenes(self, split: str, start: int = 0, stop: int | None = None) -> Scenes:
        """Scenes of rows start to stop - 1 of a split; by default all of it."""
        stop = self.count(split) if stop is None else stop
        if not 0 <= start <= stop <= self.count(split):
            raise UserError(
                f"rows {start} to {stop} are not a range of the {split} split; "
                f"give 0 <= start <= stop <= {self.count(split)}"
            )
        return self.scenes_at(split, np.arange(start, stop))


def world_from_preset(preset: str, frames: int, size: int, channels: int) -> MatchedWorld | ClassicWorld:
    """The world of that name with clips of `frames` frames of `size` x `size` pixels, grey (1 channel) or RGB (3)."""
    if preset not in PRESETS:
        raise UserError(f"preset={preset!r} is unknown; the presets are {', '.join(PRESETS)}")
    if channels not in (1, 3):
        raise UserError(f"channels={channels} is not possible; choose 1 (grey) or 3 (RGB)")
    return PRESETS[preset](frames=frames, size=size, channels=channels)  # type: ignore[arg-type]


def _number(split: str) -> int:
    if split not in SPLITS:
        raise UserError(f"split={split!r} is unknown; the splits are {', '.join(SPLITS)}")
    return SPLITS.index(split)
