"""Reductions over the middle axis of [outer, length, inner] arrays.

Sums are kept in the dtype of what they are written to, float64 or int64, whatever is read. Each sum
is one chain in a fixed order, so no split of the range changes a byte.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import functools

import numpy as np

from .._jit import CpuFunction, cpu_host_kernel, cpu_kernel
from .simd import pointer

# So many columns are summed at a time that their sums stay in the first-level cache.
COLUMNS = 1024


# Slices, not offsets: only an index that counts from 0 is seen not to be negative, and only a slice
# of a flat array to be contiguous. Without both no loop here would be vectorised.


@cpu_kernel
def sum_forward(start, stop, out, x):
    """out[o, j] = sum_i x[o, i, j]; out [outer, inner], range over its outer * inner elements"""
    length, inner = x.shape[1], x.shape[2]
    to, source = out.reshape(out.size), x.reshape(x.size)
    at = start
    while at < stop:
        o = at // inner
        first = at - o * inner
        count = min(inner - first, COLUMNS, stop - at)
        sums = to[at : at + count]
        for j in range(count):
            sums[j] = 0
        for i in range(length):
            row = source[(o * length + i) * inner + first :][:count]
            for j in range(count):
                sums[j] += row[j]
        at += count


@functools.partial(CpuFunction, fastmath="reassociate")
def _sum_of_quarters(x, size, zero):
    """The sum of x[i] for i < size, read at four places at once: memory answers sooner so."""
    a, b, c, d, quarter = zero, zero, zero, zero, size // 4
    for i in range(quarter):
        a += x[i]
        b += x[quarter + i]
        c += x[2 * quarter + i]
        d += x[3 * quarter + i]
    for i in range(4 * quarter, size):
        a += x[i]
    return (a + b) + (c + d)


@cpu_kernel(fastmath="reassociate")
def sum_parts_forward(start, stop, partial, x, parts):
    """partial[o * parts + p, j] = sum_i x[o, i, j], i over part p of the length; x [o, i, j]"""
    length, inner = x.shape[1], x.shape[2]
    source = x.reshape(x.size)
    for index in range(start, stop):
        o, first, end = index, 0, length
        if parts > 1:  # three divisions cost more than summing a short row
            o = index // parts
            p = index - o * parts
            first = p * length // parts
            end = (p + 1) * length // parts
        part = source[(o * length + first) * inner : (o * length + end) * inner]
        if inner == 1:
            partial[index, 0] = _sum_of_quarters(pointer(part), part.size, partial.dtype.type(0))
        else:
            sums = partial[index]
            for j in range(inner):
                sums[j] = 0
            for i in range(end - first):
                row = part[i * inner : (i + 1) * inner]
                for j in range(inner):
                    sums[j] += row[j]


# Extremes are maxima of integer keys, for of integers a maximum vectorises; of floating numbers it
# does not without giving up NaN. The bits of a float are ordered like the float itself once those
# of negative ones are turned round (``fold``), and what lies above ``infinity`` then is NaN. A
# minimum is the maximum of the turned keys (``turn``). Integers are their own keys: ``fold`` is 0.

FLOATING = {
    np.dtype(np.float32): (np.int32, 0x7FFF_FFFF, 0x7F80_0000),
    np.dtype(np.float64): (np.int64, 0x7FFF_FFFF_FFFF_FFFF, 0x7FF0_0000_0000_0000),
}


def _as_keys(out, x, smallest):
    """Both arrays flat and as integers, and fold, infinity and turn for them."""
    integer, fold, infinity = FLOATING.get(x.dtype, (x.dtype, 0, 0))
    integer = np.uint8 if x.dtype == np.bool_ else integer
    turn = 0 if not smallest else (255 if integer == np.uint8 else -1)
    return out.reshape(-1).view(integer), x.reshape(-1).view(integer), fold, infinity, turn


@CpuFunction
def _key(bits, fold, infinity, turn):
    magnitude = bits & fold
    return magnitude if magnitude > infinity else bits ^ ((bits >> 63) & fold) ^ turn


@CpuFunction
def _bits(key, fold, infinity, turn):
    turned = key ^ turn
    return key if fold != 0 and key > infinity else turned ^ ((turned >> 63) & fold)


@CpuFunction
def _largest(best, start, source, length, step, fold, infinity, turn):
    """best[j] = max_i of the keys source[start + i * step + j]"""
    row = source[start:][: best.size]
    for j in range(best.size):
        best[j] = _key(row[j], fold, infinity, turn)
    for i in range(1, length):
        row = source[start + i * step :][: best.size]
        for j in range(best.size):
            key = _key(row[j], fold, infinity, turn)
            best[j] = key if key > best[j] else best[j]
    for j in range(best.size):
        best[j] = _bits(best[j], fold, infinity, turn)


@CpuFunction
def _larger(a, b):
    return b if b > a else a


@CpuFunction
def _largest_of_quarters(x, size, fold, infinity, turn):
    """The largest key of x[i] for i < size, read at four places at once."""
    quarter = size // 4
    a = b = c = d = _key(x[0], fold, infinity, turn)
    for i in range(quarter):
        a = _larger(a, _key(x[i], fold, infinity, turn))
        b = _larger(b, _key(x[quarter + i], fold, infinity, turn))
        c = _larger(c, _key(x[2 * quarter + i], fold, infinity, turn))
        d = _larger(d, _key(x[3 * quarter + i], fold, infinity, turn))
    for i in range(4 * quarter, size):
        a = _larger(a, _key(x[i], fold, infinity, turn))
    return _larger(_larger(a, b), _larger(c, d))


@CpuFunction
def _extremes(start, stop, out, x, length, inner, fold, infinity, turn):
    at = start
    while at < stop:
        o = at // inner
        first = at - o * inner
        count = min(inner - first, COLUMNS, stop - at)
        _largest(
            out[at : at + count], o * length * inner + first, x, length, inner, fold, infinity, turn
        )
        at += count


@CpuFunction
def _part_extremes(start, stop, out, x, length, inner, parts, fold, infinity, turn):
    for index in range(start, stop):
        o, first, end = index, 0, length
        if parts > 1:
            o = index // parts
            p = index - o * parts
            first = p * length // parts
            end = (p + 1) * length // parts
        offset = (o * length + first) * inner
        if inner == 1:
            row = x[offset : offset + end - first]
            best = _largest_of_quarters(pointer(row), row.size, fold, infinity, turn)
            out[index] = _bits(best, fold, infinity, turn)
        else:
            best_row = out[index * inner : (index + 1) * inner]
            _largest(best_row, offset, x, end - first, inner, fold, infinity, turn)


@cpu_host_kernel
def extreme_forward(start, stop, out, x, smallest):
    """out[o, j] = max_i x[o, i, j], or min; NaN wins; range over the elements of out"""
    to, source, *code = _as_keys(out, x, smallest)
    _extremes.compiled()(start, stop, to, source, x.shape[1], x.shape[2], *code)


@cpu_host_kernel
def extreme_parts_forward(start, stop, partial, x, parts, smallest):
    """partial[o * parts + p, j] = max_i x[o, i, j], or min, i over part p; NaN wins"""
    to, source, *code = _as_keys(partial, x, smallest)
    _part_extremes.compiled()(start, stop, to, source, x.shape[1], x.shape[2], parts, *code)


# So many elements are compared at once before the one that is equal is looked for among them.
SCANNED = 256


@CpuFunction
def _first_equal(row, wanted):
    """The first i with row[i] == wanted; the first NaN if wanted is NaN."""
    for at in range(0, row.size, SCANNED):
        part = row[at : at + SCANNED]
        found = 0
        if wanted == wanted:
            for i in range(part.size):
                found |= part[i] == wanted
        else:
            for i in range(part.size):
                found |= part[i] != part[i]
        if found:
            for i in range(part.size):
                if part[i] == wanted or part[i] != part[i]:
                    return at + i
    return 0


@cpu_kernel
def find_forward(start, stop, index, x, value):
    """index[o, j] = the first i with x[o, i, j] == value[o, j], or both NaN; range over index"""
    length, inner = x.shape[1], x.shape[2]
    to, wanted, source = index.reshape(index.size), value.reshape(value.size), x.reshape(x.size)
    if inner == 1:
        for o in range(start, stop):
            to[o] = _first_equal(source[o * length : (o + 1) * length], wanted[o])
        return
    at = start
    while at < stop:
        o = at // inner
        first = at - o * inner
        count = min(inner - first, COLUMNS, stop - at)
        found, sought = to[at : at + count], wanted[at : at + count]
        # Backwards, so that the first place is the one that stays.
        for i in range(length - 1, -1, -1):
            row = source[(o * length + i) * inner + first :][:count]
            for j in range(count):
                same = row[j] == sought[j] or row[j] != row[j]
                found[j] = i if same else found[j]
        at += count


@cpu_kernel
def place_backward(start, stop, grad_x, grad_out, index):
    """grad_x[o, i, j] = grad_out[o, j] if i == index[o, j] else 0; range over grad_out"""
    length, inner = grad_x.shape[1], grad_x.shape[2]
    to, source, chosen = grad_x.reshape(grad_x.size), grad_out.reshape(-1), index.reshape(-1)
    at = start
    while at < stop:
        o = at // inner
        first = at - o * inner
        count = min(inner - first, COLUMNS, stop - at)
        for i in range(length):
            row = to[(o * length + i) * inner + first :][:count]
            for j in range(count):
                row[j] = 0
        for j in range(count):
            to[(o * length + chosen[at + j]) * inner + first + j] = source[at + j]
        at += count
