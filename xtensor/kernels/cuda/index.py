"""CUDA twins of cpu/index.py; a thread per element of the rows."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._cuda import cuda, cuda_kernel


@cuda_kernel
def gather_forward(start, stop, out, x, place):
    """out[i, j] = x[place[i], j]; out [n, inner], x [rows, inner], range over n"""
    inner = out.shape[1]
    for at in range(start * inner + cuda.grid(1), stop * inner, cuda.gridsize(1)):
        out[at // inner, at % inner] = x[place[at // inner], at % inner]


@cuda_kernel
def gather_backward(start, stop, grad_x, grad_out, target, first, order):
    """grad_x[target[k], j] adds grad_out[order[i], j] for i in first[k] .. first[k + 1] - 1"""
    inner = grad_x.shape[1]
    for at in range(start * inner + cuda.grid(1), stop * inner, cuda.gridsize(1)):
        k = at // inner
        j = at % inner
        for i in range(first[k], first[k + 1]):
            grad_x[target[k], j] += grad_out[order[i], j]


@cuda_kernel
def scatter_add_forward(start, stop, out, x, place):
    """out[place[i], j] adds x[i, j], in the order of i; range over j"""
    for j in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        for i in range(place.size):
            out[place[i], j] += x[i, j]


@cuda_kernel
def scatter_forward(start, stop, out, x, target, source):
    """out[target[k], j] = x[source[k], j]; no two targets equal; range over target"""
    inner = out.shape[1]
    for at in range(start * inner + cuda.grid(1), stop * inner, cuda.gridsize(1)):
        k = at // inner
        out[target[k], at % inner] = x[source[k], at % inner]
