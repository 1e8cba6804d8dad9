"""Dropout: the mask is never stored, both passes draw it from the same counters."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from .._jit import cpu_kernel
from .random import DRAWN, WORDS, draw
from .simd import room


@cpu_kernel
def dropout_forward(start, stop, out, x, counter, key, threshold, scale):
    """out[k] = scale * x[k] where word k % 4 of block k // 4 >= threshold, else 0; out, x [n]"""
    nothing = scale - scale
    words = room(np.uint32, WORDS)
    for first in range(start, stop, DRAWN):
        last = min(first + DRAWN, stop)
        draw(words, last - first, counter + np.uint64(first), key)
        source, target = x[4 * first : 4 * last], out[4 * first : 4 * last]
        for k in range(target.size):
            target[k] = scale * source[k] if words[k] >= threshold else nothing
