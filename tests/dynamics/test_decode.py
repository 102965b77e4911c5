"""Parallel decoding: what is known stays, the rest is filled in a given number of steps, by a seed."""

import hashlib
import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from marey.core.errors import UserError
from marey.dynamics.decode import ByConfidence, ByFrame, fill
from marey.dynamics.sequence import Layout, Sequence
from marey.dynamics.transformer import Dynamics, DynamicsConfig
from tests.dynamics.small import LAYOUT, LEVELS, Even, Sure, Uneven, Watched, half_known, rows
from tests.tokens.small import shaken


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def alike(batch: int) -> Sequence:
    """The same row many times, a few of its elements known."""
    one = half_known(1, share=0.1)
    return Sequence(*(part.expand(batch, -1).clone() for part in (one.values, one.known, one.condition)))


@pytest.mark.parametrize("steps", [1, 2, 5, 12, 40])
def test_all_that_is_hidden_is_filled_and_nothing_else(steps: int) -> None:
    sequence, answer = half_known(3), rows(3, seed=7)
    model = Sure(answer)
    row = fill(model, sequence, steps=steps, generator=seeded(0))
    assert torch.equal(row, torch.where(sequence.known, sequence.values, answer))
    assert len(model.seen) == steps


def test_the_likeliest_numbers_are_read_in_one_pass() -> None:
    """Names take twelve, and so do draws of many digits."""
    for asked, passes in (({"temperature": 0.0}, 1), ({}, 12)):
        model = Even()
        fill(model, half_known(3, share=0.3), generator=seeded(0), **asked)
        assert len(model.seen) == passes, asked
    names = Even()
    names.layout = replace(LAYOUT, ordinal=False)
    fill(names, half_known(3, share=0.3), temperature=0.0, generator=seeded(0))
    assert len(names.seen) == 12


@pytest.mark.parametrize(
    ("frames", "digits", "hidden", "passes"),
    [(8, 3, 8, 18), (16, 5, 16, 30), (2, 3, 2, 8), (8, 3, 3, 11), (8, 3, 1, 4), (1, 2, 1, 3)],
)
@pytest.mark.parametrize("order", [None, ByFrame()])
def test_few_digits_of_the_first_frames_have_a_pass_each(
    frames: int, digits: int, hidden: int, passes: int, order: ByFrame | None
) -> None:
    """All of five frames, or of those that are hidden, then a few passes more."""
    layout = Layout(tasks=4, laws=4, grid=(frames, 1, 1), levels=(4,) * digits)
    model = Even()
    model.layout = layout
    known = torch.ones(3, layout.elements, dtype=torch.bool)
    known[:, layout.elements - hidden * digits :] = False
    values = torch.zeros(3, layout.elements, dtype=torch.long)
    fill(model, Sequence(values, known, torch.zeros_like(known)), generator=seeded(0), order=order)
    assert len(model.seen) == passes
    left = torch.stack([(~seen.known).sum(dim=1) for seen in model.seen])
    assert (left[: min(hidden, 5) * digits].diff(dim=0) == -1).all()


@pytest.mark.parametrize("temperature", [0.0, 1.0, 5.0])
def test_known_elements_never_change_on_the_way(temperature: float) -> None:
    sequence, model = half_known(3, share=0.3), Even()
    fill(model, sequence, steps=8, temperature=temperature, generator=seeded(0))
    for seen in model.seen:
        assert (seen.known | ~sequence.known).all()
        assert torch.equal(seen.values[sequence.known], sequence.values[sequence.known])


def test_digits_are_drawn_one_by_one_then_frames_filled_then_halves_polished() -> None:
    sequence, model = half_known(3, share=0.0), Even()
    fill(model, sequence, steps=12, generator=seeded(0))
    left = torch.stack([(~seen.known).sum(dim=1) for seen in model.seen])
    assert (left[:10].diff(dim=0) < 0).all()  # ten careful steps fill all three frames
    assert (left[11:] == (left[0] + 1) // 2).all()  # the polishing step hides a half
    video = LAYOUT.slice("video")
    for seen in model.seen[:10]:  # at most one frame is begun and not finished
        frames = seen.known[:, video].unflatten(1, (LAYOUT.grid[0], -1)).float().mean(dim=2)
        assert (((frames > 0) & (frames < 1)).sum(dim=1) <= 1).all()


def test_polishing_sees_finished_values_and_hides_what_it_asks() -> None:
    sequence, answer = half_known(3, share=0.2), rows(3, seed=7)
    model = Sure(answer)
    fill(model, sequence, steps=12, temperature=0.0)
    for seen in model.seen[8:]:
        known = seen.known & ~sequence.known
        assert torch.equal(seen.values[known], answer[known]) and (seen.values[~seen.known] == 0).all()


def test_a_condition_is_replaced() -> None:
    """Values that came from a filled clip are a hint, and not an answer."""
    sequence, answer = half_known(2), rows(2, seed=7)
    condition = ~sequence.known & (torch.rand(sequence.known.shape, generator=seeded(3)) < 0.5)
    condition[:, LAYOUT.slice("class")] = False
    hinted = replace(sequence, values=torch.where(condition, rows(2, seed=8), sequence.values), condition=condition)
    model = Sure(answer)
    row = fill(model, hinted, steps=6, generator=seeded(0))
    assert torch.equal(row, torch.where(sequence.known, sequence.values, answer))
    assert not any((seen.condition & seen.known).any() for seen in model.seen)


def test_a_full_sequence_comes_back() -> None:
    values = rows(2)
    full = Sequence(values, torch.ones_like(values, dtype=torch.bool), torch.zeros_like(values, dtype=torch.bool))
    assert torch.equal(fill(Even(), full, steps=3, generator=seeded(0)), values)


def test_the_argument_is_left_alone() -> None:
    sequence = half_known(2)
    copies = [part.clone() for part in (sequence.values, sequence.known, sequence.condition)]
    fill(Even(), sequence, steps=3, generator=seeded(0))
    for copy, part in zip(copies, (sequence.values, sequence.known, sequence.condition), strict=True):
        assert torch.equal(copy, part)


@pytest.mark.parametrize("temperature", [1.0, 100.0])
def test_values_stay_within_their_levels(temperature: float) -> None:
    row = fill(Even(), half_known(32, share=0.0), steps=2, temperature=temperature, generator=seeded(0))
    assert (row >= 0).all() and (row < LEVELS).all()


# -- randomness ----------------------------------------------------------------------------------------------------


def test_a_seed_decides_the_result() -> None:
    sequence, model = half_known(4, share=0.1), Watched()
    row = fill(model, sequence, generator=seeded(1))
    torch.rand(5)  # the global state has no say
    assert torch.equal(fill(model, sequence, generator=seeded(1)), row)
    assert not torch.equal(fill(model, sequence, generator=seeded(2)), row)


def test_without_temperature_nothing_is_random() -> None:
    sequence, model = half_known(4, share=0.1), Watched()
    cold = {"temperature": 0, "steps": 5}
    row = fill(model, sequence, **cold, generator=seeded(1))
    assert torch.equal(fill(model, sequence, **cold, generator=seeded(2)), row)
    likeliest = fill(Even(), sequence, **cold)
    assert (likeliest[~sequence.known] == 0).all()


def test_more_temperature_is_more_diverse() -> None:
    sequence = alike(64)

    def diversity(temperature: float) -> float:
        row = fill(Even(), sequence, steps=4, temperature=temperature, generator=seeded(0))
        return (row[:32] != row[32:])[~sequence.known[:32]].float().mean().item()

    found = [diversity(temperature) for temperature in (0.0, 0.2, 1.0, 5.0)]
    assert found[0] == 0
    assert found == sorted(found) and len(set(found)) == 4


def test_rows_of_a_batch_differ() -> None:
    row = fill(Even(), alike(8), steps=4, generator=seeded(0))
    assert len(row.unique(dim=0)) == 8


def test_without_temperature_clips_of_a_batch_do_not_meet() -> None:
    parts = [half_known(1, seed=i, share=share) for i, share in enumerate((0.0, 0.3, 0.6, 0.95))]
    together = Sequence(*(torch.cat([getattr(p, name) for p in parts]) for name in ("values", "known", "condition")))
    model = Watched()

    def cold(sequence: Sequence) -> Tensor:
        return fill(model, sequence, steps=6, temperature=0)

    row = cold(together)
    for i, part in enumerate(parts):
        assert torch.equal(cold(part)[0], row[i])


# What this model, these hints and these seeds have given since five frames are drawn with care.
GOLDEN = {
    (0.0, 12): "bc512b68dae6c5d0",
    (0.0, 5): "9de074e12729a403",
    (1.0, 12): "c9430994ba53e7bb",
    (1.0, 5): "e96378922556ca85",
}


@pytest.mark.parametrize(("temperature", "steps"), GOLDEN)
def test_the_default_order_gives_the_bytes_it_always_gave(temperature: float, steps: int) -> None:
    model = shaken(Dynamics(DynamicsConfig(width=32, depth=2, heads=2), LAYOUT), seed=1)
    sequence = half_known(4, share=0.2)
    hint = ~sequence.known & (torch.rand(sequence.known.shape, generator=seeded(3)) < 0.3)
    hint[:, LAYOUT.slice("class")] = False
    sequence = replace(sequence, values=torch.where(hint, rows(4, seed=8), sequence.values), condition=hint)
    for order in (None, ByFrame()):
        row = fill(model, sequence, steps=steps, temperature=temperature, generator=seeded(5), order=order)
        data = row.to(torch.int16).contiguous().numpy().tobytes()
        assert hashlib.sha256(data).hexdigest()[:16] == GOLDEN[temperature, steps]


# -- MaskGIT's order -----------------------------------------------------------------------------------------------


def kept_at(choice: float, steps: int = 10, batch: int = 16) -> tuple[Tensor, Tensor]:
    """The step at which each element was kept, and how sure the model was of it."""
    sequence, model = half_known(batch, share=0.0), Uneven()
    fill(model, sequence, steps=steps, generator=seeded(0), order=ByConfidence(choice))
    left = torch.stack([~seen.known for seen in model.seen]).sum(dim=0)
    return left[:, 2:].float(), model.guess(sequence).confidence[:, 2:]


def test_what_stays_hidden_falls_as_a_cosine() -> None:
    sequence, model = half_known(3, share=0.2), Uneven()
    total = (~sequence.known).sum(dim=1)
    row = fill(model, sequence, steps=8, generator=seeded(0), order=ByConfidence())
    for step, seen in enumerate(model.seen):
        wanted = (total * math.cos(math.pi / 2 * step / 8)).floor().long() if step else total
        assert torch.equal((~seen.known).sum(dim=1), wanted)
    assert (row[~sequence.known] == 0).all() and torch.equal(row[sequence.known], sequence.values[sequence.known])


def test_at_choice_temperature_0_the_surest_are_kept_first() -> None:
    step, sure = kept_at(0.0)
    for row in range(len(step)):
        place = sure[row].argsort(descending=True)
        assert (step[row][place].diff() >= 0).all()


def test_more_choice_temperature_is_less_order() -> None:
    """The correlation of confidence with the step at which an element is kept."""
    found = []
    for choice in (0.0, 1.0, 5.0, 1000.0):
        step, sure = kept_at(choice)
        both = torch.stack([step.flatten(), sure.flatten()])
        found.append(-torch.corrcoef(both)[0, 1].item())
    assert found == sorted(found, reverse=True) and len(set(found)) == 4
    assert found[0] > 0.9 and abs(found[-1]) < 0.1


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_real_model_is_filled_by_confidence(temperature: float) -> None:
    sequence, model = half_known(4, share=0.3), Watched()
    row = fill(model, sequence, steps=5, temperature=temperature, generator=seeded(0), order=ByConfidence(0.0))
    assert torch.equal(row[sequence.known], sequence.values[sequence.known])
    assert (row >= 0).all() and (row < LEVELS).all()


def test_a_strange_choice_temperature_is_refused() -> None:
    for choice in (-1.0, math.inf, math.nan):
        with pytest.raises(UserError, match="choice_temperature"):
            ByConfidence(choice)
