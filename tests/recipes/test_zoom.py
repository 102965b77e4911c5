"""Clips seen from nearer and from farther: what is whole stays whole, at a size and a place that were not drawn."""

import pytest
import torch
from torch import Tensor

from marey.core.errors import UserError
from marey.data.clips import as_video, clips
from marey.data.spec import PRESETS
from marey.recipes.zoom import Zoom, left, touched

SPEC = PRESETS["phyworld-uniform"]
VIDEO = as_video(clips(SPEC, "train", 0, 60))
SCENES = SPEC.scenes("train", 0, 60)


def area(video: Tensor) -> Tensor:
    """Pixels of red, each by how much of it there is, in each frame."""
    return (1 - video[:, 1]).sum(dim=(2, 3)) / 2


def zoomed(zoom: Zoom, video: Tensor, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    return zoom(video)


def test_farther_it_is_smaller_and_whole() -> None:
    whole = VIDEO[torch.from_numpy(SCENES.whole[:, 0, 0].all(axis=1)) & ~touched(VIDEO).any(dim=1)]
    assert len(whole) >= 5
    far = zoomed(Zoom(least=0.4), whole)
    assert far.shape == whole.shape and far.min() >= -1.001 and far.max() <= 1.001
    factor = (area(far) / area(whole)).sqrt()
    torch.testing.assert_close(factor, factor[:, :1].expand_as(factor), rtol=0.01, atol=0)  # one for all frames
    assert 0.39 < factor.min() < 0.6 and 0.8 < factor.max() < 1.01
    assert torch.equal(zoomed(Zoom(least=0.4), whole), far) and not torch.equal(zoomed(Zoom(least=0.4), whole, 1), far)


def test_nearer_it_is_larger_where_it_is_still_seen() -> None:
    near = zoomed(Zoom(most=1.5), VIDEO)
    factor = (area(near) / area(VIDEO).clamp(min=1)).sqrt()
    assert 1.2 < factor.max() < 1.52
    assert torch.equal(near.amax(dim=(2, 3, 4)), torch.ones(60, 3)), "the rest is page"


def test_what_ends_at_the_edge_is_never_put_in_the_middle_of_the_page() -> None:
    """A disc cut in half, once reduced, would be a half disc with nothing that cuts it."""
    cut = VIDEO[touched(VIDEO).any(dim=1)]
    assert len(cut) > 10
    seen = zoomed(Zoom(least=0.4, most=1.5), cut)
    edge = touched(seen)
    gone = area(seen) < 1
    # Where the ball is neither whole (constant area) nor at the edge nor gone there is none.
    largest = area(seen).amax(dim=1, keepdim=True)
    assert (edge | gone | (area(seen) > 0.9 * largest)).all()


def test_no_zoom_is_no_change() -> None:
    assert torch.equal(zoomed(Zoom(), VIDEO), VIDEO)


def test_frames_that_a_ball_leaves_and_has_left() -> None:
    whole, there = torch.from_numpy(SCENES.whole[:, 0, 0]), area(VIDEO) > 0.5
    away = left(VIDEO)
    assert away[~there].all() and not away[there.all(dim=1)].any()
    assert (away | whole)[~there.all(dim=1)].all(), "a ball that leaves is whole until it is leaving"
    assert 0.05 < away.float().mean() < 0.5


@pytest.mark.parametrize("given", [{"least": 0.0}, {"least": 1.1}, {"most": 0.9}, {"most": float("nan")}])
def test_numbers_out_of_range(given: dict[str, float]) -> None:
    with pytest.raises(UserError, match=r"^zoom\.least=.*, zoom\.most=.*: choose 0\.1 to 1 for least"):
        Zoom(**given)
