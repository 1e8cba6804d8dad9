"""Softmax, one row at a time."""

from __future__ import annotations

import math

import numpy as np


def _row(x: np.ndarray) -> list[float]:
    exponentials = [math.exp(v - max(x)) for v in x]
    return [e / math.fsum(exponentials) for e in exponentials]


def _log_row(x: np.ndarray) -> list[float]:
    total = math.log(math.fsum(math.exp(v - max(x)) for v in x))
    return [v - max(x) - total for v in x]


def _along(row, axis):
    def naive(x: np.ndarray) -> np.ndarray:
        if x.ndim == 0:
            return np.array(row(x.reshape(1))[0])
        return np.apply_along_axis(row, axis, x) if x.size else x

    return naive


def softmax(axis: int = -1):
    return _along(_row, axis)


def log_softmax(axis: int = -1):
    return _along(_log_row, axis)
