"""Maximum and average pooling on the CPU, one plane x [D, H, W] after the other.

Window o covers the cells o * stride - padding + 0 .. kernel - 1 of each axis. The innermost loop is
over a row of windows, for one cell of the kernel at a time: it has no branch, and vectorises where
the step is a literal, so that the same call is written for 1 and 2, the usual ones, and for any.
"""

from __future__ import annotations

import math

import numpy as np

from .._jit import cpu_kernel
from .cells import clear_cells, inlined
from .simd import pointer

# mypy: disable-error-code="no-untyped-def"


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
def add_row(total, x, at, step, first, end):
    """total[k] += x[at + k * step]"""
    for k in range(first, end):
        total[k] += x[at + k * step]


@inlined
def add_to_row(x, at, step, share, first, end):
    """x[at + k * step] += share[k]"""
    for k in range(first, end):
        x[at + k * step] += share[k]


@cpu_kernel
def max_pool_forward(start, stop, out, index, x, kernel, stride, padding):
    """out[i, o] = max over cells c of window o of x[i, c]; index[i, o] = the first such c, if kept.

    An empty index is not written. x [planes, D, H, W], out and index [planes, OD, OH, OW].
    """
    _, depth, height, width = x.shape
    _, out_depth, out_height, out_width = out.shape
    keep, step = index.size > 0, stride[2]
    source, best, place = pointer(x), pointer(out), pointer(index)
    for i in range(start, stop):
        plane = i * depth * height * width
        for row in range(out_depth * out_height):
            od, oh = row // out_height, row % out_height
            d0, d1 = cells_of(od, kernel[0], stride[0], padding[0], depth)
            h0, h1 = cells_of(oh, kernel[1], stride[1], padding[1], height)
            line = (i * out_depth * out_height + row) * out_width
            for k in range(out_width):
                best[line + k] = -math.inf
            if keep:
                corner = (d0 * height + h0) * width
                for k in range(out_width):
                    place[line + k] = corner + max(k * step - padding[2], 0)
            for d in range(d0, d1):
                for h in range(h0, h1):
                    for w in range(kernel[2]):
                        k0, k1 = windows_of(w, out_width, step, padding[2], width)
                        at = (d * height + h) * width + w - padding[2]
                        if keep and step == 1:
                            keep_larger(best, place, line, source, plane, at, 1, k0, k1)
                        elif keep and step == 2:
                            keep_larger(best, place, line, source, plane, at, 2, k0, k1)
                        elif keep:
                            keep_larger(best, place, line, source, plane, at, step, k0, k1)
                        elif step == 1:
                            keep_largest(best, line, source, plane + at, 1, k0, k1)
                        elif step == 2:
                            keep_largest(best, line, source, plane + at, 2, k0, k1)
                        else:
                            keep_largest(best, line, source, plane + at, step, k0, k1)


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
    _, out_depth, out_height, out_width = out.shape
    size, step = kernel[0] * kernel[1] * kernel[2], stride[2]
    totals = np.empty(out_width, np.float64)
    source, mean, total = pointer(x), pointer(out), pointer(totals)
    for i in range(start, stop):
        plane = i * depth * height * width
        for row in range(out_depth * out_height):
            od, oh = row // out_height, row % out_height
            d0, d1 = cells_of(od, kernel[0], stride[0], padding[0], depth)
            h0, h1 = cells_of(oh, kernel[1], stride[1], padding[1], height)
            clear_cells(total, 0, out_width)
            for d in range(d0, d1):
                for h in range(h0, h1):
                    for w in range(kernel[2]):
                        k0, k1 = windows_of(w, out_width, step, padding[2], width)
                        at = plane + (d * height + h) * width + w - padding[2]
                        if step == 1:
                            add_row(total, source, at, 1, k0, k1)
                        elif step == 2:
                            add_row(total, source, at, 2, k0, k1)
                        else:
                            add_row(total, source, at, step, k0, k1)
            line = (i * out_depth * out_height + row) * out_width
            for k in range(out_width):
                mean[line + k] = total[k] / size


@cpu_kernel
def avg_pool_backward(start, stop, grad_x, grad, kernel, stride, padding):
    """grad_x[i, c] = 1 / size(kernel) * sum over windows o that cover c of grad[i, o]

    grad_x [planes, D, H, W], grad [planes, OD, OH, OW].
    """
    _, depth, height, width = grad_x.shape
    _, out_depth, out_height, out_width = grad.shape
    size, step = grad.dtype.type(kernel[0] * kernel[1] * kernel[2]), stride[2]
    shares = np.empty(out_width, grad.dtype)
    target, source, share = pointer(grad_x), pointer(grad), pointer(shares)
    volume = depth * height * width
    clear_cells(target, start * volume, (stop - start) * volume)
    for i in range(start, stop):
        for row in range(out_depth * out_height):
            od, oh = row // out_height, row % out_height
            d0, d1 = cells_of(od, kernel[0], stride[0], padding[0], depth)
            h0, h1 = cells_of(oh, kernel[1], stride[1], padding[1], height)
            line = (i * out_depth * out_height + row) * out_width
            for k in range(out_width):
                share[k] = source[line + k] / size
            for d in range(d0, d1):
                for h in range(h0, h1):
                    for w in range(kernel[2]):
                        k0, k1 = windows_of(w, out_width, step, padding[2], width)
                        at = i * volume + (d * height + h) * width + w - padding[2]
                        if step == 1:
                            add_to_row(target, at, 1, share, k0, k1)
                        elif step == 2:
                            add_to_row(target, at, 2, share, k0, k1)
                        else:
                            add_to_row(target, at, step, share, k0, k1)
