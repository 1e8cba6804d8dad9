"""Numbers that follow from their place."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._jit import cpu_kernel


@cpu_kernel
def evenly_forward(start, stop, out, first, step, last):
    """out[i] = first + i * step, but for the last; out flat, the numbers int64 or float64"""
    to = out[start:stop]
    for i in range(to.size):
        to[i] = first + (start + i) * step
    if stop == out.size:
        to[to.size - 1] = last
