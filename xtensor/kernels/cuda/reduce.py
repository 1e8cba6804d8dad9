"""CUDA twins of cpu/reduce.py."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._cuda import (
    ROW_THREADS,
    block_extreme,
    block_sum,
    cuda,
    cuda_kernel,
    cuda_row_kernel,
    more_extreme,
)


@cuda_kernel
def sum_forward(start, stop, out, x):
    """out[o, j] = sum_i x[o, i, j]; a thread per element of out"""
    inner = x.shape[2]
    for at in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        o = at // inner
        j = at % inner
        total = out.dtype.type(0)
        for i in range(x.shape[1]):
            total += x[o, i, j]
        out[o, j] = total


@cuda_row_kernel
def sum_parts_forward(start, stop, partial, x, parts):
    """partial[o * parts + p, j] = sum_i x[o, i, j] over part p; a block per part"""
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
                total += x[o, i, 0]
            total = block_sum(total, shared)
            if cuda.threadIdx.x == 0:
                partial[row, 0] = total
        else:
            for j in range(cuda.threadIdx.x, inner, ROW_THREADS):
                total = partial.dtype.type(0)
                for i in range(first, end):
                    total += x[o, i, j]
                partial[row, j] = total


@cuda_kernel
def extreme_forward(start, stop, out, x, smallest):
    """out[o, j] = max_i x[o, i, j], or min; a thread per element of out"""
    inner = x.shape[2]
    for at in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        o = at // inner
        j = at % inner
        best = x[o, 0, j]
        for i in range(1, x.shape[1]):
            best = more_extreme(best, x[o, i, j], smallest)
        out[o, j] = best


@cuda_row_kernel
def extreme_parts_forward(start, stop, partial, x, parts, smallest):
    """partial[o * parts + p, j] = max_i x[o, i, j], or min, i over part p; a block per part"""
    shared = cuda.shared.array(ROW_THREADS, x.dtype)
    thread = cuda.threadIdx.x
    length = x.shape[1]
    inner = x.shape[2]
    for index in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        o = index // parts
        p = index % parts
        first = p * length // parts
        end = (p + 1) * length // parts
        if inner == 1:
            best = x[o, first, 0]
            for i in range(first + thread, end, ROW_THREADS):
                best = more_extreme(best, x[o, i, 0], smallest)
            best = block_extreme(best, shared, smallest)
            if thread == 0:
                partial[index, 0] = best
        else:
            for j in range(thread, inner, ROW_THREADS):
                best = x[o, first, j]
                for i in range(first + 1, end):
                    best = more_extreme(best, x[o, i, j], smallest)
                partial[index, j] = best


@cuda_kernel
def find_forward(start, stop, index, x, value):
    """index[o, j] = the first i with x[o, i, j] == value[o, j], or NaN if that is; over index"""
    inner = x.shape[2]
    for at in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        o = at // inner
        j = at % inner
        sought = value[o, j]
        for i in range(x.shape[1]):
            if x[o, i, j] == sought or x[o, i, j] != x[o, i, j]:
                index[o, j] = i
                break


@cuda_kernel
def place_backward(start, stop, grad_x, grad_out, index):
    """grad_x[o, i, j] = grad_out[o, j] if i == index[o, j] else 0; range over grad_out"""
    inner = grad_x.shape[2]
    for at in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        o = at // inner
        j = at % inner
        for i in range(grad_x.shape[1]):
            grad_x[o, i, j] = grad_out[o, j] if i == index[o, j] else 0
