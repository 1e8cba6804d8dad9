"""CUDA twins of cpu/reduce.py."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._cuda import ROW_THREADS, block_sum, cuda, cuda_kernel, cuda_row_kernel


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
