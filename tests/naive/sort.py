"""Sorting with Python's own stable sort."""

import math

import numpy as np


def key(value):
    """NaN counts as the largest."""
    return (math.isnan(value), 0.0 if math.isnan(value) else float(value))


def order(values, descending):
    places = range(len(values))
    if not descending:
        return sorted(places, key=lambda i: key(values[i]))
    # sorted(reverse=True) keeps the order of equal elements.
    return sorted(places, key=lambda i: key(values[i]), reverse=True)


def argsort(axis, descending=False, k=None):
    def along(x):
        x = x.reshape(-1) if axis is None else x
        lines = np.moveaxis(x, -1 if axis is None else axis, -1)
        width = lines.shape[-1] if k is None else k
        out = np.zeros((*lines.shape[:-1], width), np.int64)
        for place in np.ndindex(*lines.shape[:-1]):
            out[place] = order(lines[place], descending)[:width]
        return np.moveaxis(out, -1, -1 if axis is None else axis)

    return along


def sort(axis, descending=False, k=None):
    def along(x):
        places = argsort(axis, descending, k)(x)
        flat = x.reshape(-1) if axis is None else x
        return np.take_along_axis(flat, places, 0 if axis is None else axis)

    return along


def nonzero(x):
    found = [place for place in np.ndindex(*x.shape) if x[place] != 0]
    return np.array(found, np.int64).reshape(len(found), x.ndim)
