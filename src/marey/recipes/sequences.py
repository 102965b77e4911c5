"""From clips to the sequences that a transformer sees, and from tokens back to clips."""

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from marey.dynamics.autoregressive import Autoregressive
from marey.dynamics.sequence import Sequence
from marey.dynamics.tasks import TASKS, Exercise, Task
from marey.dynamics.transformer import Batch, Dynamics
from marey.recipes.arguments import Shape
from marey.recipes.shown import as_shown, cells
from marey.tokens.tokenizer import Tokenizer

Video = Float[Tensor, "B C T H W"]
Digits = Int64[Tensor, "B t h w F"]


class TokenModel(nn.Module):
    """A tokenizer and a dynamics that fit together. tasks: what the dynamics learns, in the order of their labels."""

    def __init__(
        self, tokenizer: Tokenizer, dynamics: Dynamics | Autoregressive, shape: Shape, tasks: tuple[Task, ...] = TASKS
    ):
        super().__init__()
        assert dynamics.layout.tasks == len(tasks)
        self.tokenizer, self.dynamics, self.shape, self.tasks = tokenizer, dynamics, shape, tasks
        self.levels = tokenizer.config.quantizer.levels
        self.joint = dynamics.layout.levels != self.levels  # whether the dynamics sees an index as one name

    @torch.no_grad()
    def sequence(self, video: Video, law: Int64[Tensor, "B"], exercise: Exercise) -> Sequence:
        """What the transformer is shown of a clip: nothing in it depends on hidden pixels, nor on a hidden class.

        A cell that the encoder computed from shown pixels alone is known. One that holds shown pixels but reaches
        into filled ones is a condition: shown, and predicted all the same (COMMIT, MAGVIT section 3.2).
        """
        digits = self.digits(as_shown(video, exercise.shown))
        known, hint = self._masks(exercise, digits)
        row = self.dynamics.layout.row(exercise.task, law, digits)
        return Sequence(torch.where(known | hint, row, 0), known, hint)

    @torch.no_grad()
    def batch(self, video: Video, law: Int64[Tensor, "B"], exercise: Exercise, reveal: Bool[Tensor, "B E"]) -> Batch:
        """A training batch: the exercise's sequence with some of the hidden elements revealed, and the true values."""
        return self.batch_of(self.digits(video), law, exercise, reveal, video)

    @torch.no_grad()
    def batch_of(
        self,
        digits: Digits,
        law: Int64[Tensor, "B"],
        exercise: Exercise,
        reveal: Bool[Tensor, "B E"],
        video: Video | None = None,
    ) -> Batch:
        """The same from the true clip's digits. video: the true clip, needed where `may_hint` says so.

        What is known has the same value in the true clip, so only hints are taken from the clip as shown.
        """
        layout, hinted = self.dynamics.layout, self.may_hint(exercise)
        targets = layout.row(exercise.task, law, digits)
        known, hint = self._masks(exercise, digits)
        known = known | reveal
        hint = hint & ~known
        values = targets.clone()
        if hinted.any():
            assert video is not None, "hints come from the clip as it is shown"
            part = exercise.take(hinted)
            values[hinted] = layout.row(part.task, law[hinted], self.digits(as_shown(video[hinted], part.shown)))
        values = torch.where(hint, values, targets)
        return Batch(Sequence(torch.where(known | hint, values, 0), known, hint), targets, ~known)

    def may_hint(self, exercise: Exercise) -> Bool[Tensor, "B"]:
        """Clips of which some tokens are hints: all, if the encoder looks back, else those shown in part."""
        return exercise.partial if self.tokenizer.local else torch.ones_like(exercise.law)

    @torch.no_grad()
    def digits(self, video: Video) -> Digits:
        indices = self.tokenizer.encode(video).indices
        return indices[..., None] if self.joint else self.tokenizer.quantizer.split(indices)

    def _masks(self, exercise: Exercise, like: Tensor) -> tuple[Bool[Tensor, "B E"], Bool[Tensor, "B E"]]:
        """What is known, and what is a hint, as masks over the flat row."""
        found, layout, never = cells(self.tokenizer, exercise.shown), self.dynamics.layout, exercise.law & False
        known, hinted = (mask[..., None].expand_as(like) for mask in (found.known, found.hinted))
        return layout.row(~never, exercise.law, known), layout.row(never, never, hinted)

    def pixels_of(self, row: Int64[Tensor, "B E"]) -> Video:
        """The clips that rows of values stand for."""
        digits = self.dynamics.layout.digits(row)
        return self.tokenizer.decode(digits[..., 0] if self.joint else self.tokenizer.quantizer.join(digits))
