"""CUDA twin of cpu/scan.py; a thread per part of a line."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._cuda import cuda, cuda_kernel


@cuda_kernel
def cumsum_forward(start, stop, out, running, x, sums, parts, backwards):
    """out[o, i, j] = sum of x[o, k, j] over k <= i, or k >= i if backwards; range over running"""
    length = x.shape[1]
    inner = x.shape[2]
    for at in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        index = at // inner
        j = at % inner
        o = index // parts
        p = index % parts
        first = p * length // parts
        end = (p + 1) * length // parts
        total = running.dtype.type(0)
        for q in range(parts):
            if (q > p and backwards) or (q < p and not backwards):
                total += sums[o * parts + q, j]
        for step in range(end - first):
            i = end - 1 - step if backwards else first + step
            total += x[o, i, j]
            out[o, i, j] = total
