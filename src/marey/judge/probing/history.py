"""Two old set-ups, played again, to show why their figures meant nothing.

Both classified four laws with n = 200 clips of which 40 were the test. In one the "features" were random numbers
(17.5 % was reported); in the other the "videos" were random noise, the "encoder" one convolution and a random
projection (22.5 % against 27.5 % for random features: 9 right against 11). Neither input held a law.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int64
from scipy.stats import binomtest, norm
from sklearn.linear_model import LogisticRegression

from marey.core.config import strict, to_json
from marey.core.files import write_json, write_text
from marey.core.seeds import words
from marey.data.clips import as_video
from marey.encoders.controls import FirstConvConfig
from marey.judge.probing.files import Place
from marey.judge.probing.statistics import ALPHA, POWER, chance_interval
from marey.metrics.statistics import wilson_interval

CLIPS, TESTED, LAWS = 200, 40, 4
REPORTED = {"random features": 7, "first convolution on noise": 9}  # right of 40
_OTHER = 11  # right of 40: random features beside the convolution
_FRAMES, _SIZE, _FEATURES = 8, 16, 512
_STREAM = 11 << 32


@strict
@dataclass(frozen=True)
class Replay:
    """One set-up, repeated with fresh random numbers. right: of `TESTED` test clips, in each repetition."""

    name: str
    reported: int
    right: tuple[int, ...]
    low: float
    high: float


@strict
@dataclass(frozen=True)
class History:
    """Both set-ups, and what follows."""

    replays: tuple[Replay, ...]
    chance: float
    words: tuple[str, ...]


def replay(repetitions: int = 100) -> History:
    """Play both set-ups `repetitions` times."""
    replays = (
        _replayed("random features", [_guess(_random_features(seed), seed) for seed in range(repetitions)]),
        _replayed("first convolution on noise", [_guess(_convolved_noise(seed), seed) for seed in range(repetitions)]),
    )
    return History(replays, 1 / LAWS, (*map(_words, replays), _comparison()))


def _random_features(seed: int) -> Float32[np.ndarray, "n D"]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(CLIPS, _FEATURES, generator=generator).numpy()


def _convolved_noise(seed: int) -> Float32[np.ndarray, "n D"]:
    """Noise for videos, and for the encoder its own random weights."""
    bytes_ = words(seed, _STREAM, np.arange(CLIPS), _FRAMES * _SIZE * _SIZE * 3 // 8).view(np.uint8)
    video = as_video(bytes_.reshape(CLIPS, _FRAMES, _SIZE, _SIZE, 3))
    guest = FirstConvConfig(seed=seed, side=_SIZE).build()
    return np.concatenate([guest.features(part)["projection"].mean(dim=1).numpy() for part in video.split(50)])


def _guess(features: Float32[np.ndarray, "n D"], seed: int) -> int:
    """Right answers of a logistic regression on the last 40 of 200 clips; labels take turns, and mean nothing."""
    law: Int64[np.ndarray, n] = np.arange(CLIPS) % LAWS
    order = np.argsort(words(seed, _STREAM + 1, np.arange(CLIPS), 1)[:, 0], kind="stable")
    train, test = order[:-TESTED], order[-TESTED:]
    x = (features - features[train].mean(axis=0)) / features[train].std(axis=0).clip(1e-9)
    said = LogisticRegression(C=1e-2, max_iter=1000).fit(x[train], law[train]).predict(x[test])
    return int((said == law[test]).sum())


def _replayed(name: str, right: list[int]) -> Replay:
    low, high = np.quantile(np.array(right) / TESTED, [ALPHA / 2, 1 - ALPHA / 2])
    return Replay(name, REPORTED[name], tuple(right), float(low), float(high))


def _words(found: Replay) -> str:
    low, high = wilson_interval(found.reported, TESTED)
    guess = chance_interval(TESTED, 1 / LAWS)
    again, mean = len(found.right), np.mean(found.right) / TESTED
    return (
        f"{found.name}: {found.reported} of {TESTED} right were reported ({found.reported / TESTED:.1%}; 95 % {low:.1%}"
        f" to {high:.1%}). Played again {again} times it gives {mean:.1%} on average, from {found.low:.1%} to "
        f"{found.high:.1%} in 95 % of them; a rule that guesses lies within {guess.low:.1%} to {guess.high:.1%}. There "
        "was no law in the input, so that any figure is chance."
    )


def _comparison() -> str:
    ours, theirs = REPORTED["first convolution on noise"], _OTHER
    p = binomtest(ours, ours + theirs, 0.5).pvalue  # McNemar's test, had no clip been right in both
    return (
        f"{ours} against {theirs} of {TESTED}: even if no clip was right in both, an exact McNemar test gives p = "
        f"{p:.2f}. To tell {ours / TESTED:.1%} from {theirs / TESTED:.1%} with a power of {POWER:.0%} takes about "
        f"{_clips_to_tell(ours / TESTED, theirs / TESTED):,} test clips, not {TESTED}."
    )


def _clips_to_tell(a: float, b: float) -> int:
    """Test clips for two independent shares (normal approximation)."""
    z = norm.ppf(1 - ALPHA / 2) + norm.ppf(POWER)
    return int(np.ceil(z * z * (a * (1 - a) + b * (1 - b)) / (a - b) ** 2))


def write_history(history: History, place: Place) -> list[Path]:
    """Write the JSON and a page of Markdown."""
    lines = ["# Two historical set-ups, played again", ""]
    lines += [f"- {text}" for text in history.words]
    lines += ["", "| right of 40 | " + " | ".join(each.name for each in history.replays) + " |", "|---|---|---|"]
    for count in range(TESTED + 1):
        shares = [sum(right == count for right in each.right) for each in history.replays]
        if any(shares):
            lines.append(f"| {count} | " + " | ".join(map(str, shares)) + " |")
    content: dict[str, Any] = to_json(history)
    write_json(place.file(".json"), content)
    write_text(place.file(".md"), "\n".join(lines) + "\n")
    return [place.file(".json"), place.file(".md")]
