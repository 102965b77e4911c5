"""Transformers from a directory: the numbers of their own library, in the right place and time."""

from pathlib import Path
from typing import Any

import pytest
import torch

from marey.core.errors import UserError
from marey.encoders.hub import HubConfig, HubGuest
from marey.encoders.hub_images import CLIP, CLIPConfig
from marey.encoders.hub_video import VideoMAEConfig
from marey.encoders.look import Colours
from tests.encoders.tiny import FAMILIES


@pytest.fixture(scope="module", params=FAMILIES)
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[HubConfig, Any]:
    """A directory of each family and the model that was saved in it."""
    config, save = FAMILIES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    return config(folder), save(folder)


def by_hand(guest: HubGuest, model: Any, video: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Last tokens by clip, time and place, and the pooled ones, from the library's own forward pass."""
    tower = model.get_submodule(guest.towers[type(model).__name__])
    seen = guest.look(video)
    if guest.name == "timesformer":
        tokens = tower(pixel_values=seen.transpose(1, 2)).last_hidden_state[:, 1:]
        return tokens.view(2, 4, 3, 32).transpose(1, 2), tokens
    if guest.name in ("videomae", "vjepa2"):
        tokens = tower(seen.transpose(1, 2)).last_hidden_state
        return tokens.view(2, 2, 4, 32), tokens
    frames = torch.stack([clip[:, t] for clip in seen for t in range(clip.shape[1])])
    if "Siglip2" in type(tower).__name__:
        patches = [
            f[:, i : i + 8, j : j + 8].permute(1, 2, 0).flatten() for f in frames for i in (0, 8) for j in (0, 8)
        ]
        mask, grid = torch.ones(10, 4, dtype=torch.int64), torch.full((10, 2), 2)
        output = tower(torch.stack(patches).view(10, 4, -1), pixel_attention_mask=mask, spatial_shapes=grid)
    else:
        output = tower(frames)
    return output.last_hidden_state[:, -4:].view(2, 5, 4, 32), output.pooler_output.view(2, 5, 32)


@torch.no_grad()
def test_the_numbers_of_the_library(saved: tuple[HubConfig, Any]) -> None:
    config, model = saved
    guest = config.build()
    video = torch.rand(2, 1, 5, 20, 24) * 2 - 1
    found = guest.features(video, guest.taps)
    tokens, pooled = by_hand(guest, model, video)
    assert tokens.std() > 0.01
    torch.testing.assert_close(found["last"], tokens.mean(dim=2), rtol=0, atol=1e-4)
    if "pooled" in guest.taps:
        torch.testing.assert_close(found["pooled"], pooled, rtol=0, atol=1e-4)
    assert [tap for tap in guest.taps if tap != "pooled"] == ["last", "layer.3", "layer.2", "layer.1"]
    assert len({each.sum().item() for each in found.values()}) == len(found)
    assert set(guest.widths) == {32} and guest.weights.copied == guest.weights.expected > 60


@torch.no_grad()
def test_each_feature_has_its_own_time_and_place(saved: tuple[HubConfig, Any]) -> None:
    """Before the first layer a token knows of its own patch only."""
    guest = saved[0].build()
    frames = guest.look.frames or 5
    video = guest.look(torch.rand(1, 3, frames, 16, 16) * 2 - 1)
    other = video.clone()
    other[:, :, -1, 8:, :8] += 1  # the last frame, third patch
    first = [guest.arranged(guest.run(each).hidden_states[0], 1) for each in (video, other)]
    changed = (first[0] - first[1]).abs().amax(dim=(0, 3)) > 1e-4
    assert changed.shape[1] == 4
    assert changed.nonzero().tolist() == [[changed.shape[0] - 1, 2]]


def test_a_random_control_has_the_same_shape(saved: tuple[HubConfig, Any]) -> None:
    config, _ = saved
    pretrained, random, again = config.build(), config.control(3).build(), config.control(3).build()
    assert random.weights.state == "random" and random.weights.seed == 3 and random.weights.path is None
    assert random.taps == pretrained.taps and random.facts.input == pretrained.facts.input
    states = [guest.state_dict() for guest in (pretrained, random, again)]
    assert all((states[1][name] == states[2][name]).all() for name in states[1])
    assert any((states[0][name] != states[1][name]).any() for name in states[1])


def test_the_directory_says_its_colours(tmp_path: Path) -> None:
    FAMILIES["clip"][1](tmp_path)
    assert CLIPConfig(tmp_path).build().look.colours == CLIP.colours
    (tmp_path / "preprocessor_config.json").write_text('{"image_mean": [0.1, 0.2, 0.3], "image_std": [1, 1, 1]}')
    assert CLIPConfig(tmp_path).build().look.colours == Colours((0.1, 0.2, 0.3), (1, 1, 1))


def test_what_is_no_directory_of_the_family(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"videomae: give a directory with config\.json"):
        VideoMAEConfig()
    with pytest.raises(UserError, match="nowhere: it is no directory, and no name on the hub; give a directory"):
        VideoMAEConfig(tmp_path / "nowhere").build()
    with pytest.raises(UserError, match=r"config\.json does not exist"):
        VideoMAEConfig(tmp_path).build()
    FAMILIES["clip"][1](tmp_path)
    with pytest.raises(UserError, match="holds CLIPModel; videomae is one of VideoMAEModel, VideoMAEForPreTraining"):
        VideoMAEConfig(tmp_path).build()
