"""Tokenizer and dynamics as one model of video: pixels in, pixels out."""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from marey.core.errors import UserError
from marey.core.numbers import whole_number
from marey.core.seeds import step_seed
from marey.dynamics.decode import fill
from marey.dynamics.guidance import Guidance
from marey.dynamics.tasks import Exercise, nearest_task, task_index, without_class
from marey.recipes.arguments import Shape as Shape
from marey.recipes.arguments import (
    checked_labels,
    checked_seed,
    checked_shown,
    checked_tokens,
    checked_total,
    checked_video,
)
from marey.recipes.sequences import Digits as Digits
from marey.recipes.sequences import TokenModel, Video
from marey.recipes.shown import pixels

Part = Float[Tensor, "B C _ H W"]  # of a clip
Law = Int64[Tensor, "B"] | int | str  # labels, or the label or name of one law for all clips


class VideoModel(TokenModel):
    """All tasks, in pixels.

    All video is float `B C T H W` in [-1, 1]. `temperature`, `steps` and `order` belong to the decoding (see `fill`);
    `guidance` is its weight, towards the class that is given. By default a completion is the likeliest one (temperature
    0), a new clip is drawn (temperature 1).
    """

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
        task = torch.full((len(video),), task_index("classify", self.tasks), device=self.device)
        every = torch.ones(len(video), self.shape.frames, 1, 1, dtype=torch.bool, device=self.device)
        sequence = self.sequence(video, torch.zeros_like(task), Exercise(task, every, task < 0))
        return self.dynamics.class_logits(sequence).softmax(dim=-1)

    def predict(self, prefix: Part, horizon: int, seed: int = 0, law: Law | None = None, **decoding: Any) -> Video:
        """The whole clip: `prefix` and `horizon` more frames, with or without the class given."""
        prefix = self._checked(prefix, "prefix")
        shown, frames, horizon = prefix.shape[2], self.shape.frames, whole_number(horizon, "horizon", 1)
        total = checked_total(shown + horizon, f"prefix has {shown} frames, horizon is {horizon}", frames)
        filled = self._fill("predict", self._padded(prefix), torch.arange(frames) < shown, law, seed, **decoding)
        return torch.cat([prefix, filled[:, :, shown:total]], dim=2)

    def rollout(
        self,
        prefix: Part,
        horizon: int,
        seed: int = 0,
        law: Law | None = None,
        window: int | None = None,
        **decoding: Any,
    ) -> Video:
        """`prefix` and `horizon` more frames, however many, fed by itself: the last `window` frames (half of a clip,
        unless said) predict the rest of a clip, and the last of those again. Each window has a seed of its own.
        """
        video, frames = self._checked(prefix, "prefix"), self.shape.frames
        window = whole_number(frames // 2 if window is None else window, "window", 1, frames - 1)
        total, turn, seed = video.shape[2] + whole_number(horizon, "horizon", 1), 0, checked_seed(seed)
        while video.shape[2] < total:
            last = video[:, :, -window:]
            further = min(frames - last.shape[2], total - video.shape[2])
            clip = self.predict(last, further, step_seed(seed, turn), law, **decoding)
            video, turn = torch.cat([video, clip[:, :, last.shape[2] :]], dim=2), turn + 1
        return video

    def interpolate(
        self, first: Part, last: Part, hidden: int, seed: int = 0, law: Law | None = None, **decoding: Any
    ) -> Video:
        """The whole clip: `first`, `hidden` frames in between, `last`."""
        first, last = self._checked(first, "first"), self._checked(last, "last")
        if len(first) != len(last):
            raise UserError(f"first holds {len(first)} clips and last {len(last)}; give as many of both")
        start, stop = first.shape[2], first.shape[2] + whole_number(hidden, "hidden", 1)
        parts = f"first, hidden, last are {start}, {hidden}, {last.shape[2]}"
        total = checked_total(stop + last.shape[2], parts, self.shape.frames)
        video = self._padded(torch.cat([first, first[:, :, -1:].expand(-1, -1, hidden, -1, -1), last], dim=2))
        frame = torch.arange(self.shape.frames)
        shown = (frame < start) | ((frame >= stop) & (frame < total))
        filled = self._fill("interpolate", video, shown, law, seed, **decoding)
        return torch.cat([first, filled[:, :, start:stop], last], dim=2)

    def complete(
        self,
        video: Video,
        shown: Bool[Tensor, "T"] | Bool[Tensor, "B T H W"],
        law: Law | None = None,
        seed: int = 0,
        hidden_tokens: Bool[Tensor, "t h w"] | None = None,
        **decoding: Any,
    ) -> Video:
        """The clips with whatever is not shown filled in; what is shown stays as it is.

        shown: True where a frame, or a pixel, is shown; nothing else of `video` is looked at. hidden_tokens: True where
        a token is hidden by hand, and its pixels with it. What is asked is told to the model as the nearest of the
        tasks that it has learned; a mask unlike all of them is refused.
        """
        video = self._checked(video, "video", self.shape.frames)
        seen, grid = checked_shown(shown, len(video), self.shape).to(self.device), self.dynamics.layout.grid
        hidden = torch.zeros(grid, dtype=torch.bool) if hidden_tokens is None else checked_tokens(hidden_tokens, grid)
        hidden = hidden.to(self.device)
        kept = seen & ~pixels(self.tokenizer, hidden[None])
        if kept.all():
            raise UserError("shown hides nothing, nor does hidden_tokens: there is nothing to complete")
        # Tokens hidden by hand hide whole frames as far as the task goes: any model has learned to do without tokens.
        like = kept if hidden_tokens is None else kept.flatten(2).any(dim=2)[:, :, None, None] & seen
        task = torch.tensor([nearest_task(self.tasks, each, law is not None) for each in like], device=self.device)
        filled = self._fill(task, video, seen, law, seed, hidden=hidden, **decoding)
        return torch.where(kept[:, None], video, filled)

    def generate(self, law: Law, seed: int = 0, n: int = 1, drafts: int = 8, **decoding: Any) -> Video:
        """New clips: `n` of one law, or one for each label in `law`.

        drafts: drawn for each clip; the one is kept in which the model's own class token reads the law best.
        """
        n, drafts = whole_number(n, "n", 1), whole_number(drafts, "drafts", 1)
        if isinstance(law, Tensor) and n not in (1, law.numel()):
            raise UserError(f"n={n}, but law holds {law.numel()} labels, one for each clip; leave n out")
        labels = checked_labels(law, law.numel() if isinstance(law, Tensor) else n).to(self.device)
        shape, every = self.shape, labels.repeat_interleave(drafts)
        blank = torch.zeros(len(every), shape.channels, shape.frames, shape.size, shape.size, device=self.device)
        none = torch.zeros(shape.frames, dtype=torch.bool)
        clips = self._fill("generate", blank, none, every, seed, **({"temperature": 1.0} | decoding))
        agreed = self.classify(clips).gather(1, every[:, None]).view(-1, drafts)
        return clips.unflatten(0, (-1, drafts))[torch.arange(len(labels), device=self.device), agreed.argmax(dim=1)]

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    # -- inside --------------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def _fill(
        self,
        task: str | Int64[Tensor, "B"],
        video: Video,
        shown: Bool[Tensor, "T"] | Bool[Tensor, "#B T _ _"],
        law: Law | None,
        seed: int,
        hidden: Bool[Tensor, "t h w"] | None = None,
        guidance: float = 0.0,
        **decoding: Any,
    ) -> Video:
        n, device, layout = len(video), self.device, self.dynamics.layout
        if isinstance(task, str):
            task = torch.full((n,), task_index(task, self.tasks), device=device)
        seen = shown[None, :, None, None].expand(n, -1, -1, -1) if shown.ndim == 1 else shown
        labels = torch.zeros_like(task) if law is None else checked_labels(law, n).to(device)
        sequence = self.sequence(video, labels, Exercise(task, seen.to(device), (task < 0) | (law is not None)))
        if hidden is not None:
            digits = hidden[None, ..., None].expand(n, -1, -1, -1, len(layout.levels))
            sequence = sequence.without(layout.row(task < 0, task < 0, digits))
        options: dict[str, Any] = {"temperature": 0.0} | decoding
        random = torch.Generator().manual_seed(checked_seed(seed))
        return self.pixels_of(
            fill(self.dynamics, sequence, generator=random, guidance=self._guidance(guidance, law, task), **options)
        )

    def _guidance(self, weight: float, law: Law | None, task: Int64[Tensor, "B"]) -> Guidance | None:
        """Away from the same task without the class, or from generation without a class."""
        if weight == 0:
            return None
        if law is None:
            raise UserError(f"guidance={weight} leads towards a law; give one")
        untold = [without_class(self.tasks, label) for label in task.tolist()]
        return Guidance(weight, torch.tensor(untold, device=task.device))

    def _checked(self, video: object, name: str, frames: int | None = None) -> Video:
        return checked_video(video, name, self.shape, frames).to(self.device, torch.float32)

    def _padded(self, video: Part) -> Video:
        """The clip at full length; what is added is hidden and never looked at."""
        return F.pad(video, (0, 0, 0, 0, 0, self.shape.frames - video.shape[2]))
