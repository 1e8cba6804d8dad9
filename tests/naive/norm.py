"""Normalisation, one channel or one element of the batch at a time."""

from __future__ import annotations

import math

import numpy as np


def _statistics(values: np.ndarray) -> tuple[float, float]:
    mean = math.fsum(values.ravel()) / values.size
    return mean, math.fsum((v - mean) ** 2 for v in values.ravel()) / values.size


def batch_norm(training: bool, epsilon: float = 1e-5):
    """With inputs x, gamma, beta, running mean and variance; only the output."""

    def naive(x, gamma, beta, mean, variance):
        out = np.empty_like(x)
        for c in range(x.shape[1]):
            m, v = _statistics(x[:, c]) if training else (mean[c], variance[c])
            out[:, c] = (x[:, c] - m) / math.sqrt(v + epsilon) * gamma[c] + beta[c]
        return out

    return naive


def layer_norm(axes: int, epsilon: float = 1e-5):
    """With inputs x and, both or neither, gamma and beta."""

    def naive(x, gamma=None, beta=None):
        last = x.shape[x.ndim - axes :]
        factor = np.ones(last) if gamma is None else gamma.reshape(last)
        offset = np.zeros(last) if beta is None else beta.reshape(last)
        out = np.empty_like(x)
        for position in np.ndindex(*x.shape[: x.ndim - axes]):
            m, v = _statistics(x[position])
            out[position] = (x[position] - m) / math.sqrt(v + epsilon) * factor + offset
        return out

    return naive
