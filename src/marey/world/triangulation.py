"""Where in space a point is that several cameras see."""

import numpy as np
from jaxtyping import Float64

from marey.world.camera import Camera
from marey.world.lens import slope

Points = Float64[np.ndarray, "n P 3"]
Pixels = Float64[np.ndarray, "n K P 2"]

_STEPS = 10  # of Gauss and Newton, who need about four
_FLAT = 1e-12  # least over largest curvature under which the rays count as parallel


def triangulate(tracks: Float64[np.ndarray, "n K M T 2"], camera: Camera) -> Float64[np.ndarray, "n M T 3"]:
    """World points, metres, from their images, pixels: those with the least squared distance between image and track.

    A NaN in a track is a view that does not count. The result is NaN where fewer than two views are left, where the
    rays are parallel, and where they do not meet in front of the cameras. A linear solution (Hartley and Zisserman,
    "Multiple view geometry", 12.2) is refined by Gauss-Newton steps that are taken only where they help.
    """
    n, cameras, bodies, frames = tracks.shape[:4]
    seen = tracks.reshape(n, cameras, bodies * frames, 2)
    points = _linear(seen, camera)
    error, step = _step(points, seen, camera)
    for _ in range(_STEPS):
        trial_error, trial_step = _step(points + step, seen, camera)
        better = (trial_error < error)[..., None]
        if not better.any():
            break
        points = np.where(better, points + step, points)
        step = np.where(better, trial_step, 0)
        error = np.where(better[..., 0], trial_error, error)
    return np.where(np.isfinite(error)[..., None], points, np.nan).reshape(n, bodies, frames, 3)


def _linear(seen: Pixels, camera: Camera) -> Points:
    """The point closest to all rays: R1 (X - c) = x R3 (X - c) and R2 (X - c) = y R3 (X - c), camera by camera."""
    rays = camera.rays(seen)[..., :2, None]
    rows = camera.rotation[:, :, None, :2] - rays * camera.rotation[:, :, None, 2:]
    return _solve(rows, (rows * camera.position[:, :, None, None]).sum(axis=-1))


def _step(points: Points, seen: Pixels, camera: Camera) -> tuple[Float64[np.ndarray, "n P"], Points]:
    """The sum of squared distances in pixels at `points`, and the step from there; NaN behind a camera that counts."""
    from_camera = camera.to_camera(points[:, None])
    error = seen - camera.pixels(from_camera)
    plane, depth = from_camera[..., :2] / from_camera[..., 2:], from_camera[..., 2, None, None]
    moved = camera.rotation[:, :, None, :2] - plane[..., None] * camera.rotation[:, :, None, 2:]
    rows = camera.focal[:, :, None, None, None] * (slope(plane, camera.distortion) @ moved) / depth
    return np.where(np.isfinite(seen), error**2, 0).sum(axis=(1, 3)), _solve(rows, error)


def _solve(rows: Float64[np.ndarray, "n K P 2 3"], sides: Pixels) -> Points:
    """Least squares of each point's own 2 K equations, without those that hold a NaN; NaN if a direction stays open."""
    counts = np.isfinite(sides) & np.isfinite(rows).all(axis=-1)
    rows, sides = np.where(counts[..., None], rows, 0), np.where(counts, sides, 0)
    curvature = np.einsum("nkpai,nkpaj->npij", rows, rows)
    size = np.linalg.eigvalsh(curvature)
    good = (size[..., 0] > _FLAT * size[..., 2])[..., None]
    side = np.einsum("nkpai,nkpa->npi", rows, sides)[..., None]
    solution = np.linalg.solve(np.where(good[..., None], curvature, np.eye(3)), side)[..., 0]
    return np.where(good, solution, np.nan)
