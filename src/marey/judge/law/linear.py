"""Small linear systems inside compiled loops: Cholesky's factor, and the projection made linear.

A motion that is a sum of known functions of time times unknown vectors follows from its sightings by one linear
system; every law fit starts there.
"""

# mypy: disable-error-code="arg-type,assignment,call-overload,operator,return-value"
# numba has its own types; mypy knows the bodies of its functions only as numpy scalars.

import numpy as np
from jaxtyping import Float64
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def relax_clips(
    basis: Float64[np.ndarray, "T K"],
    seen: Float64[np.ndarray, "n T 3"],
    weight: Float64[np.ndarray, "n T 3"],
    focal: Float64[np.ndarray, "n"],
    found: Float64[np.ndarray, "n K 3"],
) -> None:
    """`relax` of n clips; see `Sightings` for seen, weight and focal."""
    for i in range(len(seen)):
        relax(basis[:, :], seen[i], weight[i], focal[i], found[i])


@njit(cache=True, nogil=True, error_model="numpy")
def relax(
    basis: Float64[np.ndarray, "T K"],
    seen: Float64[np.ndarray, "T 3"],
    weight: Float64[np.ndarray, "T 3"],
    focal: float,
    found: Float64[np.ndarray, "C 3"],
) -> float:
    """Vectors c with position = basis @ c (into `found`), from the projection made linear: f X = u Z, f Y = v Z,
    f = r Z. Given the depths, X and Y follow: what is solved is K x K. Returns the sum of squares that is left.
    """
    count = basis.shape[1]
    sums, side, total = np.zeros((6, count, count)), np.zeros(count), 0.0
    plain, across, down, deep, right, below = sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]
    for i in range(len(basis)):
        u, v, r = seen[i, 0], seen[i, 1], seen[i, 2]
        w, wr = weight[i, 0] * weight[i, 0], weight[i, 2] * weight[i, 2]
        depth = w * (u * u + v * v) + wr * r * r
        total += wr * focal * focal
        for p in range(count):
            side[p] += wr * r * focal * basis[i, p]
            for q in range(count):
                both = basis[i, p] * basis[i, q]
                plain[p, q] += w * both
                across[p, q] += w * u * both
                down[p, q] += w * v * both
                deep[p, q] += depth * both
    for p in range(count):
        plain[p, p] *= 1 + 1e-10
    factor(plain, count)
    right[:], below[:] = across, down
    for q in range(count):
        substitute(plain, right[:, q], count)
        substitute(plain, below[:, q], count)
    for p in range(count):
        for q in range(count):
            for k in range(count):
                deep[p, q] -= across[k, p] * right[k, q] + down[k, p] * below[k, q]
    for p in range(count):
        deep[p, p] *= 1 + 1e-10
    factor(deep, count)
    depths = side.copy()
    substitute(deep, depths, count)
    for p in range(count):
        found[p, 0], found[p, 1], found[p, 2] = 0.0, 0.0, depths[p]
        for q in range(count):
            found[p, 0] += right[p, q] * depths[q] / focal
            found[p, 1] += below[p, q] * depths[q] / focal
    for p in range(count):
        total -= side[p] * depths[p]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def factor(matrix: Float64[np.ndarray, "P P"], n: int) -> bool:
    """Cholesky's factor of the first n rows and columns, into their lower triangle; False where there is none."""
    for j in range(n):
        for i in range(j, n):
            value = matrix[i, j]
            for k in range(j):
                value -= matrix[i, k] * matrix[j, k]
            if i > j:
                matrix[i, j] = value / matrix[j, j]
            elif value > 0:
                matrix[j, j] = np.sqrt(value)
            else:
                return False
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def substitute(triangle: Float64[np.ndarray, "P P"], side: Float64[np.ndarray, "P"], n: int) -> None:
    """Solve with the factor: `side` becomes the solution."""
    for i in range(n):
        for k in range(i):
            side[i] -= triangle[i, k] * side[k]
        side[i] /= triangle[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            side[i] -= triangle[k, i] * side[k]
        side[i] /= triangle[i, i]
