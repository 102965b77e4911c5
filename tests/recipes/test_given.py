"""Law 5: what is given may depend only on what is shown."""

from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marey.dynamics.decode import fill
from marey.dynamics.sequence import Sequence
from marey.dynamics.tasks import Exercise
from marey.recipes import sequences as room
from marey.recipes.model import VideoModel
from marey.recipes.shown import as_shown
from marey.tokens.tokenizer import Tokenizer
from tests.recipes.small import TASKS, exercises, model_of, redrawn
from tests.tokens.small import KINDS, SIZE, noise
from tests.tokens.test_tokenizer import MUTANTS, mutate


def both_sequences(model: VideoModel, exercise: Exercise) -> tuple[Sequence, Sequence]:
    """What the transformer is shown of clips, and of the same clips with other hidden pixels and hidden classes."""
    video = noise(len(exercise.task), model.shape.frames)
    law = torch.randint(4, exercise.task.shape)
    other_law = torch.where(exercise.law, law, (law + 1 + torch.randint(3, law.shape)) % 4)
    other = redrawn(video, exercise.shown)
    return model.sequence(video, law, exercise), model.sequence(other, other_law, exercise)


def leaks(one: Sequence, other: Sequence) -> bool:
    pairs = (one.values, other.values), (one.known, other.known), (one.condition, other.condition)
    return not all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", TASKS)
def test_hidden_pixels_and_a_hidden_class_change_nothing(task: str, kind: str) -> None:
    model = model_of(kind)
    one, other = both_sequences(model, exercises(task, model.shape.frames))
    assert not leaks(one, other)
    rows = [fill(model.dynamics, each, steps=2, generator=torch.Generator().manual_seed(0)) for each in (one, other)]
    assert torch.equal(*rows)


@pytest.mark.parametrize("kind", KINDS)
def test_shown_pixels_and_a_shown_class_do_change_it(kind: str) -> None:
    """Otherwise the test above would pass on a blank sequence."""
    model = model_of(kind)
    for task in TASKS:
        exercise = exercises(task, model.shape.frames)
        n = len(exercise.task)
        law = torch.zeros(n, dtype=torch.long)
        one = model.sequence(noise(n, model.shape.frames), law, exercise)
        other = model.sequence(noise(n, model.shape.frames, seed=5), law + 1, exercise)
        moved = ((one.values != other.values) & (one.known | one.condition)).any(dim=1)
        told = exercise.law | (exercise.shown.flatten(1).any(dim=1) & ~exercise.partial)
        assert moved[told].all()
        assert moved[exercise.partial].float().sum() >= 0.9 * exercise.partial.sum()


@pytest.mark.parametrize(("kind", "found"), [("local", False), ("looks_back", True), ("stride_4", True)])
def test_encoding_the_true_clip_would_be_found(kind: str, found: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The naive way leaks the gap into the frames after it, as soon as the encoder looks back."""
    monkeypatch.setattr(room, "as_shown", lambda video, shown: video)
    model = model_of(kind)
    assert leaks(*both_sequences(model, exercises("interpolate", model.shape.frames))) == found


# -- what counts as known ------------------------------------------------------------------------------------------


def known_is_true(model: VideoModel, task: str) -> bool:
    """Whether every known value is the one that the true clip has: hidden frames could not have changed it."""
    exercise = exercises(task, model.shape.frames)
    video, law = noise(len(exercise.task), model.shape.frames), torch.randint(4, exercise.task.shape)
    sequence = model.sequence(video, law, exercise)
    truth = model.dynamics.layout.row(exercise.task, law, model.digits(video))
    return torch.equal(sequence.values[sequence.known], truth[sequence.known])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", TASKS)
def test_what_is_known_is_true(task: str, kind: str) -> None:
    assert known_is_true(model_of(kind), task)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_symmetric_padding_or_a_norm_over_time_would_be_found(mutant: type[torch.nn.Module]) -> None:
    model = model_of("looks_back")
    mutate(model.tokenizer.encoder, mutant)
    assert not known_is_true(model, "predict")


def test_a_leak_in_the_mask_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tokenizer, "settled", lambda self, shown: shown[:, :: self.config.stride[0]])
    assert not known_is_true(model_of("looks_back"), "interpolate")


@pytest.mark.parametrize("kind", KINDS)
def test_each_token_is_known_a_condition_or_hidden(kind: str) -> None:
    """Known: made of shown pixels alone. Condition: holds a shown pixel, but reaches into filled ones."""
    model = model_of(kind)
    stride, layout = model.tokenizer.config.stride[0], model.dynamics.layout
    for task in TASKS:
        exercise = exercises(task, model.shape.frames)
        n = len(exercise.task)
        sequence = model.sequence(noise(n, model.shape.frames), torch.zeros(n, dtype=torch.long), exercise)
        assert not (sequence.known & sequence.condition).any()
        assert (sequence.values[~(sequence.known | sequence.condition)] == 0).all()
        known, condition = (layout.digits(mask.long())[..., 0] > 0 for mask in (sequence.known, sequence.condition))
        settled = model.tokenizer.settled(exercise.shown)
        assert torch.equal(known, settled.expand_as(known))
        for j, y, x in product(*map(range, layout.grid)):
            frames = exercise.shown.expand(-1, -1, SIZE, SIZE)[:, max(0, (j - 1) * stride + 1) : j * stride + 1]
            holds = frames[:, :, 8 * y : 8 * y + 8, 8 * x : 8 * x + 8].flatten(1).any(dim=1)
            assert torch.equal((known | condition)[:, j, y, x], holds | known[:, j, y, x])
        assert sequence.known[:, layout.slice("task")].all()
        assert torch.equal(sequence.known[:, layout.slice("class")][:, 0], exercise.law)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", ["interpolate", "outpaint_dynamic", "inpaint_central"])
def test_a_training_batch_reveals_what_it_is_told_to(task: str, kind: str) -> None:
    model = model_of(kind)
    exercise = exercises(task, model.shape.frames)
    n = len(exercise.task)
    video, law = noise(n, model.shape.frames), torch.randint(4, (n,))
    reveal = torch.rand(n, model.dynamics.layout.elements) < 0.3
    plain, batch = model.sequence(video, law, exercise), model.batch(video, law, exercise, reveal)
    truth = model.dynamics.layout.row(exercise.task, law, model.digits(video))
    seen, fresh = batch.sequence, reveal & ~plain.known
    assert torch.equal(batch.targets, truth)
    assert torch.equal(seen.known, plain.known | reveal)
    assert torch.equal(batch.asked, ~seen.known)
    assert torch.equal(seen.values[fresh], truth[fresh])
    assert torch.equal(seen.values[~fresh], plain.values[~fresh])
    assert torch.equal(seen.condition, plain.condition & ~seen.known)


# -- the clip as the task shows it ---------------------------------------------------------------------------------


@given(st.lists(st.booleans(), min_size=6, max_size=6))
def test_hidden_frames_are_copies_of_shown_ones(mask: list[bool]) -> None:
    """Of the one before, else of the one after; grey if there is none."""
    video = noise(1, 6)
    filled = as_shown(video, torch.tensor([mask])[:, :, None, None])
    for t in range(6):
        before = [s for s in range(t + 1) if mask[s]]
        after = [s for s in range(t, 6) if mask[s]]
        source = before[-1] if before else after[0] if after else None
        wanted = torch.zeros_like(video[:, :, t]) if source is None else video[:, :, source]
        assert torch.equal(filled[:, :, t], wanted)


@given(st.integers(0, 2**16 - 1))
def test_hidden_pixels_are_what_was_shown_in_their_place(bits: int) -> None:
    """Last before, else next after; where nothing ever is, the median of what is shown anywhere."""
    video = noise(1, 4, size=2)
    mask = (torch.tensor(bits) >> torch.arange(16) & 1 > 0).reshape(1, 4, 2, 2)
    filled, shown = as_shown(video, mask), video[0, 0][mask[0]]
    for t, y, x in product(range(4), range(2), range(2)):
        before = [s for s in range(t + 1) if mask[0, s, y, x]]
        after = [s for s in range(t, 4) if mask[0, s, y, x]]
        source = before[-1] if before else after[0] if after else None
        page = shown.median() if len(shown) else torch.tensor(0.0)
        assert filled[0, 0, t, y, x] == (page if source is None else video[0, 0, source, y, x])
