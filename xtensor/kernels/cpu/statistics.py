"""Distances from a mean over the middle axis of [outer, length, inner] arrays; medians.

The length is cut into parts that follow the shape; the partial sums are added up in order.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from .._jit import cpu_host_kernel, cpu_kernel
from ..middle import middle
from .cells import part_of
from .simd import pointer


@cpu_kernel(fastmath="reassociate")
def distances_forward(start, stop, partial, x, mean, parts, squared):
    """partial[o * parts + p, j] = sum over i of part p of x[o, i, j] - mean[o, j], or its square

    In the dtype of ``partial``; so is the sum that a mean is made of, as one of float32 sums would
    lie beside the middle of numbers that are close to each other.
    """
    length, inner = x.shape[1], x.shape[2]
    source = pointer(x)
    for index in range(start, stop):
        o, first, end = part_of(index, length, parts)
        if inner == 1:
            center, total = mean[o, 0], partial.dtype.type(0)
            for i in range(o * length + first, o * length + end):
                distance = source[i] - center
                total += distance * distance if squared else distance
            partial[index, 0] = total
        else:
            sums, centers = partial[index], mean[o]
            for j in range(inner):
                sums[j] = 0
            for i in range(o * length + first, o * length + end):
                for j in range(inner):
                    distance = source[i * inner + j] - centers[j]
                    sums[j] += distance * distance if squared else distance


@cpu_kernel
def quotients_forward(start, stop, out, value, total, divisor, rooted):
    """value[i] = total[i] / divisor, or its root; out[i] = value[i] in a dtype of its own; flat"""
    to, values, totals = out[start:stop], value[start:stop], total[start:stop]
    for i in range(to.size):
        quotient = totals[i] / divisor
        values[i] = to[i] = math.sqrt(quotient) if rooted else quotient


@cpu_kernel
def squares_backward(start, stop, grad_x, x, mean, scale, parts):
    """grad_x[o, i, j] = (x[o, i, j] - mean[o, j]) * scale[o, j], i over part p; range o * parts"""
    length, inner = x.shape[1], x.shape[2]
    source, target = pointer(x), pointer(grad_x)
    for index in range(start, stop):
        o, first, end = part_of(index, length, parts)
        if inner == 1:
            center, factor = mean[o, 0], scale[o, 0]
            for i in range(o * length + first, o * length + end):
                target[i] = (source[i] - center) * factor
        else:
            centers, factors = mean[o], scale[o]
            for i in range(o * length + first, o * length + end):
                for j in range(inner):
                    target[i * inner + j] = (source[i * inner + j] - centers[j]) * factors[j]


@cpu_host_kernel
def median_forward(start, stop, out, low, high, x):
    """out[r] = median of x[r], between the elements low[r] and high[r]; x [R, L], range over R"""
    out[start:stop], low[start:stop], high[start:stop] = middle(x[start:stop])


@cpu_kernel
def median_backward(start, stop, grad_x, grad_out, low, high):
    """grad_x[o, i, j] += grad_out[o, j] / 2 for i = low[o, j] and for i = high[o, j]

    The range is over the elements of grad_out.
    """
    inner, half = grad_x.shape[2], grad_x.dtype.type(0.5)
    for k in range(start, stop):
        o = k // inner
        j = k - o * inner
        share = half * grad_out[o, j]
        grad_x[o, low[o, j], j] += share
        grad_x[o, high[o, j], j] += share
