"""Softmax along the middle axis of [outer, length, inner]; a row is one (outer, inner) pair.

A row is passed over several times while it stays in the first-level cache: the maximum, exp and its
sum, the division. Where the elements of a row are not neighbours, a tile of rows that lie side by
side is, as columns. Every pass vectorises; see ``exponential.py`` for exp.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._jit import CpuFunction, cpu_function, cpu_whole_kernel
from ..parallel import parallel_for
from .cells import clear_cells, inlined, prefetch_cells
from .exponential import I32, I64, D, F, exp, log1p
from .reduce import LARGEST
from .simd import bits_of, number_of, pointer, room

# Columns that are passed over together: a row of them is a few vectors, and a thousand rows fit in
# the second-level cache.
TILE = 64
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


# The same for columns, whose elements are ``inner`` apart; what belongs to each has a room.


@inlined
def tile_of(tile, length, inner):
    """The first column of a tile, of all outer * inner, where it begins in x, and how many columns
    there are."""
    tiles = -(-inner // TILE)
    o = tile // tiles
    column = (tile - o * tiles) * TILE
    return o * inner + column, o * length * inner + column, min(TILE, inner - column)


@inlined
def exp_columns(out, to, step, x, begin, length, inner, count, peak, total, part):
    """out[to + i * step + j] = exp(x[begin + i * inner + j] - peak[j]); total[j] = their sum

    peak[j], the largest of column j, is written; sums are float64.
    """
    for j in range(count):
        peak[j] = x[begin + j]
    for i in range(1, length):
        at = begin + i * inner
        for j in range(count):
            peak[j] = larger(x[at + j], peak[j])
    clear_cells(total, 0, count)
    for first in range(0, length, FEW):
        clear_cells(part, 0, count)
        for i in range(first, min(first + FEW, length)):
            at, place = begin + i * inner, to + i * step
            for j in range(count):
                value = exp(x[at + j] - peak[j])
                out[place + j] = value
                part[j] += value
        for j in range(count):
            total[j] += part[j]


@cpu_function("contract")
def log_sum(x):
    """log(x) for x >= 1: k ln 2 + log m with x = 2**k m; the C library's does not vectorise"""
    if isinstance(x, F):
        bits = bits_of(F(x))
        m = number_of(I32((bits & I32(0x007FFFFF)) | I32(0x3F800000)))
        return F((bits >> I32(23)) - I32(127)) * F(math.log(2)) + log1p(m - F(1)) if x == x else x
    bits = bits_of(D(x))
    m = number_of(I64((bits & I64(0x000FFFFFFFFFFFFF)) | I64(0x3FF0000000000000)))
    return D((bits >> I64(52)) - I64(1023)) * D(math.log(2)) + log1p(m - D(1)) if x == x else x


@cpu_function("contract")
def softmax_columns(start, stop, out, x):
    length, inner = x.shape[1], x.shape[2]
    to, xs = pointer(out), pointer(x)
    peak, factor, total = room(xs, TILE), room(xs, TILE), room(D, TILE)
    for tile in range(start, stop):
        _, begin, count = tile_of(tile, length, inner)
        exp_columns(to, begin, inner, xs, begin, length, inner, count, peak, total, factor)
        for j in range(count):
            factor[j] = 1 / total[j]
        for i in range(length):
            at = begin + i * inner
            for j in range(count):
                to[at + j] *= factor[j]


@cpu_function("contract")
def softmax_gradient_columns(start, stop, grad_x, grad_out, out):
    length, inner = out.shape[1], out.shape[2]
    to, g, y = pointer(grad_x), pointer(grad_out), pointer(out)
    mean, total = room(y, TILE), room(D, TILE)
    for tile in range(start, stop):
        _, begin, count = tile_of(tile, length, inner)
        clear_cells(total, 0, count)
        for first in range(0, length, FEW):
            clear_cells(mean, 0, count)
            for i in range(first, min(first + FEW, length)):
                at = begin + i * inner
                for j in range(count):
                    mean[j] += g[at + j] * y[at + j]
            for j in range(count):
                total[j] += mean[j]
        for j in range(count):
            mean[j] = total[j]
        for i in range(length):
            at = begin + i * inner
            for j in range(count):
                to[at + j] = y[at + j] * (g[at + j] - mean[j])


@cpu_function("contract")
def log_softmax_columns(start, stop, out, x):
    length, inner = x.shape[1], x.shape[2]
    to, xs = pointer(out), pointer(x)
    peak, level, total = room(xs, TILE), room(xs, TILE), room(D, TILE)
    for tile in range(start, stop):
        _, begin, count = tile_of(tile, length, inner)
        exp_columns(to, begin, inner, xs, begin, length, inner, count, peak, total, level)
        for j in range(count):
            level[j] = log_sum(out.dtype.type(total[j]))
        for i in range(length):
            at = begin + i * inner
            for j in range(count):
                to[at + j] = (xs[at + j] - peak[j]) - level[j]


@cpu_function("contract")
def log_softmax_gradient_columns(start, stop, grad_x, grad_out, out):
    length, inner = out.shape[1], out.shape[2]
    to, g, y = pointer(grad_x), pointer(grad_out), pointer(out)
    level, total = room(y, TILE), room(D, TILE)
    for tile in range(start, stop):
        _, begin, count = tile_of(tile, length, inner)
        clear_cells(total, 0, count)
        for first in range(0, length, FEW):
            clear_cells(level, 0, count)
            for i in range(first, min(first + FEW, length)):
                at = begin + i * inner
                for j in range(count):
                    level[j] += g[at + j]
            for j in range(count):
                total[j] += level[j]
        for j in range(count):
            level[j] = total[j]
        for i in range(length):
            at = begin + i * inner
            for j in range(count):
                to[at + j] = g[at + j] - exp(y[at + j]) * level[j]


def share_out(
    along_rows: CpuFunction, along_columns: CpuFunction, x: np.ndarray, args: Any
) -> None:
    """A loop over rows or, where elements of a row are not neighbours, over tiles of columns."""
    outer, _, inner = x.shape
    if inner == 1:
        parallel_for(along_rows, outer, args)
    else:
        parallel_for(along_columns, outer * -(-inner // TILE), args, x.size)


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
