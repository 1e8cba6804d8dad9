"""Maximum and average pooling on the CPU, one plane x [D, H, W] after the other.

Window o covers the cells o * stride - padding + 0 .. kernel - 1 of each axis. All rows that a row
of windows covers are taken together first, as they lie, into one row with its padding: windows that
overlap, or lie side by side, share that. Then, where a row has many windows, at most two cells
apart, the innermost loop is over them, for one cell of each at a time: it has no branch, and
vectorises. Else it is over the cells of one window. A plane that is a single window is a row of
which reduce.py knows the sum, the maximum and its place.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from .._jit import CpuFunction, cpu_kernel, cpu_whole_kernel, with_globals
from ..parallel import parallel_for
from ..scratch import scratch
from .cells import clear_cells, inlined
from .reduce import extreme_forward, find_forward, sum_forward
from .simd import pointer

# mypy: disable-error-code="no-untyped-def"


FLOAT64 = np.dtype(np.float64)
# Fewer windows than this in a row go one by one.
FEW = 8

# Bound to the loops of the kernels: how far windows are apart where the innermost loop is over
# them, 1 or 2, as LLVM vectorises what is known while compiling, and 0 where it is over cells; and
# whether the places of maxima are kept.
step: Any = None
keep: Any = None


def for_windows(loop, count, kernel, stride, keep=False):
    """The loop for ``count`` windows in a row."""
    by_cells = count < FEW or stride > 2 or kernel == 1
    return bound(loop, 0 if by_cells else stride, keep)


@functools.cache
def bound(loop, step, keep):
    name = f"{loop.__name__}_{step}_places" if keep else f"{loop.__name__}_{step}"
    return CpuFunction(with_globals(loop, name, {"step": step, "keep": keep}))


@inlined
def cells_of(o, kernel, stride, padding, length):
    """First and end cell of window o that are not padding."""
    first = o * stride - padding
    return max(first, 0), min(first + kernel, length)


def is_whole(x, kernel, padding):
    """Whether each plane of x is a single window."""
    return x.shape[1:] == tuple(kernel) and not any(padding)


@inlined
def row_with_padding(width, count, kernel, stride, padding):
    """Room for a row of cells and for all that its windows cover besides."""
    return max(padding[2] + width, (count - 1) * stride[2] + kernel[2])


@CpuFunction
def is_larger(value, old):
    """Whether a value takes the place of an earlier one; NaN is the largest."""
    return not value <= old and old == old


@inlined
def keep_larger(peak, spot, first, keep, x, plane, at, count):
    """peak[first + k], spot[first + k] = the larger of it and x[plane + at + k], and where"""
    for k in range(count):
        value, old = x[plane + at + k], peak[first + k]
        larger = is_larger(value, old)
        peak[first + k] = value if larger else old
        if keep:
            spot[first + k] = at + k if larger else spot[first + k]


@CpuFunction
def comes_first(value, at, best, place):
    """Whether value is larger than best, or the same at an earlier place."""
    same = value == best or (value != value and best != best)
    return is_larger(value, best) or (same and at < place)


@inlined
def largest_of_two(best, place, line, keep, peak, spot, count, step):
    """best[line + k], place[line + k] = the larger of peak[k * step] and the next"""
    for k in range(count):
        a, b = peak[k * step], peak[k * step + 1]
        if keep:
            at, other = spot[k * step], spot[k * step + 1]
            further = comes_first(b, other, a, at)
            best[line + k] = b if further else a
            place[line + k] = other if further else at
        else:
            best[line + k] = b if is_larger(b, a) else a


@inlined
def largest_of_more(best, place, line, keep, peak, spot, w, count, step):
    """best[line + k], place[line + k] = the larger of it and peak[k * step + w]"""
    for k in range(count):
        value, old = peak[k * step + w], best[line + k]
        if keep:
            at, before = spot[k * step + w], place[line + k]
            further = comes_first(value, at, old, before)
            best[line + k] = value if further else old
            place[line + k] = at if further else before
        else:
            best[line + k] = value if is_larger(value, old) else old


@inlined
def sum_cells(total, column, count, kernel, step):
    """total[k] = the sum of column[k * step + w] for w < kernel"""
    for k in range(count):
        total[k] = column[k * step]
        for w in range(k * step + 1, k * step + kernel):
            total[k] += column[w]


@inlined
def sum_windows(total, column, count, kernel, step):
    """The same, one cell of all windows after the other."""
    for k in range(count):
        total[k] = column[k * step] + column[k * step + 1]
    for w in range(2, kernel):
        for k in range(count):
            total[k] += column[k * step + w]


@inlined
def add_to_cells(column, share, count, kernel, step):
    """column[k * step + w] += share[k] for w < kernel; window after window"""
    for k in range(count):
        for w in range(k * step, k * step + kernel):
            column[w] += share[k]


@inlined
def add_to_windows(column, share, count, kernel, step):
    """The same, one cell of all windows after the other."""
    for w in range(kernel):
        for k in range(count):
            column[k * step + w] += share[k]


@inlined
def largest_of_cells(best, place, line, keep, peak, spot, count, kernel, step):
    """Windows of a row, of which peak[w] is the largest of column w and spot[w] its place."""
    for k in range(count):
        value, at = peak[k * step], k * step
        for w in range(k * step + 1, k * step + kernel):
            if (
                comes_first(peak[w], spot[w], value, spot[at])
                if keep
                else is_larger(peak[w], value)
            ):
                value, at = peak[w], w
        best[line + k] = value
        if keep:
            place[line + k] = spot[at]


@inlined
def largest_of_windows(best, place, line, keep, peak, spot, count, kernel, step):
    """The same, one cell of all windows after the other."""
    largest_of_two(best, place, line, keep, peak, spot, count, step)
    for w in range(2, kernel):
        largest_of_more(best, place, line, keep, peak, spot, w, count, step)


def max_windows(start, stop, out, index, x, kernel, stride, padding, peaks, spots):
    """``max_pool_forward`` for planes start..stop-1."""
    _, depth, height, width = x.shape
    _, out_depth, out_height, count = out.shape
    left, room = padding[2], row_with_padding(width, count, kernel, stride, padding)
    source, best, place = pointer(x), pointer(out), pointer(index)
    peak, spot = pointer(peaks), pointer(spots)
    for w in range(room):
        peak[w] = -math.inf
        if keep:  # padding is never the first of equals
            spot[w] = depth * height * width
    for i in range(start, stop):
        plane = i * depth * height * width
        for row in range(out_depth * out_height):
            od, oh = row // out_height, row % out_height
            d0, d1 = cells_of(od, kernel[0], stride[0], padding[0], depth)
            h0, h1 = cells_of(oh, kernel[1], stride[1], padding[1], height)
            line, corner = (i * out_depth * out_height + row) * count, (d0 * height + h0) * width
            for w in range(width):
                peak[left + w] = source[plane + corner + w]
                if keep:
                    spot[left + w] = corner + w
            for d in range(d0, d1):
                for h in range(h0 + (d == d0), h1):
                    at = (d * height + h) * width
                    keep_larger(peak, spot, left, keep, source, plane, at, width)
            if step:
                largest_of_windows(best, place, line, keep, peak, spot, count, kernel[2], step)
            else:
                largest_of_cells(best, place, line, keep, peak, spot, count, kernel[2], stride[2])


@cpu_whole_kernel
def max_pool_forward(start, stop, out, index, x, kernel, stride, padding):
    """out[i, o] = max over cells c of window o of x[i, c]; index[i, o] = the first such c, if kept.

    An empty index is not written. x [planes, D, H, W], out and index [planes, OD, OH, OW].
    """
    if is_whole(x, kernel, padding):
        rows, best = x.reshape(len(x), math.prod(kernel), 1), out.reshape(-1, 1)
        extreme_forward.run(stop, (best, rows, False))
        if index.size:
            find_forward.run(stop, (index.reshape(-1, 1), rows, best))
        return
    count, keep = out.shape[3], index.size > 0
    room = row_with_padding(x.shape[3], count, kernel, stride, padding)
    parallel_for(for_windows(max_windows, count, kernel[2], stride[2], keep), stop,
                 (out, index, x, kernel, stride, padding), None,
                 (room, (room if keep else 0, index.dtype)))  # fmt: skip


@cpu_kernel
def max_pool_backward(start, stop, grad_x, grad, index, kernel, stride, padding):
    """grad_x[i, c] = sum over o with index[i, o] = c of grad[i, o]

    grad_x [planes, D, H, W], grad and index [planes, OD, OH, OW].
    """
    _, depth, height, width = grad_x.shape
    _, out_depth, out_height, out_width = grad.shape
    volume, count = depth * height * width, out_depth * out_height * out_width
    target, source, place = pointer(grad_x), pointer(grad), pointer(index)
    clear_cells(target, start * volume, (stop - start) * volume)
    for i in range(start, stop):
        for k in range(i * count, (i + 1) * count):
            target[i * volume + place[k]] += source[k]


def mean_of_windows(start, stop, out, x, kernel, stride, padding, sums):
    """``avg_pool_forward`` for planes start..stop-1."""
    _, depth, height, width = x.shape
    _, out_depth, out_height, count = out.shape
    size, left = kernel[0] * kernel[1] * kernel[2], padding[2]
    room = row_with_padding(width, count, kernel, stride, padding)
    source, mean, column, total = pointer(x), pointer(out), pointer(sums), pointer(sums[room:])
    clear_cells(column, 0, room)
    for i in range(start, stop):
        for row in range(out_depth * out_height):
            od, oh = row // out_height, row % out_height
            d0, d1 = cells_of(od, kernel[0], stride[0], padding[0], depth)
            h0, h1 = cells_of(oh, kernel[1], stride[1], padding[1], height)
            corner = ((i * depth + d0) * height + h0) * width
            for w in range(width):
                column[left + w] = source[corner + w]
            for d in range(d0, d1):
                for h in range(h0 + (d == d0), h1):
                    at = ((i * depth + d) * height + h) * width
                    for w in range(width):
                        column[left + w] += source[at + w]
            if step:
                sum_windows(total, column, count, kernel[2], step)
            else:
                sum_cells(total, column, count, kernel[2], stride[2])
            line = (i * out_depth * out_height + row) * count
            for k in range(count):
                mean[line + k] = total[k] / size


@cpu_whole_kernel
def avg_pool_forward(start, stop, out, x, kernel, stride, padding):
    """out[i, o] = 1 / size(kernel) * sum over cells c of window o of x[i, c]

    x [planes, D, H, W], out [planes, OD, OH, OW].
    """
    if is_whole(x, kernel, padding):
        sums = scratch.array("sums", stop, FLOAT64).reshape(-1, 1)
        sum_forward.run(stop, (sums, x.reshape(len(x), math.prod(kernel), 1)))
        np.divide(sums, math.prod(kernel), out=out.reshape(-1, 1), casting="same_kind")
        return
    count = out.shape[3]
    room = row_with_padding(x.shape[3], count, kernel, stride, padding)
    parallel_for(for_windows(mean_of_windows, count, kernel[2], stride[2]), stop,
                 (out, x, kernel, stride, padding), None,
                 ((room + count, FLOAT64),))  # fmt: skip


def share_of_windows(start, stop, grad_x, grad, kernel, stride, padding, shares):
    """``avg_pool_backward`` for planes start..stop-1."""
    _, depth, height, width = grad_x.shape
    _, out_depth, out_height, count = grad.shape
    size = grad.dtype.type(kernel[0] * kernel[1] * kernel[2])
    left, volume = padding[2], depth * height * width
    room = row_with_padding(width, count, kernel, stride, padding)
    target, source, column, share = (
        pointer(grad_x), pointer(grad), pointer(shares), pointer(shares[room:])
    )  # fmt: skip
    clear_cells(target, start * volume, (stop - start) * volume)
    for i in range(start, stop):
        for row in range(out_depth * out_height):
            od, oh = row // out_height, row % out_height
            d0, d1 = cells_of(od, kernel[0], stride[0], padding[0], depth)
            h0, h1 = cells_of(oh, kernel[1], stride[1], padding[1], height)
            line = (i * out_depth * out_height + row) * count
            for k in range(count):
                share[k] = source[line + k] / size
            clear_cells(column, 0, room)
            if step:
                add_to_windows(column, share, count, kernel[2], step)
            else:
                add_to_cells(column, share, count, kernel[2], stride[2])
            for d in range(d0, d1):
                for h in range(h0, h1):
                    at = i * volume + (d * height + h) * width
                    for w in range(width):
                        target[at + w] += column[left + w]


@cpu_whole_kernel
def avg_pool_backward(start, stop, grad_x, grad, kernel, stride, padding):
    """grad_x[i, c] = 1 / size(kernel) * sum over windows o that cover c of grad[i, o]

    grad_x [planes, D, H, W], grad [planes, OD, OH, OW].
    """
    count = grad.shape[3]
    room = row_with_padding(grad_x.shape[3], count, kernel, stride, padding)
    parallel_for(for_windows(share_of_windows, count, kernel[2], stride[2]), stop,
                 (grad_x, grad, kernel, stride, padding), None, (room + count,))  # fmt: skip
