"""Reductions over the middle axis of [outer, length, inner] arrays.

Sums are kept in the dtype of what they are written to, float64 or int64, whatever is read. Each sum
is one chain in a fixed order, so no split of the range changes a byte.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._jit import cpu_kernel

# So many columns are summed at a time that their sums stay in the first-level cache.
COLUMNS = 1024


@cpu_kernel
def sum_forward(start, stop, out, x):
    """out[o, j] = sum_i x[o, i, j]; out [outer, inner], range over its outer * inner elements"""
    inner = x.shape[2]
    at = start
    while at < stop:
        o = at // inner
        first = at - o * inner
        end = min(inner, first + min(COLUMNS, stop - at))
        for j in range(first, end):
            out[o, j] = 0
        for i in range(x.shape[1]):
            for j in range(first, end):
                out[o, j] += x[o, i, j]
        at += end - first


@cpu_kernel(fastmath="reassociate")
def sum_parts_forward(start, stop, partial, x, parts):
    """partial[o * parts + p, j] = sum_i x[o, i, j] over the p-th part of the rows; x [outer, length, inner]"""
    length, inner = x.shape[1], x.shape[2]
    flat = x.reshape(x.size)  # unit stride is known to the compiler only of a last axis
    for row in range(start, stop):
        o = row // parts
        p = row - o * parts
        first = p * length // parts
        end = (p + 1) * length // parts
        if inner == 1:
            total = partial.dtype.type(0)
            for i in range(o * length + first, o * length + end):
                total += flat[i]
            partial[row, 0] = total
        else:
            for j in range(inner):
                partial[row, j] = 0
            for i in range(first, end):
                for j in range(inner):
                    partial[row, j] += x[o, i, j]
