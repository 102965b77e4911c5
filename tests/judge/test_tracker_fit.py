"""The compiled discs against their plain twins: coverage, derivatives, the place of the least squares."""

import numpy as np
import pytest

from marey.judge.tracker import track_clips
from marey.judge.tracker.disc import FORMS, around, canvas, stamp
from marey.judge.tracker.fit import misfit, surround
from marey.judge.tracker.plain import cover_plainly, track_plainly
from marey.world.scenes import Scenes

DISCS = [(8.3, 7.1, 2.6), (0.4, 11.0, 3.2), (15.9, -1.0, 2.0), (8.0, 8.0, 1.3)]
STILL = np.zeros(2)


@pytest.mark.parametrize("disc", DISCS)
def test_the_compiled_disc_is_the_plain_one(disc: tuple[float, float, float]) -> None:
    on = canvas(16, 17, 1)
    stamp(np.array(disc), STILL, np.full((1, 1), 3.0), (0, 16, 0, 17), on)
    np.testing.assert_allclose(on.share, cover_plainly(np.array(disc), 16, 17), atol=1e-12)
    np.testing.assert_allclose(on.paint[..., 0], 3 * on.share)


@pytest.mark.parametrize("disc", DISCS)
@pytest.mark.parametrize("smear", [(0.0, 0.0), (1.5, -0.7)])
def test_the_slopes_are_those_of_finite_differences(
    disc: tuple[float, float, float], smear: tuple[float, float]
) -> None:
    """Their sums, plain and weighted by place, in the mean over an eighth of a pixel: where a line begins they jump.

    They are held down there, so they may be a little too small.
    """

    def sums(values: np.ndarray) -> np.ndarray:
        return np.array([(values * weight).sum() for weight in weights])

    def drawn(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        stamp(numbers, np.array(smear), np.ones((1, 1)), (0, 16, 0, 17), on)
        return sums(on.share), np.array([sums(on.slope[..., i]) for i in range(3)])

    row, column = np.mgrid[:16, :17] - 8.0
    on, weights, step = canvas(16, 17, 1), (np.ones((16, 17)), row, column, row * column), 1 / 16
    for i, way in enumerate(np.eye(3)):
        rise = drawn(np.array(disc) + step * way)[0] - drawn(np.array(disc) - step * way)[0]
        places = step * (2 * (np.arange(64) + 0.5) / 64 - 1)
        slopes = np.mean([drawn(np.array(disc) + place * way)[1][i] for place in places], axis=0)
        np.testing.assert_allclose(rise / (2 * step), slopes, atol=0.12 * np.abs(slopes).max())


def test_a_smeared_disc_is_the_mean_of_its_exposures() -> None:
    on, smear, total = canvas(16, 17, 1), np.array([3.0, -2.0]), np.zeros((16, 17))
    for when in (-0.4, -0.2, 0.0, 0.2, 0.4):
        total += cover_plainly(np.array([8.0, 8.0, 2.5]) + when * np.array([3.0, -2.0, 0.0]), 16, 17) / 5
    stamp(np.array([8.0, 8.0, 2.5]), smear, np.ones((1, 1)), (0, 16, 0, 17), on)
    np.testing.assert_allclose(on.share, total, atol=1e-12)


def test_a_shaded_disc_is_lighter_where_its_forms_say() -> None:
    on, colour = canvas(16, 16, 1), np.zeros((FORMS, 1))
    colour[0], colour[1] = 10, 4  # to the right
    stamp(np.array([8.0, 8.0, 3.0]), STILL, colour, (0, 16, 0, 16), on)
    inside = on.share[7] == 1
    np.testing.assert_allclose(on.paint[7, inside, 0], 10 + 4 * (np.arange(16)[inside] + 0.5 - 8) / 3, atol=1e-12)


def test_the_fit_is_the_plain_least_squares(scenes: Scenes, clips: np.ndarray) -> None:
    some = clips[:6]
    plain = np.stack([track_plainly(clip) for clip in some])
    ours = track_clips(some)
    np.testing.assert_allclose(ours.track, plain[..., :2], atol=1e-3)
    np.testing.assert_allclose(ours.radius, plain[..., 2], atol=2e-3)


def test_what_is_missing_costs_no_more_than_its_bound() -> None:
    """Half of a disc behind something: bounded errors let it stay whole, plain ones are larger."""
    paper, disc, on = np.full((16, 16, 1), 200.0), np.array([8.0, 8.0, 3.0]), canvas(16, 16, 1)
    discs, box = disc[None], (0, 16, 0, 16)
    surround(
        0, discs, STILL[None], np.zeros((1, 1, 1)), np.zeros(1, np.int64), paper, np.zeros((16, 16), bool), box, on
    )
    frame = 200 * (1 - cover_plainly(disc, 16, 16)[..., None])
    normal = np.empty((3, 4))
    assert misfit(frame, disc, STILL, np.zeros((1, 1)), False, box, on, normal) == pytest.approx(0, abs=1e-9)
    frame[:, 8:] = 200
    plain = misfit(frame, disc, STILL, np.zeros((1, 1)), False, box, on, normal)
    bounded = misfit(frame, disc, STILL, np.zeros((1, 1)), True, box, on, normal)
    assert 0 < bounded < 0.2 * plain


@pytest.mark.parametrize("place", [-1e300, -90.0, -4.0, 0.0, 15.9, 20.0, 90.0, 1e300, np.nan])
def test_the_box_around_any_place_lies_in_the_frame(place: float) -> None:
    """A compiled kernel would write beyond its arrays, and the process would end without a word."""
    for u, v in ((place, 8.0), (8.0, place), (place, place)):
        top, end, left, right = around(u, v, 3.0, 16, 16)
        assert 0 <= top <= end <= 16 and 0 <= left <= right <= 16
