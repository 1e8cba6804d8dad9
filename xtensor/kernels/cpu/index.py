"""Rows read from and written to places that an index names.

Whoever launches these has checked every place. A row is what lies behind the indexed axes.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._jit import CpuFunction, cpu_kernel, cpu_whole_kernel
from ..parallel import parallel_for
from .simd import pointer

# Columns that a thread adds up, a few vectors.
COLUMNS = 64


@cpu_kernel
def gather_forward(start, stop, out, x, place):
    """out[i, j] = x[place[i], j]; out [n, inner], x [rows, inner], range over n"""
    to, source, inner, places = pointer(out), pointer(x), out.shape[1], pointer(place)
    if inner == 1:
        for i in range(start, stop):
            to[i] = source[places[i]]
        return
    for i in range(start, stop):
        begin = places[i] * inner
        for j in range(inner):
            to[i * inner + j] = source[begin + j]


@cpu_kernel
def gather_backward(start, stop, grad_x, grad_out, target, first, order):
    """grad_x[target[k], j] adds grad_out[order[i], j] for i in first[k] .. first[k + 1] - 1

    No two targets are equal: each row has one owner, who adds in a fixed order; range over target.
    """
    to, source, inner = pointer(grad_x), pointer(grad_out), grad_x.shape[1]
    for k in range(start, stop):
        for i in range(first[k], first[k + 1]):
            at, begin = target[k] * inner, order[i] * inner
            for j in range(inner):
                to[at + j] += source[begin + j]


@CpuFunction
def add_columns(start, stop, out, x, place):
    """``scatter_add_forward`` for groups start..stop-1 of columns."""
    to, source, inner = pointer(out), pointer(x), out.shape[1]
    first, end = start * COLUMNS, min(stop * COLUMNS, inner)
    for i in range(place.size):
        at, begin = place[i] * inner, i * inner
        for j in range(first, end):
            to[at + j] += source[begin + j]


@cpu_whole_kernel
def scatter_add_forward(start, stop, out, x, place):
    """out[place[i], j] adds x[i, j], in the order of i; range over j

    Looking for equal places first, as ``gather_backward`` wants it, takes longer: 150,000 numbers
    11 ms, and 0.3 so (Zen 4).
    """
    parallel_for(add_columns, -(-stop // COLUMNS), (out, x, place), x.size)


@cpu_kernel
def scatter_forward(start, stop, out, x, target, source):
    """out[target[k], j] = x[source[k], j]; no two targets equal; range over target"""
    for k in range(start, stop):
        to, row = out[target[k]], x[source[k]]
        for j in range(to.size):
            to[j] = row[j]
