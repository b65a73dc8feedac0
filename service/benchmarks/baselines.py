"""Regressions that a graph predictor has to beat, from scikit-learn, all over the same columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from spaces.base import FloatArray


def _ridge() -> Any:
    from sklearn.linear_model import RidgeCV

    return RidgeCV(np.logspace(-3, 4, 15))


def _boosting() -> Any:
    from sklearn.ensemble import GradientBoostingRegressor

    return GradientBoostingRegressor(random_state=0)


def _gaussian_process() -> Any:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, WhiteKernel

    kernel = 1.0 * RBF(3.0, (0.3, 100.0)) + WhiteKernel(0.1, (1e-4, 10.0))
    return GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)


# Name -> an estimator of scikit-learn, made when it is needed.
BASELINES: Final[dict[str, Callable[[], Any]]] = {
    "one_hot_ridge": _ridge,
    "gradient_boosting": _boosting,
    "gaussian_process": _gaussian_process,
}


def regress(name: str, columns: FloatArray, rows: np.ndarray, targets: FloatArray) -> FloatArray:
    """(n,) prediction for every row of `columns` (n, d), from those that are measured, of which each is standardised.

    A Gaussian process that ends at a bound of its kernel is one that found nothing; its warning says no more.
    """
    import warnings

    mean, deviation = columns[rows].mean(axis=0), columns[rows].std(axis=0)
    scaled = (columns - mean) / np.where(deviation > 0, deviation, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(BASELINES[name]().fit(scaled[rows], targets).predict(scaled))
