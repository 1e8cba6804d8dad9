"""Reductions over the middle axis of [outer, length, inner] arrays.

Memory answers sooner if it is asked at several places at once: what is long is taken from all four
quarters of the length together. What is added to what follows from the length alone, so no split of
the range changes a byte.

Sums are kept in float64 or int64, whatever is read, and rounded where they are written. Only the
four floats that are taken together, or a block of a short row, are added in their own dtype: most
of the time would go into conversions.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._jit import CpuFunction, cpu_function, cpu_whole_kernel, with_globals
from ..parallel import parallel_for
from .cells import clear_cells, copy_cells, inlined, part_of
from .exponential import I64, D
from .numbers import summand, zero_like
from .simd import (
    add_wide,
    extreme_number,
    extreme_tile,
    lanes_of,
    load_tile,
    nan_bits,
    pointer,
    prefetch_stream,
    sum_lanes,
    wide_room,
    wide_zeros,
)

# So many columns are reduced at a time that their results stay in the first-level cache. With fewer
# memory is read in shorter pieces: 1000x1000 took twice as long by 128 columns.
COLUMNS = 1024
# So many numbers are added up in their own dtype, each lane of a vector a few of them.
BLOCK = 512
# So far ahead of the place that is read the next numbers are asked for, where that is a gain.
AHEAD = 1024
# Longer rows are read at four places at once, a multiple of the lanes of any vector apart.
LONG, LANES = 16_384, 64


@inlined
def _add_rows(sums, x, at, length, step, count):
    """sums[j] += sum_i x[at + i * step + j] for i < length, j < count"""
    quarter = length // 4
    for i in range(quarter):
        a, b = at + i * step, at + (quarter + i) * step
        c, d = at + (2 * quarter + i) * step, at + (3 * quarter + i) * step
        for j in range(count):
            left, right = summand(x[a + j]) + x[b + j], summand(x[c + j]) + x[d + j]
            sums[j] += left + right
    for i in range(4 * quarter, length):
        for j in range(count):
            sums[j] += x[at + i * step + j]


@inlined
def _sum_quarters(x, at, quarter):
    """sum_i x[at + i] for i < 4 * quarter, a multiple of a vector's lanes each"""
    totals, lanes = wide_zeros(x), lanes_of(x)
    for i in range(at, at + quarter, lanes):
        prefetch_stream(x, i + AHEAD, quarter, 4, 1)
        totals = add_wide(totals, load_tile(x, i, quarter, 4, 1))
    return sum_lanes(totals)


@inlined
def _sum_row(x, at, length):
    """sum_i x[at + i] of floats, in float64"""
    total = D(0)
    quarter = length // (4 * LANES) * LANES if length > LONG else 0
    if quarter > 0:
        total += _sum_quarters(x, at, quarter)
    for begin in range(at + 4 * quarter, at + length, BLOCK):
        part = zero_like(x)
        for i in range(begin, min(begin + BLOCK, at + length)):
            part += x[i]
        total += part
    return total


@inlined
def _tile(index, length, inner, parts):
    """Where a tile begins in a flat result [outer * parts, inner], and its columns.

    And where they begin in x [outer, length, inner], and how many of its rows they run over.
    """
    tiles = -(-inner // COLUMNS)
    row = index // tiles
    column = (index - row * tiles) * COLUMNS
    o, first, end = part_of(row, length, parts)
    begin = (o * length + first) * inner + column
    return row * inner + column, min(inner - column, COLUMNS), begin, end - first


@CpuFunction
def sum_columns(start, stop, out, x, length, inner, parts):
    """Tiles of a flat out [outer * parts, inner] from x [outer, length, inner]."""
    to, xs = pointer(out), pointer(x)
    sums = wide_room(x, COLUMNS)
    for index in range(start, stop):
        at, count, begin, rows = _tile(index, length, inner, parts)
        clear_cells(sums, 0, count)
        _add_rows(sums, xs, begin, rows, inner, count)
        for j in range(count):
            to[at + j] = sums[j]


# The only function here that may reorder sums, and all that it calls is inlined by numba: a helper
# may exist twice, by itself and in its caller's file of the cache, each with an order of its own.
@cpu_function("reassociate")
def sum_rows(start, stop, out, x, length, parts):
    """The same for floats x [outer, length, 1]."""
    for index in range(start, stop):
        o, first, end = part_of(index, length, parts)
        out[index] = _sum_row(pointer(x), o * length + first, end - first)


@CpuFunction
def sum_whole_rows(start, stop, out, x, length, parts):
    """The same for integers and truth values."""
    numbers = pointer(x)
    for index in range(start, stop):
        o, first, end = part_of(index, length, parts)
        total = I64(0)
        for i in range(o * length + first, o * length + end):
            total += numbers[i]
        out[index] = total


def _share(along_rows, along_columns, rows, arrays, shape, *parts):
    """A loop over so many rows of results, or tiles of their columns; x is of that shape."""
    _, length, inner = shape
    flat = [array.reshape(-1) for array in arrays]
    if inner == 1:
        parallel_for(along_rows, rows, (*flat, length, *parts))
    else:
        tiles = rows * -(-inner // COLUMNS)
        parallel_for(along_columns, tiles, (*flat, length, inner, *parts), math.prod(shape))


def _share_sums(out, x, parts):
    along_rows = sum_rows if x.dtype.kind == "f" else sum_whole_rows
    _share(along_rows, sum_columns, len(out), (out, x), x.shape, parts)


@cpu_whole_kernel
def sum_forward(start, stop, out, x):
    """out[o, j] = sum_i x[o, i, j]; out [outer, inner], range over its outer * inner elements"""
    _share_sums(out, x, 1)


@cpu_whole_kernel
def sum_parts_forward(start, stop, partial, x, parts):
    """partial[o * parts + p, j] = sum_i x[o, i, j], i over part p of the length; x [o, i, j]"""
    _share_sums(partial, x, parts)


def _larger(a, b):
    """b or, if it is larger or NaN, a; a NaN in b stays"""
    return a if a > b or a != a else b


def _smaller(a, b):
    """b or, if it is smaller or NaN, a; a NaN in b stays"""
    return a if a < b or a != a else b


# Written once for both: ``_with_formula`` binds one of the two, 1 for the smaller, and the loops
# over it that others call.
formula: Any = None
smallest = 0
compare_rows: Any = None
compare_row: Any = None


def _compare_rows(best, x, at, length, step, count):
    """best[j] = the extreme of itself and x[at + i * step + j] for i < length, j < count"""
    quarter = length // 4
    for i in range(quarter):
        a, b = at + i * step, at + (quarter + i) * step
        c, d = at + (2 * quarter + i) * step, at + (3 * quarter + i) * step
        for j in range(count):
            left, right = formula(x[a + j], x[b + j]), formula(x[c + j], x[d + j])
            best[j] = formula(formula(left, right), best[j])
    for i in range(4 * quarter, length):
        for j in range(count):
            best[j] = formula(x[at + i * step + j], best[j])


@inlined
def _compare_vectors(x, at, step, taken, length, rows, smallest):
    """The extreme of x[at + r * step + i] for r < rows, i < length; the last vectors overlap.

    ``taken`` numbers are what a tile takes of the length: in each of its rows, or rows of
    neighbours together.
    """
    best = load_tile(x, at + length - taken, step, rows, 1)
    nan = nan_bits(best)
    for i in range(0, length - taken, taken):
        prefetch_stream(x, at + i + AHEAD, step, rows, 1)
        tile = load_tile(x, at + i, step, rows, 1)
        nan |= nan_bits(tile)
        best = extreme_tile(tile, best, smallest)
    return extreme_number(best, nan, smallest)


def _compare_row(x, at, length):
    """The extreme of x[at + i] for i < length"""
    lanes = lanes_of(x)
    if length > LONG:
        quarter = length // 4
        return _compare_vectors(x, at, quarter, lanes, length - 3 * quarter, 4, smallest)
    if length >= 4 * lanes:
        return _compare_vectors(x, at, lanes, 4 * lanes, length, 4, smallest)
    if length >= lanes:
        return _compare_vectors(x, at, 0, lanes, length, 1, smallest)
    extreme = x[at]
    for i in range(1, length):
        extreme = formula(x[at + i], extreme)
    return extreme


def _extreme_columns(start, stop, out, x, length, inner, parts):
    for index in range(start, stop):
        at, count, begin, rows = _tile(index, length, inner, parts)
        best = pointer(out[at:])
        copy_cells(best, 0, x, begin, count)
        compare_rows(best, pointer(x), begin + inner, rows - 1, inner, count)


def _extreme_rows(start, stop, out, x, length, parts):
    for index in range(start, stop):
        o, first, end = part_of(index, length, parts)
        out[index] = compare_row(pointer(x), o * length + first, end - first)


def _with_formula(formula, smallest):
    """The functions above for a formula, by name."""
    helpers = {"formula": inlined(formula), "smallest": smallest}
    for loop in (_compare_rows, _compare_row, _extreme_columns, _extreme_rows):
        function = with_globals(loop, f"{loop.__name__}{formula.__name__}", helpers)
        helpers[loop.__name__[1:]] = CpuFunction(function)
    return helpers


LARGEST, SMALLEST = _with_formula(_larger, 0), _with_formula(_smaller, 1)


def _numbers(array):
    """Truth values as the numbers 0 and 1, for which numba has no order."""
    return array.view(np.uint8) if array.dtype == np.bool_ else array


def _share_extremes(out, x, smallest, parts):
    loops, arrays = SMALLEST if smallest else LARGEST, (_numbers(out), _numbers(x))
    _share(loops["extreme_rows"], loops["extreme_columns"], len(out), arrays, x.shape, parts)


@cpu_whole_kernel
def extreme_forward(start, stop, out, x, smallest):
    """out[o, j] = max_i x[o, i, j], or min; NaN wins; range over the elements of out"""
    _share_extremes(out, x, smallest, 1)


@cpu_whole_kernel
def extreme_parts_forward(start, stop, partial, x, parts, smallest):
    """partial[o * parts + p, j] = max_i x[o, i, j], or min, i over part p; NaN wins"""
    _share_extremes(partial, x, smallest, parts)


# So many elements are compared at once before the one that is equal is looked for among them.
SCANNED = 256


@CpuFunction
def _first_equal(x, at, length, wanted):
    """The first i with x[at + i] == wanted; the first NaN if wanted is NaN."""
    for first in range(at, at + length, SCANNED):
        end, found = min(first + SCANNED, at + length), 0
        if wanted == wanted:
            for i in range(first, end):
                found |= x[i] == wanted
        else:
            for i in range(first, end):
                found |= x[i] != x[i]
        if found:
            for i in range(first, end):
                if x[i] == wanted or x[i] != x[i]:
                    return i - at
    return 0


@CpuFunction
def find_rows(start, stop, index, x, value, length):
    """``find_forward`` for a flat x [outer, length, 1]."""
    for o in range(start, stop):
        index[o] = _first_equal(pointer(x), o * length, length, value[o])


@CpuFunction
def find_columns(start, stop, index, x, value, length, inner):
    """The same for tiles of columns of a flat x [outer, length, inner]."""
    for tile in range(start, stop):
        at, count, begin, rows = _tile(tile, length, inner, 1)
        found, sought = index[at : at + count], value[at : at + count]
        # Backwards, so that the first place is the one that stays.
        for i in range(rows - 1, -1, -1):
            row = x[begin + i * inner :][:count]
            for j in range(count):
                same = row[j] == sought[j] or row[j] != row[j]
                found[j] = i if same else found[j]


@cpu_whole_kernel
def find_forward(start, stop, index, x, value):
    """index[o, j] = the first i with x[o, i, j] == value[o, j], or NaN if that is; over index"""
    _share(find_rows, find_columns, len(index), (index, x, value), x.shape)


@CpuFunction
def place_rows(start, stop, grad_x, grad_out, index, length):
    """``place_backward`` for a flat grad_x [outer, length, 1]."""
    to, source, chosen = pointer(grad_x), pointer(grad_out), pointer(index)
    clear_cells(to, start * length, (stop - start) * length)
    for o in range(start, stop):
        to[o * length + chosen[o]] = source[o]


@CpuFunction
def place_columns(start, stop, grad_x, grad_out, index, length, inner):
    """The same for tiles of columns of a flat grad_x [outer, length, inner]."""
    to, source, chosen = pointer(grad_x), pointer(grad_out), pointer(index)
    for tile in range(start, stop):
        at, count, begin, rows = _tile(tile, length, inner, 1)
        for i in range(rows):
            clear_cells(to, begin + i * inner, count)
        for j in range(count):
            to[begin + chosen[at + j] * inner + j] = source[at + j]


@cpu_whole_kernel
def place_backward(start, stop, grad_x, grad_out, index):
    """grad_x[o, i, j] = grad_out[o, j] if i == index[o, j] else 0; range over grad_out"""
    _share(place_rows, place_columns, len(index), (grad_x, grad_out, index), grad_x.shape)
