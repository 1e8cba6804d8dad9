"""Numbers that follow from their place."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._jit import cpu_kernel


@cpu_kernel
def arange_forward(start, stop, out, first, step):
    """out[i] = first + i * step; out flat, first and step both int64 or both float64"""
    to = out[start:stop]
    for i in range(to.size):
        to[i] = first + (start + i) * step
