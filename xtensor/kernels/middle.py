"""The middle of each row by NumPy's partition, for the median of either device."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

# Rows of so many elements are sorted as soon as they are parted, and then all is in its place.
SORTED = 1024


def middle(x):
    """Median of each row of [R, L], and the two elements it lies between, which may be the same.

    All three are NaN where the row has one.
    """
    length = x.shape[1]
    place = length // 2
    if length <= SORTED:
        ordered = np.sort(x, axis=1)
        low, last = ordered[:, (length - 1) // 2], ordered[:, -1]
    else:
        # One place: for several NumPy takes its slow way. NaN is put last, and wins a maximum.
        ordered = np.partition(x, place, axis=1)
        low = ordered[:, place] if length % 2 else ordered[:, :place].max(axis=1)
        last = ordered[:, place:].max(axis=1)
    high = ordered[:, place]
    unordered = last != last
    if unordered.any():
        low, high = (np.where(unordered, last, value) for value in (low, high))
    if length % 2:
        return high, high, high
    half = x.dtype.type(0.5)
    with np.errstate(invalid="ignore"):  # of both infinities the mean is NaN
        return np.where(low == high, low, half * low + half * high), low, high
