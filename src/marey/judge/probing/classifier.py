"""A classifier for the user's own clips: a frozen guest, a space and a logistic regression, in two files.

classifier.json           guest, its weights' hash and fingerprint, labels, frames, and how well it does on test clips
classifier.safetensors    the numbers
"""

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import safetensors.numpy
from jaxtyping import Float32, Float64

from marey.core.config import from_json, strict, to_json
from marey.core.errors import UserError
from marey.core.files import read_json, sha256, write_atomically, write_json
from marey.data.staged import Progress
from marey.encoders.features import extract, seeded_fingerprint
from marey.encoders.guest import Guest
from marey.judge.probing.fit import Lesson, best_logistic
from marey.judge.probing.gains import splits
from marey.judge.probing.guests import entry_of
from marey.judge.probing.set import ProbeClips, ProbeSet, clips_of_foreign, opened_foreign
from marey.judge.probing.space import WIDTH, Space, fit_space
from marey.metrics.statistics import wilson_interval

_FACTS, _NUMBERS = "classifier.json", "classifier.safetensors"


@strict
@dataclass(frozen=True)
class Facts:
    """encoder: its name. weights, fingerprint: of the guest it learned on. frames: every clip is shown as so many.

    right, tested: test clips. chance: the share of the commonest label among them. numbers: SHA-256 of the other file.
    """

    encoder: str
    weights: str | None
    fingerprint: str
    labels: tuple[str, ...]
    frames: int
    learned: int
    right: int
    tested: int
    chance: float
    numbers: str = ""


@dataclass(frozen=True)
class Classifier:
    """space: of features laid side by side in time. weight, bias: log odds of the labels."""

    facts: Facts
    guest: Guest
    space: Space
    weight: Float64[np.ndarray, "K D"]
    bias: Float64[np.ndarray, "K"]

    def probabilities(self, features: Float32[np.ndarray, "N t D"]) -> Float64[np.ndarray, "N K"]:
        """Probability of each label."""
        odds = self.space(features.reshape(len(features), -1)).astype(np.float64) @ self.weight.T + self.bias
        odds = np.exp(odds - odds.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    @property
    def words(self) -> str:
        """How well it does, with its interval and chance."""
        facts = self.facts
        low, high = wilson_interval(facts.right, facts.tested)
        return (
            f"{facts.right} of {facts.tested} test clips right ({facts.right / facts.tested:.1%}, 95 % {low:.1%} to "
            f"{high:.1%}; chance {facts.chance:.1%}), learned from {facts.learned} clips"
        )


@dataclass(frozen=True)
class Label:
    """What a classifier says of a clip."""

    clip: str
    label: str
    probability: float


def learn(encoder: str, clips: ProbeSet, device: str, progress: Progress) -> Classifier:
    """Learn from the pool of a labelled set, choose the penalty on a fifth of it, and count on the test clips."""
    law = clips.truth.law
    if law is None:
        raise UserError(f"{clips.name} has no labels; give labels, or videos in a folder for each label")
    guest = _guest(encoder).to(device)
    features = _features(guest, clips.clips, progress)
    flat = features.reshape(len(features), -1)
    train, validation = splits(clips.pool, 0, len(clips.pool))
    space = fit_space(flat[clips.pool], WIDTH)
    values = law[:, None].astype(np.float64)
    if len(np.unique(law[train])) < 2:
        raise UserError(f"{clips.name} has one label only, so there is nothing to learn")
    lesson = Lesson("class", space(flat[train]), values[train], space(flat[validation]), values[validation])
    found = best_logistic(lesson)
    weight, bias = _all_rows(found.coef_.astype(np.float64), found.intercept_.astype(np.float64))
    labels = tuple(clips.truth.names[int(label)] for label in found.classes_)
    said = found.predict(space(flat[clips.test]))
    facts = Facts(
        encoder=encoder,
        weights=guest.weights.sha256,
        fingerprint=seeded_fingerprint(guest),
        labels=labels,
        frames=clips.frames,
        learned=len(clips.pool),
        right=int((said == law[clips.test]).sum()),
        tested=len(clips.test),
        chance=float(np.bincount(law[clips.test]).max() / len(clips.test)),
    )
    return Classifier(facts, guest, space, weight, bias)


def _all_rows(
    weight: Float64[np.ndarray, "k D"], bias: Float64[np.ndarray, "k"]
) -> tuple[Float64[np.ndarray, "K D"], Float64[np.ndarray, "K"]]:
    """Of two labels scikit-learn keeps the odds of the second alone."""
    if len(weight) > 1:
        return weight, bias
    return np.concatenate([0 * weight, weight]), np.concatenate([0 * bias, bias])


def save(classifier: Classifier, out: Path) -> None:
    """Write both files, the facts last; an existing classifier is a UserError."""
    if (out / _FACTS).exists():
        raise UserError(f"{out} already holds a classifier; choose another --out")
    arrays = {name: value for name, value in asdict(classifier.space).items() if value is not None}
    arrays |= {"weight": classifier.weight, "bias": classifier.bias}
    write_atomically(out / _NUMBERS, lambda file: safetensors.numpy.save_file(arrays, file))
    facts = to_json(classifier.facts) | {"numbers": sha256(out / _NUMBERS)}
    write_json(out / _FACTS, facts)


def load(path: Path) -> Classifier:
    """Read both files and build the guest; damaged files, or other weights than it learned on, are a UserError."""
    if not (path / _FACTS).exists():
        raise UserError(f"{path} holds no classifier ({_FACTS} is missing); make one with marey classify --out {path}")
    facts = from_json(Facts, read_json(path / _FACTS), str(path / _FACTS))
    if not (path / _NUMBERS).exists() or sha256(path / _NUMBERS) != facts.numbers:
        raise UserError(f"{path / _NUMBERS} is missing or damaged; restore it, or train the classifier again")
    arrays: Mapping[str, np.ndarray] = safetensors.numpy.load_file(path / _NUMBERS)
    guest = _guest(facts.encoder)
    found = guest.weights.sha256, seeded_fingerprint(guest)
    if found != (facts.weights, facts.fingerprint):
        raise UserError(f"{path} learned on other weights of {facts.encoder}; give those, or train it again")
    space = Space(**{field.name: arrays.get(field.name) for field in fields(Space)})  # type: ignore[arg-type]
    return Classifier(facts, guest, space, arrays["weight"], arrays["bias"])


def label(classifier: Classifier, source: Path, device: str, progress: Progress) -> list[Label]:
    """The likeliest label of each clip of an import, an npz or a folder of videos, shown as the classifier learned."""
    with opened_foreign(source) as foreign:
        clips = clips_of_foreign(foreign, classifier.facts.frames)
        features = _features(classifier.guest.to(device), clips, progress)
        names = [row["clip"] for row in foreign.rows()]
    found = classifier.probabilities(features)
    best = found.argmax(axis=1)
    return [
        Label(name, classifier.facts.labels[k], float(each[k]))
        for name, k, each in zip(names, best, found, strict=True)
    ]


def _guest(encoder: str) -> Guest:
    """The guest of that name, without changes; what is no guest, or has no weights, is a UserError."""
    entry = entry_of(encoder)
    if entry.change or entry.role == "ceiling" or len(entry.configs) > 1:
        raise UserError(f"--encoder {encoder} is a control of the bench; give a guest, or pixels")
    guest: Guest = entry.configs[0].build()
    return guest


def _features(guest: Guest, clips: ProbeClips, progress: Progress) -> Float32[np.ndarray, "N t D"]:
    with tempfile.TemporaryDirectory(prefix="marey-") as cache:
        return extract(guest, clips, Path(cache), guest.taps[:1], progress=progress).taps[guest.taps[0]]
