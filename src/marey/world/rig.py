"""The cameras around a scene."""

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int64

from marey.core.config import strict
from marey.core.errors import UserError
from marey.core.seeds import uniforms
from marey.world.camera import Camera, about
from marey.world.lens import reach

Range = tuple[float, float]

_STREAM = 5 << 32  # of random numbers
_MOST = 4  # cameras
_EACH = 8  # random numbers per camera: five of its lens, three of its place
_BORDER = 1.25  # how far out the lenses must be one to one, in half diagonals: discs at the border lie beyond the frame


@strict
@dataclass(frozen=True)
class Rig:
    """How many cameras look at a scene, from where and through which lenses. All ranges are (low, high), uniform.

    The first camera is the world's own. Each further one is turned about the target, by `spread` degrees from the one
    before it (all towards the same side, left or right) about the first camera's vertical, then by `elevation` degrees
    from the first camera's horizon; it looks at the target from the first one's distance. Camera k does not depend on
    how many there are. k1, k2, k3, p1, p2: of every lens, see `marey.world.lens`.
    """

    cameras: int = 1
    spread: Range = (25.0, 45.0)
    elevation: Range = (-15.0, 15.0)
    k1: Range = (0.0, 0.0)
    k2: Range = (0.0, 0.0)
    k3: Range = (0.0, 0.0)
    p1: Range = (0.0, 0.0)
    p2: Range = (0.0, 0.0)

    def __post_init__(self) -> None:
        if not 1 <= self.cameras <= _MOST:
            raise UserError(f"world.rig.cameras={self.cameras} is out of range; choose 1 to {_MOST}")
        for name in ("spread", "elevation", "k1", "k2", "k3", "p1", "p2"):
            low, high = getattr(self, name)
            if not -math.inf < low <= high < math.inf:
                raise UserError(f"world.rig.{name}={(low, high)} is reversed or not finite; give (low, high)")
        if not 1 <= self.spread[0] <= self.spread[1] <= 90:
            raise UserError(f"world.rig.spread={self.spread} is out of range; choose 1 to 90 degrees")
        if not -80 <= self.elevation[0] <= self.elevation[1] <= 80:
            raise UserError(f"world.rig.elevation={self.elevation} is out of range; choose -80 to 80 degrees")

    def check(self, focal: float) -> None:
        """A UserError if a lens might fold a frame of the given focal length (in its widths) over itself."""
        k1, k2, k3 = self.k1[0], self.k2[0], self.k3[0]  # the lens with the shortest reach and the smallest image of it
        bend = math.hypot(max(map(abs, self.p1)), max(map(abs, self.p2)))
        lens = np.array([[[k1, k2, bend, 0, k3]]])
        r = min(float(reach(lens)[0, 0]), 1e3)
        image = r * (1 + k1 * r**2 + k2 * r**4 + k3 * r**6) - 3 * bend * r**2
        if image < _BORDER * np.sqrt(0.5) / focal:
            raise UserError(
                f"world.rig: a lens with k1={k1}, k2={k2}, k3={k3}, p1={self.p1}, p2={self.p2} folds the frame over "
                "itself; bring these numbers closer to 0"
            )

    def place(
        self, seed: int, index: Int64[np.ndarray, "n"], camera: Camera, target: Float64[np.ndarray, "n 3"]
    ) -> Camera:
        """All cameras of the given indices, each a pure function of (self, seed, its index).

        camera: the first one, K = 1. target: what the others look at, in the world, metres.
        """
        u = uniforms(seed, _STREAM, index, _EACH * self.cameras).reshape(len(index), self.cameras, _EACH)
        low, high = np.array([self.k1, self.k2, self.p1, self.p2, self.k3]).T
        rotation = self._turned(u[..., 5:]) @ camera.rotation
        away = camera.position[:, 0] - target
        distance = np.linalg.norm(away, axis=-1)[:, None, None]
        position = target[:, None] - distance * rotation[:, :, 2]
        rotation[:, 0], position[:, 0] = camera.rotation[:, 0], camera.position[:, 0]
        return replace(
            camera,
            focal=np.repeat(camera.focal, self.cameras, axis=1),
            rotation=rotation,
            position=position,
            distortion=low + (high - low) * u[..., :5],
        )

    def _turned(self, u: Float64[np.ndarray, "n K 3"]) -> Float64[np.ndarray, "n K 3 3"]:
        """Turns from the first camera's coordinates to each camera's: about y, which points down, then about x."""
        n, cameras = u.shape[:2]
        spread = self.spread[0] + (self.spread[1] - self.spread[0]) * u[..., 0]
        spread[:, 0] = 0
        azimuth = np.cumsum(spread, axis=1) * np.where(u[:, :1, 2] < 0.5, -1, 1)
        elevation = self.elevation[0] + (self.elevation[1] - self.elevation[0]) * u[..., 1]
        turns = about(0, np.radians(elevation).ravel()) @ about(1, np.radians(azimuth).ravel())
        return turns.reshape(n, cameras, 3, 3)
