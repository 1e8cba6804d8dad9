"""CUDA twin of cpu/creation.py."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._cuda import cuda, cuda_kernel


@cuda_kernel
def arange_forward(start, stop, out, first, step):
    """out[i] = first + i * step; out flat, first and step both int64 or both float64"""
    for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        out[i] = first + i * step
