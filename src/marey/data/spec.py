"""What a dataset is: a world, how many samples each split holds, the regions they lie in, and a seed."""

from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Bool, Int64
from pydantic import Field

from marey.core.config import strict
from marey.core.errors import UserError
from marey.world.classic import ClassicWorld
from marey.world.factors import Region
from marey.world.look import HARD
from marey.world.matched import MatchedWorld
from marey.world.phyworld import PhyWorld
from marey.world.redraw import MOST_DRAWS, NotFoundError
from marey.world.scenes import Accept, Scenes
from marey.world.varied import VariedWorld

World = Annotated[MatchedWorld | ClassicWorld | VariedWorld | PhyWorld, Field(discriminator="kind")]

SPLITS = ("train", "validation", "test", "held_out")
_MOST = 1 << 40  # samples per split: the splits are this far apart in the index, so none grows into the next
_PROBE = 64  # samples of a split that are tried before work starts
_PATIENCE = MOST_DRAWS // 8  # draws of each: where 64 samples need no more, none of 10**9 is likely to need MOST_DRAWS


class ScarceError(UserError):
    """A split whose regions leave it few or no scenes."""

    def __init__(self, split: str, message: str):
        super().__init__(message)
        self.split = split


@strict
@dataclass(frozen=True)
class DatasetSpec:
    """Sample `row` of split number k has index k * 2**40 + row: its content does not depend on the splits' sizes.

    train, validation, test: scenes whose bodies all lie inside `seen` and none of them inside `unseen`. held_out:
    scenes whose bodies all lie inside `unseen`. With one factor in `unseen`, these are held-out values; with several,
    each value may occur in training and their combination does not.
    """

    world: World = field(default_factory=MatchedWorld)
    train: int = 10_000
    validation: int = 1_000
    test: int = 1_000
    seed: int = 0
    held_out: int = 0
    seen: Region = Region()  # noqa: RUF009 (frozen)
    unseen: Region | None = None

    def __post_init__(self) -> None:
        for split in SPLITS:
            if not 0 <= self.count(split) <= _MOST:
                raise UserError(f"{split}={self.count(split)} is out of range; a split holds 0 to 2**40 samples")
        if not 0 <= self.seed < 1 << 63:
            raise UserError(f"seed={self.seed} is out of range; choose 0 to 2**63 - 1")
        if self.unseen is not None and not self.unseen.bounded:
            raise UserError("unseen is empty, which leaves nothing to train on; give it a factor, or leave it out")
        if self.held_out and self.unseen is None:
            raise UserError(f"held_out={self.held_out} is more than the split can give: set unseen, or held_out=0")
        for name, region in (("seen", self.seen), ("unseen", self.unseen)):
            if region is not None and region.law and (strange := set(region.law) - set(self.world.laws)):
                names = ", ".join(self.world.laws)
                raise UserError(f"{name}.law={min(strange)!r} is not in this world; its laws are {names}")

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
        return self.world.sample(self.seed, self.index(split, rows), self._accept(split), self._laws(split))

    def scenes(self, split: str, start: int = 0, stop: int | None = None) -> Scenes:
        """Scenes of rows start to stop - 1 of a split; by default all of it."""
        stop = self.count(split) if stop is None else stop
        if not 0 <= start <= stop <= self.count(split):
            raise UserError(
                f"rows {start} to {stop} are not a range of the {split} split; "
                f"give 0 <= start <= stop <= {self.count(split)}"
            )
        return self.scenes_at(split, np.arange(start, stop))

    def check(self) -> None:
        """Try a few samples of each split: a UserError names the field by which the world cannot make them all."""
        for split in SPLITS:
            if self.count(split):
                self._try(split)

    def _try(self, split: str) -> None:
        held_out, regions = split == "held_out", [("unseen", self.unseen)]
        if not held_out:
            regions.insert(0, ("seen", self.seen))
        asked = [f"{name}.{factor}" for name, region in regions if region for factor in region.bounded]
        refusal = ScarceError(
            split,
            f"{split}={self.count(split)} is more than the split can give: this world has few or no scenes "
            f"{'inside' if held_out else 'left by'} {', '.join(asked)}; widen them, or set {split}=0",
        )
        laws, accept, index = self._laws(split), self._accept(split), _number(split) * _MOST + np.arange(_PROBE)
        if laws == ():
            raise refusal
        _refuse_cameras_inside(self.world.sample(self.seed, index, None, laws))  # the world's own errors come first
        if accept is not None:
            try:
                self.world.sample(self.seed, index, _Patience(accept), laws)
            except NotFoundError:
                raise refusal from None

    def _accept(self, split: str) -> Accept | None:
        seen, unseen = self.seen, self.unseen
        if unseen is None:
            return seen.holds if seen.bounded else None
        if split == "held_out":
            return unseen.holds
        return lambda scenes: seen.holds(scenes) & ~unseen.touches(scenes)

    def _laws(self, split: str) -> tuple[str, ...] | None:
        """The laws that take turns in a split; None for all those of the world."""
        if split == "held_out":
            return (self.unseen and self.unseen.law) or None
        if self.unseen is not None and self.unseen.bounded == ("law",):
            return tuple(name for name in self.seen.law or self.world.laws if name not in self.unseen.law)
        return self.seen.law or None


class _Patience:
    """An `Accept` that gives up after a few draws, long before a world does."""

    def __init__(self, accept: Accept):
        self.accept, self.draws = accept, 0

    def __call__(self, scenes: Scenes) -> Bool[np.ndarray, "n"]:
        self.draws += 1
        if self.draws > _PATIENCE:
            raise NotFoundError(f"not accepted in {_PATIENCE} draws")
        return self.accept(scenes)


def _refuse_cameras_inside(scenes: Scenes) -> None:
    """A camera is inside the scene when a ball reaches it at any time."""
    centres, camera = scenes.trajectories, scenes.camera
    n, bodies, frames = centres.shape[:3]
    local = camera.to_camera(centres.reshape(n, 1, bodies * frames, 3)).reshape(n, -1, bodies, frames, 3)
    radius = scenes.radii * local[..., 2] / camera.focal[:, :, None, None]
    inside = np.argwhere(np.linalg.norm(local, axis=-1) < radius)  # NaN, behind the camera, compares as False
    if len(inside):
        fix = "change world.rig.spread or world.rig.elevation" if inside[0, 1] else "raise world.focal"
        raise UserError(f"world: camera {inside[0, 1]} is inside the scene; reduce world.radius, or {fix}")


def _number(split: str) -> int:
    if split not in SPLITS:
        raise UserError(f"split={split!r} is unknown; the splits are {', '.join(SPLITS)}")
    return SPLITS.index(split)


def dataset_from_preset(
    preset: str,
    n: int,
    frames: int | None = None,
    size: int | None = None,
    channels: int | None = None,
    seed: int = 0,
) -> DatasetSpec:
    """A dataset of `n` training samples and a tenth as many in each other split; held-out ones if the preset has them.

    frames, size (pixels), channels (1 grey, 3 RGB): None for the preset's own.
    """
    spec = _preset(preset)
    asked = {"frames": frames, "size": size, "channels": channels}
    if channels not in (None, 1, 3):
        raise UserError(f"channels={channels} is not possible; choose 1 (grey) or 3 (RGB)")
    world = replace(spec.world, **{name: value for name, value in asked.items() if value is not None})  # type: ignore[arg-type]
    held_out = n // 10 if spec.unseen else 0
    return replace(spec, world=world, train=n, validation=n // 10, test=n // 10, held_out=held_out, seed=seed)


def world_from_preset(preset: str, frames: int, size: int, channels: int) -> World:
    """The world of that name with clips of `frames` frames of `size` x `size` pixels, grey (1 channel) or RGB (3)."""
    return dataset_from_preset(preset, 0, frames, size, channels).world


def preset_of(world: World) -> str:
    """Name of the preset that this world is of, whatever its frames, size and channels; its kind if it is of none."""
    for name, spec in PRESETS.items():
        like = {field: getattr(spec.world, field) for field in ("frames", "size", "channels")}
        if replace(world, **like) == spec.world:
            return name
    return world.kind


def _preset(name: str) -> DatasetSpec:
    if name not in PRESETS:
        raise UserError(f"preset={name!r} is unknown; the presets are {', '.join(PRESETS)}")
    return PRESETS[name]


def _phyworld(motion: Literal["uniform", "parabola", "collision"]) -> DatasetSpec:
    """In distribution: radius and speed inside the ranges of training; held out: both outside."""
    world = PhyWorld(motion=motion)
    return DatasetSpec(
        world,
        seen=Region(radius=world.radius, speed=world.speed),
        unseen=Region(radius=world.radius_beyond, speed=world.speed_beyond),
    )


PRESETS: dict[str, DatasetSpec] = {
    "classic": DatasetSpec(ClassicWorld()),
    "matched": DatasetSpec(MatchedWorld()),
    "hard": DatasetSpec(MatchedWorld(channels=3, look=HARD)),
    "varied": DatasetSpec(VariedWorld(), unseen=Region(law=("circular", "parabolic"), extent=((0.35, 1.0),))),
    "phyworld-uniform": _phyworld("uniform"),
    "phyworld-parabola": _phyworld("parabola"),
    "phyworld-collision": _phyworld("collision"),
}
