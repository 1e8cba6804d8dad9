"""CUDA twin of cpu/creation.py."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._cuda import cuda, cuda_kernel


@cuda_kernel
def evenly_forward(start, stop, out, first, step, last):
    """out[i] = first + i * step, but for the last; out flat, the numbers int64 or float64"""
    for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        out[i] = first + i * step if i < out.size - 1 else last
