"""Forests that differ by their seed alone, averaged: a part of what one forest says is the luck of its seed."""

from collections.abc import Sequence

import numpy as np
from joblib import Parallel, delayed
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from threadpoolctl import threadpool_limits


class AveragedForests(ClassifierMixin, BaseEstimator):
    """Boosted binary classifiers fitted side by side, whose log-odds are averaged, not their probabilities.

    So the result is a forest again, every tree of it worth its n-th part, and its reasons still add up to its score.
    Averaging models of other seeds: Breiman 1996, Bagging Predictors, Machine Learning 24, without drawing rows.
    `forests` are not yet fitted; `threads` is how many OpenMP threads each of them takes. What is fitted does not
    depend on how many are fitted at once, which is as many as there are processors.
    """

    def __init__(self, forests: Sequence[object], threads: int = 1) -> None:
        self.forests = forests
        self.threads = threads

    def fit(self, X: np.ndarray, y: np.ndarray) -> "AveragedForests":
        """Fit each of the forests on (n_rows, n_features) numbers and (n_rows,) labels, 0 or 1."""
        fits = (delayed(_fit)(clone(forest), X, y, self.threads) for forest in self.forests)
        self.estimators_ = Parallel(n_jobs=-1, prefer="threads")(fits)
        self.classes_ = self.estimators_[0].classes_
        self.n_features_in_ = self.estimators_[0].n_features_in_
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Log-odds of the second class, (n_rows,): the mean of what the forests say."""
        return np.mean([log_odds_of(forest, X) for forest in self.estimators_], axis=0)

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probabilities of both classes, (n_rows, 2)."""
        late = expit(self.decision_function(X))
        return np.column_stack([1 - late, late])

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The likelier class, (n_rows,)."""
        return self.classes_[(self.decision_function(X) > 0).astype(int)]


def log_odds_of(estimator: object, X: np.ndarray) -> np.ndarray:
    """What a fitted binary classifier of scikit-learn or LightGBM says before it becomes a probability, (n_rows,)."""
    if hasattr(estimator, "decision_function"):
        return estimator.decision_function(X)
    return estimator.predict_proba(X, raw_score=True)


def _fit(estimator: object, X: np.ndarray, y: np.ndarray, threads: int) -> object:
    """The limit is set here, as OpenMP counts threads apart in each thread that calls it."""
    with threadpool_limits(threads, user_api="openmp"):
        return estimator.fit(X, y)
