"""Our own models as guests: the numbers that the model itself works with."""

from pathlib import Path

import pytest
import torch

from marey.core.config import fingerprint
from marey.core.errors import UserError
from marey.core.runs import RunFolder
from marey.dynamics.tasks import Exercise, task_index
from marey.dynamics.transformer import Dynamics
from marey.encoders.ours import OurDynamicsConfig, OurTokenizerConfig
from marey.recipes.catalogue import recipe
from marey.recipes.model import VideoModel
from marey.recipes.stages import DynamicsStage, TokenizerStage
from marey.tokens.tokenizer import Tokenizer
from marey.train.weights import save_weights
from tests.tokens.small import shaken


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, VideoModel]:
    """A folder as a finished run leaves it, with weights at which every path carries something."""
    path, smoke = tmp_path_factory.mktemp("run"), recipe("smoke")
    tokenizer = shaken(Tokenizer(smoke.tokenizer), seed=1)
    dynamics = shaken(Dynamics(smoke.dynamics, smoke.layout), seed=2)
    first = TokenizerStage(smoke.dataset, smoke.tokenizer, smoke.tokenizer_training, smoke.seed)
    second = DynamicsStage(smoke.dataset, smoke.dynamics, smoke.dynamics_training, "0" * 64, smoke.seed)
    for name, stage, model in (("tokenizer", first, tokenizer), ("dynamics", second, dynamics)):
        RunFolder.start(path / name, stage, resume=False)
        save_weights(model, path / name, fingerprint(stage))
    return path, VideoModel(tokenizer, dynamics, smoke.shape).eval()


def clips(model: VideoModel) -> torch.Tensor:
    shape = model.shape
    size = (2, shape.channels, shape.frames, shape.size, shape.size)
    return torch.rand(size, generator=torch.Generator().manual_seed(5)) * 2 - 1


@torch.no_grad()
def test_the_tokenizer(run: tuple[Path, VideoModel]) -> None:
    path, model = run
    guest, video = OurTokenizerConfig(path).build(), clips(model)
    found = guest.features(video, guest.taps)
    quantized = model.tokenizer.encode(video)
    digits = model.tokenizer.quantizer.split(quantized.indices).float()
    torch.testing.assert_close(found["latents"], model.tokenizer.encoder(video).mean(dim=(3, 4)).transpose(1, 2))
    torch.testing.assert_close(found["codes"], quantized.codes.mean(dim=(3, 4)).transpose(1, 2))
    torch.testing.assert_close(found["indices"], digits.mean(dim=(2, 3)))
    assert guest.weights.copied == len(model.tokenizer.state_dict()) and guest.weights.state == "pretrained"
    assert guest.features(torch.zeros(1, 3, 4, 20, 20))["latents"].shape[1:] == found["latents"].shape[1:]


@torch.no_grad()
def test_the_layers_of_the_transformer(run: tuple[Path, VideoModel]) -> None:
    path, model = run
    guest, video = OurDynamicsConfig(path).build(), clips(model)
    assert guest.taps[0] == f"layer.{len(model.dynamics.blocks)}"
    found = guest.features(video, guest.taps)
    n, frames = len(video), video.shape[2]
    shown = torch.ones(n, frames, dtype=torch.bool)
    asked = Exercise(torch.full((n,), task_index("classify")), shown, torch.zeros(n, dtype=torch.bool))
    seen: list[torch.Tensor] = []
    hook = model.dynamics.norm.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    model.dynamics.class_logits(model.sequence(video, torch.zeros(n, dtype=torch.int64), asked))
    hook.remove()
    t, h, w = model.dynamics.layout.grid
    last = seen[0][:, -t * h * w :].view(n, t, h * w, -1).mean(dim=2)
    torch.testing.assert_close(found[guest.taps[0]], last)
    assert (found[guest.taps[0]] - found["layer.1"]).abs().max() > 1e-3


def test_random_controls(run: tuple[Path, VideoModel]) -> None:
    path, model = run
    for config in (OurTokenizerConfig(path), OurDynamicsConfig(path)):
        random, again = config.control(4).build(), config.control(4).build()
        assert random.weights.state == "random" and random.weights.seed == 4
        video = clips(model)
        tap = random.taps[0]
        features = [guest.features(video)[tap] for guest in (random, again, config.build())]
        assert (features[0] == features[1]).all() and (features[0] != features[2]).any()


def test_no_run(run: tuple[Path, VideoModel], tmp_path: Path) -> None:
    for config, name in ((OurTokenizerConfig, "our-tokenizer"), (OurDynamicsConfig, "our-dynamics")):
        with pytest.raises(UserError, match=f"{name}: give the folder of a run, such as {name}:runs/demo"):
            config().build()
        with pytest.raises(UserError, match=rf"{name}: .*tokenizer/config\.json does not exist"):
            config(tmp_path).build()
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "tokenizer" / "config.json").write_text((run[0] / "tokenizer" / "config.json").read_text())
    with pytest.raises(UserError, match=r"weights\.safetensors does not exist; finish its training"):
        OurTokenizerConfig(tmp_path).build()
