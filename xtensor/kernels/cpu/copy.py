"""Kernels that move elements: filling, and reading and writing through strides."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from .._jit import cpu_host_kernel


@cpu_host_kernel
def fill(start, stop, out, value):
    """out[i] = value; out flat"""
    out[start:stop] = value


def _view(flat, offset, shape, strides):
    """The elements of a flat array at offset + sum(index * stride), as an array of that shape."""
    size = flat.itemsize
    return np.ndarray(shape, flat.dtype, flat, offset * size, [stride * size for stride in strides])


@cpu_host_kernel
def strided_read(start, stop, out, x, offset, shape, strides):
    """out[i...] = x[offset + sum(i * strides)]; out and x flat, range over shape[0]"""
    source = _view(x, offset, shape, strides)
    np.copyto(out.reshape(shape)[start:stop], source[start:stop])


@cpu_host_kernel
def strided_write(start, stop, out, x, offset, shape, strides):
    """out[offset + sum(i * strides)] = x[i...]; out and x flat, range over shape[0]"""
    target = _view(out, offset, shape, strides)
    np.copyto(target[start:stop], x.reshape(shape)[start:stop])
