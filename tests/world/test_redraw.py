"""Drawing again: the shared loop against one sample at a time, and what it says when it finds nothing."""

import numpy as np
import pytest

from marey.core.errors import UserError
from marey.world import redraw as room
from marey.world.factors import FACTORS
from marey.world.matched import MatchedWorld
from marey.world.phyworld import PhyWorld
from marey.world.redraw import NotFoundError, laws_in_turn, redraw
from marey.world.scenes import Scenes

WORLD = MatchedWorld()


def _slow(scenes: Scenes) -> np.ndarray:
    return FACTORS["speed"](scenes)[:, 0] < 2


def test_each_sample_is_the_first_draw_that_fits_and_is_accepted() -> None:
    index = np.array([7, 3, 90, 4, 1 << 40])
    together, draws = WORLD.sample(2, index, _slow), []
    for place, i in enumerate(index):
        for draw in range(100):
            one = WORLD._propose(2, draw, np.array([i]), np.array([i % 4]))
            if WORLD._fits(one)[0] and _slow(one)[0]:
                break
        np.testing.assert_array_equal(together.trajectory[place], one.trajectory[0])
        draws.append(draw)
    assert max(draws) > 0  # or nothing was drawn again


@pytest.mark.parametrize("world", [WORLD, PhyWorld()])
def test_what_is_drawn_again_depends_on_its_index_alone(world: MatchedWorld | PhyWorld) -> None:
    index = np.arange(40)
    together = world.sample(3, index, _slow)
    assert _slow(together).all() and not _slow(world.sample(3, index)).all()
    for part in (index[::-1], index[10:11], index[5:9]):
        np.testing.assert_array_equal(world.sample(3, part, _slow).trajectory, together.trajectory[part])


def test_laws_take_turns_among_those_wanted() -> None:
    index = np.arange(10, 16)
    names = ("linear", "circular", "helical", "parabolic")
    assert laws_in_turn(names, index).tolist() == [2, 3, 0, 1, 2, 3]
    assert laws_in_turn(names, index, ("helical", "linear")).tolist() == [2, 0, 2, 0, 2, 0]
    scenes = WORLD.sample(0, index, None, ("parabolic",))
    assert scenes.names == names and (scenes.law == 3).all()


def test_a_search_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_DRAWS", 5)

    def propose(draw: int, index: np.ndarray) -> Scenes:
        return WORLD.sample(draw, index)

    index, none = np.array([4, 5, 6]), lambda scenes: np.zeros(len(scenes), bool)
    with pytest.raises(NotFoundError, match="no scene of sample 4 was accepted in 5 draws"):
        redraw(propose, index, lambda scenes: np.ones(len(scenes), bool), none)
    with pytest.raises(UserError, match="world: the circular motion of sample 5 does not fit the frame; use less"):
        redraw(propose, index, lambda scenes: scenes.law != 1, fix="use less")
