"""CUDA twins of cpu/statistics.py; medians go through the host for now."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from .._cuda import ROW_THREADS, block_sum, cuda, cuda_host_kernel, cuda_kernel, cuda_row_kernel
from ..middle import middle


@cuda_row_kernel
def distances_forward(start, stop, partial, x, mean, parts, squared):
    """partial[o * parts + p, j] = sum over i of part p of x[o, i, j] - mean[o, j], or its square"""
    shared = cuda.shared.array(ROW_THREADS, partial.dtype)
    length = x.shape[1]
    inner = x.shape[2]
    for row in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        o = row // parts
        p = row % parts
        first = p * length // parts
        end = (p + 1) * length // parts
        if inner == 1:
            total = partial.dtype.type(0)
            for i in range(first + cuda.threadIdx.x, end, ROW_THREADS):
                distance = x[o, i, 0] - mean[o, 0]
                total += distance * distance if squared else distance
            total = block_sum(total, shared)
            if cuda.threadIdx.x == 0:
                partial[row, 0] = total
        else:
            for j in range(cuda.threadIdx.x, inner, ROW_THREADS):
                total = partial.dtype.type(0)
                for i in range(first, end):
                    distance = x[o, i, j] - mean[o, j]
                    total += distance * distance if squared else distance
                partial[row, j] = total


@cuda_kernel
def quotients_forward(start, stop, out, value, total, divisor, rooted):
    """value[i] = total[i] / divisor, or its root; out[i] = value[i] in a dtype of its own; flat"""
    for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        quotient = total[i] / divisor
        if rooted:
            quotient = math.sqrt(quotient)
        value[i] = quotient
        out[i] = quotient


@cuda_row_kernel
def squares_backward(start, stop, grad_x, x, mean, scale, parts):
    """grad_x[o, i, j] = (x[o, i, j] - mean[o, j]) * scale[o, j], i over part p; a block per part"""
    length = x.shape[1]
    inner = x.shape[2]
    for row in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        o = row // parts
        p = row % parts
        first = p * length // parts * inner
        end = (p + 1) * length // parts * inner
        for at in range(first + cuda.threadIdx.x, end, ROW_THREADS):
            i = at // inner
            j = at % inner
            grad_x[o, i, j] = (x[o, i, j] - mean[o, j]) * scale[o, j]


@cuda_host_kernel
def median_forward(start, stop, out, low, high, x):
    """out[r] = median of x[r], between the elements low[r] and high[r]; x [R, L], range over R"""
    for array, values in zip((out, low, high), middle(x.copy_to_host())):
        array.copy_to_device(values)


@cuda_kernel
def median_backward(start, stop, grad_x, grad_out, low, high):
    """grad_x[o, i, j] += grad_out[o, j] / 2 for i = low[o, j] and for i = high[o, j]

    The range is over the elements of grad_out.
    """
    inner = grad_x.shape[2]
    half = grad_x.dtype.type(0.5)
    for k in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        o = k // inner
        j = k % inner
        share = half * grad_out[o, j]
        grad_x[o, low[o, j], j] += share
        grad_x[o, high[o, j], j] += share
