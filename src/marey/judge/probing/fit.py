"""Probes: small models on frozen features. What they may choose, the validation clips choose."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32, Float64, Int64
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.neighbors import NearestNeighbors

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)  # inverse, of logistic regression
RIDGES = (0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e6)
NEIGHBOURS = (1, 3, 5, 9, 17, 33)

Kind = Literal["class", "number"]
Rows = Float32[np.ndarray, "n D"]
Values = Float64[np.ndarray, "n C"]  # labels of classes as one column


@dataclass(frozen=True)
class Lesson:
    """What a probe learns from: training rows, and validation rows that choose among its settings."""

    kind: Kind
    train: Float32[np.ndarray, "a D"]
    train_values: Float64[np.ndarray, "a C"]
    validation: Float32[np.ndarray, "b D"]
    validation_values: Float64[np.ndarray, "b C"]

    @property
    def classes(self) -> Int64[np.ndarray, "K"]:
        """Labels that occur among the training rows."""
        return np.unique(self.train_values[:, 0]).astype(np.int64)


Probe = Callable[[Lesson, Rows], Values]  # the values it says of other rows


def linear(lesson: Lesson, rows: Rows) -> Values:
    """Multinomial logistic regression for classes, ridge regression for numbers; the penalty is chosen."""
    if lesson.kind == "number":
        return ridge(lesson, rows)
    if len(lesson.classes) == 1:
        return np.repeat(lesson.train_values[:1], len(rows), axis=0)
    return best_logistic(lesson).predict(rows).astype(np.float64)[:, None]


def neighbours(lesson: Lesson, rows: Rows) -> Values:
    """The vote or the mean of the nearest training rows; how many is chosen. They are looked up once for all counts."""
    counts = [k for k in NEIGHBOURS if k <= len(lesson.train)]
    index = NearestNeighbors(n_neighbors=counts[-1], algorithm="brute").fit(lesson.train)
    nearest = lesson.train_values[index.kneighbors(lesson.validation, return_distance=False)]
    losses = [_loss(lesson, _agreed(lesson.kind, nearest[:, :k])) for k in counts]
    best = counts[int(np.argmin(losses))]
    return _agreed(lesson.kind, lesson.train_values[index.kneighbors(rows, best, return_distance=False)])


def _agreed(kind: Kind, values: Float64[np.ndarray, "n k C"]) -> Values:
    """The mean of the neighbours; of labels the commonest, the least one of several."""
    if kind == "number":
        return values.mean(axis=1)
    labels = values[..., 0].astype(np.int64)
    votes = np.stack([(labels == label).sum(axis=1) for label in range(labels.max() + 1)], axis=1)
    return votes.argmax(axis=1).astype(np.float64)[:, None]


def best_logistic(lesson: Lesson) -> LogisticRegression:
    """The logistic regression whose penalty gives the least log loss on the validation rows."""
    best, least = None, np.inf
    known = np.isin(lesson.validation_values[:, 0], lesson.classes)
    for penalty in PENALTIES:
        fitted = LogisticRegression(C=penalty, max_iter=300, tol=1e-3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # what is short of its optimum is judged as it is
            fitted.fit(lesson.train, lesson.train_values[:, 0])
        if not known.any():  # too few labels to choose by: the strongest penalty
            return fitted
        said = fitted.predict_proba(lesson.validation[known])
        loss = log_loss(lesson.validation_values[known, 0], said, labels=lesson.classes)
        if loss < least:
            best, least = fitted, loss
    assert best is not None
    return best


def ridge(lesson: Lesson, rows: Rows) -> Values:
    """Ridge regression by the penalty with the least squared error on the validation rows (Hoerl & Kennard, 1970).

    One decomposition of the training rows gives the answers for all penalties: of their products where there are more
    rows than numbers (ten times as quick for many rows, and every penalty is far above what that rounds away).
    """
    train = lesson.train.astype(np.float64)  # in single precision the smallest penalties are lost
    centre, mean = train.mean(axis=0), lesson.train_values.mean(axis=0)
    squares, axes, answers = _axes(train - centre, lesson.train_values - mean)
    weights = [axes @ (answers / (squares + penalty)[:, None]) for penalty in RIDGES]
    losses = [_loss(lesson, (lesson.validation - centre) @ weight + mean) for weight in weights]
    return (rows - centre) @ weights[int(np.argmin(losses))] + mean


def _axes(
    x: Float64[np.ndarray, "n D"], y: Float64[np.ndarray, "n C"]
) -> tuple[Float64[np.ndarray, "k"], Float64[np.ndarray, "D k"], Float64[np.ndarray, "k C"]]:
    """Eigenvalues and eigenvectors of x'x, as far as they can differ from zero, and x'y along them."""
    if len(x) > x.shape[1]:
        squares, axes = np.linalg.eigh(x.T @ x)
        return squares.clip(min=0), axes, axes.T @ (x.T @ y)
    left, sizes, right = np.linalg.svd(x, full_matrices=False)
    return sizes**2, right.T, sizes[:, None] * (left.T @ y)


def _loss(lesson: Lesson, said: Values) -> float:
    """Of what is said of the validation rows."""
    if lesson.kind == "class":
        return float((said != lesson.validation_values).mean())
    return float(np.square(said - lesson.validation_values).mean())
