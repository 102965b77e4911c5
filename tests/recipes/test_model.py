"""The video model: pixels in, pixels out, and one line for what it cannot take."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from marey.core.errors import UserError
from marey.judge.exam import VideoModel as Judged
from marey.recipes.model import VideoModel
from tests.recipes.small import model_of
from tests.tokens.small import SIZE, noise

KINDS = ("local", "stride_2")


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest) -> VideoModel:
    return model_of(request.param)


@pytest.fixture(scope="module")
def local() -> VideoModel:
    return model_of("local")


def is_video(video: Tensor, model: VideoModel, batch: int, frames: int) -> bool:
    in_range = video.isfinite().all() and video.min() >= -1 and video.max() <= 1
    return bool(in_range) and video.shape == (batch, 1, frames, SIZE, SIZE)


def test_it_is_what_the_judge_takes(model: VideoModel) -> None:
    assert isinstance(model, Judged)
    assert model.levels == (8, 5, 4)


def test_reconstruct_and_indices(model: VideoModel) -> None:
    frames = model.shape.frames
    video = noise(3, frames)
    assert is_video(model.reconstruct(video), model, 3, frames)
    assert model.indices(video).shape == (3, *model.dynamics.layout.grid)
    assert torch.equal(model.reconstruct(video), model.tokenizer.decode(model.indices(video)))


def test_classify_gives_probabilities(model: VideoModel) -> None:
    probability = model.classify(noise(3, model.shape.frames))
    assert probability.shape == (3, 4)
    assert torch.allclose(probability.sum(dim=1), torch.ones(3))
    assert len(probability.unique(dim=0)) == 3


@pytest.mark.parametrize("shown", [1, 3, 5])
def test_predict_goes_on_from_the_prefix(shown: int, model: VideoModel) -> None:
    prefix = noise(2, shown)
    whole = model.predict(prefix, horizon=2)
    assert is_video(whole, model, 2, shown + 2)
    assert torch.equal(whole[:, :, :shown], prefix)
    longest = model.predict(prefix, horizon=model.shape.frames - shown)
    assert torch.equal(longest[:, :, : shown + 2], whole)  # asking for less is looking at less


@pytest.mark.parametrize(("ahead", "hidden", "behind"), [(1, 6, 1), (2, 4, 2), (3, 1, 2)])
def test_interpolate_keeps_the_ends(ahead: int, hidden: int, behind: int, model: VideoModel) -> None:
    first, last = noise(2, ahead), noise(2, behind, seed=1)
    whole = model.interpolate(first, last, hidden=hidden)
    assert is_video(whole, model, 2, ahead + hidden + behind)
    assert torch.equal(whole[:, :, :ahead], first)
    assert torch.equal(whole[:, :, ahead + hidden :], last)


def test_generate_makes_as_many_as_asked(model: VideoModel) -> None:
    frames = model.shape.frames
    assert is_video(model.generate("helical"), model, 1, frames)
    assert is_video(model.generate("helical", n=3), model, 3, frames)
    assert is_video(model.generate(torch.tensor([0, 3, 3, 1])), model, 4, frames)


def test_a_law_may_be_a_name_a_label_or_a_label_per_clip(local: VideoModel) -> None:
    by_name = local.generate("helical", n=2, seed=5)
    assert torch.equal(local.generate(2, n=2, seed=5), by_name)
    assert torch.equal(local.generate(torch.tensor([2, 2]), seed=5), by_name)
    assert not torch.equal(local.generate("linear", n=2, seed=5), by_name)


def test_a_given_class_is_looked_at(local: VideoModel) -> None:
    first, last = noise(8, 2), noise(8, 2, seed=1)
    calls: list[Callable[..., Tensor]] = [
        lambda **law: local.predict(first, 6, **law),
        lambda **law: local.interpolate(first, last, 4, **law),
    ]
    for call in calls:
        clips = [call(), *(call(law=law) for law in range(4))]
        assert all(not torch.equal(a, b) for i, a in enumerate(clips) for b in clips[:i])
        assert torch.equal(call(law="linear"), clips[1])


def test_a_seed_decides_what_is_drawn(model: VideoModel) -> None:
    """In the place where the judge puts it: forgotten, all batches of an exam would be the same clips."""
    first, last, labels = noise(16, 2), noise(16, 2, seed=1), torch.arange(16) % 4
    calls: list[Callable[[int], Tensor]] = [
        lambda seed: model.predict(first, 4, seed, temperature=1.0),
        lambda seed: model.interpolate(first, last, 4, seed, temperature=1.0),
        lambda seed: model.generate(labels, seed),
    ]
    for call in calls:
        assert torch.equal(call(1), call(1))
        assert not torch.equal(call(1), call(2))
    assert torch.equal(model.predict(first, 4, 1), model.predict(first, 4, 2))  # the likeliest, whatever the seed


def test_of_several_drafts_the_one_is_kept_that_the_class_token_reads_best(model: VideoModel) -> None:
    labels = torch.arange(12) % 4
    plain, best = (model.generate(labels, 5, drafts=drafts) for drafts in (1, 6))
    agreed = [model.classify(clips)[torch.arange(12), labels] for clips in (plain, best)]
    assert best.shape == plain.shape and agreed[1].mean() > agreed[0].mean()
    with pytest.raises(UserError, match="drafts=0"):
        model.generate("linear", drafts=0)


def test_the_padding_of_a_short_clip_is_never_looked_at(model: VideoModel, monkeypatch: pytest.MonkeyPatch) -> None:
    before = model.predict(noise(2, 2), 3), model.interpolate(noise(2, 2), noise(2, 1), 2)

    def padded(self: VideoModel, video: Tensor) -> Tensor:
        return torch.cat([video, noise(len(video), self.shape.frames - video.shape[2], seed=9)], dim=2)

    monkeypatch.setattr(VideoModel, "_padded", padded)
    after = model.predict(noise(2, 2), 3), model.interpolate(noise(2, 2), noise(2, 1), 2)
    assert torch.equal(before[0], after[0]) and torch.equal(before[1], after[1])


# -- what it cannot take -------------------------------------------------------------------------------------------

NAN = torch.full((1, 1, 8, SIZE, SIZE), torch.nan)
WRONG_VIDEO = {
    "pixels": (torch.zeros(1, 1, 8, SIZE, SIZE, dtype=torch.uint8), r"uint8.*float.*127\.5"),
    "bright": (torch.full((1, 1, 8, SIZE, SIZE), 1.5), r"outside \[-1, 1\]"),
    "nan": (NAN, r"outside \[-1, 1\]"),
    "one_nan": (torch.where(torch.arange(8)[:, None, None] == 3, NAN, 0.0), r"outside \[-1, 1\]"),
    "no_batch": (torch.zeros(1, 8, SIZE, SIZE), r"shape \(1, 8, 16, 16\).*\(B, 1, "),
    "large": (torch.zeros(1, 1, 8, 32, 32), r"shape .*\(B, 1, "),
    "colour": (torch.zeros(1, 3, 8, SIZE, SIZE), r"shape .*\(B, 1, "),
    "channels_last": (torch.zeros(1, 8, SIZE, SIZE, 1), r"shape .*\(B, 1, "),
    "empty": (torch.zeros(0, 1, 8, SIZE, SIZE), r"empty"),
}
Ask = Callable[[VideoModel, Tensor], object]
ASKED: dict[str, tuple[str, Ask]] = {
    "indices": ("video", lambda m, v: m.indices(v)),
    "reconstruct": ("video", lambda m, v: m.reconstruct(v)),
    "classify": ("video", lambda m, v: m.classify(v)),
    "predict": ("prefix", lambda m, v: m.predict(v, 1)),
    "interpolate first": ("first", lambda m, v: m.interpolate(v, noise(1, 1), 1)),
    "interpolate last": ("last", lambda m, v: m.interpolate(noise(1, 1), v, 1)),
}


def refused(call: Callable[[], object], match: str) -> None:
    with pytest.raises(UserError, match=match) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shapes in signatures are checked in tests only; users meet the model without."""
    for name in ("_checked", "_fill", *(n for n in vars(VideoModel) if not n.startswith("_"))):
        method = getattr(VideoModel, name)
        while hasattr(method, "__wrapped__"):
            method = method.__wrapped__
        monkeypatch.setattr(VideoModel, name, method)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("wrong", WRONG_VIDEO)
@pytest.mark.parametrize("ask", ASKED)
def test_wrong_video_is_named(ask: str, wrong: str, local: VideoModel) -> None:
    (video, complaint), (name, call) = WRONG_VIDEO[wrong], ASKED[ask]
    refused(lambda: call(local, video), rf"^{name} .*{complaint}")


@pytest.mark.usefixtures("unchecked")
def test_an_array_is_no_tensor(local: VideoModel) -> None:
    refused(lambda: local.classify(noise(1, 8).numpy()), r"^video is ndarray; give a float tensor")


@pytest.mark.usefixtures("unchecked")
def test_wrong_numbers_of_frames_are_named(local: VideoModel) -> None:
    refused(lambda: local.classify(noise(1, 7)), r"^video has 7 frames; this model takes 8")
    refused(lambda: local.predict(noise(1, 0), 4), r"^prefix is empty")
    refused(lambda: local.predict(noise(1, 4), 0), r"prefix has 4 frames, horizon is 0.*at least one hidden")
    refused(lambda: local.predict(noise(1, 4), 5), r"prefix has 4 frames, horizon is 5.*more than the 8 frames")
    refused(lambda: local.predict(noise(1, 8), 1), r"more than the 8 frames")
    refused(lambda: local.interpolate(noise(1, 3), noise(1, 3), 3), r"are 3, 3, 3.*more than the 8 frames")
    refused(lambda: local.interpolate(noise(1, 3), noise(1, 3), 0), r"at least one hidden")
    refused(lambda: local.interpolate(noise(1, 3), noise(1, 3), -1), r"at least one hidden")
    refused(lambda: local.interpolate(noise(1, 3), noise(2, 3), 2), r"first holds 1 clips and last 2")


@pytest.mark.usefixtures("unchecked")
def test_wrong_laws_are_named(local: VideoModel) -> None:
    unknown = r"law=.* is unknown; the laws are linear, circular"
    for law in ("spiral", 4, -1):
        refused(lambda law=law: local.generate(law), unknown)
        refused(lambda law=law: local.predict(noise(1, 2), 2, law=law), unknown)
        refused(lambda law=law: local.interpolate(noise(1, 2), noise(1, 2), 2, law=law), unknown)
    refused(lambda: local.generate(torch.tensor([0, 4])), unknown)
    refused(lambda: local.generate(torch.tensor([0, -1])), unknown)
    refused(lambda: local.generate(torch.tensor([0.0])), r"law is torch.float32 .*int64 labels")
    refused(lambda: local.generate(torch.tensor([[0]])), r"law is .*\(1, 1\).*int64 labels")
    refused(lambda: local.generate(torch.tensor([], dtype=torch.int64)), r"law is .*\(0,\)")
    refused(lambda: local.generate("linear", n=0), r"n=0.*at least one")
    refused(lambda: local.generate("linear", n=-2), r"n=-2.*at least one")
