"""The camera: a pinhole, behind a lens that may distort.

World: metres, z up, right-handed. Camera: x right, y down, z forward (the OpenCV convention). Pixels: u right, v down;
pixel [row i, column j] covers [j, j + 1) x [i, i + 1), so that its centre is (j + 0.5, i + 0.5) and the principal
point is the middle of the frame. `docs/conventions.md` has a picture of it all.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64

from marey.world.lens import reach, shift, undistort


@dataclass(frozen=True)
class Camera:
    """K cameras on each of n scenes; all look at square frames.

    size: pixels. focal: pixels. rotation: world to camera. position: of the camera's centre in the world, metres.
    distortion: (k1, k2, p1, p2, k3) of each lens, see `marey.world.lens`; zeros when left out.
    """

    size: int
    focal: Float64[np.ndarray, "n K"]
    rotation: Float64[np.ndarray, "n K 3 3"]
    position: Float64[np.ndarray, "n K 3"]
    distortion: Float64[np.ndarray, "n K 5"] = field(default_factory=lambda: np.zeros((0, 0, 5)))

    def __post_init__(self) -> None:
        if self.distortion.shape[:2] == (0, 0):
            object.__setattr__(self, "distortion", np.zeros((*self.focal.shape, 5)))

    def to_camera(self, points: Float64[np.ndarray, "n #K P 3"]) -> Float64[np.ndarray, "n K P 3"]:
        """World points (K = 1: the same for all cameras) in each camera's coordinates: R (X - position)."""
        return (points - self.position[:, :, None]) @ self.rotation.transpose(0, 1, 3, 2)

    def to_world(self, points: Float64[np.ndarray, "n K P 3"]) -> Float64[np.ndarray, "n K P 3"]:
        """Camera coordinates in the world: the inverse of `to_camera`."""
        return points @ self.rotation + self.position[:, :, None]

    def pixels(self, points: Float64[np.ndarray, "n K P 3"]) -> Float64[np.ndarray, "n K P 2"]:
        """Pixel positions of points in camera coordinates: (u, v) = f (x', y') + size / 2, where the lens moves
        (x, y) = (X, Y) / Z to (x', y'). NaN behind the camera, and where the lens is not known to be one to one.
        """
        depth = np.where(points[..., 2:] > 0, points[..., 2:], np.nan)
        focal = self.focal[:, :, None, None]
        image = focal * points[..., :2] / depth + self.size / 2
        if not self.distortion.any():
            return image
        ideal = points[..., :2] / depth
        unfolded = np.linalg.norm(ideal, axis=-1) < reach(self.distortion)[..., None]
        ideal = np.where(unfolded[..., None], ideal, np.nan)
        return image + focal * shift(ideal, self.distortion)

    def rays(self, pixels: Float64[np.ndarray, "n K P 2"]) -> Float64[np.ndarray, "n K P 3"]:
        """The inverse of `pixels` but for the depth: points (x, y, 1) in camera coordinates; NaN if there is none."""
        plane = (pixels - self.size / 2) / self.focal[:, :, None, None]
        if self.distortion.any():
            plane = undistort(plane, self.distortion)
        return np.concatenate([plane, np.ones_like(plane[..., :1])], axis=-1)

    def project(self, points: Float64[np.ndarray, "n M T 3"]) -> Float64[np.ndarray, "n K M T 2"]:
        """Images of world points in each camera, pixels; NaN as in `pixels`."""
        return self.pixels(self._from_cameras(points)).reshape(*self.focal.shape, *points.shape[1:3], 2)

    def radii(self, balls: Float64[np.ndarray, "n M"], points: Float64[np.ndarray, "n M T 3"]) -> np.ndarray:
        """Apparent radii, n K M T pixels, of balls of the given radii (metres) at the given world points: f r / Z, that
        in the middle of an ideal frame. NaN behind the camera.
        """
        depth = self._from_cameras(points)[..., 2].reshape(*self.focal.shape, *points.shape[1:3])
        return self.focal[:, :, None, None] * balls[:, None, :, None] / np.where(depth > 0, depth, np.nan)

    def _from_cameras(self, points: Float64[np.ndarray, "n M T 3"]) -> Float64[np.ndarray, "n K P 3"]:
        n, bodies, frames = points.shape[:3]
        return self.to_camera(points.reshape(n, 1, bodies * frames, 3))


def look_at(
    position: Float64[np.ndarray, "*n 3"], target: Float64[np.ndarray, "*n 3"]
) -> Float64[np.ndarray, "*n 3 3"]:
    """World-to-camera rotations of cameras at `position` that look at `target`, with the world's z axis up."""
    forward = target - position
    forward = forward / np.linalg.norm(forward, axis=-1, keepdims=True)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right = right / np.linalg.norm(right, axis=-1, keepdims=True)
    return np.stack([right, np.cross(forward, right), forward], axis=-2)


def about(axis: int, angle: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n 3 3"]:
    """Rotations by `angle` radians about coordinate axis 0, 1 or 2."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    rotation = np.zeros((len(angle), 3, 3))
    rotation[:, axis, axis] = 1
    rotation[:, i, i] = rotation[:, j, j] = np.cos(angle)
    rotation[:, j, i] = np.sin(angle)
    rotation[:, i, j] = -np.sin(angle)
    return rotation


def random_rotations(u: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3 3"]:
    """Rotations uniform over SO(3) from three uniform numbers each (Shoemake, "Uniform random rotations", 1992)."""
    a, b = np.sqrt(1 - u[:, 0]), np.sqrt(u[:, 0])
    p, q = 2 * np.pi * u[:, 1], 2 * np.pi * u[:, 2]
    x, y, z, w = a * np.sin(p), a * np.cos(p), b * np.sin(q), b * np.cos(q)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
