"""Dropout: the mask is never stored, both passes draw it from the same counters."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from .. import philox as formulas
from .._cuda import cuda, cuda_kernel

philox = cuda.jit(device=True)(formulas.philox)
HALF = formulas.HALF
LOW = formulas.LOW
ZERO = np.uint64(0)


@cuda_kernel
def dropout_forward(start, stop, out, x, counter, key, threshold, scale):
    """out[k] = scale * x[k] where word k % 4 of block k // 4 >= threshold, else 0; out, x [n]"""
    nothing = scale - scale
    for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        c = counter + np.uint64(i)
        words = philox(c & LOW, c >> HALF, ZERO, ZERO, key & LOW, key >> HALF)
        for j in range(min(4, out.size - 4 * i)):
            out[4 * i + j] = scale * x[4 * i + j] if words[j] >= threshold else nothing
