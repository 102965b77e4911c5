"""Features of any width brought to one width, so that no guest is read better only because it is wider.

Features are first standardised, but for those that hardly vary: a pixel that is white in nearly all training clips
would be magnified to a value far out of line in the one test clip where it is not. Wider ones are then reduced to
their principal components. Narrower ones keep what they are and get fixed random rectified sums of it beside them
(Rahimi & Recht, 2008): a linear probe on few numbers would otherwise be a weaker probe.
Everything is learned from the training clips, without their labels.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from sklearn.decomposition import PCA

WIDTH = 256
_STILL = 0.3  # of the root mean square of the standard deviations: features that vary less are not magnified further

Rows = Float32[np.ndarray, "n D"]


@dataclass(frozen=True)
class Space:
    """(x - mean) / scale, times `axes`; then, if there are any, rectified sums; then all times `gain`.

    axes: None for features that are not wider. thresholds: of the rectified sums, whose weights are `directions`.
    """

    mean: Float32[np.ndarray, "D"]
    scale: Float32[np.ndarray, "D"]
    axes: Float32[np.ndarray, "D W"] | None
    directions: Float32[np.ndarray, "D R"] | None
    thresholds: Float32[np.ndarray, "R"] | None
    offset: Float32[np.ndarray, "K"]
    gain: Float32[np.ndarray, "K"]

    def __call__(self, rows: Rows) -> Float32[np.ndarray, "n K"]:
        """Rows of features in this space: K numbers of about unit variance in all."""
        return (self._raw(rows) - self.offset) * self.gain

    def _raw(self, rows: Rows) -> Float32[np.ndarray, "n K"]:
        x = (rows - self.mean) / self.scale
        if self.axes is not None:
            return x @ self.axes
        if self.directions is not None:
            return np.concatenate([x, np.maximum(x @ self.directions - self.thresholds, 0)], axis=1)
        return x


def fit_space(rows: Rows, width: int = WIDTH, seed: int = 0) -> Space:
    """The space of training rows: `width` numbers, or one less than there are rows where these are fewer."""
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    usual = float(np.sqrt(np.square(spread, dtype=np.float64).mean()))
    scale = np.maximum(spread, max(_STILL * usual, 1e-30)).astype(np.float32)
    x = (rows - mean) / scale
    given, width = rows.shape[1], min(width, len(rows) - 1)
    none = np.zeros(given, np.float32), np.ones(given, np.float32)
    if given > width:
        found = PCA(width, svd_solver="randomized", random_state=seed).fit(x)
        axes = np.ascontiguousarray(found.components_.T, dtype=np.float32)
        spread = np.sqrt(found.explained_variance_.mean())  # one factor for all: principal components keep their order
        gain = np.full(width, 1 / max(float(spread), 1e-12), np.float32)
        return Space(mean, scale, axes, None, None, np.zeros(width, np.float32), gain)
    if given == width:
        return Space(mean, scale, None, None, None, *none)
    generator = np.random.Generator(np.random.Philox(key=seed))
    directions = generator.standard_normal((given, width - given)).astype(np.float32) * np.float32(given**-0.5)
    thresholds = generator.standard_normal(width - given).astype(np.float32)
    lifted = Space(mean, scale, None, directions, thresholds, np.zeros(width, np.float32), np.ones(width, np.float32))
    raw = lifted(rows)
    gain = (1 / raw.std(axis=0).clip(1e-3)).astype(np.float32)
    return Space(mean, scale, None, directions, thresholds, raw.mean(axis=0), gain)
