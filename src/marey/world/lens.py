"""Lens distortion: Brown's model ("Decentering distortion of lenses", 1966), with OpenCV's names and order.

A lens is a row (k1, k2, p1, p2, k3); five zeros are an ideal one. It moves a point (x, y) of the plane one metre before
the camera; with s = x^2 + y^2:

    x' = x (1 + k1 s + k2 s^2 + k3 s^3) + 2 p1 x y + p2 (s + 2 x^2)
    y' = y (1 + k1 s + k2 s^2 + k3 s^3) + p1 (s + 2 y^2) + 2 p2 x y

Far from the axis such a polynomial may turn back and lay far points over near ones; `reach` says where that may begin.
"""

import numpy as np
from jaxtyping import Float64

Plane = Float64[np.ndarray, "n K P 2"]  # (x, y) = (X / Z, Y / Z)
Lens = Float64[np.ndarray, "n K 5"]

_STEPS = 60  # six are enough, but for points close to the reach


def shift(points: Plane, lens: Lens) -> Plane:
    """How far each lens moves each point: (x' - x, y' - y)."""
    k1, k2, p1, p2, k3 = np.moveaxis(lens[..., None], 2, 0)
    x, y = points[..., 0], points[..., 1]
    s = x * x + y * y
    radial = s * (k1 + s * (k2 + s * k3))
    across = x * radial + 2 * p1 * x * y + p2 * (s + 2 * x * x)
    down = y * radial + p1 * (s + 2 * y * y) + 2 * p2 * x * y
    return np.stack([across, down], axis=-1)


def slope(points: Plane, lens: Lens) -> Float64[np.ndarray, "n K P 2 2"]:
    """Derivative of (x', y') by (x, y), a symmetric matrix."""
    k1, k2, p1, p2, k3 = np.moveaxis(lens[..., None], 2, 0)
    x, y = points[..., 0], points[..., 1]
    s = x * x + y * y
    factor = 1 + s * (k1 + s * (k2 + s * k3))
    growth = 2 * (k1 + s * (2 * k2 + s * 3 * k3))
    mixed = growth * x * y + 2 * p1 * x + 2 * p2 * y
    across = factor + growth * x * x + 2 * p1 * y + 6 * p2 * x
    down = factor + growth * y * y + 6 * p1 * y + 2 * p2 * x
    return np.stack([np.stack([across, mixed], axis=-1), np.stack([mixed, down], axis=-1)], axis=-2)


def reach(lens: Lens) -> Float64[np.ndarray, "n K"]:
    """A radius sqrt(x^2 + y^2) up to which each lens is one to one, inf for everywhere; without p1, p2 the largest.

    The slope is the radial one, with eigenvalues g'(r) and g(r) / r where g(r) = r (1 + k1 r^2 + ...), plus that of p,
    whose eigenvalues are at most 6 |p| r in size. g' > 6 |p| (1 + r^2) makes both larger than that (g / r is the mean
    of g'), so the slope is positive definite on a disc, and the map one to one there. The least root of this cubic in
    r^2 is one over the largest root of its reverse.
    """
    k1, k2, p1, p2, k3 = np.moveaxis(lens, 2, 0)
    bound = 6 * np.hypot(p1, p2)
    first = np.maximum(1 - bound, 1e-12)
    reverse = np.zeros((*lens.shape[:2], 3, 3))  # companion matrix of w^3 + a w^2 + b w + c, where w = 1 / r^2
    reverse[..., 0, :] = -np.stack([3 * k1 - bound, 5 * k2, 7 * k3], axis=-1) / first[..., None]
    reverse[..., 1, 0] = reverse[..., 2, 1] = 1
    roots = np.linalg.eigvals(reverse)
    real = np.abs(roots.imag) <= 1e-6 * np.abs(roots)  # a root that is only touched counts as one
    largest = np.where(real, roots.real, 0).max(axis=-1)
    with np.errstate(divide="ignore"):
        return np.where(bound < 1, 1 / np.sqrt(largest.clip(0)), 0.0)


def undistort(points: Plane, lens: Lens) -> Plane:
    """The inverse: ideal points that each lens moves to `points`, by Newton's method; NaN if none is in its reach.

    A step that leads no closer is halved, and none leads beyond the reach, where other solutions lie.
    """
    most = (1 - 1e-9) * reach(lens)[..., None, None]
    ideal, step, error = np.zeros_like(points), points, np.linalg.norm(points, axis=-1, keepdims=True)
    for _ in range(_STEPS):
        trial = _held(ideal + step, most)
        missing = points - trial - shift(trial, lens)
        distance = np.linalg.norm(missing, axis=-1, keepdims=True)
        better = distance < error
        newton = np.linalg.solve(slope(trial, lens), missing[..., None])[..., 0]
        ideal, error = np.where(better, trial, ideal), np.where(better, distance, error)
        step = np.where(better, newton, step / 2)
        if not (np.abs(step) > 1e-15).any():
            break
    return np.where(error <= 1e-12 * (1 + np.abs(points).max(axis=-1, keepdims=True)), ideal, np.nan)


def _held(points: Plane, most: Float64[np.ndarray, "n K 1 1"]) -> Plane:
    """Points farther out than `most` are drawn in to it."""
    radius = np.linalg.norm(points, axis=-1, keepdims=True)
    return points * np.divide(most, radius, out=np.ones_like(radius), where=radius > most)
