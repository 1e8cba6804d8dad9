"""Maximum and average pooling on the CPU, one plane x [D, H, W] after the other.

Window o covers the cells o * stride - padding + 0 .. kernel - 1 of each axis. All rows that a row
of windows covers are taken together first, as they lie, into one row with its padding: windows that
overlap, or lie side by side, share that. Then, where a row has many windows, at most two cells
apart, the innermost loop is over them, for one cell of each at a time: it has no branch, and
vectorises. Else it is over the cells of one window.
"""

from __future__ import annotations

import math

import numpy as np

from .._jit import cpu_kernel
from .cells import clear_cells, inlined
from .simd import pointer

# mypy: disable-error-code="no-untyped-def"


# Fewer windows than this in a row go one by one.
FEW = 8


@inlined
def by_cells(count, kernel, step):
    """Whether the innermost loop over a row of ``count`` windows is over their cells."""
    return count < FEW or step > 2 or kernel == 1


@inlined
def cells_of(o, kernel, stride, padding, length):
    """First and end cell of window o that are not padding."""
    first = o * stride - padding
    return max(first, 0), min(first + kernel, length)


@inlined
def is_larger(value, old):
    """Whether a value takes the place of an earlier one; NaN is the largest."""
    return not value <= old and old == old


@inlined
def keep_larger(peak, spot, first, x, plane, at, count):
    """peak[first + k], spot[first + k] = the larger of it and x[plane + at + k], and where"""
    for k in range(count):
        value, old = x[plane + at + k], peak[first + k]
        larger = is_larger(value, old)
        peak[first + k] = value if larger else old
        spot[first + k] = at + k if larger else spot[first + k]


@inlined
def keep_largest(peak, first, x, at, count):
    """``keep_larger`` without the place."""
    for k in range(count):
        value, old = x[at + k], peak[first + k]
        peak[first + k] = value if is_larger(value, old) else old


@inlined
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
    """The same, one cell of all windows after the other; ``step`` is a literal."""
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
    """The same, one cell of all windows after the other; ``step`` is a literal."""
    for w in range(kernel):
        for k in range(count):
            column[k * step + w] += share[k]


@inlined
def largest_of_cells(best, place, line, keep, peak, spot, count, kernel, step):
    """Windows of a row, of which peak[w] is the largest of column w and spot[w] its place."""
    for k in range(count):
        value, where = peak[k * step], spot[k * step]
        for w in range(k * step + 1, k * step + kernel):
            if comes_first(peak[w], spot[w], value, where):
                value, where = peak[w], spot[w]
        best[line + k] = value
        if keep:
            place[line + k] = where


@inlined
def largest_of_windows(best, place, line, keep, peak, spot, count, kernel, step):
    """The same, one cell of all windows after the other; ``step`` and ``keep`` are literals."""
    largest_of_two(best, place, line, keep, peak, spot, count, step)
    for w in range(2, kernel):
        largest_of_more(best, place, line, keep, peak, spot, w, count, step)


@cpu_kernel
def max_pool_forward(start, stop, out, index, x, kernel, stride, padding):
    """out[i, o] = max over cells c of window o of x[i, c]; index[i, o] = the first such c, if kept.

    An empty index is not written. x [planes, D, H, W], out and index [planes, OD, OH, OW].
    """
    _, depth, height, width = x.shape
    _, out_depth, out_height, count = out.shape
    keep, step, left = index.size > 0, stride[2], padding[2]
    source, best, place = pointer(x), pointer(out), pointer(index)
    room = max(left + width, (count - 1) * step + kernel[2])
    peaks, spots = np.empty(room, x.dtype), np.empty(room, index.dtype)
    peak, spot = pointer(peaks), pointer(spots)
    for w in range(room):  # padding is never the first of equals
        peak[w], spot[w] = -math.inf, depth * height * width
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
                for w in range(width):
                    spot[left + w] = corner + w
            for d in range(d0, d1):
                for h in range(h0 + (d == d0), h1):
                    at = (d * height + h) * width
                    if keep:
                        keep_larger(peak, spot, left, source, plane, at, width)
                    else:
                        keep_largest(peak, left, source, plane + at, width)
            if by_cells(count, kernel[2], step):
                largest_of_cells(best, place, line, keep, peak, spot, count, kernel[2], step)
            elif keep and step == 1:
                largest_of_windows(best, place, line, True, peak, spot, count, kernel[2], 1)
            elif keep:
                largest_of_windows(best, place, line, True, peak, spot, count, kernel[2], 2)
            elif step == 1:
                largest_of_windows(best, place, line, False, peak, spot, count, kernel[2], 1)
            else:
                largest_of_windows(best, place, line, False, peak, spot, count, kernel[2], 2)


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


@cpu_kernel
def avg_pool_forward(start, stop, out, x, kernel, stride, padding):
    """out[i, o] = 1 / size(kernel) * sum over cells c of window o of x[i, c]

    x [planes, D, H, W], out [planes, OD, OH, OW].
    """
    _, depth, height, width = x.shape
    _, out_depth, out_height, count = out.shape
    size, step, left = kernel[0] * kernel[1] * kernel[2], stride[2], padding[2]
    room = max(left + width, (count - 1) * step + kernel[2])
    sums = np.zeros(room + count, np.float64)
    source, mean, column, total = pointer(x), pointer(out), pointer(sums), pointer(sums[room:])
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
            if by_cells(count, kernel[2], step):
                sum_cells(total, column, count, kernel[2], step)
            elif step == 1:
                sum_windows(total, column, count, kernel[2], 1)
            else:
                sum_windows(total, column, count, kernel[2], 2)
            line = (i * out_depth * out_height + row) * count
            for k in range(count):
                mean[line + k] = total[k] / size


@cpu_kernel
def avg_pool_backward(start, stop, grad_x, grad, kernel, stride, padding):
    """grad_x[i, c] = 1 / size(kernel) * sum over windows o that cover c of grad[i, o]

    grad_x [planes, D, H, W], grad [planes, OD, OH, OW].
    """
    _, depth, height, width = grad_x.shape
    _, out_depth, out_height, count = grad.shape
    size = grad.dtype.type(kernel[0] * kernel[1] * kernel[2])
    step, left, volume = stride[2], padding[2], depth * height * width
    room = max(left + width, (count - 1) * step + kernel[2])
    sums = np.empty(room + count, grad.dtype)
    target, source, column, share = (
        pointer(grad_x), pointer(grad), pointer(sums), pointer(sums[room:])
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
            if by_cells(count, kernel[2], step):
                add_to_cells(column, share, count, kernel[2], step)
            elif step == 1:
                add_to_windows(column, share, count, kernel[2], 1)
            else:
                add_to_windows(column, share, count, kernel[2], 2)
            for d in range(d0, d1):
                for h in range(h0, h1):
                    at = i * volume + (d * height + h) * width
                    for w in range(width):
                        target[at + w] += column[left + w]
