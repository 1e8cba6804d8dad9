"""Pooling, window by window, for any number of spatial axes."""

import numpy as np

from .conv import each_axis, pads, positions


def windows(x, kernel, stride, padding, reduce):
    axes = x.ndim - 2
    kernel = each_axis(kernel, axes)
    stride = kernel if stride is None else each_axis(stride, axes)
    padding = each_axis(padding, axes)
    around = [
        pads(length, k, s, 1, p)
        for length, k, s, p in zip(x.shape[2:], kernel, stride, padding, strict=True)
    ]
    counts = [
        (length + before + after - k) // s + 1
        for length, (before, after), k, s in zip(x.shape[2:], around, kernel, stride, strict=True)
    ]
    out = np.zeros((*x.shape[:2], *counts))
    for n, c in positions(x.shape[:2]):
        for p in positions(counts):
            cells = []
            for k in positions(kernel):
                cell = [
                    i * s + j - before
                    for i, s, j, (before, _) in zip(p, stride, k, around, strict=True)
                ]
                if all(0 <= i < length for i, length in zip(cell, x.shape[2:], strict=True)):
                    cells.append(x[(n, c, *cell)])
            out[(n, c, *p)] = reduce(cells, np.prod(kernel))
    return out


def max_pool(x, kernel, stride=None, padding="valid"):
    return windows(x, kernel, stride, padding, lambda cells, size: np.max(cells))


def avg_pool(x, kernel, stride=None, padding="valid"):
    return windows(x, kernel, stride, padding, lambda cells, size: sum(cells) / size)
