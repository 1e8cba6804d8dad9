"""Running sums over the middle axis of [outer, length, inner] arrays.

A part of the length begins with the sums of the parts before it, so parts are worked out alone.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._jit import CpuFunction, cpu_kernel
from .simd import pointer

# So many columns go down the length together that their sums stay in the first-level cache.
COLUMNS = 1024
# Fewer columns than this go down the length one by one.
NARROW = 8


@CpuFunction
def _line(to, source, begin, length, step, total, backwards):
    """to[i] = total + sum of source[k], k <= i or k >= i if backwards; from begin, step apart"""
    at = begin + (length - 1) * step if backwards else begin
    move = -step if backwards else step
    for _ in range(length):
        total += source[at]
        to[at] = total
        at += move


@cpu_kernel
def cumsum_forward(start, stop, out, running, x, sums, parts, backwards):
    """out[o, i, j] = sum of x[o, k, j] over k <= i, or k >= i if backwards

    sums[o * parts + p, j] is the sum over part p of the length, read where there are several;
    running, of the same shape, is where the sums are kept; the range is over its elements.
    """
    length, inner = x.shape[1], x.shape[2]
    target, source, totals = pointer(out), pointer(x), pointer(running)
    zero = running.dtype.type(0)
    if inner == 1:
        for index in range(start, stop):
            o, first, end, total = index, 0, length, zero
            if parts > 1:
                o = index // parts
                p = index - o * parts
                first, end = p * length // parts, (p + 1) * length // parts
                for q in range(p + 1, parts) if backwards else range(p):
                    total += sums[o * parts + q, 0]
            row = o * length
            # Not by _line, with which 100,000 rows of 10 numbers took up to 1.4 times as long.
            if backwards:
                for i in range(row + end - 1, row + first - 1, -1):
                    total += source[i]
                    target[i] = total
            else:
                for i in range(row + first, row + end):
                    total += source[i]
                    target[i] = total
        return
    at = start
    while at < stop:
        index = at // inner
        column = at - index * inner
        count = min(min(inner - column, COLUMNS), stop - at)
        o = index // parts
        p = index - o * parts
        for j in range(count):
            totals[at + j] = zero
        for q in range(p + 1, parts) if backwards else range(p):
            others = sums[o * parts + q, column : column + count]
            for j in range(count):
                totals[at + j] += others[j]
        first, end = p * length // parts, (p + 1) * length // parts
        begin = (o * length + first) * inner + column
        if count < NARROW:
            for j in range(count):
                _line(target, source, begin + j, end - first, inner, totals[at + j], backwards)
        else:
            for step in range(end - first):
                i = end - first - 1 - step if backwards else step
                row = begin + i * inner
                for j in range(count):
                    totals[at + j] += source[row + j]
                    target[row + j] = totals[at + j]
        at += count
