"""The four laws as the law fit needs them: positions in camera coordinates, and their derivatives by the parameters.

A law is either a polynomial in time (a line, a parabola: any constant acceleration) or a turn in a plane that may climb
along its normal (a circle, a helix). Lengths are in ball radii, times in frames from the middle of the clip, angles in
radians.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

State = Float64[np.ndarray, "n S"]
Step = Float64[np.ndarray, "n P"]


@dataclass(frozen=True)
class Polynomial:
    """position = sum over k of t^k c_k; the state is c_0, c_1, ... (3 numbers each)."""

    degree: int

    @property
    def free(self) -> int:
        """How many numbers are fitted."""
        return 3 * (self.degree + 1)

    def points(self, state: State, t: Float64[np.ndarray, "T"]) -> Float64[np.ndarray, "n T 3"]:
        """Positions in camera coordinates, ball radii."""
        powers = t[:, None] ** np.arange(self.degree + 1)
        return powers @ state.reshape(-1, self.degree + 1, 3)

    def jacobian(self, state: State, t: Float64[np.ndarray, "T"]) -> Float64[np.ndarray, "n T 3 P"]:
        """Derivatives of `points` by a small step of `moved`."""
        powers = t[:, None] ** np.arange(self.degree + 1)
        one = np.einsum("tk,ij->tikj", powers, np.eye(3)).reshape(len(t), 3, -1)
        return np.broadcast_to(one, (len(state), *one.shape))

    def moved(self, state: State, step: Step) -> State:
        """The state after a step of its free parameters."""
        return state + step


@dataclass(frozen=True)
class Turn:
    """position = centre + R (radius cos wt, radius sin wt, climb t), with R a rotation and w > 0.

    The state is centre (3), R (9), radius, w, climb. R covers both senses of turning, and the phase.
    A step is centre (3), a small rotation of R in its own axes (3), radius, w and, for a helix, climb.
    """

    climbs: bool
    slowest: float  # radians per frame, the prior range of w
    fastest: float
    starts: tuple[float, ...]  # radians per frame, where the fit begins

    @property
    def free(self) -> int:
        """How many numbers are fitted."""
        return 9 if self.climbs else 8

    def points(self, state: State, t: Float64[np.ndarray, "T"]) -> Float64[np.ndarray, "n T 3"]:
        """Positions in camera coordinates, ball radii."""
        rotation = state[:, 3:12].reshape(-1, 3, 3)
        return state[:, None, :3] + self._local(state, t) @ rotation.transpose(0, 2, 1)

    def jacobian(self, state: State, t: Float64[np.ndarray, "T"]) -> Float64[np.ndarray, "n T 3 P"]:
        """Derivatives of `points` by a small step of `moved`."""
        local = self._local(state, t)
        x, y, z = local[..., 0], local[..., 1], local[..., 2]
        zero, one = 0 * x, 0 * x + 1
        radius = state[:, 12:13]
        columns = [  # of the derivatives in the law's own axes: three rotations, radius, w, climb
            [zero, -z, y],
            [z, zero, -x],
            [-y, x, zero],
            [x / radius, y / radius, zero],
            [-y * t, x * t, zero],
            [zero, zero, one * t],
        ]
        own = np.stack([np.stack(column, axis=-1) for column in columns], axis=-1)
        turned = np.einsum("nij,ntjp->ntip", state[:, 3:12].reshape(-1, 3, 3), own)
        centre = np.broadcast_to(np.eye(3), (*local.shape[:2], 3, 3))
        return np.concatenate([centre, turned], axis=-1)[..., : self.free]

    def moved(self, state: State, step: Step) -> State:
        """The state after a step of its free parameters."""
        rotation = state[:, 3:12].reshape(-1, 3, 3) @ rotations(step[:, 3:6])
        new = state.copy()
        new[:, :3] += step[:, :3]
        new[:, 3:12] = rotation.reshape(-1, 9)
        new[:, 12 : 12 + self.free - 6] += step[:, 6:]
        new[:, 12] = new[:, 12].clip(1e-3)
        new[:, 13] = new[:, 13].clip(self.slowest, self.fastest)
        return new

    def _local(self, state: State, t: Float64[np.ndarray, "T"]) -> Float64[np.ndarray, "n T 3"]:
        radius, angle = state[:, 12:13], state[:, 13:14] * t
        return np.stack([radius * np.cos(angle), radius * np.sin(angle), state[:, 14:15] * t], axis=-1)


Motion = Polynomial | Turn


def rotations(vector: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3 3"]:
    """Rotation matrices of rotation vectors, radians (Rodrigues' formula)."""
    angle = np.linalg.norm(vector, axis=-1)[:, None, None]
    x, y, z = vector.T
    zero = 0 * x
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(-1, 3, 3)
    return np.eye(3) + np.sinc(angle / np.pi) * cross + 0.5 * np.sinc(angle / (2 * np.pi)) ** 2 * (cross @ cross)


def turn_state(
    centre: Float64[np.ndarray, "n 3"],
    cosine: Float64[np.ndarray, "n 3"],
    sine: Float64[np.ndarray, "n 3"],
    drift: Float64[np.ndarray, "n 3"],
    turning: float,
) -> State:
    """The turn nearest to centre + cosine cos wt + sine sin wt + drift t, whose vectors need not be orthogonal."""
    left, singular, right = np.linalg.svd(np.stack([cosine, sine], axis=-1), full_matrices=False)
    plane = left @ right  # the nearest orthonormal pair (polar decomposition)
    normal = np.cross(plane[..., 0], plane[..., 1])
    rotation = np.concatenate([plane, normal[..., None]], axis=-1)
    radius = singular.mean(axis=-1).clip(0.1)
    climb = (drift * normal).sum(axis=-1)
    return np.column_stack([centre, rotation.reshape(-1, 9), radius, np.full(len(centre), turning), climb])
