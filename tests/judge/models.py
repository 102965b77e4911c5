"""Models whose faults are known: what each does to the true clips, the judge must see."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from marey.data.clips import as_clips, as_video
from marey.world.render import render
from marey.world.scenes import Scenes

Video = Float[Tensor, "B C T H W"]
Fault = Callable[[Video], Video]


def none(video: Video) -> Video:
    """No fault."""
    return video


@dataclass
class Oracle:
    """Returns the truth, found by the frames it is shown, after `fault` has been at it."""

    test: Scenes
    fresh: Scenes
    fault: Fault = none
    laws: Callable[[Int64[np.ndarray, "N"]], Int64[np.ndarray, "N"]] = lambda law: law

    def __post_init__(self) -> None:
        self.truth, self.levels = as_video(render(self.test)), (8,)
        self.seeds: dict[str, list[int]] = defaultdict(list)

    def _look_up(self, shown: Video, frames: list[int]) -> Tensor:
        rows = {clip.tobytes(): row for row, clip in enumerate(as_clips(self.truth[:, :, frames]))}
        return torch.tensor([rows[clip.tobytes()] for clip in as_clips(shown)])

    def reconstruct(self, video: Video) -> Video:
        return self.fault(video)

    def indices(self, video: Video) -> Int64[Tensor, "B *latent"]:
        return torch.arange(len(video) * 4).reshape(-1, 4) % 4

    def classify(self, video: Video) -> Float[Tensor, "B laws"]:
        rows = self._look_up(video, list(range(video.shape[2])))
        return torch.nn.functional.one_hot(torch.from_numpy(self.laws(self.test.law))[rows], 4).float()

    def predict(self, prefix: Video, horizon: int, seed: int) -> Video:
        self.seeds["predict"].append(seed)
        return self.fault(self.truth[self._look_up(prefix, list(range(prefix.shape[2])))])

    def interpolate(self, first: Video, last: Video, hidden: int, seed: int) -> Video:
        self.seeds["interpolate"].append(seed)
        frames = [*range(first.shape[2]), *range(first.shape[2] + hidden, first.shape[2] * 2 + hidden)]
        return self.fault(self.truth[self._look_up(torch.cat([first, last], dim=2), frames)])

    def complete(self, video: Video, shown: Bool[Tensor, "B T H W"], seed: int) -> Video:
        self.seeds["complete"].append(seed)
        made = self.fault(self.truth[self._look_up(video, list(range(video.shape[2])))])
        return torch.where(shown[:, None], video, made)

    def generate(self, law: Int64[Tensor, "B"], seed: int) -> Video:
        self.seeds["generate"].append(seed)
        wanted = self.laws(law.numpy())
        generator = np.random.default_rng(seed)
        rows = [generator.choice(np.flatnonzero(self.fresh.law == k)) for k in wanted]
        return self.fault(as_video(render(self.fresh.take(np.array(rows)))))


def blank(video: Video) -> Video:
    """White paper."""
    return torch.ones_like(video)


def frozen(video: Video) -> Video:
    """The first frame for ever."""
    return video[:, :, :1].expand_as(video).contiguous()


def shifted(video: Video) -> Video:
    """One pixel to the right."""
    return torch.roll(video, 1, dims=-1)


def swapped(video: Video) -> Video:
    """The next clip of the batch."""
    return torch.roll(video, 1, dims=0)


def backwards(video: Video) -> Video:
    """Time reversed."""
    return video.flip(2)


def faded(video: Video) -> Video:
    """A dot with a third of its contrast."""
    return 1 - (1 - video) / 3


def recoloured(video: Video) -> Video:
    """A dot of another grey, that still has more than half of its contrast."""
    return 1 - 0.7 * (1 - video)


def split(video: Video) -> Video:
    """Two dots in place of one, ten pixels apart."""
    return torch.minimum(torch.roll(video, 5, dims=-1), torch.roll(video, -5, dims=-1))


def swollen(video: Video) -> Video:
    """A dot with more than three times its area."""
    return -torch.nn.functional.max_pool3d(-video, (1, 5, 5), stride=1, padding=(0, 2, 2))


def half_erased(video: Video) -> Video:
    """No dot in the second half of the clip."""
    video = video.clone()
    video[:, :, video.shape[2] // 2 :] = 1
    return video
