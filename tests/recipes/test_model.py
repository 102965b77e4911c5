"""The video model: pixels in, pixels out, and one line for what it cannot take."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from marey.core.errors import UserError
from marey.core.seeds import step_seed
from marey.dynamics.autoregressive import AutoregressiveConfig
from marey.dynamics.decode import ByConfidence
from marey.dynamics.tasks import TABLE
from marey.dynamics.transformer import DynamicsConfig
from marey.judge.exam import VideoModel as Judged
from marey.recipes.model import VideoModel
from tests.recipes.small import exercises, model_of
from tests.tokens.small import SIZE, noise

KINDS = ("local", "stride_2")


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest) -> VideoModel:
    return model_of(request.param)


@pytest.fixture(scope="module")
def local() -> VideoModel:
    return model_of("local")


@pytest.fixture(scope="module")
def four() -> VideoModel:
    """One that has learned the first four tasks only."""
    return model_of("local", tasks=4)


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


# -- any mask ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", [task.name for task in TABLE if task.name != "classify"])
def test_whatever_is_hidden_is_completed(task: str, model: VideoModel) -> None:
    exercise = exercises(task, model.shape.frames, count=3)
    shown, video = exercise.shown.expand(-1, -1, SIZE, SIZE), noise(3, model.shape.frames)
    law = "linear" if task == "generate" else None
    whole = model.complete(video, shown, law=law, steps=3)
    assert is_video(whole, model, 3, model.shape.frames)
    assert torch.equal(whole.where(shown[:, None], 0), video.where(shown[:, None], 0))
    other = torch.where(shown[:, None], video, noise(3, model.shape.frames, seed=1))
    assert torch.equal(model.complete(other, shown, law=law, steps=3), whole)  # nothing hidden is looked at
    assert not torch.equal(whole, video)


def test_a_mask_over_frames_is_the_same_mask_over_pixels(local: VideoModel) -> None:
    video, frames = noise(2, 8), torch.arange(8) < 3
    pixels = frames[None, :, None, None].expand(2, -1, SIZE, SIZE)
    assert torch.equal(local.complete(video, frames), local.complete(video, pixels))
    assert torch.equal(local.complete(video, frames), local.predict(video[:, :, :3], 5))


def test_tokens_are_hidden_by_hand(four: VideoModel) -> None:
    """Those cells are drawn anew, beside all others; no task of painting need be learned for it."""
    video, grid = noise(2, 8), four.dynamics.layout.grid
    hidden = torch.zeros(grid, dtype=torch.bool)
    hidden[2:5, 0, 1] = True
    whole = four.complete(video, torch.ones(8, dtype=torch.bool), hidden_tokens=hidden, temperature=1.0)
    cell = torch.zeros(8, SIZE, SIZE, dtype=torch.bool)
    cell[2:5, :8, 8:] = True
    assert torch.equal(whole[:, :, ~cell], video[:, :, ~cell])
    assert not torch.equal(whole[:, :, cell], video[:, :, cell])
    assert not torch.equal(
        whole, four.complete(video, torch.ones(8) > 0, hidden_tokens=hidden, temperature=1.0, seed=1)
    )
    both = four.complete(video, torch.arange(8) < 4, hidden_tokens=hidden)
    assert torch.equal(both[:, :, :2], video[:, :, :2]) and not torch.equal(both[:, :, 2:4], video[:, :, 2:4])


# -- further than a clip -------------------------------------------------------------------------------------------


def test_a_rollout_is_fed_by_itself(local: VideoModel) -> None:
    prefix = noise(2, 5)
    long = local.rollout(prefix, horizon=20, seed=3, law="linear", temperature=1.0)
    assert is_video(long, local, 2, 25) and torch.equal(long[:, :, :5], prefix)
    for turn, start in enumerate(range(1, 17, 4)):  # each window is what predict makes of the four frames before it
        last = long[:, :, start : start + 4]
        clip = local.predict(last, 4, step_seed(3, turn), law="linear", temperature=1.0)
        assert torch.equal(clip, long[:, :, start : start + 8])
    assert torch.equal(local.rollout(prefix, 7), local.rollout(prefix, 20)[:, :, :12])


@pytest.mark.parametrize(("shown", "window", "horizon"), [(1, None, 64), (3, 7, 9), (13, 2, 9)])
def test_a_rollout_begins_with_any_prefix(shown: int, window: int | None, horizon: int, model: VideoModel) -> None:
    prefix = noise(1, shown)
    long = model.rollout(prefix, horizon, window=window, steps=2)
    assert is_video(long, model, 1, shown + horizon) and torch.equal(long[:, :, :shown], prefix)


# -- towards the class ---------------------------------------------------------------------------------------------


def test_guidance_and_order_reach_the_decoding(local: VideoModel) -> None:
    prefix, law = noise(4, 3), torch.arange(4)
    plain = local.predict(prefix, 5, law=law)
    assert torch.equal(local.predict(prefix, 5, law=law, guidance=0.0), plain)
    assert not torch.equal(local.predict(prefix, 5, law=law, guidance=3.0), plain)
    assert not torch.equal(local.predict(prefix, 5, law=law, order=ByConfidence()), plain)
    drawn = local.generate(law, drafts=1, steps=3)
    assert not torch.equal(local.generate(law, drafts=1, steps=3, guidance=3.0), drawn)


# -- other models --------------------------------------------------------------------------------------------------

SMALL = {"width": 32, "depth": 2, "heads": 2}
OTHERS = {
    "joint": DynamicsConfig(**SMALL, vocabulary="joint"),
    "autoregressive": AutoregressiveConfig(**SMALL),
    "both": AutoregressiveConfig(**SMALL, vocabulary="joint"),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("kind", KINDS)
def test_all_tasks_for_every_kind_of_model(kind: str, name: str) -> None:
    model = model_of(kind, config=OTHERS[name])
    frames = model.shape.frames
    assert is_video(model.predict(noise(2, 3), frames - 3), model, 2, frames)
    assert is_video(model.interpolate(noise(2, 1), noise(2, 1), frames - 2), model, 2, frames)
    assert is_video(model.generate("helical", n=2, drafts=2), model, 2, frames)
    assert torch.allclose(model.classify(noise(2, frames)).sum(dim=1), torch.ones(2))
    shown = torch.rand(2, frames, SIZE, SIZE) < 0.5
    assert is_video(model.complete(noise(2, frames), shown), model, 2, frames)


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
    refused(lambda: local.predict(noise(1, 4), 0), r"^horizon=0 is not possible; give a whole number of at least 1")
    refused(lambda: local.predict(noise(1, 4), 5), r"prefix has 4 frames, horizon is 5.*more than the 8 frames")
    refused(lambda: local.predict(noise(1, 8), 1), r"more than the 8 frames")
    refused(lambda: local.predict(noise(1, 4), 60), r"more than the 8 frames that this model knows; use rollout")
    refused(lambda: local.rollout(noise(1, 4), 0), r"^horizon=0 is not possible")
    refused(lambda: local.rollout(noise(1, 4), 9, window=8), r"^window=8 is not .* a whole number from 1 to 7")
    refused(lambda: local.interpolate(noise(1, 3), noise(1, 3), 3), r"are 3, 3, 3.*more than the 8 frames")
    refused(lambda: local.interpolate(noise(1, 3), noise(1, 3), 0), r"^hidden=0 .*of at least 1")
    refused(lambda: local.interpolate(noise(1, 3), noise(1, 3), "two"), r"^hidden='two' .*of at least 1")
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
    refused(lambda: local.generate("linear", n=0), r"^n=0 .*of at least 1")
    refused(lambda: local.generate("linear", n=2.5), r"^n=2.5 .*of at least 1")


@pytest.mark.usefixtures("unchecked")
def test_wrong_masks_are_named(local: VideoModel, four: VideoModel) -> None:
    video, some = noise(2, 8), torch.arange(8) < 4
    takes = r"; give torch\.bool of shape \(8,\) or \(2, 8, 16, 16\), True where shown$"
    refused(lambda: local.complete(video, some.float()), r"^shown is torch\.float32" + takes)
    refused(lambda: local.complete(video, some.numpy()), r"^shown is ndarray" + takes)
    for shape in ((7,), (2, 8), (1, 8, 16, 16), (2, 8, 16, 15)):
        refused(lambda shape=shape: local.complete(video, torch.ones(shape) > 0), r"^shown has shape .*" + takes)
    refused(lambda: local.complete(video, some | True), r"^shown hides nothing, nor does hidden_tokens")
    refused(lambda: four.complete(video, some & False), r"has not learned the task generate_any")
    painted = torch.ones(2, 8, SIZE, SIZE, dtype=torch.bool)
    painted[:, :, 4:9, 4:9] = False
    refused(lambda: four.complete(video, painted), r"has learned whole frames only; train it with more")
    grid = r"; give torch\.bool of shape \(8, 2, 2\), True where hidden$"
    refused(lambda: local.complete(video, some, hidden_tokens=some), r"^hidden_tokens is torch\.bool of shape.*" + grid)
    refused(lambda: local.complete(video, some, hidden_tokens=[True]), r"^hidden_tokens is list" + grid)
    refused(lambda: local.complete(video[:, :, :7], some), r"^video has 7 frames; this model takes 8")


@pytest.mark.usefixtures("unchecked")
def test_guidance_without_a_law_or_without_its_task_is_named(local: VideoModel, four: VideoModel) -> None:
    refused(lambda: local.predict(noise(1, 4), 4, guidance=1.0), r"^guidance=1\.0 leads towards a law; give one")
    refused(lambda: local.predict(noise(1, 4), 4, law=0, guidance=-1.0), r"^guidance=-1\.0")
    refused(lambda: four.generate("linear", guidance=1.0), r"has not learned the task generate_any; train it with")
    assert is_video(four.predict(noise(1, 4), 4, law=0, guidance=1.0, steps=2), four, 1, 8)


@pytest.mark.usefixtures("unchecked")
def test_seeds_temperatures_and_counts_are_checked(model: VideoModel) -> None:
    prefix = noise(1, 4)
    for seed in (-1, 1.5, None, "a", True, 1 << 63):
        refused(
            lambda seed=seed: model.predict(prefix, 4, seed),
            "seed=.* give a whole number from 0 to 9223372036854775807$",
        )
        refused(
            lambda seed=seed: model.rollout(prefix, 4, seed), "seed=.* a whole number from 0 to 9223372036854775807$"
        )
    model.predict(prefix, 4, np.int64(3), steps=1)
    for temperature in (-1.0, math.nan, math.inf):
        refused(lambda each=temperature: model.predict(prefix, 4, temperature=each), "temperature=")
    refused(lambda: model.predict(prefix, 4, steps=0), r"^steps=0 .*of at least 1")
    refused(lambda: model.generate("linear", drafts=0), r"^drafts=0 .*of at least 1")
    refused(lambda: model.generate(torch.tensor([1]), n=3, drafts=1, steps=1), "n=3, but law holds 1 labels")
    refused(lambda: model.generate(torch.tensor(1), drafts=1, steps=1), "one per clip")


def test_any_precision_of_float_is_taken(model: VideoModel) -> None:
    video = noise(2, model.shape.frames).half()
    for other in (video.double(), video.bfloat16().float().bfloat16()):
        assert torch.equal(model.classify(other), model.classify(other.float()))
