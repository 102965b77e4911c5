"""Tokenizer and dynamics as one model of video: pixels in, pixels out."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from marey.core.errors import UserError
from marey.dynamics.decode import fill
from marey.dynamics.sequence import Sequence
from marey.dynamics.tasks import Exercise, task_index
from marey.dynamics.transformer import Batch, Dynamics
from marey.tokens.tokenizer import Tokenizer
from marey.world.laws import BASE_LAWS, law_index

Video = Float[Tensor, "B C T H W"]
Part = Float[Tensor, "B C _ H W"]  # of a clip
Digits = Int64[Tensor, "B t h w F"]


@dataclass(frozen=True)
class Shape:
    """Of the clips a model works on."""

    channels: int
    frames: int
    size: int


def as_shown(video: Video, shown: Bool[Tensor, "B T"]) -> Video:
    """The clip as its task shows it: each hidden frame replaced by the shown one before it, else by the one after it.

    Nothing of the hidden frames is left. With no frame shown the clip is grey.
    """
    frames = torch.arange(shown.shape[1], device=shown.device)
    before = torch.where(shown, frames, -1).cummax(dim=1).values
    first = torch.where(shown, frames, shown.shape[1]).amin(dim=1, keepdim=True)
    source = torch.where(before >= 0, before, first.clamp(max=shown.shape[1] - 1))
    filled = video.gather(2, source[:, None, :, None, None].expand_as(video))
    return torch.where(shown.any(dim=1)[:, None, None, None, None], filled, 0.0)


class VideoModel(nn.Module):
    """The four tasks, in pixels.

    All video is float `B C T H W` in [-1, 1]. `temperature` and `steps` belong to the parallel decoding. By default a
    completion is the likeliest one (temperature 0), a new clip is drawn (temperature 1).
    """

    def __init__(self, tokenizer: Tokenizer, dynamics: Dynamics, shape: Shape):
        super().__init__()
        self.tokenizer, self.dynamics, self.shape = tokenizer, dynamics, shape
        self.levels = tokenizer.config.quantizer.levels

    # -- from pixels to sequences ---------------------------------------------------------------------------------

    @torch.no_grad()
    def sequence(self, video: Video, law: Int64[Tensor, "B"], exercise: Exercise) -> Sequence:
        """What the transformer is shown of a clip: nothing in it depends on hidden frames, nor on a hidden class.

        A cell that the encoder computed from shown frames alone is known. One that holds shown frames but reaches
        into filled ones is a condition: shown, and predicted all the same (COMMIT, MAGVIT section 3.2).
        """
        digits = self.digits(as_shown(video, exercise.frames))
        known, hint = self._masks(exercise, digits)
        row = self.dynamics.layout.row(exercise.task, law, digits)
        return Sequence(torch.where(known | hint, row, 0), known, hint)

    @torch.no_grad()
    def batch(self, video: Video, law: Int64[Tensor, "B"], exercise: Exercise, reveal: Bool[Tensor, "B E"]) -> Batch:
        """A training batch: the exercise's sequence with some of the hidden elements revealed, and the true values."""
        hinted = None if self.tokenizer.local else self.sequence(video, law, exercise).values
        return self.batch_of(self.digits(video), law, exercise, reveal, hinted)

    def batch_of(
        self,
        digits: Digits,
        law: Int64[Tensor, "B"],
        exercise: Exercise,
        reveal: Bool[Tensor, "B E"],
        hinted: Int64[Tensor, "B E"] | None = None,
    ) -> Batch:
        """The same from the true clip's digits. hinted: the values of the sequence as shown, if it can hold hints.

        What is known has the same value in the true clip, so only hints are taken from the clip as shown.
        """
        targets = self.dynamics.layout.row(exercise.task, law, digits)
        known, hint = self._masks(exercise, digits)
        known = known | reveal
        hint = hint & ~known
        values = targets if hinted is None else torch.where(hint, hinted, targets)
        return Batch(Sequence(torch.where(known | hint, values, 0), known, hint), targets, ~known)

    @torch.no_grad()
    def digits(self, video: Video) -> Digits:
        return self.tokenizer.quantizer.split(self.tokenizer.encode(video).indices)

    def _masks(self, exercise: Exercise, like: Tensor) -> tuple[Bool[Tensor, "B E"], Bool[Tensor, "B E"]]:
        """What is known, and what is a hint, as masks over the flat row."""
        stride = self.tokenizer.config.stride[0]
        settled = self.tokenizer.settled(exercise.frames[:, :, None, None])[:, :, 0, 0]
        touched = F.max_pool1d(F.pad(exercise.frames.float(), (stride - 1, 0)), stride) > 0  # holds a shown frame

        def row(task: Tensor, law: Tensor, frames: Bool[Tensor, "B t"]) -> Bool[Tensor, "B E"]:
            return self.dynamics.layout.row(task, law, frames[:, :, None, None, None].expand_as(like))

        never = torch.zeros_like(exercise.law)
        return row(~never, exercise.law, settled), row(never, never, touched & ~settled)

    # -- the four tasks ------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def reconstruct(self, video: Video) -> Video:
        """Through the tokenizer and back."""
        return self.tokenizer.decode(self.indices(video))

    @torch.inference_mode()
    def indices(self, video: Video) -> Int64[Tensor, "B t h w"]:
        """The clip's tokens."""
        return self.tokenizer.encode(self._checked(video, "video", self.shape.frames)).indices

    @torch.inference_mode()
    def classify(self, video: Video) -> Float[Tensor, "B laws"]:
        """Probability of each law, by the class token."""
        video = self._checked(video, "video", self.shape.frames)
        sequence = self._asked("classify", video, torch.ones(video.shape[2], dtype=torch.bool), None)
        return self.dynamics.class_logits(sequence).softmax(dim=-1)

    def predict(
        self, prefix: Part, horizon: int, seed: int = 0, law: int | str | None = None, **decoding: Any
    ) -> Video:
        """The whole clip: `prefix` and `horizon` more frames, with or without the class given."""
        prefix = self._checked(prefix, "prefix")
        shown = prefix.shape[2]
        total = self._total(shown + horizon, f"prefix has {shown} frames, horizon is {horizon}", horizon)
        video = self._padded(prefix)
        decoding = {"temperature": 0.0} | decoding
        filled = self._fill("predict", video, torch.arange(self.shape.frames) < shown, law, seed, **decoding)
        return torch.cat([prefix, filled[:, :, shown:total]], dim=2)

    def interpolate(
        self, first: Part, last: Part, hidden: int, seed: int = 0, law: int | str | None = None, **decoding: Any
    ) -> Video:
        """The whole clip: `first`, `hidden` frames in between, `last`."""
        first, last = self._checked(first, "first"), self._checked(last, "last")
        if len(first) != len(last):
            raise UserError(f"first holds {len(first)} clips and last {len(last)}; give as many of both")
        start, stop = first.shape[2], first.shape[2] + hidden
        total = self._total(stop + last.shape[2], f"first, hidden, last are {start}, {hidden}, {last.shape[2]}", hidden)
        video = self._padded(torch.cat([first, first[:, :, -1:].expand(-1, -1, hidden, -1, -1), last], dim=2))
        frame = torch.arange(self.shape.frames)
        shown = (frame < start) | ((frame >= stop) & (frame < total))
        decoding = {"temperature": 0.0} | decoding
        filled = self._fill("interpolate", video, shown, law, seed, **decoding)
        return torch.cat([first, filled[:, :, start:stop], last], dim=2)

    def generate(
        self, law: int | str | Int64[Tensor, "B"], seed: int = 0, n: int = 1, drafts: int = 8, **decoding: Any
    ) -> Video:
        """New clips: `n` of one law, or one for each label in `law`.

        drafts: drawn for each clip; the one is kept in which the model's own class token reads the law best.
        """
        if n < 1 or drafts < 1:
            raise UserError(f"n={n}, drafts={drafts}: give at least one of each")
        if not isinstance(law, Tensor):
            law = torch.tensor([law_index(law, BASE_LAWS)] * n)
        shape, every = self.shape, self._labels(law, len(law)).repeat_interleave(drafts)
        blank = torch.zeros(len(every), shape.channels, shape.frames, shape.size, shape.size, device=self.device)
        none = torch.zeros(shape.frames, dtype=torch.bool)
        clips = self._fill("generate", blank, none, every, seed, **decoding)
        agreed = self.classify(clips).gather(1, every[:, None]).view(-1, drafts)
        return clips.unflatten(0, (-1, drafts))[torch.arange(len(law), device=self.device), agreed.argmax(dim=1)]

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    # -- inside --------------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def _fill(
        self,
        task: str,
        video: Video,
        shown: Bool[Tensor, "T"],
        law: Tensor | int | str | None,
        seed: int,
        **decoding: Any,
    ) -> Video:
        if law is not None:
            law = self._labels(law, len(video))
        sequence = self._asked(task, video, shown, law)
        row = fill(self.dynamics, sequence, generator=torch.Generator().manual_seed(seed), **decoding)
        return self.tokenizer.decode(self.tokenizer.quantizer.join(self.dynamics.layout.digits(row)))

    def _labels(self, law: Tensor | int | str, n: int) -> Int64[Tensor, "B"]:
        """One label per clip, each that of a law."""
        if not isinstance(law, Tensor):
            return torch.full((n,), law_index(law, BASE_LAWS), device=self.device)
        if law.dtype != torch.int64 or law.shape != (n,) or n == 0:
            raise UserError(f"law is {law.dtype} of shape {tuple(law.shape)}; give int64 labels, one per clip")
        for label in law.unique().tolist():
            law_index(label, BASE_LAWS)
        return law.to(self.device)

    def _checked(self, video: Tensor, name: str, frames: int | None = None) -> Video:
        """The argument on the model's device, if the model can take it; else one line that says why not."""
        shape = self.shape
        if not isinstance(video, Tensor) or not video.is_floating_point():
            kind = video.dtype if isinstance(video, Tensor) else type(video).__name__
            raise UserError(f"{name} is {kind}; give a float tensor in [-1, 1] (uint8 / 127.5 - 1)")
        wanted = (shape.channels, frames or "T", shape.size, shape.size)
        if video.ndim != 5 or (video.shape[1], *video.shape[3:]) != (shape.channels, shape.size, shape.size):
            takes = ", ".join(map(str, wanted))
            raise UserError(f"{name} has shape {tuple(video.shape)}; this model takes (B, {takes})")
        if frames is not None and video.shape[2] != frames:
            raise UserError(f"{name} has {video.shape[2]} frames; this model takes {frames}")
        if video.shape[2] == 0 or len(video) == 0:
            raise UserError(f"{name} is empty; give at least one clip of one frame")
        if not (video.abs() <= 1).all():  # NaN fails too
            raise UserError(f"{name} has values outside [-1, 1]; scale pixels as uint8 / 127.5 - 1")
        return video.to(self.device)

    def _total(self, total: int, parts: str, hidden: int) -> int:
        if hidden < 1:
            raise UserError(f"{parts}: ask for at least one hidden frame")
        if total > self.shape.frames:
            raise UserError(f"{parts}: together more than the {self.shape.frames} frames that this model knows")
        return total

    def _padded(self, video: Part) -> Video:
        """The clip at full length; what is added is hidden and never looked at."""
        return F.pad(video, (0, 0, 0, 0, 0, self.shape.frames - video.shape[2]))

    def _asked(self, task: str, video: Video, shown: Bool[Tensor, "T"], law: Int64[Tensor, "B"] | None) -> Sequence:
        n, device = len(video), self.device
        exercise = Exercise(
            torch.full((n,), task_index(task), device=device),
            shown.to(device).expand(n, -1),
            torch.full((n,), law is not None, device=device),
        )
        return self.sequence(video, torch.zeros_like(exercise.task) if law is None else law.to(device), exercise)
