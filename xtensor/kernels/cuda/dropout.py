"""Dropout: the mask is never stored, both passes draw it from the same counters."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._cuda import cuda, cuda_kernel
from .random import block


@cuda_kernel
def dropout_forward(start, stop, out, x, counter, key, threshold, scale):
    """out[k] = scale * x[k] where word k % 4 of block k // 4 >= threshold, else 0; out, x [n]"""
    nothing = scale - scale
    for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        words = block(counter, i, key)
        for j in range(min(4, out.size - 4 * i)):
            out[4 * i + j] = scale * x[4 * i + j] if words[j] >= threshold else nothing
