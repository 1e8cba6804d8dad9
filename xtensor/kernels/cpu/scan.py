"""Running sums over the middle axis of [outer, length, inner] arrays.

A part of the length begins with the sums of the parts before it, so parts are worked out alone.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._jit import CpuFunction, cpu_kernel

# So many columns go down the length together that their sums stay in the first-level cache.
COLUMNS = 1024


@CpuFunction
def _scan_line(to, source, total, step, backwards):
    """to[i * step] = total + sum of source[k * step] over k <= i, or k >= i if backwards"""
    if backwards:
        for at in range(source.size - 1, -1, -step):
            total += source[at]
            to[at] = total
    else:
        for at in range(0, source.size, step):
            total += source[at]
            to[at] = total


@cpu_kernel
def cumsum_forward(start, stop, out, running, x, sums, parts, backwards):
    """out[o, i, j] = sum of x[o, k, j] over k <= i, or k >= i if backwards

    sums[o * parts + p, j] is the sum over part p of the length, read where there are several;
    running, of the same shape, is where the sums are kept; the range is over its elements.
    """
    length, inner = x.shape[1], x.shape[2]
    target, source, totals = out.reshape(out.size), x.reshape(x.size), running.reshape(-1)
    parted = sums.reshape(-1)
    at = start
    while at < stop:
        index = at // inner
        column = at - index * inner
        count = min(inner - column, COLUMNS, stop - at)
        o = index // parts
        p = index - o * parts
        first, end = p * length // parts, (p + 1) * length // parts
        total = totals[at : at + count]
        for j in range(count):
            total[j] = 0
        for q in range(p + 1, parts) if backwards else range(p):
            others = parted[(o * parts + q) * inner + column :][:count]
            for j in range(count):
                total[j] += others[j]
        begin, finish = (o * length + first) * inner, (o * length + end) * inner
        if count < 8:
            for j in range(count):
                # The slice ends with the column's last element, so it is read from either end.
                low, high = begin + column + j, max(begin, finish - inner + 1 + column + j)
                _scan_line(target[low:high], source[low:high], total[j], inner, backwards)
        else:
            for step in range(end - first):
                i = end - first - 1 - step if backwards else step
                row = source[begin + i * inner + column :][:count]
                to = target[begin + i * inner + column :][:count]
                for j in range(count):
                    total[j] += row[j]
                    to[j] = total[j]
        at += count
