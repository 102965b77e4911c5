"""What a model makes of a clip: the law it sees, how it goes on, how it fills the middle, and its tokens."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from marey.core.config import strict
from marey.core.errors import UserError
from marey.data.clips import as_clips, as_video
from marey.dynamics.autoregressive import Autoregressive
from marey.judge.tracker import Tracks
from marey.recipes.model import VideoModel
from marey.studio import ruler
from marey.studio.film import Clip, Film, Places, places
from marey.studio.ruler import Continuation
from marey.studio.stage import Stage
from marey.world.laws import BASE_LAWS

MOST_CLIPS, MOST_DRAFTS, MOST_STEPS = 8, 16, 64


@dataclass(frozen=True)
class Model:
    """A run's model, and how its judge asks it. prefix: frames given for prediction; ends: at each end, to fill."""

    name: str
    video: VideoModel
    prefix: int
    ends: int

    @property
    def unguided(self) -> str:
        """Why a generation by this model cannot be guided; empty if it can."""
        if isinstance(self.video.dynamics, Autoregressive):
            return "an autoregressive model cannot be guided"
        if "generate_any" not in [task.name for task in self.video.tasks]:
            return "this model has never generated without a class, which guidance leads away from (recipe every-task)"
        return ""


@dataclass(frozen=True)
class Answer:
    """The model's clip where frames were hidden, beside the fitted law's path and the trivial rule's.

    error, straight: mean distance to the true places in the hidden frames, pixels; None where a dot was not found.
    """

    given: tuple[bool, ...]
    film: Film
    track: Places
    error: float | None
    law: Continuation | None
    straight: float | None


@dataclass(frozen=True)
class Opinion:
    """What the model makes of a whole clip. probability: of each law."""

    laws: tuple[str, ...]
    probability: tuple[float, ...]
    continues: Answer
    fills: Answer


@strict
@dataclass(frozen=True)
class Generation:
    """What is to be generated. drafts: of each clip; the one that the model itself reads best is kept."""

    law: str
    temperature: float = 1.0
    guidance: float = 0.0
    drafts: int = 8
    seed: int = 0
    n: int = 4

    def __post_init__(self) -> None:
        if self.law not in BASE_LAWS:
            raise UserError(f"law={self.law!r} is none that the model knows; choose {', '.join(BASE_LAWS)}")
        if not 0 <= self.temperature <= 5 or not 0 <= self.guidance <= 10:
            raise UserError(
                f"temperature={self.temperature}, guidance={self.guidance}: choose a temperature of 0 to 5 and a "
                "guidance of 0 to 10"
            )
        if not 1 <= self.n <= MOST_CLIPS or not 1 <= self.drafts <= MOST_DRAFTS:
            raise UserError(f"n={self.n}, drafts={self.drafts}: choose 1 to {MOST_CLIPS} and 1 to {MOST_DRAFTS}")


@dataclass(frozen=True)
class Generated:
    """One new clip. read: the law that the ruler reads in it; None where none fits."""

    film: Film
    track: Places
    read: str | None


def opinion(stage: Stage, model: Model, clip: Clip) -> Opinion:
    """The model's law, prediction and interpolation of a clip, at temperature 0."""
    video = as_video(stage.checked(clip)[None])
    tracks, frame = stage.track(clip), np.arange(len(clip))
    prefix, ends, count = model.prefix, model.ends, len(clip)
    first, outer = frame < prefix, (frame < ends) | (frame >= count - ends)
    predicted = model.video.predict(video[:, :, :prefix], count - prefix)
    filled = model.video.interpolate(video[:, :, :ends], video[:, :, -ends:], count - 2 * ends)
    probability = model.video.classify(video)[0]
    return Opinion(
        BASE_LAWS,
        tuple(round(float(share), 4) for share in probability),
        _answer(stage, tracks, first, as_clips(predicted)[0]),
        _answer(stage, tracks, outer, as_clips(filled)[0]),
    )


def generated(stage: Stage, model: Model, wish: Generation) -> tuple[Generated, ...]:
    """New clips of one law."""
    if wish.guidance and model.unguided:
        raise UserError(f"guidance={wish.guidance}: {model.unguided}; leave it at 0")
    video = model.video.generate(
        wish.law, wish.seed, wish.n, wish.drafts, temperature=wish.temperature, guidance=wish.guidance
    )
    out = []
    for clip in as_clips(video):
        reading = ruler.read_clip(stage, clip)
        out.append(Generated(Film.of(clip), reading.track, reading.law))
    return tuple(out)


def _answer(stage: Stage, tracks: Tracks, given: Bool[np.ndarray, "T"], clip: Clip) -> Answer:
    mine = stage.track(clip).track[0]
    return Answer(
        tuple(given.tolist()),
        Film.of(clip),
        places(mine),
        ruler.miss(mine, tracks, given),
        ruler.continued(stage, tracks, given),
        ruler.miss(ruler.straight_on(tracks, given), tracks, given),
    )
