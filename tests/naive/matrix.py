"""Diagonals, triangles and Kronecker products, element by element."""

import numpy as np


def kept(test):
    """Elements of the last two axes whose (row, column) passes the test, the others 0."""

    def mask(x):
        out = np.zeros_like(x)
        for place in np.ndindex(*x.shape):
            if test(*place[-2:]):
                out[place] = x[place]
        return out

    return mask


def triu(k):
    return kept(lambda row, column: column - row >= k)


def tril(k):
    return kept(lambda row, column: column - row <= k)


def diag(k):
    def either(x):
        if x.ndim == 2:
            return kept(lambda row, column: column - row == k)(x)
        size = len(x) + abs(k)
        out = np.zeros((size, size), x.dtype)
        for i, value in enumerate(x):
            out[i + max(-k, 0), i + max(k, 0)] = value
        return out

    return either


def trace(k):
    def diagonal_sum(x):
        total = 0
        for row, column in np.ndindex(*x.shape):
            if column - row == k:
                total += x[row, column]
        return np.array([total], x.dtype if x.dtype.kind == "f" else np.int64)

    return diagonal_sum


def kron(x, y):
    ndim = max(x.ndim, y.ndim)
    x = x.reshape((1,) * (ndim - x.ndim) + x.shape)
    y = y.reshape((1,) * (ndim - y.ndim) + y.shape)
    out = np.zeros([a * b for a, b in zip(x.shape, y.shape, strict=True)], x.dtype)
    for outer in np.ndindex(*x.shape):
        for inner in np.ndindex(*y.shape):
            place = tuple(o * n + i for o, n, i in zip(outer, y.shape, inner, strict=True))
            out[place] = x[outer] * y[inner]
    return out
