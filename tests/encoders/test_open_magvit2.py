"""Open-MAGVIT2: the same numbers as the official code, complete or refused."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from marey.core.errors import UserError
from marey.encoders.open_magvit2 import OpenMagvit2Config, OpenMagvit2Tokenizer
from marey.encoders.open_magvit2_net import Decoder, Encoder, NetConfig
from tests.encoders.magvit import HERE, MICRO, averaged, checkpoint, raw

CASES = ("b1t5h32w32", "b2t9h16w24")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("magvit") / "released.ckpt"
    torch.save({"state_dict": checkpoint()}, path)
    return path


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("magvit") / "bare.safetensors"
    save_file(raw(MICRO, 0), path)
    return path


def tokenizer(path: Path) -> OpenMagvit2Tokenizer:
    return OpenMagvit2Config(path, net=MICRO).build_tokenizer()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", ["micro", "micro_ema"])
def test_the_numbers_of_the_official_code(kind: str, case: str, released: Path, bare: Path) -> None:
    model = tokenizer({"micro": bare, "micro_ema": released}[kind])
    inputs, wanted = load_file(HERE / "micro.safetensors"), load_file(HERE / f"{kind}.safetensors")
    video = inputs[f"{case}.x"]
    with torch.no_grad():
        latents, decoded = model.encoder(video), model.decoder(wanted[f"{case}.quant"])
    torch.testing.assert_close(latents, wanted[f"{case}.enc"], rtol=0, atol=1e-4)
    torch.testing.assert_close(decoded, wanted[f"{case}.dec"], rtol=0, atol=1e-4)
    quantized = model.encode(video)
    sure = latents.abs() > 1e-4
    assert sure.float().mean() > 0.99
    assert (quantized.codes == wanted[f"{case}.quant"])[sure].all()
    if kind == "micro":
        whole = sure.all(dim=1)
        assert (quantized.indices == wanted[f"{case}.indices"])[whole].all()
    assert (model.lookup(quantized.indices) == quantized.codes).all()
    again = model.reconstruct(video)
    assert again.shape == video.shape and again.abs().max() <= 1
    if sure.all():
        torch.testing.assert_close(again, wanted[f"{case}.dec"].clamp(-1, 1), rtol=0, atol=1e-4)


def test_the_released_network_has_the_released_tensors() -> None:
    with torch.device("meta"):
        halves = {"encoder.": Encoder(NetConfig()), "decoder.": Decoder(NetConfig())}
    ours = {
        part + name: list(tensor.shape) for part, half in halves.items() for name, tensor in half.state_dict().items()
    }
    lines = (HERE / "tensors.txt").read_text().splitlines()
    assert ours == {line.split()[0]: [int(number) for number in line.split()[1:]] for line in lines}
    assert sum(name.startswith("encoder.") for name in ours) == 133 and len(ours) == 283


def test_every_tensor_is_copied_and_reported(released: Path, bare: Path) -> None:
    guest = OpenMagvit2Config(released, net=MICRO).build()
    assert guest.weights.copied == guest.weights.expected == 34 and "averaged weights" in guest.facts.source
    assert [each.copied for each in tokenizer(released).weights] == [34, 47]
    assert "raw weights" in OpenMagvit2Config(bare, net=MICRO).build().facts.source
    again = OpenMagvit2Config(released, net=MICRO).build()
    assert again.weights.sha256 == guest.weights.sha256 != OpenMagvit2Config(bare, net=MICRO).build().weights.sha256


def test_a_training_checkpoint_is_read(tmp_path: Path) -> None:
    state = checkpoint() | {"loss.discriminator.main.0.weight": torch.zeros(2)}
    torch.save({"epoch": 3, "global_step": 9, "state_dict": state, "optimizer_states": [{}]}, tmp_path / "last.ckpt")
    assert OpenMagvit2Config(tmp_path / "last.ckpt", net=MICRO).build().weights.copied == 34


def test_features_keep_time(released: Path) -> None:
    guest = OpenMagvit2Config(released, net=MICRO).build()
    assert (guest.look.frames, guest.look.size) == (17, (128, 128))
    guest.look = replace(guest.look, size=(32, 32))
    assert guest.taps == ("mid_block", "down.1", "down.2", "latents", "bits") and guest.widths == (64, 64, 64, 6, 6)
    video = torch.rand(1, 1, 7, 20, 30) * 2 - 1
    found = guest.features(video, ("latents", "bits", "mid_block"))
    assert {tap: tuple(each.shape) for tap, each in found.items()} == {
        "latents": (1, 9, 6), "bits": (1, 9, 6), "mid_block": (1, 9, 64)
    }  # fmt: skip
    with torch.no_grad():
        latents = guest.encoder(guest.look(video))
    torch.testing.assert_close(found["latents"], latents.mean(dim=(3, 4)).transpose(1, 2))
    torch.testing.assert_close(found["bits"], (2.0 * (latents > 0) - 1).mean(dim=(3, 4)).transpose(1, 2))


def test_clips_that_would_lose_frames_are_refused(released: Path) -> None:
    model = tokenizer(released)
    assert model.stride == (2, 4, 4)
    for shape in ((1, 3, 4, 32, 32), (1, 3, 5, 30, 32)):
        with pytest.raises(UserError, match=r"takes 1 \+ k \* 2 frames .* multiples of 4 x 4"):
            model.encode(torch.zeros(shape))
    for indices in (torch.zeros(1, 1, 1, 1, dtype=torch.int64), torch.full((1, 2, 4, 4), 64)):
        with pytest.raises(UserError, match=r"\[0, 2\*\*6\)"):
            model.decode(indices)


def test_a_random_control_only_when_it_is_asked_for(released: Path) -> None:
    first, again, other = (OpenMagvit2Config(seed=seed, net=MICRO).build() for seed in (1, 1, 2))
    assert first.weights.state == "random" and (first.weights.seed, first.weights.copied) == (1, 0)
    latents = [guest.encoder.conv_out.conv_1.weight for guest in (first, again, other)]
    assert (latents[0] == latents[1]).all() and (latents[0] != latents[2]).any()
    for config in ({}, {"path": released, "seed": 0}):
        with pytest.raises(UserError, match="give the path of its weights, or a seed"):
            OpenMagvit2Config(**config)


# -- other files ---------------------------------------------------------------------------------------------------


def image_tokenizer() -> dict[str, torch.Tensor]:
    return {
        name.replace(".conv_1.", "."): tensor[:, :, 0] if tensor.ndim == 5 else tensor
        for name, tensor in raw(MICRO, 0).items()
    }


OTHERS = {
    "an image tokenizer": (image_tokenizer, r"is an image tokenizer \(34 encoder tensors of 81, none a 3-D kernel\)"),
    "IBQ": (
        lambda: image_tokenizer() | {"quant_conv.weight": torch.zeros(2), "quantize.embedding.weight": torch.zeros(2)},
        r"is an IBQ image tokenizer \(34 encoder tensors of 83",
    ),
    "another model": (lambda: {"conv1.weight": torch.zeros(2)}, r"has no encoder\.\* among its 1 tensors"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_other_models_are_refused_by_name(other: str, tmp_path: Path) -> None:
    make, complaint = OTHERS[other]
    torch.save({"state_dict": make()}, tmp_path / "other.ckpt")
    with pytest.raises(UserError, match=complaint):
        OpenMagvit2Config(tmp_path / "other.ckpt", net=MICRO).build()


def test_the_released_size_is_not_a_small_one(released: Path) -> None:
    with pytest.raises(UserError, match=r"conv_in\.conv_1\.weight is \[32, 3, 3, 3, 3\] in it and \[128"):
        OpenMagvit2Config(released).build()


def test_half_an_averaged_set_is_refused(tmp_path: Path) -> None:
    state = raw(MICRO, 0) | {name: each for name, each in averaged(raw(MICRO, 1)).items() if "mid" not in name}
    torch.save(state, tmp_path / "half.ckpt")
    with pytest.raises(UserError, match=r"mid_block\.0\.norm1\.weight is absent in it"):
        OpenMagvit2Config(tmp_path / "half.ckpt", net=MICRO).build()
