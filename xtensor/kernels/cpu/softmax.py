"""Softmax along the middle axis of [outer, length, inner]; a row is one (outer, inner) pair.

A row is passed over several times while it stays in the first-level cache: the maximum, exp and its
sum, the division. Where the elements of a row are not neighbours, a tile of rows that lie side by
side is, as columns; so are short rows, which are transposed for that. Every pass vectorises; see
``exponential.py`` for exp.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from .._jit import CpuChoice, CpuFunction, cpu_function, cpu_whole_kernel, with_globals
from ..parallel import parallel_for
from .cells import clear_cells, inlined, prefetch_cells
from .exponential import I32, I64, D, F, exp, log1p
from .numbers import bits_of, number_of
from .product import transpose
from .reduce import LARGEST
from .simd import pointer, room

# Columns that are passed over together: a row of them is a few vectors, and a thousand rows fit in
# the second-level cache.
TILE = 64
# Rows of so many numbers at most are taken as columns: maxima and sums across the lanes of a
# vector, and vectors that are not full, take longer than to transpose them.
SHORT = 48
LAID = SHORT * TILE
# So many exponentials are summed at once where they are not kept.
BLOCK = 512
# So many rows are summed in their own dtype before they are added to a float64.
FEW = 8

row_max, larger = LARGEST["compare_row"], LARGEST["formula"]


@cpu_function("reassociate")
def exp_sum(out, to, x, at, length, peak):
    """out[to + j] = exp(x[at + j] - peak); their sum, float64.

    Two passes: the sum's wide lanes would slow exp.
    """
    for j in range(length):
        out[to + j] = exp(x[at + j] - peak)
    t = 0.0
    for j in range(length):
        t += out[to + j]
    return t


@inlined
def exp_total(x, at, length, peak):
    """The sum of exp(x[at + j] - peak), float64."""
    work, total = room(x, BLOCK), 0.0
    for j in range(0, length, BLOCK):
        total += exp_sum(work, 0, x, at + j, min(BLOCK, length - j), peak)
    return total


@cpu_function("contract")
def softmax_rows(start, stop, out, x):
    length = x.shape[1]
    to, xs = pointer(out), pointer(x)
    for at in range(start * length, stop * length, length):
        # Memory would be idle while exp is worked out: 15 % of the time at 8192 x 768. It is not
        # in the others below, which got slower.
        prefetch_cells(xs, at + length, length)
        total = exp_sum(to, at, xs, at, length, row_max(xs, at, length))
        factor = out.dtype.type(1 / total)
        for j in range(length):
            to[at + j] *= factor


@cpu_function("reassociate")
def softmax_gradient_rows(start, stop, grad_x, grad_out, out):
    length = out.shape[1]
    to, g, y = pointer(grad_x), pointer(grad_out), pointer(out)
    for at in range(start * length, stop * length, length):
        t = 0.0
        for j in range(length):
            t += g[at + j] * y[at + j]
        mean = out.dtype.type(t)
        for j in range(length):
            to[at + j] = y[at + j] * (g[at + j] - mean)


@cpu_function("contract")
def log_softmax_rows(start, stop, out, x):
    length = x.shape[1]
    to, xs = pointer(out), pointer(x)
    for at in range(start * length, stop * length, length):
        peak = row_max(xs, at, length)
        level = out.dtype.type(math.log(exp_sum(to, at, xs, at, length, peak)))
        for j in range(length):
            to[at + j] = (xs[at + j] - peak) - level


@cpu_function("reassociate")
def log_softmax_gradient_rows(start, stop, grad_x, grad_out, out):
    length = out.shape[1]
    to, g, y = pointer(grad_x), pointer(grad_out), pointer(out)
    for at in range(start * length, stop * length, length):
        t = 0.0
        for j in range(length):
            t += g[at + j]
        total = out.dtype.type(t)
        for j in range(length):
            to[at + j] = g[at + j] - exp(y[at + j]) * total


# The same for columns, whose elements are ``inner`` apart; what belongs to each has a room. Bound
# to these loops: whether they are short rows, to be transposed, where a tile of them lies, and how
# many elements are summed in their own dtype.
short: Any = None
tile_of: Any = None
together: Any = None


@functools.cache
def over_columns(loop: Any, short: bool) -> CpuFunction:
    """A loop over tiles of columns, or of short rows."""
    name = loop.__name__.replace("columns", "short_rows") if short else loop.__name__
    tile_of, together = (tile_of_rows, 1) if short else (tile_of_columns, FEW)
    scope = {"short": short, "tile_of": tile_of, "together": together}
    return CpuFunction(with_globals(loop, name, scope), "contract")


@inlined
def tile_of_rows(tile, x):
    """``tile_of_columns`` for rows; their elements are TILE apart after ``columns_of``."""
    outer, length, _ = x.shape
    column = tile * TILE
    return column, column * length, min(TILE, outer - column), TILE


@inlined
def tile_of_columns(tile, x):
    """The first column of a tile, of all in x [outer, length, inner], and where it begins in x.

    And how many columns there are, and how far apart their elements.
    """
    _, length, inner = x.shape
    tiles = -(-inner // TILE)
    o = tile // tiles
    column = (tile - o * tiles) * TILE
    return o * inner + column, o * length * inner + column, min(TILE, inner - column), inner


# Not inlined by numba, as a kernel has several: a square of numbers is many instructions. And not
# called with literals, for each of which numba would compile it anew.
transpose_rows = CpuFunction(transpose.function)


@inlined
def columns_of(x, begin, length, count, laid, short):
    """Where the columns of a tile are, and begin: in x or, of short rows, in ``laid`` after this.

    laid[j * TILE + i] = x[begin + i * length + j] for i < count and j < length
    """
    if short:
        transpose_rows(laid, I64(0), I64(TILE), x, begin, length, count, length)
        return laid, 0
    return x, begin


@inlined
def store_rows(out, begin, length, count, laid):
    """The way back, out[begin + i * length + j] = laid[j * TILE + i]."""
    transpose_rows(out, begin, length, laid, I64(0), I64(TILE), length, count)


@inlined
def exp_columns(out, to, step, x, begin, length, inner, count, peak, total, part, together):
    """out[to + i * step + j] = exp(x[begin + i * inner + j] - peak[j]); total[j] = their sum

    peak[j], the largest of column j, is written; sums are float64, but for those of so many
    elements together. Where a logarithm is taken it is 1: that of a sum near 1 wants all digits.
    """
    for j in range(count):
        peak[j] = x[begin + j]
    for i in range(1, length):
        at = begin + i * inner
        for j in range(count):
            peak[j] = larger(x[at + j], peak[j])
    clear_cells(total, 0, count)
    for first in range(0, length, together):
        clear_cells(part, 0, count)
        for i in range(first, min(first + together, length)):
            at, place = begin + i * inner, to + i * step
            for j in range(count):
                value = exp(x[at + j] - peak[j])
                out[place + j] = value
                part[j] += value
        for j in range(count):
            total[j] += part[j]


@CpuFunction
def power_and_rest32(x):
    bits = bits_of(x)
    m = number_of(I32((bits & I32(0x007FFFFF)) | I32(0x3F800000)))
    return F((bits >> I32(23)) - I32(127)) * F(math.log(2)), m - F(1)


@CpuFunction
def power_and_rest64(x):
    bits = bits_of(x)
    m = number_of(I64((bits & I64(0x000FFFFFFFFFFFFF)) | I64(0x3FF0000000000000)))
    return D((bits >> I64(52)) - I64(1023)) * D(math.log(2)), m - D(1)


# k ln 2 and m - 1 with x = 2**k m, 1 <= m < 2
power_and_rest = CpuChoice(power_and_rest32, power_and_rest64)


@cpu_function("contract")
def log_sum(x):
    """log(x) for x >= 1; the C library's does not vectorise"""
    power, rest = power_and_rest(x)
    return power + log1p(rest) if x == x else x


def softmax_columns(start, stop, out, x):
    length = x.shape[1]
    to, xs = pointer(out), pointer(x)
    peak, factor, total = room(xs, TILE), room(xs, TILE), room(D, TILE)
    laid, results = room(xs, LAID), room(xs, LAID)
    for tile in range(start, stop):
        _, begin, count, step = tile_of(tile, x)
        source, at = columns_of(xs, begin, length, count, laid, short)
        target = results if short else to
        exp_columns(
            target, at, step, source, at, length, step, count, peak, total, factor, together
        )
        for j in range(count):
            factor[j] = 1 / total[j]
        for i in range(at, at + length * step, step):
            for j in range(count):
                target[i + j] *= factor[j]
        if short:
            store_rows(to, begin, length, count, results)


def softmax_gradient_columns(start, stop, grad_x, grad_out, out):
    length = out.shape[1]
    to, gs, ys = pointer(grad_x), pointer(grad_out), pointer(out)
    mean, total = room(ys, TILE), room(D, TILE)
    laid_g, laid_y, results = room(ys, LAID), room(ys, LAID), room(ys, LAID)
    for tile in range(start, stop):
        _, begin, count, step = tile_of(tile, out)
        g, at = columns_of(gs, begin, length, count, laid_g, short)
        y, at = columns_of(ys, begin, length, count, laid_y, short)
        target = results if short else to
        clear_cells(total, 0, count)
        for first in range(0, length, together):
            clear_cells(mean, 0, count)
            for i in range(at + first * step, at + min(first + together, length) * step, step):
                for j in range(count):
                    mean[j] += g[i + j] * y[i + j]
            for j in range(count):
                total[j] += mean[j]
        for j in range(count):
            mean[j] = total[j]
        for i in range(at, at + length * step, step):
            for j in range(count):
                target[i + j] = y[i + j] * (g[i + j] - mean[j])
        if short:
            store_rows(to, begin, length, count, results)


def log_softmax_columns(start, stop, out, x):
    length = x.shape[1]
    to, xs = pointer(out), pointer(x)
    peak, level, total = room(xs, TILE), room(xs, TILE), room(D, TILE)
    laid, results = room(xs, LAID), room(xs, LAID)
    for tile in range(start, stop):
        _, begin, count, step = tile_of(tile, x)
        source, at = columns_of(xs, begin, length, count, laid, short)
        target = results if short else to
        exp_columns(target, at, step, source, at, length, step, count, peak, total, level, 1)
        for j in range(count):
            level[j] = log_sum(total[j])
        for i in range(at, at + length * step, step):
            for j in range(count):
                target[i + j] = (source[i + j] - peak[j]) - level[j]
        if short:
            store_rows(to, begin, length, count, results)


def log_softmax_gradient_columns(start, stop, grad_x, grad_out, out):
    length = out.shape[1]
    to, gs, ys = pointer(grad_x), pointer(grad_out), pointer(out)
    level, total = room(ys, TILE), room(D, TILE)
    laid_g, laid_y, results = room(ys, LAID), room(ys, LAID), room(ys, LAID)
    for tile in range(start, stop):
        _, begin, count, step = tile_of(tile, out)
        g, at = columns_of(gs, begin, length, count, laid_g, short)
        y, at = columns_of(ys, begin, length, count, laid_y, short)
        target = results if short else to
        clear_cells(total, 0, count)
        for first in range(0, length, together):
            clear_cells(level, 0, count)
            for i in range(at + first * step, at + min(first + together, length) * step, step):
                for j in range(count):
                    level[j] += g[i + j]
            for j in range(count):
                total[j] += level[j]
        for j in range(count):
            level[j] = total[j]
        for i in range(at, at + length * step, step):
            for j in range(count):
                target[i + j] = g[i + j] - exp(y[i + j]) * level[j]
        if short:
            store_rows(to, begin, length, count, results)


def share_out(along_rows: CpuFunction, along_columns: Any, x: np.ndarray, args: Any) -> None:
    """A loop over rows or, where elements of a row are no neighbours or few, tiles of columns."""
    outer, length, inner = x.shape
    short = inner == 1 and length <= SHORT
    if inner == 1 and not short:
        parallel_for(along_rows, outer, args)
    else:
        tiles = -(-outer // TILE) if short else outer * -(-inner // TILE)
        parallel_for(over_columns(along_columns, short), tiles, args, x.size)


@cpu_whole_kernel
def softmax_forward(start, stop, out, x):
    """out[o, j, c] = exp(x[o, j, c] - max_j x) / sum_j exp(x[o, j, c] - max_j x)"""
    share_out(softmax_rows, softmax_columns, x, (out, x))


@cpu_whole_kernel
def softmax_backward(start, stop, grad_x, grad_out, out):
    """grad_x[o, j, c] = out[o, j, c] * (grad_out[o, j, c] - sum_j (grad_out * out)[o, j, c])"""
    share_out(softmax_gradient_rows, softmax_gradient_columns, out, (grad_x, grad_out, out))


@cpu_whole_kernel
def log_softmax_forward(start, stop, out, x):
    """out[o, j, c] = x[o, j, c] - max_j x - log sum_j exp(x[o, j, c] - max_j x)"""
    share_out(log_softmax_rows, log_softmax_columns, x, (out, x))


@cpu_whole_kernel
def log_softmax_backward(start, stop, grad_x, grad_out, out):
    """grad_x[o, j, c] = grad_out[o, j, c] - exp(out[o, j, c]) * sum_j grad_out[o, j, c]"""
    share_out(log_softmax_gradient_rows, log_softmax_gradient_columns, out, (grad_x, grad_out, out))
