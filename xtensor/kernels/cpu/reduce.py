"""Reductions over the middle axis of [outer, length, inner] arrays.

Sums are kept in the dtype of what they are written to, float64 or int64, whatever is read. Each sum
is one chain in a fixed order, so no split of the range changes a byte.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._jit import cpu_kernel

# So many columns are summed at a time that their sums stay in the first-level cache.
COLUMNS = 1024


# Slices, not offsets: only an index that counts from 0 is seen not to be negative, and only a slice
# of a flat array to be contiguous. Without both no loop here would be vectorised.


@cpu_kernel
def sum_forward(start, stop, out, x):
    """out[o, j] = sum_i x[o, i, j]; out [outer, inner], range over its outer * inner elements"""
    length, inner = x.shape[1], x.shape[2]
    to, source = out.reshape(out.size), x.reshape(x.size)
    at = start
    while at < stop:
        o = at // inner
        first = at - o * inner
        count = min(inner - first, COLUMNS, stop - at)
        sums = to[at : at + count]
        for j in range(count):
            sums[j] = 0
        for i in range(length):
            row = source[(o * length + i) * inner + first :][:count]
            for j in range(count):
                sums[j] += row[j]
        at += count


@cpu_kernel(fastmath="reassociate")
def sum_parts_forward(start, stop, partial, x, parts):
    """partial[o * parts + p, j] = sum_i x[o, i, j], i over part p of the length; x [o, i, j]"""
    length, inner = x.shape[1], x.shape[2]
    source = x.reshape(x.size)
    for index in range(start, stop):
        o, first, end = index, 0, length
        if parts > 1:  # three divisions cost more than summing a short row
            o = index // parts
            p = index - o * parts
            first = p * length // parts
            end = (p + 1) * length // parts
        part = source[(o * length + first) * inner : (o * length + end) * inner]
        if inner == 1:
            total = partial.dtype.type(0)
            for i in range(part.size):
                total += part[i]
            partial[index, 0] = total
        else:
            sums = partial[index]
            for j in range(inner):
                sums[j] = 0
            for i in range(end - first):
                row = part[i * inner : (i + 1) * inner]
                for j in range(inner):
                    sums[j] += row[j]
