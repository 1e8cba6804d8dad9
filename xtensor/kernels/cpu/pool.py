"""Maximum and average pooling on the CPU, one plane x [D, H, W] after the other.

Window o covers the cells o * stride - padding + 0 .. kernel - 1 of each axis. The innermost loop is
over a row of windows, for one cell of the kernel at a time: it has no branch, and vectorises. Where
a row has only a few windows it runs along each of them instead (``few``).
"""

from __future__ import annotations

import math

import numpy as np

from .._jit import CpuFunction, CpuKernel, cpu_host_kernel, cpu_kernel

# mypy: disable-error-code="no-untyped-def"


@CpuFunction
def cells(o, kernel, stride, padding, length):
    """First and end cell of window o that are not padding."""
    first = o * stride - padding
    return max(first, 0), min(first + kernel, length)


@CpuFunction
def windows(cell, count, stride, padding, length):
    """First and end of the ``count`` windows in which this cell of the kernel is not padding."""
    first = max(0, -((cell - padding) // stride))
    return first, max(first, min(count, (length - 1 + padding - cell) // stride + 1))


def few(count, kernel):
    """Whether a row of so many windows is too short for a loop over it."""
    return count <= max(20, 3 * kernel)


def _larger(best, row, step):
    for k in range(best.size):
        value = row[k * step]
        best[k] = value if not value <= best[k] and best[k] == best[k] else best[k]


def _larger_place(best, place, row, step, at):
    for k in range(best.size):
        value = row[k * step]
        larger = not value <= best[k] and best[k] == best[k]
        best[k] = value if larger else best[k]
        place[k] = at + k * step if larger else place[k]


def _add_row(total, row, step):
    for k in range(total.size):
        total[k] += row[k * step]


def _add_to_row(row, share, step):
    for k in range(share.size):
        row[k * step] += share[k]


# Inlined before LLVM sees them, so that a step written as a number is one there.
larger = CpuFunction(_larger, inline="always")
larger_place = CpuFunction(_larger_place, inline="always")
add_row = CpuFunction(_add_row, inline="always")
add_to_row = CpuFunction(_add_to_row, inline="always")


def _max_across(start, stop, out, index, x, kernel, stride, padding):
    _, depth, height, width = x.shape
    _, out_depth, out_height, out_width = out.shape
    keep, step = index.size > 0, stride[2]
    source, to, places = x.reshape(-1), out.reshape(-1), index.reshape(-1)
    for line in range(start * out_depth * out_height, stop * out_depth * out_height):
        i, od, oh = (
            line // out_height // out_depth,
            line // out_height % out_depth,
            line % out_height,
        )
        d0, d1 = cells(od, kernel[0], stride[0], padding[0], depth)
        h0, h1 = cells(oh, kernel[1], stride[1], padding[1], height)
        best = to[line * out_width : (line + 1) * out_width]
        place = places[line * out_width : (line + 1) * out_width]
        best[:] = -math.inf
        for k in range(place.size):
            place[k] = (d0 * height + h0) * width + max(k * step - padding[2], 0)
        for d in range(d0, d1):
            for h in range(h0, h1):
                for w in range(kernel[2]):
                    k0, k1 = windows(w, out_width, step, padding[2], width)
                    at = (d * height + h) * width + k0 * step - padding[2] + w
                    row = source[i * depth * height * width + at :]
                    if keep and step == 1:
                        larger_place(best[k0:k1], place[k0:k1], row, 1, at)
                    elif keep and step == 2:
                        larger_place(best[k0:k1], place[k0:k1], row, 2, at)
                    elif keep:
                        larger_place(best[k0:k1], place[k0:k1], row, step, at)
                    elif step == 1:
                        larger(best[k0:k1], row, 1)
                    elif step == 2:
                        larger(best[k0:k1], row, 2)
                    else:
                        larger(best[k0:k1], row, step)


def _max_along(start, stop, out, index, x, kernel, stride, padding):
    _, depth, height, width = x.shape
    _, out_depth, out_height, out_width = out.shape
    keep = index.size > 0
    source, to, places = x.reshape(-1), out.reshape(-1), index.reshape(-1)
    at_out = start * out_depth * out_height * out_width
    for i in range(start, stop):
        plane = i * depth * height * width
        for od in range(out_depth):
            d0, d1 = cells(od, kernel[0], stride[0], padding[0], depth)
            for oh in range(out_height):
                h0, h1 = cells(oh, kernel[1], stride[1], padding[1], height)
                for ow in range(out_width):
                    w0, w1 = cells(ow, kernel[2], stride[2], padding[2], width)
                    place = (d0 * height + h0) * width + w0
                    best = source[np.uint64(plane + place)]
                    for d in range(d0, d1):
                        for h in range(h0, h1):
                            at = (d * height + h) * width
                            for w in range(w0, w1):
                                value = source[np.uint64(plane + at + w)]
                                if not value <= best and best == best:
                                    best = value
                                    place = at + w
                    to[np.uint64(at_out)] = best
                    if keep:
                        places[np.uint64(at_out)] = place
                    at_out += 1


# The loops of max_pool_forward, across a row of windows and along each of them; in one function the
# second would keep the first from vectorising.
max_across = CpuKernel(_max_across)
max_along = CpuKernel(_max_along)


@cpu_host_kernel
def max_pool_forward(start, stop, out, index, x, kernel, stride, padding):
    """out[i, o] = max over cells c of window o of x[i, c]; index[i, o] = the first such c, if kept.

    An empty index is not written. x [planes, D, H, W], out and index [planes, OD, OH, OW].
    """
    loop = max_along if few(out.shape[3], kernel[2]) else max_across
    loop.compiled()(start, stop, out, index, x, kernel, stride, padding)


@cpu_kernel
def max_pool_backward(start, stop, grad_x, grad, index, kernel, stride, padding):
    """grad_x[i, c] = sum over o with index[i, o] = c of grad[i, o]

    grad_x [planes, D, H, W], grad and index [planes, OD, OH, OW].
    """
    for i in range(start, stop):
        plane, g, place = grad_x[i].reshape(-1), grad[i].reshape(-1), index[i].reshape(-1)
        plane[:] = 0
        for k in range(g.size):
            plane[place[k]] += g[k]


def _avg_across(start, stop, out, x, kernel, stride, padding):
    _, depth, height, width = x.shape
    _, out_depth, out_height, out_width = out.shape
    size, step = kernel[0] * kernel[1] * kernel[2], stride[2]
    source, to = x.reshape(-1), out.reshape(-1)
    total = np.empty(out_width, np.float64)
    for line in range(start * out_depth * out_height, stop * out_depth * out_height):
        i, od, oh = (
            line // out_height // out_depth,
            line // out_height % out_depth,
            line % out_height,
        )
        d0, d1 = cells(od, kernel[0], stride[0], padding[0], depth)
        h0, h1 = cells(oh, kernel[1], stride[1], padding[1], height)
        total[:] = 0
        for d in range(d0, d1):
            for h in range(h0, h1):
                for w in range(kernel[2]):
                    k0, k1 = windows(w, out_width, step, padding[2], width)
                    at = (d * height + h) * width + k0 * step - padding[2] + w
                    row = source[i * depth * height * width + at :]
                    if step == 1:
                        add_row(total[k0:k1], row, 1)
                    elif step == 2:
                        add_row(total[k0:k1], row, 2)
                    else:
                        add_row(total[k0:k1], row, step)
        mean = to[line * out_width : (line + 1) * out_width]
        for k in range(mean.size):
            mean[k] = total[k] / size


def _avg_along(start, stop, out, x, kernel, stride, padding):
    _, depth, height, width = x.shape
    _, out_depth, out_height, out_width = out.shape
    size = kernel[0] * kernel[1] * kernel[2]
    for i in range(start, stop):
        for od in range(out_depth):
            d0, d1 = cells(od, kernel[0], stride[0], padding[0], depth)
            for oh in range(out_height):
                h0, h1 = cells(oh, kernel[1], stride[1], padding[1], height)
                for ow in range(out_width):
                    w0, w1 = cells(ow, kernel[2], stride[2], padding[2], width)
                    total = 0.0
                    for d in range(d0, d1):
                        for h in range(h0, h1):
                            for w in range(w0, w1):
                                total += x[i, d, h, w]
                    out[i, od, oh, ow] = total / size


# The loops of avg_pool_forward; in one function the second would keep the first from vectorising.
avg_across = CpuKernel(_avg_across)
avg_along = CpuKernel(_avg_along)


@cpu_host_kernel
def avg_pool_forward(start, stop, out, x, kernel, stride, padding):
    """out[i, o] = 1 / size(kernel) * sum over cells c of window o of x[i, c]

    x [planes, D, H, W], out [planes, OD, OH, OW].
    """
    loop = avg_along if few(out.shape[3], kernel[2]) else avg_across
    loop.compiled()(start, stop, out, x, kernel, stride, padding)


def _share_across(start, stop, grad_x, grad, kernel, stride, padding):
    _, depth, height, width = grad_x.shape
    _, out_depth, out_height, out_width = grad.shape
    size, step = grad.dtype.type(kernel[0] * kernel[1] * kernel[2]), stride[2]
    target, source = grad_x.reshape(-1), grad.reshape(-1)
    share = np.empty(out_width, grad.dtype)
    for line in range(start * out_depth * out_height, stop * out_depth * out_height):
        i, od, oh = (
            line // out_height // out_depth,
            line // out_height % out_depth,
            line % out_height,
        )
        d0, d1 = cells(od, kernel[0], stride[0], padding[0], depth)
        h0, h1 = cells(oh, kernel[1], stride[1], padding[1], height)
        g = source[line * out_width : (line + 1) * out_width]
        for k in range(g.size):
            share[k] = g[k] / size
        for d in range(d0, d1):
            for h in range(h0, h1):
                for w in range(kernel[2]):
                    k0, k1 = windows(w, out_width, step, padding[2], width)
                    at = (d * height + h) * width + k0 * step - padding[2] + w
                    row = target[i * depth * height * width + at :]
                    if step == 1:
                        add_to_row(row, share[k0:k1], 1)
                    else:
                        add_to_row(row, share[k0:k1], step)


def _share_along(start, stop, grad_x, grad, kernel, stride, padding):
    _, depth, height, width = grad_x.shape
    _, out_depth, out_height, out_width = grad.shape
    size = grad.dtype.type(kernel[0] * kernel[1] * kernel[2])
    target, source = grad_x.reshape(-1), grad.reshape(-1)
    at_out = start * out_depth * out_height * out_width
    for i in range(start, stop):
        for od in range(out_depth):
            d0, d1 = cells(od, kernel[0], stride[0], padding[0], depth)
            for oh in range(out_height):
                h0, h1 = cells(oh, kernel[1], stride[1], padding[1], height)
                for ow in range(out_width):
                    w0, w1 = cells(ow, kernel[2], stride[2], padding[2], width)
                    share = source[np.uint64(at_out)] / size
                    for d in range(d0, d1):
                        for h in range(h0, h1):
                            at = ((i * depth + d) * height + h) * width
                            for w in range(w0, w1):
                                target[np.uint64(at + w)] += share
                    at_out += 1


share_across = CpuKernel(_share_across)
share_along = CpuKernel(_share_along)


@cpu_host_kernel
def avg_pool_backward(start, stop, grad_x, grad, kernel, stride, padding):
    """grad_x[i, c] = 1 / size(kernel) * sum over windows o that cover c of grad[i, o]

    grad_x [planes, D, H, W], grad [planes, OD, OH, OW].
    """
    grad_x[start:stop] = 0
    loop = share_along if few(grad.shape[3], kernel[2]) else share_across
    loop.compiled()(start, stop, grad_x, grad, kernel, stride, padding)
