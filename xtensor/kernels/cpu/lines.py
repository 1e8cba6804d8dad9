"""Lines: the form in which a convolution is a sum of shifted copies. The compiled part of conv.

The cells that one kernel element meets, output position by output position, are the input itself,
shifted; with a stride s they are every s-th cell of it, one of the input's *phases*. A line holds
one phase of one channel, padding included, for a few samples, one after the other. Then

    result line o = sum over taps t of weight[o, t] * (source line of t, shifted by t)

with plain vector loops, a tap being a kernel element of a channel. Positions of a line that belong
to no output (where a window would wrap around an edge) are computed too, and left out when written.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .._jit import CpuFunction

# mypy: disable-error-code="no-untyped-def"

# Positions worked on at a time: four results of that many stay in the first-level cache. A constant
# distance between the results also tells the compiler that they do not overlap.
CHUNK = 1024

fused = partial(CpuFunction, fastmath="contract")


@CpuFunction
def reach(offset, stride, length, first, end):
    """The sub-range of first..end whose o has 0 <= o * stride + offset < length."""
    low = min(max(first, -(offset // stride)), end)
    return low, max(low, min(end, -((offset - length) // stride)))


@CpuFunction
def volume_of(shape):
    """Number of cells."""
    return shape[0] * shape[1] * shape[2]


@CpuFunction
def place_in(shape, place):
    """Where a place lies in a volume laid out row by row."""
    return (place[0] * shape[1] + place[1]) * shape[2] + place[2]


@CpuFunction
def unravel(k, shape):
    """The k-th place of a volume."""
    return k // (shape[1] * shape[2]), k // shape[2] % shape[1], k % shape[2]


# -- between volumes and lines --------------------------------------------------------------------

# Unsigned indices below tell numba that none counts from the end; only then is a loop one vector
# move.


@CpuFunction
def copy_cells(target, to, source, begin, step, count):
    """target[to + i] = source[begin + i * step] for i < count"""
    if step == 1:
        for i in range(count):
            target[np.uint64(to + i)] = source[np.uint64(begin + i)]
    else:
        for i in range(count):
            target[np.uint64(to + i)] = source[np.uint64(begin + i * step)]


@CpuFunction
def clear_cells(target, to, count):
    """target[to + i] = 0 for i < count"""
    for i in range(count):
        target[np.uint64(to + i)] = 0


@CpuFunction
def write_cells(target, to, step, source, begin, count, bias):
    """target[to + i * step] = source[begin + i] + bias for i < count"""
    if step == 1:
        for i in range(count):
            target[np.uint64(to + i)] = source[np.uint64(begin + i)] + bias
    else:
        for i in range(count):
            target[np.uint64(to + i * step)] = source[np.uint64(begin + i)] + bias


@CpuFunction
def read_line(line, to, length, cells, begin, shape, layout, position, steps, offsets):
    """line[to + i] = the cell at place (position + i) of ``layout``, times steps, plus offsets.

    The volume of that shape starts at cells[begin]; 0 outside of it.
    """
    row, first = position // layout[2], position % layout[2]
    z, y = row // layout[1], row % layout[1]
    while length > 0:
        count = min(layout[2] - first, length)
        d, h = z * steps[0] + offsets[0], y * steps[1] + offsets[1]
        if 0 <= d < shape[0] and 0 <= h < shape[1]:
            low, high = reach(offsets[2], steps[2], shape[2], first, first + count)
            cell = begin + place_in(shape, (d, h, low * steps[2] + offsets[2]))
            clear_cells(line, to, low - first)
            copy_cells(line, to + low - first, cells, cell, steps[2], high - low)
            clear_cells(line, to + high - first, first + count - high)
        else:
            clear_cells(line, to, count)
        to += count
        length -= count
        first = 0
        y += 1
        if y == layout[1]:
            z, y = z + 1, 0


@CpuFunction
def write_line(cells, begin, shape, line, to, length, layout, position, steps, offsets, bias):
    """The way back: the cell at place (position + i) * steps + offsets = line[to + i] + bias.

    Places outside of the volume are left out.
    """
    row, first = position // layout[2], position % layout[2]
    z, y = row // layout[1], row % layout[1]
    while length > 0:
        count = min(layout[2] - first, length)
        d, h = z * steps[0] + offsets[0], y * steps[1] + offsets[1]
        if 0 <= d < shape[0] and 0 <= h < shape[1]:
            low, high = reach(offsets[2], steps[2], shape[2], first, first + count)
            cell = begin + place_in(shape, (d, h, low * steps[2] + offsets[2]))
            write_cells(cells, cell, steps[2], line, to + low - first, high - low, bias)
        to += count
        length -= count
        first = 0
        y += 1
        if y == layout[1]:
            z, y = z + 1, 0


@CpuFunction
def write_chunk(cells, plane, between, shape, line, to, at, count, kept, length, layout, position,
                steps, offsets, bias):  # fmt: skip
    """Write positions at .. at + count - 1 of a line of several samples, ``length`` for each.

    They start at line[to]; ``kept`` of each sample's are results. The first sample's volume starts
    at cells[plane], the next one ``between`` further on.
    """
    i = 0
    while i < count:
        sample, inside = (at + i) // length, (at + i) % length
        write_line(cells, plane + sample * between, shape, line, to + i,
                   min(kept - inside, count - i), layout, position + inside, steps, offsets,
                   bias)  # fmt: skip
        i += length - inside


# -- products of lines ----------------------------------------------------------------------------


@fused
def add_4_taps_to_4(sums, lines, at, shifts, weight, taps, t, row, rows, count):
    """sums[r, i] += sum over 4 taps of weight[r, t] * lines[at + shift of t + i] for 4 rows r"""
    s0, s1, s2, s3 = at + shifts[t], at + shifts[t + 1], at + shifts[t + 2], at + shifts[t + 3]
    t0, t1, t2, t3 = row + taps[t], row + taps[t + 1], row + taps[t + 2], row + taps[t + 3]
    a0, a1, a2, a3 = weight[t0], weight[t1], weight[t2], weight[t3]
    b0, b1, b2, b3 = weight[t0 + rows], weight[t1 + rows], weight[t2 + rows], weight[t3 + rows]
    t0, t1, t2, t3 = t0 + 2 * rows, t1 + 2 * rows, t2 + 2 * rows, t3 + 2 * rows
    c0, c1, c2, c3 = weight[t0], weight[t1], weight[t2], weight[t3]
    d0, d1, d2, d3 = weight[t0 + rows], weight[t1 + rows], weight[t2 + rows], weight[t3 + rows]
    for i in range(count):
        x0, x1 = lines[np.uint64(s0 + i)], lines[np.uint64(s1 + i)]
        x2, x3 = lines[np.uint64(s2 + i)], lines[np.uint64(s3 + i)]
        sums[np.uint64(i)] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
        sums[np.uint64(i + CHUNK)] += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
        sums[np.uint64(i + 2 * CHUNK)] += c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
        sums[np.uint64(i + 3 * CHUNK)] += d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3


@fused
def add_tap_to_4(sums, lines, at, weight, row, rows, count):
    """sums[r, i] += weight[r] * lines[at + i] for 4 rows r"""
    a, b = weight[row], weight[row + rows]
    c, d = weight[row + 2 * rows], weight[row + 3 * rows]
    for i in range(count):
        x = lines[np.uint64(at + i)]
        sums[np.uint64(i)] += a * x
        sums[np.uint64(i + CHUNK)] += b * x
        sums[np.uint64(i + 2 * CHUNK)] += c * x
        sums[np.uint64(i + 3 * CHUNK)] += d * x


@fused
def add_4_taps(sums, lines, at, shifts, weight, taps, t, row, count):
    """sums[i] += sum over 4 taps of weight[t] * lines[at + shift of t + i]"""
    s0, s1, s2, s3 = at + shifts[t], at + shifts[t + 1], at + shifts[t + 2], at + shifts[t + 3]
    a0, a1 = weight[row + taps[t]], weight[row + taps[t + 1]]
    a2, a3 = weight[row + taps[t + 2]], weight[row + taps[t + 3]]
    for i in range(count):
        sums[np.uint64(i)] += (
            a0 * lines[np.uint64(s0 + i)] + a1 * lines[np.uint64(s1 + i)]
            + a2 * lines[np.uint64(s2 + i)] + a3 * lines[np.uint64(s3 + i)]
        )  # fmt: skip


@fused
def add_tap(sums, lines, at, factor, count):
    """sums[i] += factor * lines[at + i]"""
    for i in range(count):
        sums[np.uint64(i)] += factor * lines[np.uint64(at + i)]


@CpuFunction
def add_taps(sums, lines, at, shifts, weight, taps, tap_count, row, rows, results, count):
    """sums[r, i] = sum over taps t of weight[row + r * rows + taps[t]] * lines[at + shifts[t] + i]

    for r < results, which is 4 or 1, and i < count <= CHUNK.
    """
    for r in range(results):
        clear_cells(sums, r * CHUNK, count)
    whole = tap_count - tap_count % 4
    if results == 4:
        for t in range(0, whole, 4):
            add_4_taps_to_4(sums, lines, at, shifts, weight, taps, t, row, rows, count)
        for t in range(whole, tap_count):
            add_tap_to_4(sums, lines, at + shifts[t], weight, row + taps[t], rows, count)
    else:
        for t in range(0, whole, 4):
            add_4_taps(sums, lines, at, shifts, weight, taps, t, row, count)
        for t in range(whole, tap_count):
            add_tap(sums, lines, at + shifts[t], weight[row + taps[t]], count)


@partial(CpuFunction, fastmath="reassociate")
def dot_4_by_4(out, row, rows, taps, t, grads, g, step, lines, at, shifts, count):
    """``dot_taps`` for 4 rows and 4 taps from t on, whose 16 sums stay in registers."""
    s0, s1, s2, s3 = at + shifts[t], at + shifts[t + 1], at + shifts[t + 2], at + shifts[t + 3]
    zero = out.dtype.type(0)
    a0, a1, a2, a3, b0, b1, b2, b3 = zero, zero, zero, zero, zero, zero, zero, zero
    c0, c1, c2, c3, d0, d1, d2, d3 = zero, zero, zero, zero, zero, zero, zero, zero
    for i in range(count):
        x0, x1 = lines[np.uint64(s0 + i)], lines[np.uint64(s1 + i)]
        x2, x3 = lines[np.uint64(s2 + i)], lines[np.uint64(s3 + i)]
        a = grads[np.uint64(g + i)]
        b = grads[np.uint64(g + step + i)]
        c = grads[np.uint64(g + 2 * step + i)]
        d = grads[np.uint64(g + 3 * step + i)]
        a0, a1, a2, a3 = a0 + a * x0, a1 + a * x1, a2 + a * x2, a3 + a * x3
        b0, b1, b2, b3 = b0 + b * x0, b1 + b * x1, b2 + b * x2, b3 + b * x3
        c0, c1, c2, c3 = c0 + c * x0, c1 + c * x1, c2 + c * x2, c3 + c * x3
        d0, d1, d2, d3 = d0 + d * x0, d1 + d * x1, d2 + d * x2, d3 + d * x3
    t0, t1, t2, t3 = row + taps[t], row + taps[t + 1], row + taps[t + 2], row + taps[t + 3]
    add_to_4(out, t0, t1, t2, t3, a0, a1, a2, a3)
    add_to_4(out, t0 + rows, t1 + rows, t2 + rows, t3 + rows, b0, b1, b2, b3)
    t0, t1, t2, t3 = t0 + 2 * rows, t1 + 2 * rows, t2 + 2 * rows, t3 + 2 * rows
    add_to_4(out, t0, t1, t2, t3, c0, c1, c2, c3)
    add_to_4(out, t0 + rows, t1 + rows, t2 + rows, t3 + rows, d0, d1, d2, d3)


@CpuFunction
def add_to_4(out, t0, t1, t2, t3, v0, v1, v2, v3):
    out[t0] += v0
    out[t1] += v1
    out[t2] += v2
    out[t3] += v3


@partial(CpuFunction, fastmath="reassociate")
def dot(grads, g, lines, at, count):
    """Sum over i of grads[g + i] * lines[at + i]"""
    total = grads.dtype.type(0)
    for i in range(count):
        total += grads[np.uint64(g + i)] * lines[np.uint64(at + i)]
    return total


@CpuFunction
def dot_taps(out, row, rows, taps, tap_count, grads, g, step, row_count, lines, at, shifts, count):
    """out[row + r * rows + taps[t]]
        += sum over i < count of grads[g + r * step + i] * lines[at + shifts[t] + i]

    for all r < row_count and t < tap_count.
    """
    rows_of_4, taps_of_4 = row_count - row_count % 4, tap_count - tap_count % 4
    for r in range(0, rows_of_4, 4):
        for t in range(0, taps_of_4, 4):
            dot_4_by_4(out, row + r * rows, rows, taps, t, grads, g + r * step, step, lines, at,
                       shifts, count)  # fmt: skip
    for r in range(row_count):
        for t in range(taps_of_4 if r < rows_of_4 else 0, tap_count):
            out[row + r * rows + taps[t]] += dot(grads, g + r * step, lines, at + shifts[t], count)
