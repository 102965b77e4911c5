"""Two samples of points: how far apart their Gaussians are, and whether each lies where the other does."""

import numpy as np
from jaxtyping import Bool, Float64
from scipy.spatial import KDTree

NEIGHBOURS = 3  # as the paper has it


def inside(
    points: Float64[np.ndarray, "N D"], sample: Float64[np.ndarray, "M D"], neighbours: int = NEIGHBOURS
) -> Bool[np.ndarray, "N"]:
    """Whether each point lies in the manifold of a sample: within a ball about one of its points that reaches to that
    point's k-th neighbour in the sample (Kynkäänniemi et al., 2019, arXiv 1904.06991, equation 1).

    Generated points in the data's manifold are precision, data in that of the generated ones are recall. A sample of k
    points or fewer has no manifold, and nothing lies in it.
    """
    if len(sample) <= neighbours or not len(points):
        return np.zeros(len(points), bool)
    reach = KDTree(sample).query(sample, k=neighbours + 1)[0][:, -1]  # the nearest is the point itself
    apart = np.linalg.norm(points[:, None] - sample, axis=-1)
    return np.asarray((apart <= reach).any(axis=1))


def frechet(a: Float64[np.ndarray, "N D"], b: Float64[np.ndarray, "M D"]) -> float:
    """Squared Fréchet distance of the Gaussians with the samples' means and covariances (Dowson & Landau, 1982): the
    FID of images, the FVD of videos. It grows as samples shrink: hold it against as many real points.

    With A' A and B' B the covariances, the trace of the root of their product is the sum of the singular values of
    A B': no root of a matrix is taken, and samples may be smaller than they have dimensions.
    """
    apart = float(np.square(a.mean(axis=0) - b.mean(axis=0)).sum())
    roots = [np.linalg.qr(each - each.mean(axis=0), mode="r") / np.sqrt(max(len(each) - 1, 1)) for each in (a, b)]
    traces = sum(float(np.square(root).sum()) for root in roots)
    shared = float(np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum())
    return max(0.0, apart + traces - 2 * shared)
