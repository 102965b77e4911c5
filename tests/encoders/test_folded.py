"""What makes a guest quicker leaves its numbers as they were: folded norms, and frames that are seen once."""

from typing import Any

import pytest
import torch
from torch import nn

from marey.encoders.controls import PixelsConfig, batch_norms
from marey.encoders.efficientnet_lite0 import EfficientNetLite0, EfficientNetLite0Config
from marey.encoders.folded import folded
from marey.encoders.guest import Guest, at_own_size
from marey.encoders.i3d import I3D, I3DConfig
from marey.encoders.look import Look, resized
from marey.encoders.mobilenet_v2 import MobileNetV2, MobileNetV2Config
from marey.encoders.transnet_v2 import TransNetV2Config
from tests.encoders.seeded import pattern, state_of

CONFIGS = {"i3d": I3DConfig, "efficientnet-lite0": EfficientNetLite0Config, "mobilenet-v2": MobileNetV2Config}
VIDEO = pattern(2, 9, 64, 64)


def lived_in(config: Any) -> Guest:
    """A guest with seeded weights, whose norms are not those of a new network, which change nothing."""
    guest: Guest = config(seed=0).build()
    assert isinstance(guest, I3D | EfficientNetLite0 | MobileNetV2)
    guest.net.load_state_dict(state_of(guest.net), strict=False)
    return guest


@pytest.mark.parametrize("name", CONFIGS)
@torch.no_grad()
def test_folded_norms_say_what_the_plain_network_says(name: str) -> None:
    guest = lived_in(CONFIGS[name])
    assert batch_norms(guest)
    plain = guest.read(VIDEO, guest.taps)
    assert folded(guest) is guest and not batch_norms(guest)
    quick = guest.read(VIDEO, guest.taps)
    for tap in guest.taps:
        spread = (plain[tap] - plain[tap].mean(dim=(0, 1))).std()
        assert (quick[tap] - plain[tap]).abs().max() < 1e-4 * max(spread, plain[tap].abs().mean()), tap
    assert not any(each.requires_grad for each in guest.parameters()) and not guest.training


def test_a_guest_whose_norms_stand_elsewhere_is_left_alone() -> None:
    """TransNetV2 has its norms after several convolutions side by side."""
    guest = TransNetV2Config(seed=0).build()
    before = dict(guest.named_modules())
    assert dict(folded(guest).named_modules()) == before and batch_norms(guest)
    assert any(isinstance(each, nn.BatchNorm3d) for each in before.values())


@pytest.mark.parametrize("name", ["efficientnet-lite0", "mobilenet-v2", "pixels"])
@torch.no_grad()
def test_the_first_half_of_a_clip_is_half_of_what_was_seen_frame_by_frame(name: str) -> None:
    guest: Guest = PixelsConfig(side=8).build() if name == "pixels" else lived_in(CONFIGS[name])
    assert guest.framewise
    whole, half = guest.read(VIDEO, guest.taps), guest.read(VIDEO[:, :, :5], guest.taps)
    for tap in guest.taps:
        torch.testing.assert_close(whole[tap][:, :5], half[tap], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", CONFIGS)
@torch.no_grad()
def test_at_its_own_size_a_clip_is_not_resized_and_the_facts_say_so(name: str) -> None:
    """Where clips have the guest's own size nothing changes; where they have another, the features do."""
    guest = folded(lived_in(CONFIGS[name]))
    usual = guest.features(VIDEO)
    assert "it learned at" not in guest.facts.input
    assert at_own_size(guest) is guest
    assert guest.facts.input.endswith("at their size (it learned at 224 x 224 pixels)")
    tap = guest.taps[0]
    torch.testing.assert_close(
        guest.features(VIDEO)[tap], guest.read(Look(colours=guest.look.colours)(VIDEO), guest.taps)[tap]
    )
    assert (guest.features(VIDEO)[tap] - usual[tap]).abs().max() > 1e-3 * usual[tap].abs().max()
    torch.testing.assert_close(guest.features(resized(VIDEO, (224, 224)))[tap], usual[tap], rtol=1e-3, atol=1e-4)


def test_a_guest_of_one_size_is_left_as_it_is() -> None:
    guest = TransNetV2Config(seed=0).build()
    before = guest.look, guest.facts
    assert at_own_size(guest) is guest and (guest.look, guest.facts) == before
