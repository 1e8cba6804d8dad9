"""Reductions over the middle axis of [outer, length, inner] arrays.

Sums are kept in the dtype of what they are written to, float64 or int64, whatever is read. Each sum
is one chain in a fixed order, so no split of the range changes a byte.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from .._jit import cpu_host_kernel, cpu_kernel

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


@cpu_host_kernel
def extreme_forward(start, stop, out, x, smallest):
    """out[o, j] = max_i x[o, i, j], or min; NaN wins; range over the elements of out"""
    pick = np.minimum if smallest else np.maximum
    inner = x.shape[2]
    at = start
    while at < stop:
        o, first = divmod(at, inner)
        end = min(inner, first + stop - at)
        pick.reduce(x[o, :, first:end], axis=0, out=out[o, first:end])
        at += end - first


@cpu_host_kernel
def extreme_parts_forward(start, stop, partial, x, parts, smallest):
    """partial[o * parts + p, j] = max_i x[o, i, j], or min, i over part p; NaN wins"""
    pick = np.minimum if smallest else np.maximum
    if parts == 1:
        pick.reduce(x[start:stop], axis=1, out=partial[start:stop])
        return
    length = x.shape[1]
    for index in range(start, stop):
        o, p = divmod(index, parts)
        part = x[o, p * length // parts : (p + 1) * length // parts]
        pick.reduce(part, axis=0, out=partial[index])


@cpu_kernel
def find_forward(start, stop, index, x, value):
    """index[o, j] = the first i with x[o, i, j] == value[o, j], or both NaN; range over index"""
    length, inner = x.shape[1], x.shape[2]
    to, wanted, source = index.reshape(index.size), value.reshape(value.size), x.reshape(x.size)
    if inner == 1:
        for o in range(start, stop):
            row = source[o * length : (o + 1) * length]
            for i in range(length):
                if row[i] == wanted[o] or row[i] != row[i]:
                    to[o] = i
                    break
        return
    at = start
    while at < stop:
        o = at // inner
        first = at - o * inner
        count = min(inner - first, COLUMNS, stop - at)
        found, sought = to[at : at + count], wanted[at : at + count]
        # Backwards, so that the first place is the one that stays.
        for i in range(length - 1, -1, -1):
            row = source[(o * length + i) * inner + first :][:count]
            for j in range(count):
                same = row[j] == sought[j] or row[j] != row[j]
                found[j] = i if same else found[j]
        at += count


@cpu_kernel
def place_backward(start, stop, grad_x, grad_out, index):
    """grad_x[o, i, j] = grad_out[o, j] if i == index[o, j] else 0; range over grad_out"""
    length, inner = grad_x.shape[1], grad_x.shape[2]
    to, source, chosen = grad_x.reshape(grad_x.size), grad_out.reshape(-1), index.reshape(-1)
    at = start
    while at < stop:
        o = at // inner
        first = at - o * inner
        count = min(inner - first, COLUMNS, stop - at)
        for i in range(length):
            row = to[(o * length + i) * inner + first :][:count]
            for j in range(count):
                row[j] = 0
        for j in range(count):
            to[(o * length + chosen[at + j]) * inner + first + j] = source[at + j]
        at += count
