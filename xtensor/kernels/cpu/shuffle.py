"""A random order, on the host for either device: each step needs the one before."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from .._jit import CpuFunction
from ..philox import HALF, LOW
from .simd import pointer, prefetch_tile

# So many steps before its turn a place is asked for: they are anywhere in memory, but known.
AHEAD = 16
ONE = np.uint64(1)


@CpuFunction
def _below(word, count):
    """floor(word * count / 2**64), for count <= 2**32"""
    return ((word >> HALF) * count + ((word & LOW) * count >> HALF)) >> HALF


@CpuFunction
def _shuffle(order, words):
    """order = the numbers 0 .. n-1 shuffled; words uint64 [n]

    Number i takes the place of any one up to itself, which moves to the end: Durstenfeld,
    "Algorithm 235: Random permutation" (1964), from the other side, as it needs no list to begin
    with. The product instead of a remainder: Lemire, "Fast random integer generation in an
    interval" (2019); no place is chosen more often than another by more than i / 2**64.
    """
    place, last = pointer(order), words.size - 1
    for i in range(words.size):
        later = min(i + AHEAD, last)
        prefetch_tile(place, np.int64(_below(words[later], np.uint64(later) + ONE)), 0, 1, 1)
        j = np.int64(_below(words[i], np.uint64(i) + ONE))
        place[i] = place[j]
        place[j] = i


def shuffled(words: np.ndarray) -> np.ndarray:
    """The numbers 0 .. n-1 in an order that n random words, uint64 [n], choose; int64 [n]."""
    order = np.empty(words.size, np.int64)
    _shuffle.compiled()(order, words)
    return order
