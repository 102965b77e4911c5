"""What is judged and on what: the contract of a model, the choices of an exam, the true clips and their measures."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64, UInt8
from torch import Tensor

from marey.core.config import strict
from marey.core.errors import UserError
from marey.core.seeds import step_seed
from marey.data.clips import as_clips, as_video
from marey.encoders.guest import Guest
from marey.judge.law.fit import LawFit, fit_laws, turning_prior
from marey.judge.law.fits import Range
from marey.judge.reading.noise import Noise
from marey.judge.seen import Seen
from marey.judge.tracker import Tracks, track_clips
from marey.world.laws import BASE_LAWS
from marey.world.render import render
from marey.world.scenes import Scenes

Video = Float[Tensor, "B C T H W"]
Clips = UInt8[np.ndarray, "N T H W C"]

_KNOWN = 100  # training clips that tell the tracker's noise


@runtime_checkable
class VideoModel(Protocol):
    """A model as the judge sees it: video in, video out, pixels in [-1, 1]; seeds make sampling repeatable.

    levels: vocabulary of each digit of an index, lowest first. predict and interpolate return whole clips, the shown
    frames included.
    """

    levels: tuple[int, ...]

    def reconstruct(self, video: Video) -> Video: ...
    def indices(self, video: Video) -> Int64[Tensor, "B *latent"]: ...
    def classify(self, video: Video) -> Float[Tensor, "B laws"]: ...
    def predict(self, prefix: Video, horizon: int, seed: int) -> Video: ...
    def interpolate(self, first: Video, last: Video, hidden: int, seed: int) -> Video: ...
    def generate(self, law: Int64[Tensor, "B"], seed: int) -> Video: ...


@strict
@dataclass(frozen=True)
class JudgeConfig:
    """prefix + horizon and 2 ends + hidden must both be the number of frames; counts are clips."""

    prefix: int = 4
    horizon: int = 4
    ends: int = 2
    hidden: int = 4
    generated: int = 500
    shown: int = 16  # clips per task that are kept for looking at
    train_clips: int = 4000  # training clips that the baselines learn from; copies are sought among all
    batch_size: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("generated", len(BASE_LAWS)), ("shown", 1), ("train_clips", 2), ("batch_size", 1)):
            if getattr(self, name) < least:
                raise UserError(f"judge.{name}={getattr(self, name)} is too few; it must be at least {least}")


@dataclass(frozen=True)
class Exam:
    """A model, the true scenes, and everything measured once on the true clips (cached): the ruler's own error."""

    model: VideoModel
    train: Scenes
    test: Scenes
    config: JudgeConfig
    guest: Guest | None = None  # whose features of generated and true clips are compared

    def __post_init__(self) -> None:
        frames, config = self.test.times.shape[1], self.config
        for name, shown, hidden in (
            ("prefix + horizon", config.prefix, config.horizon),
            ("2 * ends + hidden", 2 * config.ends, config.hidden),
        ):
            if shown + hidden != frames or min(shown, hidden) < 1:
                raise UserError(f"judge: {name} is {shown} + {hidden}; make it {frames}, the frames of a clip")
        _refuse_unfittable(self.test)

    @cached_property
    def clips(self) -> Clips:
        """The true test clips."""
        return render(self.test)

    @cached_property
    def contrast(self) -> Float64[np.ndarray, "N"]:
        """Grey levels between each test clip's dot and its paper."""
        return contrasts(self.test)

    @cached_property
    def tracks(self) -> Tracks:
        """The tracker on the true test clips."""
        return self.track(self.clips, self.contrast)

    @cached_property
    def fit(self) -> LawFit:
        """The law fit on the true test clips."""
        return self.fit_of(self.tracks)

    @cached_property
    def true(self) -> Seen:
        """What is seen in the true test clips."""
        return self.seen(self.clips, self.tracks)

    @property
    def reconstructs(self) -> bool:
        """Whether there is a tokenizer to ask."""
        return True

    @cached_property
    def decoded(self) -> Seen | None:
        """What is seen in the test clips after they went through the model's tokenizer and back, if it has one."""
        if not self.reconstructs:
            return None
        return self.seen(self.answers("reconstruct", lambda video, _: self.model.reconstruct(video), self.clips))

    @cached_property
    def noise(self) -> Noise | None:
        """How much the tracker errs on true training clips; None if there are too few to tell."""
        some = self.train.take(np.arange(min(_KNOWN, len(self.train))))
        truth = Tracks(some.track, some.apparent_radius, some.whole[:, 0, 0])
        return Noise.measured(self.track(render(some), contrasts(some)), truth)

    @property
    def size(self) -> int:
        """Width of the frames, pixels."""
        return self.test.camera.size

    @property
    def prefix(self) -> Bool[np.ndarray, "T"]:
        """Frames given for prediction."""
        return np.arange(self.config.prefix + self.config.horizon) < self.config.prefix

    @property
    def ends(self) -> Bool[np.ndarray, "T"]:
        """Frames given for interpolation."""
        frame = np.arange(2 * self.config.ends + self.config.hidden)
        return (frame < self.config.ends) | (frame >= self.config.ends + self.config.hidden)

    @property
    def few(self) -> Scenes:
        """The training scenes that the baselines learn from."""
        return self.train.take(np.arange(min(self.config.train_clips, len(self.train))))

    @cached_property
    def turning(self) -> Range:
        """The law fit's prior, degrees a frame: so that the true training clips, long or short, are within it."""
        turns = np.isin(self.train.law, [BASE_LAWS.index("circular"), BASE_LAWS.index("helical")])
        scenes = self.train.take(turns)
        interval = scenes.times[:, 1] - scenes.times[:, 0]
        return turning_prior(np.degrees(np.abs(scenes.parameters[:, 0, 1]) * interval))

    def track(self, clips: Clips, contrast: float | Float64[np.ndarray, "N"]) -> Tracks:
        """Where the dot is in any clips, those of a model too; it is known whether it is flat in this world."""
        return track_clips(clips, contrast, self.test.picture.flat)

    def seen(self, clips: Clips, tracks: Tracks | None = None) -> Seen:
        """What is seen in clips that should be the test clips. tracks: where they are known already."""
        tracks = self.track(clips, self.contrast) if tracks is None else tracks
        return Seen.of(clips, tracks, self.test, self.contrast)

    def fit_of(self, tracks: Tracks) -> LawFit:
        """The law fit through the test scenes' first camera."""
        return fit_laws(tracks, float(self.test.camera.focal[0, 0]), self.size, turning=self.turning)

    def answers(self, name: str, ask: Callable[[Video, int], Video], clips: Clips) -> Clips:
        """What the model makes of `clips`; see `answered`."""
        return answered(name, ask, clips, self.config)

    @property
    def asked(self) -> Int64[np.ndarray, "G"]:
        """The laws that generated clips are to follow, in turn."""
        return np.arange(self.config.generated) % len(BASE_LAWS)

    def generated(self) -> Clips:
        """A clip of each of the `asked` laws, batch by batch with a seed each."""
        size, law = self.config.batch_size, torch.from_numpy(self.asked)
        return np.concatenate([
            checked(
                "generate",
                self.model.generate(law[i : i + size], step_seed(self.config.seed, i)),
                self.clips.shape[1:],
            )
            for i in range(0, len(law), size)
        ])  # fmt: skip

    def batches(self, clips: Clips) -> Iterator[tuple[Video, int]]:
        """The clips as video, with a seed per batch."""
        return batches(clips, self.config)


def answered(name: str, ask: Callable[[Video, int], Video], clips: Clips, config: JudgeConfig) -> Clips:
    """What a model makes of `clips`, batch by batch with a seed each; its pixels are checked."""
    return np.concatenate([checked(name, ask(video, seed), clips.shape[1:]) for video, seed in batches(clips, config)])


def batches(clips: Clips, config: JudgeConfig) -> Iterator[tuple[Video, int]]:
    """The clips as video, with a seed per batch."""
    for i in range(0, len(clips), config.batch_size):
        yield as_video(clips[i : i + config.batch_size]), step_seed(config.seed, i)


def checked(name: str, video: Video, shape: tuple[int, ...]) -> Clips:
    """The model's video as clips; a wrong shape or a pixel that is no number is an error, never a score."""
    frames, height, width, channels = shape
    if tuple(video.shape[1:]) != (channels, frames, height, width):
        wanted = ("B", channels, frames, height, width)
        raise UserError(f"model.{name} returned shape {tuple(video.shape)}; the judge needs {wanted}")
    if not torch.isfinite(video).all():
        raise UserError(f"model.{name} returned pixels that are not finite; train it again with a lower rate")
    return as_clips(video)


def contrasts(scenes: Scenes) -> Float64[np.ndarray, "N"]:
    """Grey levels between dot and paper in the channel where they differ most."""
    return np.abs(scenes.picture.paper.astype(np.float64) - scenes.picture.ink[:, 0]).max(axis=1)


def _refuse_unfittable(scenes: Scenes) -> None:
    """The law fit knows one body, the four base laws and one pinhole camera; all else it would fit wrongly."""
    focal, bodies = scenes.camera.focal[:, 0], scenes.laws.shape[1]
    if scenes.names != BASE_LAWS:
        fix = f"judge a world whose laws are {', '.join(BASE_LAWS)}"
        raise UserError(f"judge: the law fit does not know the laws {', '.join(scenes.names)}; {fix}")
    if bodies > 1:
        raise UserError(f"judge: the law fit follows one body and these clips have up to {bodies}; give them one")
    if scenes.camera.distortion[:, 0].any():
        raise UserError("judge: the law fit knows no lens; set k1, k2, k3, p1 and p2 of world.rig to (0, 0)")
    if (focal != focal[:1]).any():
        raise UserError("judge: the law fit knows one focal length; give all clips the same")
