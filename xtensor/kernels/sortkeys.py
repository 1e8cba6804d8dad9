"""Orders of rows of numbers, on the host: stable, and NaN counts as the largest.

The trick for numbers of up to 32 bits: their bits, made to compare like the numbers, go into the
upper half of a 64-bit word and their place into the lower. No two words are equal, so NumPy's
vectorised quicksort of words is a stable sort of the numbers and gives the places too. (Order of
float bits: https://stereopsis.com/radix.html, M. Herf, 2001.) Wider numbers take a stable argsort.
"""

from __future__ import annotations

import numpy as np


def keys_of(rows: np.ndarray, descending: bool) -> np.ndarray:
    """int64 keys, ordered like the elements, or the other way round; equal elements, equal keys."""
    if rows.dtype.kind == "f":
        wide = rows.dtype == np.float64
        integer, low = (np.int64, np.int64(2**63 - 1)) if wide else (np.int32, np.int32(2**31 - 1))
        bits = (rows + rows.dtype.type(0)).view(integer)  # the sum turns -0.0 into 0.0
        keys = np.where(np.isnan(rows), low, bits ^ ((bits >> (8 * rows.itemsize - 1)) & low))
    else:
        keys = rows
    keys = keys.astype(np.int64)
    return ~keys if descending else keys


def places(rows: np.ndarray, descending: bool, k: int | None = None) -> np.ndarray:
    """Places of the first ``k`` (or all) elements of each row in sorted order, int64 [R, k]."""
    length = rows.shape[1]
    k = length if k is None else k
    keys = keys_of(rows, descending)
    if rows.itemsize == 8 or length >= 2**31:
        return np.argsort(keys, axis=1, kind="stable")[:, :k]
    words = (keys + 2**32).astype(np.uint64) << np.uint64(31)
    words |= np.arange(length, dtype=np.uint64)
    if k < length:
        words = np.partition(words, k - 1, axis=1)[:, :k]
    words.sort(axis=1)
    return (words & np.uint64(2**31 - 1)).astype(np.int64)
