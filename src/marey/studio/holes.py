"""A clip's tokens, and what the model puts where some of them are hidden by hand."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64

from marey.core.config import strict
from marey.core.errors import UserError
from marey.data.clips import as_clips, as_video
from marey.recipes.shown import pixels
from marey.studio import ruler
from marey.studio.asking import MOST_STEPS, Model
from marey.studio.film import Clip, Film, Places, places
from marey.studio.stage import Stage
from marey.world.laws import BASE_LAWS

Digits = tuple[tuple[int, ...], ...]  # of each token, in the order of frames, rows, columns


@dataclass(frozen=True)
class Tokens:
    """The tokens of a clip. grid: frames, rows, columns of them. levels: how many values each digit has.

    ordinal: whether a digit is a number, near when its values are near, or a name. film: what they stand for.
    """

    grid: tuple[int, int, int]
    levels: tuple[int, ...]
    ordinal: bool
    digits: Digits
    film: Film
    track: Places


@strict
@dataclass(frozen=True)
class Holes:
    """Which tokens of a clip the model is to fill. hidden: their numbers, in the order of `Tokens.digits`.

    law: given to the model, or None. steps: of the decoding.
    """

    film: Film
    hidden: tuple[int, ...]
    law: str | None = None
    steps: int = 12
    temperature: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= MOST_STEPS or not 0 <= self.temperature <= 5:
            raise UserError(
                f"steps={self.steps}, temperature={self.temperature}: choose 1 to {MOST_STEPS} steps and a temperature "
                "of 0 to 5"
            )
        if self.law is not None and self.law not in BASE_LAWS:
            raise UserError(f"law={self.law!r} is none that the model knows; choose {', '.join(BASE_LAWS)}, or none")


@dataclass(frozen=True)
class Refilled:
    """The clip with its hidden tokens filled, and the tokens of that clip. given: frames without a hidden token.

    error: mean distance to the true places in the other frames, pixels; straight: that of straight lines across them.
    None where a dot was not found, or fewer than two frames are given.
    """

    digits: Digits
    film: Film
    given: tuple[bool, ...]
    track: Places
    error: float | None
    straight: float | None


def tokens_of(stage: Stage, model: Model, clip: Clip) -> Tokens:
    """The clip through the tokenizer and back."""
    video = as_video(stage.checked(clip)[None])
    digits = model.video.digits(video)[0]
    back = as_clips(model.video.reconstruct(video))[0]
    layout = model.video.dynamics.layout
    track = places(stage.track(back).track[0])
    return Tokens(layout.grid, layout.levels, layout.ordinal, _rows(digits), Film.of(back), track)


def refilled(stage: Stage, model: Model, holes: Holes) -> Refilled:
    """Let the model fill what is hidden of a clip's tokens; all others stay."""
    clip, grid = stage.checked(holes.film.clip), model.video.dynamics.layout.grid
    count = int(np.prod(grid))
    if not holes.hidden or not all(0 <= number < count for number in holes.hidden):
        raise UserError(f"hidden: name some of the clip's tokens by number, 0 to {count - 1}")
    mask = torch.zeros(count, dtype=torch.bool)
    mask[list(holes.hidden)] = True
    video = as_video(clip[None])
    every = torch.ones(len(clip), dtype=torch.bool)
    full = model.video.complete(
        video, every, holes.law, holes.seed, mask.view(grid), steps=holes.steps, temperature=holes.temperature
    )
    new = as_clips(full)[0]
    given = ~pixels(model.video.tokenizer, mask.view(grid)[None])[0].flatten(1).any(dim=1).numpy()
    seen, mine = stage.track(clip), stage.track(new).track[0]
    return Refilled(
        digits=_rows(model.video.digits(as_video(new[None]))[0]),
        film=Film.of(new),
        given=tuple(given.tolist()),
        track=places(mine),
        error=ruler.miss(mine, seen, given),
        straight=ruler.miss(ruler.straight_on(seen, given), seen, given),
    )


def _rows(digits: Int64[torch.Tensor, "t h w F"]) -> Digits:
    return tuple(tuple(row) for row in digits.flatten(0, 2).tolist())
