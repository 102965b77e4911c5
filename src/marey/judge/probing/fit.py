"""Probes: small models on frozen features. What they may choose, the validation clips choose."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32, Float64, Int64
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

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
        return np.asarray(best_ridge(lesson).predict(rows.astype(np.float64)), np.float64).reshape(len(rows), -1)
    if len(lesson.classes) == 1:
        return np.repeat(lesson.train_values[:1], len(rows), axis=0)
    return best_logistic(lesson).predict(rows).astype(np.float64)[:, None]


def neighbours(lesson: Lesson, rows: Rows) -> Values:
    """The vote or the mean of the nearest training rows; how many is chosen."""
    counts = [k for k in NEIGHBOURS if k <= len(lesson.train)]
    kind = KNeighborsClassifier if lesson.kind == "class" else KNeighborsRegressor
    values = lesson.train_values[:, 0] if lesson.kind == "class" else lesson.train_values
    fitted = [kind(k, algorithm="brute").fit(lesson.train, values) for k in counts]
    losses = [_loss(lesson, np.asarray(each.predict(lesson.validation), np.float64)) for each in fitted]
    return np.asarray(fitted[int(np.argmin(losses))].predict(rows), np.float64).reshape(len(rows), -1)


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


def best_ridge(lesson: Lesson) -> Ridge:
    """The ridge regression whose penalty gives the least squared error on the validation rows."""
    train = lesson.train.astype(np.float64)  # in single precision the smallest penalties are lost
    fitted = [Ridge(alpha=alpha).fit(train, lesson.train_values) for alpha in RIDGES]
    losses = [_loss(lesson, each.predict(lesson.validation.astype(np.float64))) for each in fitted]
    return fitted[int(np.argmin(losses))]


def _loss(lesson: Lesson, said: np.ndarray) -> float:
    said = said.reshape(len(lesson.validation), -1)
    if lesson.kind == "class":
        return float((said != lesson.validation_values).mean())
    return float(np.square(said - lesson.validation_values).mean())
