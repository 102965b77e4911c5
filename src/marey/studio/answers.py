"""All that the page may ask: each a function from one request to one answer, without state and without files."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from marey.core.config import strict
from marey.core.errors import UserError
from marey.core.numbers import whole_number
from marey.recipes.model import Shape
from marey.report.plates import TIME_COLOURS
from marey.studio import asking, drawing, exports, holes, making, ruler, uploads
from marey.studio.asking import Model
from marey.studio.film import Film
from marey.studio.making import Motion
from marey.studio.sliders import Slider, sliders
from marey.studio.stage import Stage
from marey.world.laws import BASE_LAWS, LAW_NAMES


@strict
@dataclass(frozen=True)
class Chance:
    """A motion of that law drawn at random. frames, size: of the picture."""

    law: str
    seed: int
    frames: int
    size: int

    def __post_init__(self) -> None:
        whole_number(self.seed, "seed", 0, 2**63 - 1)


@strict
@dataclass(frozen=True)
class OneClip:
    """A clip that something is asked about."""

    film: Film


@dataclass(frozen=True)
class LawSheet:
    """A law as the page offers it. known: whether the model has learned it. start: a motion to begin with."""

    name: str
    known: bool
    sliders: tuple[Slider, ...]
    start: Motion


@dataclass(frozen=True)
class Start:
    """What the page needs first. missing: why there is no model, empty if there is one. seconds: of every clip.

    step: the longest way between two frames that the world's clips have, widths of the frame; None if not limited.
    """

    run: str | None
    missing: str
    shape: Shape
    seconds: float
    prefix: int
    ends: int
    laws: tuple[LawSheet, ...]
    model_laws: tuple[str, ...]
    unguided: str
    step: float | None
    noise: float | None
    colours: tuple[tuple[int, int, int], ...]
    most_bytes: int


MISSING = (
    "There is no model: marey studio was started without a run. To have one, run `marey demo --recipe small` (about "
    "a quarter of an hour) and then `marey studio runs/demo`."
)


@dataclass(frozen=True)
class Studio:
    """A stage, and a model if there is one."""

    stage: Stage
    model: Model | None

    def start(self) -> Start:
        """Everything that does not depend on what the page shows."""
        stage, model, shape = self.stage, self.model, self.stage.shape
        clock, width = making.clock(stage), making.width(stage)
        laws = tuple(
            LawSheet(
                name,
                model is None or name in BASE_LAWS,
                sliders(name, clock, width),
                making.surprise(stage, name, 1, shape.frames, shape.size),
            )
            for name in LAW_NAMES
        )
        return Start(
            run=model.name if model else None,
            missing="" if model else MISSING,
            shape=shape,
            seconds=stage.seconds,
            prefix=model.prefix if model else shape.frames // 2,
            ends=model.ends if model else shape.frames // 4,
            laws=laws,
            model_laws=BASE_LAWS,
            unguided=model.unguided if model else MISSING,
            step=getattr(stage.spec.world, "most_step", None),
            noise=stage.noise.position if stage.noise else None,
            colours=TIME_COLOURS,
            most_bytes=uploads.MOST_BYTES,
        )

    def make(self, ask: Motion) -> making.Made:
        return making.make(self.stage, ask)

    def surprise(self, ask: Chance) -> Motion:
        return making.surprise(self.stage, ask.law, ask.seed, ask.frames, ask.size)

    def draw(self, ask: drawing.Stroke) -> drawing.Drawn:
        return drawing.drawn(self.stage, ask)

    def read(self, ask: OneClip) -> ruler.Reading:
        return ruler.read_clip(self.stage, ask.film.clip)

    def ask(self, ask: OneClip) -> asking.Opinion:
        return asking.opinion(self.stage, self._model, ask.film.clip)

    def generate(self, ask: asking.Generation) -> tuple[asking.Generated, ...]:
        return asking.generated(self.stage, self._model, ask)

    def tokens(self, ask: OneClip) -> holes.Tokens:
        return holes.tokens_of(self.stage, self._model, ask.film.clip)

    def fill(self, ask: holes.Holes) -> holes.Refilled:
        return holes.refilled(self.stage, self._model, ask)

    def upload(self, content: bytes, cut: uploads.Cut | None) -> uploads.Uploaded:
        return uploads.uploaded(self.stage, content, cut)

    def export(self, ask: exports.Wish) -> bytes:
        return exports.exported(ask)

    @property
    def questions(self) -> dict[str, tuple[type, Callable[[Any], Any]]]:
        """What is asked in JSON and answered in JSON: the record of the request, and the function."""
        return {
            "make": (Motion, self.make),
            "surprise": (Chance, self.surprise),
            "draw": (drawing.Stroke, self.draw),
            "read": (OneClip, self.read),
            "ask": (OneClip, self.ask),
            "generate": (asking.Generation, self.generate),
            "tokens": (OneClip, self.tokens),
            "fill": (holes.Holes, self.fill),
        }

    @property
    def _model(self) -> Model:
        if self.model is None:
            raise UserError(MISSING)
        return self.model
