"""Reductions, one element at a time."""

import itertools
import math

import numpy as np


def groups(x, axes):
    """For every place that is left: the elements it stands for, row-major over the axes that go."""
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    for place in itertools.product(*[range(x.shape[axis]) for axis in kept]):
        elements = []
        for inside in itertools.product(*[range(x.shape[axis]) for axis in axes]):
            index = dict(zip(kept, place, strict=True)) | dict(zip(axes, inside, strict=True))
            elements.append(x[tuple(index[axis] for axis in range(x.ndim))].item())
        yield elements


def reduction(choose, axis=None, keepdims=False):
    """An oracle over some axes from a function of a list."""

    def oracle(x):
        if axis is None:
            axes = list(range(x.ndim))
        else:
            axes = sorted(a % x.ndim for a in (axis if isinstance(axis, (list, tuple)) else [axis]))
        shape = [1 if a in axes else n for a, n in enumerate(x.shape) if keepdims or a not in axes]
        return np.array([choose(part) for part in groups(x, axes)]).reshape(shape or [1])

    return oracle


def mean(elements):
    return math.fsum(elements) / len(elements) if elements else math.nan


def place(better):
    """Index of the first element that is NaN, else of the first that no other is better than."""

    def first(elements):
        best = 0
        for i, value in enumerate(elements):
            if elements[best] != elements[best]:
                break
            if value != value or better(value, elements[best]):
                best = i
        return best

    return first


argmax = place(lambda a, b: a > b)
argmin = place(lambda a, b: a < b)


def largest(elements):
    return elements[argmax(elements)]


def smallest(elements):
    return elements[argmin(elements)]
