"""The pinhole camera.

World: metres, z up, right-handed. Camera: x right, y down, z forward (the OpenCV convention). Pixels: u right, v down;
pixel [row i, column j] covers [j, j + 1) x [i, i + 1), so that its centre is (j + 0.5, i + 0.5) and the principal
point is the middle of the frame.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64


@dataclass(frozen=True)
class Camera:
    """K pinhole cameras on each of n scenes; all look at square frames.

    size: pixels. focal: pixels. rotation: world to camera. position: of the camera's centre in the world, metres.
    """

    size: int
    focal: Float64[np.ndarray, "n K"]
    rotation: Float64[np.ndarray, "n K 3 3"]
    position: Float64[np.ndarray, "n K 3"]

    def to_camera(self, points: Float64[np.ndarray, "n K P 3"]) -> Float64[np.ndarray, "n K P 3"]:
        """World points (K = 1: the same for all cameras) in each camera's coordinates: R (X - position)."""
        return (points - self.position[:, :, None]) @ self.rotation.transpose(0, 1, 3, 2)

    def to_world(self, points: Float64[np.ndarray, "n K P 3"]) -> Float64[np.ndarray, "n K P 3"]:
        """Camera coordinates in the world: the inverse of `to_camera`."""
        return points @ self.rotation + self.position[:, :, None]

    def pixels(self, points: Float64[np.ndarray, "n K P 3"]) -> Float64[np.ndarray, "n K P 2"]:
        """Pixel positions of points in camera coordinates: (u, v) = f (X, Y) / Z + size / 2; NaN behind the camera."""
        depth = np.where(points[..., 2:] > 0, points[..., 2:], np.nan)
        return self.focal[:, :, None, None] * points[..., :2] / depth + self.size / 2

    def project(self, points: Float64[np.ndarray, "n M T 3"]) -> Float64[np.ndarray, "n K M T 2"]:
        """Images of world points in each camera, pixels; NaN behind it."""
        n, bodies, frames = points.shape[:3]
        image = self.pixels(self.to_camera(points.reshape(n, 1, bodies * frames, 3)))
        return image.reshape(n, self.focal.shape[1], bodies, frames, 2)


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
