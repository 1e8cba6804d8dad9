"""Elements taken along rows by their places, and put back there."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from .. import sortkeys
from .._jit import CpuChoice, CpuFunction, cpu_kernel, cpu_whole_kernel
from ..parallel import parallel_for
from .exponential import I32, I64, D, F
from .numbers import bits_of

# So many first elements of a row, at most, are picked one after the other; to sort a row that has
# fewer than SHORT for each of them takes less.
FEW, SHORT = 8, 16
# Elements that share the least of their keys, among which alone the next one is then looked for.
SHARED = 8


@CpuFunction
def key_of32(x):
    bits = bits_of(x + F(0))
    return I32(0x7FFFFFFF) if x != x else bits ^ ((bits >> I32(31)) & I32(0x7FFFFFFF))


@CpuFunction
def key_of64(x):
    bits = bits_of(x + D(0))
    return I64(0x7FFFFFFFFFFFFFFF) if x != x else bits ^ ((bits >> 63) & 0x7FFFFFFFFFFFFFFF)


@CpuFunction
def key_of_integer(x):
    return I64(x)


# A whole number that compares as x does; NaN counts as the largest. See ``sortkeys``.
key_of = CpuChoice(key_of32, key_of64, key_of_integer)


@CpuFunction
def first_places(start, stop, index, x, flip, largest):
    """index[r] = places of the first elements of x[r]; flip 0, or -1 to have the largest first

    least[j] is the least key left among the elements j, j + groups, j + 2 * groups ...; ``largest``
    is the largest key there can be.
    """
    length = x.shape[1]
    groups = -(-length // SHARED)
    least = np.full(groups, largest)
    for r in range(start, stop):
        row, places = x[r], index[r]
        for j in range(groups):
            least[j] = key_of(row[j]) ^ flip
        for first in range(groups, length, groups):
            part = row[first : first + groups]
            for j in range(part.size):
                least[j] = min(least[j], key_of(part[j]) ^ flip)
        before, last = least[0], -1
        for n in range(places.size):
            key = least[0]
            for j in range(groups):
                key = min(key, least[j])
            taken = last if key == before else -1
            place = length
            for j in range(groups):
                if least[j] == key:
                    for i in range(j, place, groups):
                        if i > taken and key_of(row[i]) ^ flip == key:
                            place = i
                            break
            places[n] = place
            before, last = key, place
            j = place % groups
            rest = largest
            for i in range(j, length, groups):
                other = key_of(row[i]) ^ flip
                if other > key or (other == key and i > place):
                    rest = min(rest, other)
            least[j] = rest


def sorted_places(start, stop, index, x, descending):
    """``places_forward`` for rows start..stop-1, which are sorted."""
    index[start:stop] = sortkeys.places(x[start:stop], descending, index.shape[1])


@cpu_whole_kernel
def places_forward(start, stop, index, x, descending):
    """index[r] = places of the first k elements of x[r] in sorted order; index [R, k], x [R, L]"""
    if index.shape[1] > min(FEW, x.shape[1] // SHORT):
        parallel_for(sorted_places, stop, (index, x, descending))
        return
    key = I32 if x.dtype == F else I64
    parallel_for(first_places, stop, (index, x, key(-descending), key(np.iinfo(key).max)))


@cpu_kernel
def take_along_forward(start, stop, out, x, index):
    """out[r, i] = x[r, index[r, i]]; out and index [R, k], x [R, L], range over R * k"""
    width, at = index.shape[1], start
    while at < stop:
        r = at // width
        i = at - r * width
        count = min(width - i, stop - at)
        row, places, to = x[r], index[r, i : i + count], out[r, i : i + count]
        for j in range(count):
            to[j] = row[places[j]]
        at += count


@cpu_kernel
def take_along_backward(start, stop, grad_x, grad, index):
    """grad_x[r, index[r, i]] = grad[r, i], 0 elsewhere; no place twice in a row; range over rows"""
    for r in range(start, stop):
        for i in range(grad_x.shape[1]):
            grad_x[r, i] = 0
        for i in range(index.shape[1]):
            grad_x[r, index[r, i]] = grad[r, i]
