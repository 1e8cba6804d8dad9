"""Losses as written in the documentation, one element at a time."""

from __future__ import annotations

import math

import numpy as np

from .softmax import log_softmax, softmax


def nll_loss(target: np.ndarray, x: np.ndarray) -> np.ndarray:
    if x.ndim == 1:
        x, target = x[None], np.reshape(target, (1,))
    picked = [x[(n, int(target[(n, *d)]), *d)] for n, *d in np.ndindex(*target.shape)]
    return np.array([-math.fsum(picked) / len(picked)])


def cross_entropy(target: np.ndarray, x: np.ndarray) -> np.ndarray:
    return nll_loss(target, log_softmax(min(1, x.ndim - 1))(x))


def _one_hot(target: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.array([[float(c == t) for c in range(x.shape[1])] for t in target])


def softmax_cross_entropy(target: np.ndarray, x: np.ndarray) -> np.ndarray:
    y = _one_hot(target, x) if target.ndim == 1 else target
    terms = (y * log_softmax(1)(x)).ravel()
    return np.array([-math.fsum(terms) / x.shape[0]])


def categorical_cross_entropy(target: np.ndarray, x: np.ndarray) -> np.ndarray:
    y = _one_hot(target, x) if target.ndim == 1 else target
    terms = [t * math.log(p + 1e-7) for t, p in zip(y.ravel(), softmax(1)(x).ravel(), strict=True)]
    return np.array([-math.fsum(terms) / x.shape[0]])


def mean_squared_error(target: np.ndarray, x: np.ndarray) -> np.ndarray:
    terms = [(p - t) ** 2 for t, p in zip(target.ravel(), x.ravel(), strict=True)]
    return np.array([math.fsum(terms) / len(terms)])


def binary_cross_entropy(target: np.ndarray, x: np.ndarray) -> np.ndarray:
    def log(p: float) -> float:
        return -100.0 if p == 0 else max(math.log(p), -100.0)

    terms = [
        t * log(p) + (1 - t) * log(1 - p) for t, p in zip(target.ravel(), x.ravel(), strict=True)
    ]
    return np.array([-math.fsum(terms) / len(terms)])
