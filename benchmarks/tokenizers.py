"""Quality per CPU second of training, on one core and the same clips.

Ours, a VideoGPT-style VQ-VAE (benchmarks/videogpt.py) and magvit2-pytorch (the extra `benchmark`) learn clips of
8 x 32 x 32 of the world `matched`, each for so many CPU seconds of its own, making batches included. What is asked
after: how many frames of the test clips keep their dot.

OMP_NUM_THREADS=1 python benchmarks/tokenizers.py [SECONDS ...]     stops to measure; 60 and 300 if none are given
"""

# ruff: noqa: T201 - a benchmark prints

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from videogpt import LEARNING_RATE, VideoGPTTokenizer

from marey.data.clips import Batches, as_clips, as_video
from marey.judge.exam import contrasts
from marey.judge.tracker import track_clips
from marey.metrics.pixels import psnr, survives
from marey.metrics.statistics import bootstrap_interval
from marey.metrics.tracks import ade
from marey.recipes.catalogue import SMALL
from marey.tokens.tokenizer import Tokenizer
from marey.world.render import render

CPU = torch.device("cpu")
TEST = 200
SPEC = replace(SMALL.dataset, test=TEST)


@dataclass(frozen=True)
class Entrant:
    """A tokenizer as this benchmark sees it."""

    name: str
    model: nn.Module
    batch_size: int
    learning_rate: float
    loss: Callable[[Tensor], Tensor]
    reconstruct: Callable[[Tensor], Tensor]


def main() -> None:
    budgets = sorted(float(each) for each in sys.argv[1:]) or [60.0, 300.0]
    torch.set_num_threads(1)
    scenes = SPEC.scenes("test")
    clips, contrast = render(scenes), contrasts(scenes)
    blank = np.broadcast_to(scenes.picture.paper[:, None, None, None], clips.shape)
    floor = ade(track_clips(clips, contrast).track, scenes.track, SPEC.world.size).mean()
    print(
        f"{TEST} test clips; PSNR of the blank page {psnr(blank, clips).mean():.1f} dB; tracker's floor {floor:.4f} px"
    )
    heads = "parameters", "CPU s", "steps", "frames surviving (95 %)", "track error", "PSNR"
    print(f"{'':32}" + "".join(f"{head:>26}" if "(" in head else f"{head:>13}" for head in heads), flush=True)
    for build in (ours, videogpt, magvit2):
        torch.manual_seed(0)
        try:
            entrant = build()
        except ImportError as error:
            print(f"{build.__name__:32}not run: {error}; pip install marey[benchmark]", flush=True)
            continue
        run(entrant, budgets, lambda made: row(made, clips, scenes.track, contrast))


def ours() -> Entrant:
    model, training = Tokenizer(SMALL.tokenizer), SMALL.tokenizer_training
    return Entrant(
        "ours (recipe small)", model, training.batch_size, training.learning_rate,
        lambda video: model(video).total, lambda video: model.decode(model.encode(video).indices),
    )  # fmt: skip


def videogpt() -> Entrant:
    model = VideoGPTTokenizer(SPEC.world.channels)
    return Entrant("VideoGPT-style VQ-VAE", model, 16, LEARNING_RATE, model.loss, model.reconstruct)


def magvit2() -> Entrant:
    """Without its discriminator, which alone makes a step nine times as dear, and without VGG, whose weights it would
    fetch. Eight frames are no 1 + 2 k, so that time is not compressed.
    """
    # It imports torchvision (for VGG, not used here), and a torchvision made for CUDA stumbles over its own operators
    # beside a torch made for CPUs, unless these are declared.
    schema = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            schema.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from magvit2_pytorch import VideoTokenizer

    layers = ("residual", "compress_space", "residual", "compress_space", "residual", "compress_space", "residual")
    model = VideoTokenizer(
        image_size=SPEC.world.size, channels=SPEC.world.channels, init_dim=16, max_dim=64, codebook_size=1024,
        layers=layers, use_gan=False, perceptual_loss_weight=0.0,
    )  # fmt: skip
    return Entrant("magvit2-pytorch", model, 8, 1e-3, lambda video: model(video, return_loss=True)[0], model)


def run(entrant: Entrant, budgets: list[float], measure: Callable[[np.ndarray], str]) -> None:
    """Train with AdamW and a short warm-up, at a constant rate: each budget is a stop on the same way."""
    batches = Batches(SPEC, entrant.batch_size, 0, augmented=True)
    optimizer = torch.optim.AdamW(entrant.model.parameters(), lr=entrant.learning_rate)
    parameters = sum(each.numel() for each in entrant.model.parameters())
    spent, step = 0.0, 0
    batches(0, CPU)  # compiles
    for budget in budgets:
        entrant.model.train()
        start = time.process_time()
        while spent + time.process_time() - start < budget:
            for group in optimizer.param_groups:
                group["lr"] = entrant.learning_rate * min(1.0, (step + 1) / 50)
            optimizer.zero_grad()
            entrant.loss(batches(step, CPU).video).backward()
            nn.utils.clip_grad_norm_(entrant.model.parameters(), 1.0)
            optimizer.step()
            step += 1
        spent += time.process_time() - start
        entrant.model.eval()
        with torch.no_grad():
            test = as_video(render(SPEC.scenes("test")))
            made = np.concatenate([as_clips(entrant.reconstruct(part)) for part in test.split(20)])
        print(f"{entrant.name:32}{parameters:13,}{spent:13.0f}{step:13,}{measure(made)}", flush=True)


def row(made: np.ndarray, clips: np.ndarray, track: np.ndarray, contrast: np.ndarray) -> str:
    alive = survives(made, track, contrast).mean(axis=1)
    low, high = bootstrap_interval(alive, 0)
    error = ade(track_clips(made, contrast).track, track, SPEC.world.size).mean()
    share = f"{alive.mean():.1%} ({low:.1%} to {high:.1%})"
    return f"{share:>26}{error:10.3f} px{psnr(made, clips).mean():10.1f} dB"


if __name__ == "__main__":
    main()
