"""A path by hand: the world's dot is where the hand was."""

import numpy as np
import pytest

from marey.core.errors import UserError
from marey.studio.drawing import Stroke, drawn
from marey.world.render import draw, trajectory_discs

LINE = tuple((0.2 + 0.6 * s, 0.5, s * s) for s in np.linspace(0, 1, 41).tolist())


def test_the_dot_is_drawn_by_the_renderer_where_the_path_goes(stage) -> None:
    answer = drawn(stage, Stroke(LINE))
    size, frames = stage.shape.size, stage.shape.frames
    x = size * np.linspace(0.2, 0.8, frames)
    track = np.column_stack([x, np.full(frames, size / 2)])
    assert np.abs(np.array(answer.track) - track).max() < 1e-3
    picture = stage.scenes.take(np.arange(1)).picture
    discs = trajectory_discs(np.array(answer.track), stage.radius * size)
    assert (answer.film.clip == draw(discs, picture, size, size)[0]).all()
    assert answer.step == pytest.approx(0.6 / (frames - 1), abs=1e-4)


def test_the_dot_goes_as_the_hand_did_if_asked(stage) -> None:
    places = np.array(drawn(stage, Stroke(LINE, "by hand")).track)[:, 0] / stage.shape.size
    share = np.linspace(0, 1, stage.shape.frames)
    assert np.abs(places - (0.2 + 0.6 * np.sqrt(share))).max() < 0.01


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ((), "2 to 4000"),
        (((0.5, 0.5, 0.0), (0.5, 0.5, 1.0)), "goes nowhere"),
        (((0.5, 0.5, 0.0), (1.5, 0.5, 1.0)), "leaves the frame"),
        (((0.5, 0.5, 0.0), (float("nan"), 0.5, 1.0)), "leaves the frame"),
        (((0.5, 0.5, 1.0), (0.6, 0.5, 0.0)), "runs backwards"),
    ],
)
def test_what_is_no_path_is_a_sentence(stage, points: tuple, said: str) -> None:
    with pytest.raises(UserError, match=said):
        drawn(stage, Stroke(points))
