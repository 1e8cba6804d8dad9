"""CUDA twins of cpu/copy.py."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._cuda import cuda, cuda_kernel, offset_of


@cuda_kernel
def fill(start, stop, out, value):
    """out[i] = value; out flat"""
    for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        out[i] = value


@cuda_kernel
def strided_read(start, stop, out, x, offset, shape, strides):
    """out[i...] = x[offset + sum(i * strides)]; a thread per element of shape"""
    row = out.size // shape[0]
    for i in range(start * row + cuda.grid(1), stop * row, cuda.gridsize(1)):
        out[i] = x[offset + offset_of(i, shape, strides)]


@cuda_kernel
def strided_write(start, stop, out, x, offset, shape, strides):
    """out[offset + sum(i * strides)] = x[i...]; a thread per element of shape"""
    row = x.size // shape[0]
    for i in range(start * row + cuda.grid(1), stop * row, cuda.gridsize(1)):
        out[offset + offset_of(i, shape, strides)] = x[i]
