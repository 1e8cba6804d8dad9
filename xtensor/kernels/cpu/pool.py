"""Maximum and average pooling on the CPU, one plane x [D, H, W] after the other.

Window o covers the cells o * stride - padding + 0 .. kernel - 1 of each axis. Where a row has many
windows, at most two cells apart, the innermost loop is over them, for one cell of the kernel at a
time: it has no branch, and vectorises. Else it is over the cells of one window.

Averages go by rows first: all rows that a row of windows covers are added up as they lie.
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
def by_cells(count, step):
    """Whether the innermost loop over a row of ``count`` windows is over their cells."""
    return count < FEW or step > 2


@inlined
def cells_of(o, kernel, stride, padding, length):
    """First and end cell of window o that are not padding."""
    first = o * stride - padding
    return max(first, 0), min(first + kernel, length)


@inlined
def windows_of(cell, count, stride, padding, length):
    """First and end of the ``count`` windows in which this cell of the kernel is not padding."""
    first = max(0, -((cell - padding) // stride))
    return first, max(first, min(count, (length - 1 + padding - cell) // stride + 1))


@inlined
def keep_larger(best, place, line, x, plane, at, step, first, end):
    """best[line + k], place[line + k] = the larger of it and x[plane + at + k * step], and where"""
    for k in range(first, end):
        value, old = x[plane + at + k * step], best[line + k]
        larger = not value <= old and old == old
        best[line + k] = value if larger else old
        place[line + k] = at + k * step if larger else place[line + k]


@inlined
def keep_largest(best, line, x, at, step, first, end):
    """The same without the place."""
    for k in range(first, end):
        value, old = x[at + k * step], best[line + k]
        best[line + k] = value if not value <= old and old == old else old


@inlined
def comes_first(value, at, best, place):
    """Whether value is larger than best, NaN being the largest, or the same at an earlier place."""
    if value == best or (value != value and best != best):
        return at < place
    return not value <= best and best == best


@inlined
def add_windows(total, count, row, kernel, step, padding, width):
    """total[k] += sum of row[c] over the cells c of window k"""
    if by_cells(count, step):
        for k in range(count):
            first, end = cells_of(k, kernel, step, padding, width)
            for c in range(first, end):
                total[k] += row[c]
        return
    for w in range(kernel):
        first, end = windows_of(w, count, step, padding, width)
        if step == 1:
            for k in range(first, end):
                total[k] += row[k + w - padding]
        else:
            for k in range(first, end):
                total[k] += row[2 * k + w - padding]


@inlined
def add_to_cells(row, share, count, kernel, step, padding, width):
    """row[c] += share[k] for the cells c of each window k < count"""
    if by_cells(count, step):
        for k in range(count):
            first, end = cells_of(k, kernel, step, padding, width)
            for c in range(first, end):
                row[c] += share[k]
        return
    for w in range(kernel):
        first, end = windows_of(w, count, step, padding, width)
        if step == 1:
            for k in range(first, end):
                row[k + w - padding] += share[k]
        else:
            for k in range(first, end):
                row[2 * k + w - padding] += share[k]


@inlined
def largest_of_row(best, place, line, keep, x, plane, row, count, kernel, step, padding, width):
    """Windows of a row against one row of cells, which begins at x[plane + row]."""
    for w in range(kernel):
        first, end = windows_of(w, count, step, padding, width)
        at = row + w - padding
        # With the step as a literal the loop vectorises.
        if keep and step == 1:
            keep_larger(best, place, line, x, plane, at, 1, first, end)
        elif keep:
            keep_larger(best, place, line, x, plane, at, 2, first, end)
        elif step == 1:
            keep_largest(best, line, x, plane + at, 1, first, end)
        else:
            keep_largest(best, line, x, plane + at, 2, first, end)


@inlined
def largest_of_columns(best, place, line, keep, peak, spot, count, kernel, step, padding, width):
    """Windows of a row, of which peak[w] is the largest of column w and spot[w] its place."""
    for k in range(count):
        first, end = cells_of(k, kernel, step, padding, width)
        value, where = peak[first], spot[first]
        for w in range(first + 1, end):
            if comes_first(peak[w], spot[w], value, where):
                value, where = peak[w], spot[w]
        best[line + k] = value
        if keep:
            place[line + k] = where


@cpu_kernel
def max_pool_forward(start, stop, out, index, x, kernel, stride, padding):
    """out[i, o] = max over cells c of window o of x[i, c]; index[i, o] = the first such c, if kept.

    An empty index is not written. x [planes, D, H, W], out and index [planes, OD, OH, OW].
    """
    _, depth, height, width = x.shape
    _, out_depth, out_height, count = out.shape
    keep, step = index.size > 0, stride[2]
    source, best, place = pointer(x), pointer(out), pointer(index)
    peaks, spots = np.empty(width, x.dtype), np.empty(width, index.dtype)
    peak, spot = pointer(peaks), pointer(spots)
    for i in range(start, stop):
        plane = i * depth * height * width
        for row in range(out_depth * out_height):
            od, oh = row // out_height, row % out_height
            d0, d1 = cells_of(od, kernel[0], stride[0], padding[0], depth)
            h0, h1 = cells_of(oh, kernel[1], stride[1], padding[1], height)
            line, corner = (i * out_depth * out_height + row) * count, (d0 * height + h0) * width
            if by_cells(count, step):
                for w in range(width):
                    peak[w], spot[w] = -math.inf, corner + w
                for d in range(d0, d1):
                    for h in range(h0, h1):
                        at = (d * height + h) * width
                        keep_larger(peak, spot, 0, source, plane, at, 1, 0, width)
                largest_of_columns(best, place, line, keep, peak, spot, count, kernel[2], step,
                                   padding[2], width)  # fmt: skip
                continue
            for k in range(count):
                best[line + k] = -math.inf
            if keep:
                for k in range(count):
                    place[line + k] = corner + max(k * step - padding[2], 0)
            for d in range(d0, d1):
                for h in range(h0, h1):
                    largest_of_row(best, place, line, keep, source, plane,
                                   (d * height + h) * width, count, kernel[2], step, padding[2],
                                   width)  # fmt: skip


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
    size = kernel[0] * kernel[1] * kernel[2]
    sums = np.empty(width + count, np.float64)
    source, mean, column, total = pointer(x), pointer(out), pointer(sums), pointer(sums[width:])
    for i in range(start, stop):
        for row in range(out_depth * out_height):
            od, oh = row // out_height, row % out_height
            d0, d1 = cells_of(od, kernel[0], stride[0], padding[0], depth)
            h0, h1 = cells_of(oh, kernel[1], stride[1], padding[1], height)
            clear_cells(column, 0, width + count)
            for d in range(d0, d1):
                for h in range(h0, h1):
                    at = ((i * depth + d) * height + h) * width
                    for w in range(width):
                        column[w] += source[at + w]
            add_windows(total, count, column, kernel[2], stride[2], padding[2], width)
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
    sums = np.empty(width + count, grad.dtype)
    target, source, column, share = (
        pointer(grad_x), pointer(grad), pointer(sums), pointer(sums[width:])
    )  # fmt: skip
    volume = depth * height * width
    clear_cells(target, start * volume, (stop - start) * volume)
    for i in range(start, stop):
        for row in range(out_depth * out_height):
            od, oh = row // out_height, row % out_height
            d0, d1 = cells_of(od, kernel[0], stride[0], padding[0], depth)
            h0, h1 = cells_of(oh, kernel[1], stride[1], padding[1], height)
            line = (i * out_depth * out_height + row) * count
            for k in range(count):
                share[k] = source[line + k] / size
            clear_cells(column, 0, width)
            add_to_cells(column, share, count, kernel[2], stride[2], padding[2], width)
            for d in range(d0, d1):
                for h in range(h0, h1):
                    at = i * volume + (d * height + h) * width
                    for w in range(width):
                        target[at + w] += column[w]
