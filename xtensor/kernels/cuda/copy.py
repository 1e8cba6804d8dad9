"""CUDA twins of cpu/copy.py."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._cuda import cuda, cuda_kernel


@cuda_kernel
def fill(start, stop, out, value):
    """out[i] = value; out flat"""
    for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        out[i] = value
