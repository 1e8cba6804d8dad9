"""Orders of rows of numbers, on the host: stable, and NaN counts as the largest.

The trick for numbers of up to 32 bits: their bits, made to compare like the numbers, go into the
upper half of a 64-bit word and their place into the lower. No two words are equal, so NumPy's
vectorised quicksort of words is a stable sort of the numbers and gives the places too. (Order of
float bits: https://stereopsis.com/radix.html, M. Herf, 2001.) Of wider ones there is no room for
the lowest bits, unless the numbers are close to each other; what they decide is settled afterwards.
"""

from __future__ import annotations

import numpy as np

# Of a float: the integer of its size, the place of the sign, the largest such integer.
BITS = {
    np.dtype(np.float32): (np.int32, np.int32(31), np.int32(2**31 - 1)),
    np.dtype(np.float64): (np.int64, np.int64(63), np.int64(2**63 - 1)),
}


def keys_of(rows: np.ndarray, descending: bool) -> np.ndarray:
    """Whole numbers ordered like the elements, or the other way round; equal elements, equal keys.

    Of floats they are of the same size, else in the dtype of the rows.
    """
    if rows.dtype.kind != "f":
        return ~rows if descending else rows
    integer, sign, largest = BITS[rows.dtype]
    bits = (rows + rows.dtype.type(0)).view(integer)  # the sum turns -0.0 into 0.0
    keys = bits >> sign
    keys &= largest
    keys ^= bits
    unordered = np.isnan(rows)
    if unordered.any():
        keys[unordered] = largest
    return np.invert(keys, out=keys) if descending else keys


def places(rows: np.ndarray, descending: bool, k: int) -> np.ndarray:
    """Places of the first ``k`` elements of each row in sorted order, int64 [R, k]."""
    if k < SAMPLE // 16 and rows.shape[1] > 4 * SAMPLE:
        return np.stack([_first_of_many(row, descending, k) for row in rows])
    return _sorted_places(rows, descending, k)


# A few elements of a long row: what the first of so many already beat is not looked at again.
SAMPLE = 65_536


def _first_of_many(row: np.ndarray, descending: bool, k: int) -> np.ndarray:
    sample = _sorted_places(row[None, :SAMPLE], descending, k)[0]
    limit = row[sample[-1]]
    # Written so that NaN stays in.
    candidates = np.flatnonzero(~(row < limit) if descending else ~(row > limit))
    return candidates[_sorted_places(row[candidates][None], descending, k)[0]]


# Of fewer elements NumPy's stable sort is over before their keys are made.
FEW = 1024


def _sorted_places(rows: np.ndarray, descending: bool, k: int) -> np.ndarray:
    length = rows.shape[1]
    if rows.size < FEW:
        if not descending:
            return np.argsort(rows, axis=1, kind="stable")[:, :k]
        backwards = np.argsort(rows[:, ::-1], axis=1, kind="stable")[:, ::-1]
        return length - 1 - backwards[:, :k]
    keys = keys_of(rows, descending)
    if rows.itemsize == 8 or length >= 2**31:
        return order_of(keys.astype(np.int64, copy=False))[:, :k]
    words = keys.astype(np.int64)
    words <<= 31
    words |= np.arange(length)
    if k < length:
        words.partition(k - 1, axis=1)
        words = words[:, :k]
    words.sort(axis=1)
    return words & (2**31 - 1)


def order_of(keys: np.ndarray) -> np.ndarray:
    """``np.argsort(keys, axis=1, kind="stable")`` of int64 [R, L], as int64."""
    length = keys.shape[1]
    bits = (length - 1).bit_length()
    low, least = np.int64((1 << bits) - 1), keys.min()
    exact = int(keys.max()) - int(least) < 2**63 >> bits
    words = (keys - least) << bits if exact else keys & ~low
    words |= np.arange(length)
    words.sort(axis=1)
    order = words & low
    if not exact:
        words &= ~low
        alike = words[:, 1:] == words[:, :-1]
        if alike.any():
            _settle(order, keys, alike)
    return order


def _settle(order: np.ndarray, keys: np.ndarray, alike: np.ndarray) -> None:
    """Put in order by all bits what is ``alike`` in the upper ones, as the next in its row."""
    ordered = np.take_along_axis(keys, order, 1)
    for r in np.flatnonzero((ordered[:, 1:] < ordered[:, :-1]).any(axis=1)):
        tied = np.flatnonzero(np.append(alike[r], False) | np.append(False, alike[r]))
        order[r, tied] = order[r, tied][np.argsort(ordered[r, tied], kind="stable")]
