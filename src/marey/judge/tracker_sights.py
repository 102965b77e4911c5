"""What the tracker says of a body in a frame: where it is, or why that cannot be told."""

from enum import IntEnum

import numpy as np
from jaxtyping import Bool, Float64, Int8

from marey.judge.tracker_clip import MISSING, VEILED, WHOLE


class Sight(IntEnum):
    """ABSENT: the clip has no such body. FOUND: here it is. HIDDEN: no place, but a body or an occluder is in front of
    where it should be. OUTSIDE: it should be beyond the frame's border. VANISHED: it should be in view and is not.
    SPLIT: no place, for there are several pieces. RECOLOURED: here it is, in another colour than in most frames.
    """

    ABSENT = 0
    FOUND = 1
    HIDDEN = 2
    OUTSIDE = 3
    VANISHED = 4
    SPLIT = 5
    RECOLOURED = 6
