"""Drawing again: the one loop by which every world gives only scenes that fit and are wanted."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Int64

from marey.core.errors import UserError
from marey.world.scenes import Accept, Scenes

MOST_DRAWS = 1000  # of one sample; a world's draw number d takes its random numbers from stream d

Propose = Callable[[int, Int64[np.ndarray, "n"]], Scenes]  # (number of the draw, indices) -> one scene for each index


class NotFoundError(UserError):
    """No draw of a sample was accepted: what is asked for is rare in this world, or impossible."""


def redraw(
    propose: Propose, index: Int64[np.ndarray, "n"], fits: Accept, accept: Accept | None = None, fix: str = ""
) -> Scenes:
    """The first draw of each index that `fits` (the world's own rule) and that is accepted, in the order of `index`.

    What an index gets depends on no other index, as long as `propose`, `fits` and `accept` look at each scene alone.
    fix: what to change when a sample never fits, for the UserError; one that fits and is never accepted is a
    NotFoundError.
    """
    todo = np.arange(len(index))
    fitted = np.zeros(len(index), bool)
    parts, rows = [], []
    for draw in range(MOST_DRAWS):
        scenes = propose(draw, index[todo])
        good = fits(scenes)
        fitted[todo] |= good
        if accept is not None:
            good = good & accept(scenes)
        parts.append(scenes.take(good))
        rows.append(todo[good])
        todo = todo[~good]
        if not len(todo):
            return Scenes.join(parts).take(np.argsort(np.concatenate(rows)))
    if not fitted[todo[0]]:
        name = scenes.names[scenes.law[~good][0]]
        raise UserError(f"world: the {name} motion of sample {index[todo[0]]} does not fit the frame; {fix}")
    raise NotFoundError(f"no scene of sample {index[todo[0]]} was accepted in {MOST_DRAWS} draws; ask for less")


def laws_in_turn(
    names: tuple[str, ...], index: Int64[np.ndarray, "n"], only: tuple[str, ...] | None = None
) -> Int64[np.ndarray, "n"]:
    """Labels (indices into `names`) of the laws that take turns: all of `names`, or `only` some of them."""
    labels = np.array([names.index(name) for name in only or names])
    return labels[index % len(labels)]
