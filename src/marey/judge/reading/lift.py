"""From pixels to space: by the size of the disc, by the law that the whole clip follows, or from several cameras.

Each way comes with its covariance. Where the tracker's noise is independent, normal and as large as stated, that is the
Cramer-Rao bound: no unbiased way from the same pixels does better.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from marey.world.camera import Camera
from marey.world.lens import slope
from marey.world.triangulation import triangulate

Points = Float64[np.ndarray, "n T 3"]
Spread = Float64[np.ndarray, "n T 3 3"]


@dataclass(frozen=True)
class Lift:
    """points: world, metres; NaN where they cannot be had. spread: their covariance, square metres."""

    points: Points
    spread: Spread

    @property
    def bound(self) -> Float64[np.ndarray, "n T"]:
        """Root mean square distance to the truth that the spread stands for, metres."""
        return np.sqrt(np.einsum("ntii->nt", self.spread))

    def error(self, truth: Points) -> Float64[np.ndarray, "n T"]:
        """Distance to the truth, metres."""
        return np.linalg.norm(self.points - truth, axis=-1)


def by_size(
    track: Float64[np.ndarray, "n T 2"],
    radius: Float64[np.ndarray, "n T"],
    camera: Camera,
    ball: Float64[np.ndarray, "n"],
    noise: tuple[float, float],
) -> Lift:
    """Each frame alone, through the first camera: the depth of a ball of known radius (metres) follows from its disc.

    noise: of a coordinate and of the apparent radius, pixels.
    """
    focal, one = camera.focal[:, :1], first_camera(camera)
    depth = focal * ball[:, None] / radius
    points = one.rays(track[:, None])[:, 0] * depth[..., None]
    slopes = np.zeros((*depth.shape, 3, 3))
    slopes[..., 0, 0] = slopes[..., 1, 1] = noise[0] * depth / focal
    slopes[..., 2, :] = -noise[1] * points / radius[..., None]
    return in_world(points, np.einsum("ntki,ntkj->ntij", slopes, slopes), camera)


def by_views(tracks: Float64[np.ndarray, "n K T 2"], camera: Camera, noise: float) -> Lift:
    """Each frame alone, from two cameras or more. noise: of a coordinate, pixels; NaN is a view that does not count."""
    points = triangulate(tracks[:, :, None], camera)[:, 0]
    local = camera.to_camera(points[:, None])
    plane, depth = local[..., :2] / local[..., 2:], local[..., 2, None, None]
    moved = camera.rotation[:, :, None, :2] - plane[..., None] * camera.rotation[:, :, None, 2:]
    rows = camera.focal[:, :, None, None, None] * (slope(plane, camera.distortion) @ moved) / depth / noise
    rows = np.where(np.isfinite(tracks).all(axis=-1)[..., None, None], rows, 0)
    known = np.isfinite(points).all(axis=-1)[..., None, None]
    information = np.where(known, np.einsum("nktai,nktaj->ntij", rows, rows), np.eye(3))
    return Lift(points, np.where(known, np.linalg.inv(information), np.nan))


def ball_radius(lift: Lift, radius: Float64[np.ndarray, "n T"], camera: Camera) -> Float64[np.ndarray, "n"]:
    """The ball's radius, metres, from where several cameras see it and how large it appears in the first."""
    depth = first_camera(camera).to_camera(lift.points[:, None])[:, 0, :, 2]
    return np.nanmedian(radius * depth / camera.focal[:, :1], axis=1)


def in_world(points: Points, spread: Spread, camera: Camera) -> Lift:
    """From the coordinates of the first camera to those of the world."""
    turn = camera.rotation[:, 0]
    world = first_camera(camera).to_world(points[:, None])[:, 0]
    return Lift(world, np.einsum("nki,ntkl,nlj->ntij", turn, spread, turn, optimize=True))


def first_camera(camera: Camera) -> Camera:
    """The first of K cameras alone."""
    return Camera(
        camera.size, camera.focal[:, :1], camera.rotation[:, :1], camera.position[:, :1], camera.distortion[:, :1]
    )
