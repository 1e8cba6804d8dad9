"""Kernels that move elements: filling, and reading and writing through strides."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._jit import cpu_host_kernel


@cpu_host_kernel
def fill(start, stop, out, value):
    """out[i] = value; out flat"""
    out[start:stop] = value
