"""A tokenizer of natural video: films in, windows out, and how well held-out ones come back."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from marey.core.config import strict
from marey.core.errors import UserError
from marey.core.files import sha256, write_atomically, write_json
from marey.core.runs import RunFolder
from marey.data.clips import Ahead, as_clips, as_video
from marey.data.films import Films
from marey.data.imports import import_foreign
from marey.data.imports.foreign import PLAN
from marey.data.staged import Progress, silent
from marey.metrics import codebook
from marey.metrics.figure import Figure, mean_figure
from marey.metrics.likeness import ssim
from marey.metrics.pixels import psnr
from marey.recipes.strips import strip
from marey.tokens.tokenizer import MagvitConfig, Perceptual, Tokenizer
from marey.train import Manner, TrainConfig, train

Clips = UInt8[np.ndarray, "N T S S 3"]
_ALONE = Manner()


@strict
@dataclass(frozen=True)
class FilmsRecipe:
    """A tokenizer and how it is trained on films. frames, size: of a window. shorter: pixels that a film's shorter side
    is shrunk to when it is taken in. held_out: share of each film, its end. judged: windows of it that are measured.
    """

    frames: int = 9
    size: int = 64
    shorter: int = 128
    held_out: float = 0.2
    judged: int = 64
    tokenizer: MagvitConfig = MagvitConfig()  # noqa: RUF009 (frozen)
    training: TrainConfig = TrainConfig(  # noqa: RUF009 (frozen)
        steps=600, batch_size=8, learning_rate=3e-3, warmup_steps=30, ema_decay=0.98, checkpoint_every=50
    )
    seed: int = 0

    def __post_init__(self) -> None:
        t, h, w = self.tokenizer.stride
        if self.tokenizer.channels != 3:
            raise UserError(f"tokenizer.channels={self.tokenizer.channels}: films have 3")
        if (self.frames - 1) % t or self.size % h or self.size % w or self.size > self.shorter:
            raise UserError(
                f"frames={self.frames}, size={self.size}, shorter={self.shorter}: frames must be 1 + k * {t}, the size "
                f"a multiple of {h} and {w} and at most shorter"
            )
        if not 0 < self.held_out < 1 or self.judged < 1:
            raise UserError(
                f"held_out={self.held_out}, judged={self.judged}: give a share between 0 and 1, and at least 1"
            )


FILMS = FilmsRecipe()


@strict
@dataclass(frozen=True)
class FilmsStage:
    """All that decides the weights. films: hash of the imported folder's checksums."""

    recipe: FilmsRecipe
    films: str


def take_films(source: Path, out: Path, recipe: FilmsRecipe, progress: Progress = silent) -> Path:
    """The imported folder that holds the films: `source` itself, if it is one, else out/films, made from `source`."""
    if (source / PLAN).exists():
        return source
    if not (out / "films" / PLAN).exists():
        import_foreign(source, out / "films", progress=progress, shorter=recipe.shorter)
    return out / "films"


def train_on_films(
    path: Path,
    recipe: FilmsRecipe,
    out: Path,
    device: torch.device,
    resume: bool,
    manner: Manner = _ALONE,
    perceptual: Perceptual | None = None,
) -> Tokenizer:
    """Train a tokenizer on an imported folder, in out/tokenizer, or finish what is there."""
    folder = RunFolder.start(out / "tokenizer", FilmsStage(recipe, sha256(path / "SHA256SUMS")), resume)
    films, training = Films(path, recipe.frames, recipe.size, recipe.held_out), recipe.training
    torch.manual_seed(recipe.seed)
    model = Tokenizer(recipe.tokenizer, perceptual)
    batches = Ahead(lambda step, device: films.batch(step, training.batch_size, recipe.seed).to(device))
    some = as_video(films.held_out(16)).to(device)

    def validate(_: int, averaged: Tokenizer) -> dict[str, float]:
        with torch.no_grad():
            loss, indices = averaged(some).total, averaged.encode(some).indices
        return {"validation_loss": float(loss)} | codebook.census(indices.cpu().numpy(), averaged.quantizer.levels)

    def paint(_: int, averaged: Tokenizer) -> UInt8[np.ndarray, "H W 3"]:
        with torch.no_grad():
            return strip(some[::4], averaged.decode(averaged.encode(some[::4]).indices))

    often = max(1, training.steps // 20)
    trials, pictures = [(often, validate)], [(often, paint)]
    return train(model, batches, training, folder, recipe.seed, device, trials, pictures, manner=manner)


def judge_films(path: Path, recipe: FilmsRecipe, tokenizer: Tokenizer, out: Path) -> list[Figure]:
    """How held-out windows come back, beside what trivial rules make of them: out/metrics.json, out/clips.

    Intervals draw windows again; windows of one film are alike, so that they say nothing of other films.
    """
    clips = Films(path, recipe.frames, recipe.size, recipe.held_out).held_out(recipe.judged)
    batches = [as_video(clips[i : i + 8]) for i in range(0, len(clips), 8)]
    device = next(tokenizer.parameters()).device
    with torch.inference_mode():
        indices = [tokenizer.encode(video.to(device)).indices for video in batches]
        decoded = np.concatenate([as_clips(tokenizer.decode(each)) for each in indices])
    rules = {"copy_first": np.repeat(clips[:, :1], clips.shape[1], axis=1), "mean_colour": _mean_colour(clips)}
    figures = [
        mean_figure(f"films.{name}", ruler(decoded, clips), unit, recipe.seed,
                    baselines={rule: float(ruler(each, clips).mean()) for rule, each in rules.items()})
        for name, ruler, unit in (("psnr", psnr, "dB"), ("ssim", ssim, "SSIM"))
    ]  # fmt: skip
    found = torch.cat(indices).cpu().numpy()
    for name, value in codebook.census(found, tokenizer.quantizer.levels).items():
        figures.append(Figure(f"films.{name}", value, "share" if name == "codebook_use" else "codes", found.size))
    write_atomically(out / "clips" / "films.npz", _saver({"truth": clips, "model": decoded}))
    write_json(out / "metrics.json", [figure.to_json() for figure in figures])
    return figures


def _mean_colour(clips: Clips) -> Clips:
    """Each clip as one even colour."""
    mean = clips.mean(axis=(1, 2, 3), keepdims=True).round().astype(np.uint8)
    return np.broadcast_to(mean, clips.shape)


def _saver(arrays: dict[str, Any]) -> Callable[[Path], None]:
    def save(file: Path) -> None:
        with file.open("wb") as stream:  # a name would be given the ending .npz
            np.savez_compressed(stream, **arrays)

    return save
