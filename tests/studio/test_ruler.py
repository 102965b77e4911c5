"""The ruler in the studio: it reads what was made, and goes on as the law does."""

from dataclasses import replace

import numpy as np
import pytest

from marey.judge.baselines import extended
from marey.judge.tracker import Tracks
from marey.studio import ruler
from marey.studio.drawing import Stroke, drawn
from marey.studio.film import Film
from marey.studio.making import make, surprise
from marey.world.laws import BASE_LAWS

FIRST, ENDS = np.arange(8) < 4, np.isin(np.arange(8), (0, 1, 6, 7))


@pytest.mark.parametrize("law", BASE_LAWS)
def test_a_made_clip_is_read_and_continued_as_its_law(stage, laws, law: str) -> None:
    made = make(stage, laws[law].start)
    reading = ruler.read_clip(stage, made.film.clip)
    assert reading.law == law and reading.why == "" and reading.found == 8
    assert reading.residual < 0.02 and reading.quantities and len(reading.equation) == 3
    tracks = stage.track(made.film.clip)
    for given in (FIRST, ENDS):
        answer = ruler.continued(stage, tracks, given)
        assert answer is not None and answer.fits and answer.law == law
        straight = ruler.miss(ruler.straight_on(tracks, given), tracks, given)
        assert answer.error < 0.3, "an exact law, from exact places"
        assert law == "linear" or answer.error < straight / 5
        seen = stage.track(answer.film.clip).track[0]
        assert np.abs(seen - np.array(answer.track)).max() < 0.05


def test_the_turning_that_is_read_is_the_slider_s(stage, laws) -> None:
    start = laws["circular"].start
    reading = ruler.read_clip(stage, make(stage, start).film.clip)
    turning = float(next(each for each in reading.quantities if each.startswith("w = ")).split()[2])
    assert turning == pytest.approx(abs(start.values[1]), rel=0.01)


def test_a_continuation_knows_nothing_of_hidden_frames(stage) -> None:
    tracks = stage.track(make(stage, surprise(stage, "circular", 3, 8, 32)).film.clip)
    other = tracks.track.copy()
    other[0, ~FIRST] = other[0, ~FIRST][:, ::-1]
    one, two = (ruler.continued(stage, each, FIRST) for each in (tracks, replace(tracks, track=other)))
    assert one.track == two.track and one.law == two.law and one.error != two.error


def test_a_zigzag_is_no_law_and_is_moved_onto_the_nearest_one(stage) -> None:
    points = ((0.2, 0.35, 0.0), (0.4, 0.65, 1.0), (0.6, 0.35, 2.0), (0.8, 0.65, 3.0))
    reading = ruler.read_clip(stage, drawn(stage, Stroke(points)).film.clip)
    assert reading.law is None and "none of the four laws fits" in reading.why
    exact = ruler.read_clip(stage, reading.snapped.clip)
    assert exact.law is not None and exact.residual < 0.02 < reading.residual


def test_a_clip_without_a_dot_or_with_one_at_rest_is_no_law(stage) -> None:
    shape = (stage.shape.frames, stage.shape.size, stage.shape.size, stage.shape.channels)
    blank = ruler.read_clip(stage, np.full(shape, 255, np.uint8))
    assert blank.law is None and "found in 0 of 8 frames" in blank.why and blank.track == (None,) * 8
    still = drawn(stage, Stroke(((0.5, 0.5, 0.0), (0.501, 0.5, 1.0)))).film
    assert "rests" in ruler.read_clip(stage, still.clip).why


def test_straight_on_is_the_line_through_the_last_two_and_between_the_shown() -> None:
    random = np.random.default_rng(1).uniform(5, 25, (1, 8, 2))
    tracks = Tracks(random, np.ones((1, 8)), np.ones((1, 8), bool))
    plain = extended(random[:, FIRST], FIRST, 1, 2)[0]
    assert np.allclose(ruler.straight_on(tracks, FIRST)[~FIRST], plain)
    middle = ruler.straight_on(tracks, ENDS)
    assert np.allclose(middle[2:6], random[0, 1] + (random[0, 6] - random[0, 1]) * (np.arange(1, 5) / 5)[:, None])
    assert np.allclose(ruler.straight_on(tracks, ~FIRST)[:4][::-1], extended(random[:, ::-1][:, FIRST], FIRST, 1, 2)[0])
    assert np.isnan(ruler.straight_on(tracks, np.arange(8) < 1)).all()


def test_a_clip_of_another_shape_is_refused_with_both_shapes(stage) -> None:
    film = Film.of(np.zeros((9, 64, 64, 3), np.uint8))
    with pytest.raises(ValueError, match=r"9 frames of 64x64 pixels in colour; .* 8 frames of 32x32 in grey"):
        ruler.read_clip(stage, film.clip)
