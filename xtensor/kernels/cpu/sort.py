"""Elements taken along rows by their places, and put back there."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .. import sortkeys
from .._jit import cpu_host_kernel, cpu_kernel


@cpu_host_kernel
def places_forward(start, stop, index, x, descending):
    """index[r] = places of the first k elements of x[r] in sorted order; index [R, k], x [R, L]"""
    index[start:stop] = sortkeys.places(x[start:stop], descending, index.shape[1])


@cpu_kernel
def take_along_forward(start, stop, out, x, index):
    """out[r, i] = x[r, index[r, i]]; out and index [R, k], x [R, L], range over R * k"""
    width = index.shape[1]
    for at in range(start, stop):
        r, i = at // width, at % width
        out[r, i] = x[r, index[r, i]]


@cpu_kernel
def take_along_backward(start, stop, grad_x, grad, index):
    """grad_x[r, index[r, i]] = grad[r, i], 0 elsewhere; no place twice in a row; range over rows"""
    for r in range(start, stop):
        for i in range(grad_x.shape[1]):
            grad_x[r, i] = 0
        for i in range(index.shape[1]):
            grad_x[r, index[r, i]] = grad[r, i]
