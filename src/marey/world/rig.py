"""The cameras around a scene."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from marey.core.config import strict
from marey.world.camera import Camera


@strict
@dataclass(frozen=True)
class Rig:
    """How many cameras look at a scene. The first one is the world's own."""

    cameras: int = 1

    def place(self, seed: int, index: Int64[np.ndarray, "n"], camera: Camera) -> Camera:
        """All cameras of the given indices, each a pure function of (self, seed, its index)."""
        return camera
