"""CUDA twin of cpu/scan.py."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._cuda import cuda, cuda_kernel


@cuda_kernel
def cumsum_forward(start, stop, out, x, total, backwards):
    """out[o, i, j] = sum of x[o, k, j] over k <= i, or k >= i if backwards; range outer * inner

    ``total`` is a zero of the dtype the sums are kept in.
    """
    length = x.shape[1]
    inner = x.shape[2]
    for line in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        o = line // inner
        j = line % inner
        running = total
        for step in range(length):
            i = length - 1 - step if backwards else step
            running += x[o, i, j]
            out[o, i, j] = running
