"""Our own models as guests, from the folder of a run: its tokenizer and the layers of its transformer."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from marey.core.config import from_json, strict
from marey.core.errors import UserError
from marey.core.files import read_json
from marey.data.spec import DatasetSpec
from marey.dynamics.sequence import Layout, Sequence
from marey.dynamics.tasks import Task, task_index, tasks_named
from marey.dynamics.transformer import Dynamics, DynamicsConfig
from marey.encoders.guest import Facts, Features, Guest, Weights, over_space
from marey.encoders.look import Look
from marey.encoders.state import drawn, hash_of
from marey.tokens.tokenizer import AnyTokenizerConfig, Tokenizer
from marey.train import load_weights
from marey.world.laws import BASE_LAWS

Video = Float[Tensor, "B C T H W"]
Net = TypeVar("Net", bound=nn.Module)


@strict
@dataclass(frozen=True)
class OurTokenizerConfig:
    """path: a run folder with a finished tokenizer. seed: its shape with random weights instead."""

    path: Path | None = None
    seed: int | None = None

    def control(self, seed: int) -> "OurTokenizerConfig":
        return replace(self, seed=seed)

    def build(self) -> "OurTokenizer":
        run, config, look = _tokenizer_of("our-tokenizer", self.path)
        if self.seed is not None:
            return OurTokenizer(*drawn(lambda: Tokenizer(config), self.seed), look, run)
        return OurTokenizer(*_finished(Tokenizer(config), run / "tokenizer"), look, run)


class OurTokenizer(Guest):
    """latents: before quantization; codes: after it; indices: the digits of the codes' indices, as numbers."""

    def __init__(self, tokenizer: Tokenizer, weights: Weights, look: Look, source: Path):
        quantizer = tokenizer.config.quantizer
        facts = Facts("our-tokenizer", "your own", str(source), str(look))
        widths = {"latents": quantizer.channels, "codes": quantizer.channels, "indices": len(quantizer.levels)}
        super().__init__(facts, weights, look, widths)
        self.tokenizer = tokenizer

    def read(self, video: Video, taps: tuple[str, ...]) -> Features:  # noqa: ARG002 - all three come together
        quantizer, latents = self.tokenizer.quantizer, self.tokenizer.encoder(video)
        quantized = quantizer(latents)
        digits = quantizer.split(quantized.indices).movedim(-1, 1).float()
        maps = {"latents": latents, "codes": quantized.codes, "indices": digits}
        return {tap: over_space(each) for tap, each in maps.items()}


@strict
@dataclass(frozen=True)
class OurDynamicsConfig:
    """path: a finished run folder. seed: random weights for the transformer; its tokens stay those of the run."""

    path: Path | None = None
    seed: int | None = None

    def control(self, seed: int) -> "OurDynamicsConfig":
        return replace(self, seed=seed)

    def build(self) -> "OurDynamics":
        run, config, look = _tokenizer_of("our-dynamics", self.path)
        tokenizer, _ = _finished(Tokenizer(config), run / "tokenizer")
        file = run / "dynamics" / "config.json"
        said = read_json(file)
        shape = from_json(DynamicsConfig, said.get("dynamics"), f"{file}: dynamics")
        tasks = tasks_named(tuple(said["tasks"]))
        assert look.frames is not None and look.size is not None
        joint = shape.vocabulary == "joint"
        layout = Layout.of(config, look.frames, look.size[0], len(tasks), len(BASE_LAWS), joint=joint)
        if self.seed is not None:
            dynamics, weights = drawn(lambda: shape.build(layout), self.seed)
        else:
            dynamics, weights = _finished(shape.build(layout), run / "dynamics")
        return OurDynamics(tokenizer, dynamics, tasks, weights, look, run)


class OurDynamics(Guest):
    """What each layer makes of the clip's tokens when all of them are given and the class is asked."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        dynamics: Dynamics,
        tasks: tuple[Task, ...],
        weights: Weights,
        look: Look,
        source: Path,
    ):
        layers = range(len(dynamics.blocks), 0, -1)
        facts = Facts("our-dynamics", "your own", str(source), str(look))
        taps = {f"layer.{number}": dynamics.place.shape[-1] for number in layers}
        super().__init__(facts, weights, look, taps)
        self.tokenizer, self.dynamics, self.task = tokenizer, dynamics, task_index("classify", tasks)

    def read(self, video: Video, taps: tuple[str, ...]) -> Features:
        layout, found = self.dynamics.layout, {}
        hooks = [
            self.dynamics.blocks[int(tap.split(".")[1]) - 1].register_forward_hook(
                lambda _, __, tokens, tap=tap: found.update({tap: tokens})
            )
            for tap in taps
        ]
        try:
            self.dynamics.class_logits(self._asked(video))
        finally:
            for hook in hooks:
                hook.remove()
        before = sum(part.length for part in layout.segments[: [s.name for s in layout.segments].index("video")])
        t, h, w = layout.grid
        return {
            tap: rearrange(tokens[:, before : before + t * h * w], "b (t p) d -> b t p d", t=t).mean(dim=2)
            for tap, tokens in found.items()
        }

    def _asked(self, video: Video) -> Sequence:
        indices, names = self.tokenizer.encode(video).indices, len(self.dynamics.layout.levels) == 1
        digits = indices[..., None] if names else self.tokenizer.quantizer.split(indices)
        task = torch.full((len(video),), self.task, device=video.device)
        yes = torch.ones_like(task, dtype=torch.bool)
        values = self.dynamics.layout.row(task, torch.zeros_like(task), digits)
        known = self.dynamics.layout.row(yes, ~yes, torch.ones_like(digits, dtype=torch.bool))
        return Sequence(values, known, torch.zeros_like(known))


@dataclass(frozen=True)
class _Said:
    """What the file of a tokenizer's stage says that matters here; all else in it is left alone."""

    tokenizer: AnyTokenizerConfig
    dataset: DatasetSpec


def _tokenizer_of(name: str, run: Path | None) -> tuple[Path, AnyTokenizerConfig, Look]:
    """A run's folder, the shape of its tokenizer, and the clips that this takes."""
    if run is None:
        raise UserError(f"{name}: give the folder of a run, such as {name}:runs/demo")
    file = run / "tokenizer" / "config.json"
    if not file.exists():
        raise UserError(f"{name}: {file} does not exist; give the folder of a run, such as runs/demo")
    said = from_json(_Said, read_json(file), str(file))
    config, world = said.tokenizer, said.dataset.world
    return run, config, Look(world.frames, (world.size, world.size), world.channels)


def _finished(net: Net, folder: Path) -> tuple[Net, Weights]:
    """The net with the finished weights in a folder, which are checked to the last bit and complete; frozen."""
    load_weights(net, folder)
    state = net.state_dict()
    weights = Weights("pretrained", str(folder), hash_of(state), copied=len(state), expected=len(state))
    return net.requires_grad_(requires_grad=False).eval(), weights
