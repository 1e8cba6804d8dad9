"""Dropout: the mask is never stored, both passes draw it from the same counters."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from .. import philox as formulas
from .._jit import CpuFunction, cpu_kernel

philox = CpuFunction(formulas.philox)
HALF = formulas.HALF
LOW = formulas.LOW
ZERO = np.uint64(0)


@cpu_kernel
def dropout_forward(start, stop, out, x, counter, key, threshold, scale):
    """out[k] = scale * x[k] where word k % 4 of block k // 4 >= threshold, else 0; out, x [n]"""
    nothing = scale - scale
    for i in range(start, stop):
        c = counter + np.uint64(i)
        words = philox(c & LOW, c >> HALF, ZERO, ZERO, key & LOW, key >> HALF)
        for j in range(min(4, out.size - 4 * i)):
            kept = scale * x[4 * i + j]
            out[4 * i + j] = kept if words[j] >= threshold else nothing
