"""Lines: the form in which a convolution is a sum of shifted copies. The compiled part of conv.

The cells that one kernel element meets, result by result, are the source itself, shifted; with a
step s they are every s-th cell of it. A line holds what one or several kernel elements meet in one
channel, padding included, for a few samples, one after the other. Then

    result row r = sum over taps t of weight[r, t] * (line of t, from the place of t on)

a tap being a kernel element of a channel. Positions of a line that belong to no result (where a
window would wrap around an edge) are computed too, and left out when written. If every element has
a line of its own, lines are the rows of an unfolded source ("im2col"), and no position is wasted.

Geometry comes as three numbers, one for each axis: depth, height, width.

Source of the unfolded form: Chellapilla, Puri and Simard, "High performance convolutional neural
networks for document processing" (2006).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .._jit import CpuFunction
from .simd import add_inner, add_outer, copy_vector, lanes_of, store_sums, store_tile, zero_tile

# mypy: disable-error-code="no-untyped-def"

# Positions worked on at a time: six rows of sums of that many stay in the first-level cache.
CHUNK = 512
# The same of products that are summed up over positions: seven lines of that many.
DOT_CHUNK = 1024
# What a tile reads beyond the end of a line at most: four vectors of the longest kind.
SLACK = 64

inlined = partial(CpuFunction, inline="always")


@CpuFunction
def reach(offset, step, length, count):
    """The sub-range of i < count with 0 <= i * step + offset < length."""
    low = min(max(0, -(offset // step)), count)
    return low, max(low, min(count, -((offset - length) // step)))


@CpuFunction
def volume_of(shape):
    """Number of cells."""
    return shape[0] * shape[1] * shape[2]


# -- between volumes and lines --------------------------------------------------------------------

# Unsigned indices tell numba that none counts from the end; only then does a loop vectorise.


@CpuFunction
def clear_cells(target, to, count):
    """target[to + i] = 0 for i < count"""
    for i in range(count):
        target[np.uint64(to + i)] = 0


@CpuFunction
def copy_cells(target, to, source, begin, count):
    """target[to + i] = source[begin + i] for i < count"""
    for i in range(0, count, lanes_of(target)):
        copy_vector(target, to + i, source, begin + i, count - i)


@CpuFunction
def gather_cells(target, to, source, begin, step, count):
    """target[to + i] = source[begin + i * step] for i < count"""
    if step == 2:
        for i in range(count):
            target[np.uint64(to + i)] = source[np.uint64(begin + 2 * i)]
    else:
        for i in range(count):
            target[np.uint64(to + i)] = source[np.uint64(begin + i * step)]


@CpuFunction
def scatter_cells(target, to, step, source, begin, count):
    """target[to + i * step] = source[begin + i] for i < count"""
    for i in range(count):
        target[np.uint64(to + i * step)] = source[np.uint64(begin + i)]


@CpuFunction
def list_segments(segments, shape, layout, position, length, step, offset):
    """How a volume lies on a line: segments [., 3] of place on the line, cell and count.

    Place i of the line stands for the cell at place (position + i) of ``layout``, times step, plus
    offset; a segment is what meets one row of the volume. Their number.
    """
    wide, end, found = layout[2], position + length, 0
    low, high = reach(offset[2], step[2], shape[2], wide)
    first, last = reach(offset[1], step[1], shape[1], layout[1])
    for z in range(layout[0]):
        d = z * step[0] + offset[0]
        if 0 <= d < shape[0]:
            for y in range(first, last):
                row = (z * layout[1] + y) * wide
                i, stop = max(row + low, position), min(row + high, end)
                if stop > i:
                    cell = (d * shape[1] + y * step[1] + offset[1]) * shape[2]
                    segments[found, 0] = i - position
                    segments[found, 1] = cell + (i - row) * step[2] + offset[2]
                    segments[found, 2] = stop - i
                    found += 1
    return found


@CpuFunction
def cut_segments(cut, segments, found, at, count, length, samples, between):
    """The same for positions at .. at + count - 1 of lines of several samples, ``length`` for each.

    Samples are ``between`` cells apart. Their number.
    """
    cuts = 0
    for n in range(at // length, min(samples, (at + count - 1) // length + 1)):
        for s in range(found):
            place = n * length + segments[s, 0] - at
            i, stop = max(place, 0), min(place + segments[s, 2], count)
            if stop > i:
                cut[cuts, 0] = i
                cut[cuts, 1] = n * between + segments[s, 1]
                cut[cuts, 2] = i - place
                cut[cuts, 3] = stop - i
                cuts += 1
    return cuts


@CpuFunction
def read_lines(lines, line, length, cells, shape, channels, n0, n1, c0, c1, layout, position, step,
               offsets, segments):  # fmt: skip
    """Channels c0..c1-1 of samples n0..n1-1 of an array [., channels, *shape], from a position on.

    lines [c, offset, n, length], with ``line`` from one offset to the next; 0 outside of a volume.
    """
    clear_cells(lines, 0, (c1 - c0) * len(offsets) * line)
    volume = volume_of(shape)
    for k in range(len(offsets)):
        offset = (offsets[k, 0], offsets[k, 1], offsets[k, 2])
        found = list_segments(segments, shape, layout, position, length, step, offset)
        for c in range(c0, c1):
            for n in range(n0, n1):
                begin = (n * channels + c) * volume
                to = ((c - c0) * len(offsets) + k) * line + (n - n0) * length
                if step[2] == 1:
                    for s in range(found):
                        copy_cells(lines, to + segments[s, 0], cells, begin + segments[s, 1],
                                   segments[s, 2])  # fmt: skip
                else:
                    for s in range(found):
                        gather_cells(lines, to + segments[s, 0], cells, begin + segments[s, 1],
                                     step[2], segments[s, 2])  # fmt: skip


@CpuFunction
def write_row(cells, plane, line, to, cut, cuts, across):
    """The way back, from line[to:] to the volumes from cells[plane] on, by ``cut_segments``."""
    if across == 1:
        for s in range(cuts):
            copy_cells(cells, plane + cut[s, 1] + cut[s, 2], line, to + cut[s, 0], cut[s, 3])
    else:
        for s in range(cuts):
            scatter_cells(cells, plane + cut[s, 1] + cut[s, 2] * across, across, line,
                          to + cut[s, 0], cut[s, 3])  # fmt: skip


# -- products of lines ----------------------------------------------------------------------------


@CpuFunction
def list_taps(shifts, taps, channels, line, per_channel, line_of, place_of, element_of,
              channel_step):  # fmt: skip
    """Where each tap begins in the lines, and its place in a row of the weight: [c, element]."""
    t = 0
    for c in range(channels):
        for e in range(len(line_of)):
            shifts[t] = (c * per_channel + line_of[e]) * line + place_of[e]
            taps[t] = c * channel_step + element_of[e]
            t += 1


@CpuFunction
def rows_together(left):
    """How many of the results that are left are worked on at once."""
    return 6 if left >= 6 else 4 if left >= 4 else 2 if left >= 2 else left


@inlined
def sum_tile(sums, lines, at, shifts, weight, taps, tap_count, row, step, count, rows, columns):
    """``sum_taps`` for as many rows as a tile has."""
    for i in range(0, count, columns * lanes_of(lines)):
        tile = zero_tile(sums, rows, columns)
        for t in range(tap_count):
            tile = add_outer(tile, weight, row + taps[t], step, lines, at + i + shifts[t])
        store_tile(sums, i, CHUNK, tile)


@CpuFunction
def sum_taps(sums, lines, at, shifts, weight, taps, tap_count, row, step, rows, count):
    """sums[r, i] = sum over taps t of weight[row + r * step + taps[t]] * lines[at + shifts[t] + i]

    for r < rows, which ``rows_together`` gives, and i < count <= CHUNK; up to SLACK - 1 numbers
    beyond are read and written too.
    """
    if rows == 6:
        sum_tile(sums, lines, at, shifts, weight, taps, tap_count, row, step, count, 6, 2)
    elif rows == 4:
        sum_tile(sums, lines, at, shifts, weight, taps, tap_count, row, step, count, 4, 2)
    elif rows == 2:
        sum_tile(sums, lines, at, shifts, weight, taps, tap_count, row, step, count, 2, 4)
    else:
        sum_tile(sums, lines, at, shifts, weight, taps, tap_count, row, step, count, 1, 4)


@inlined
def dot_tile(out, sums, row, step, taps, tap_count, grads, g, line, lines, at, shifts, count, rows):
    """``dot_taps`` for as many rows as a tile has, three taps at a time."""
    for t in range(0, tap_count, 3):
        tile = zero_tile(sums, rows, 3)
        for i in range(0, count, lanes_of(lines)):
            tile = add_inner(tile, grads, g + i, line, lines, at + i, shifts, t)
        store_sums(sums, 0, tile)
        for r in range(rows):
            for c in range(min(3, tap_count - t)):
                out[row + r * step + taps[t + c]] += sums[3 * r + c]


@CpuFunction
def dot_taps(out, sums, row, step, taps, tap_count, grads, g, line, rows, lines, at, shifts, count):
    """out[row + r * step + taps[t]]
        += sum over i < count of grads[g + r * line + i] * lines[at + shifts[t] + i]

    for r < rows and t < tap_count; up to SLACK - 1 numbers beyond are read, and must be 0 in grads
    and finite in lines. Two more places than there are taps are read of ``shifts``.
    """
    r = 0
    while r < rows:
        together = min(4, rows_together(rows - r))
        if together == 4:
            dot_tile(out, sums, row + r * step, step, taps, tap_count, grads, g + r * line, line,
                     lines, at, shifts, count, 4)  # fmt: skip
        elif together == 2:
            dot_tile(out, sums, row + r * step, step, taps, tap_count, grads, g + r * line, line,
                     lines, at, shifts, count, 2)  # fmt: skip
        else:
            dot_tile(out, sums, row + r * step, step, taps, tap_count, grads, g + r * line, line,
                     lines, at, shifts, count, 1)  # fmt: skip
        r += together


# -- tiles ----------------------------------------------------------------------------------------


@CpuFunction
def block_of(index, samples, channels, tile):
    """First and end sample and channel of a tile."""
    blocks = -(-channels // tile[1])
    n, c = index // blocks * tile[0], index % blocks * tile[1]
    return n, min(n + tile[0], samples), c, min(c + tile[1], channels)


@CpuFunction
def correlate_tiles(start, stop, out, source, weight, bias, tile, samples, rows, channels, groups,
                    row_step, channel_step, out_shape, out_step, out_offset, shape, layout, step,
                    offsets, line_of, place_of, element_of, kept, piece, length, lines, shifts,
                    taps, sums, segments, cut):  # fmt: skip
    """Tiles start..stop-1 of the result: some rows of some samples each.

    out [samples, rows, *out_shape] and source [samples, channels, *shape], flat. Element e of the
    kernel between a row and a channel of a group is weight[row * row_step + channel * channel_step
    + e], from the part of the group on.
    """
    per_row, per_channel = rows // groups, channels // groups
    line, tap_count = tile[0] * length, per_channel * len(line_of)
    volume = volume_of(out_shape)
    list_taps(shifts, taps, per_channel, line, len(offsets), line_of, place_of, element_of,
              channel_step)  # fmt: skip
    for index in range(start, stop):
        n0, n1, r0, r1 = block_of(index, samples, rows, tile)
        for group in range(r0 // per_row, (r1 - 1) // per_row + 1):
            first, end = max(r0, group * per_row), min(r1, (group + 1) * per_row)
            factors = group * (weight.size // groups) + (first - group * per_row) * row_step
            for position in range(0, kept, piece):
                due = min(piece, kept - position)
                read_lines(lines, line, length, source, shape, channels, n0, n1,
                           group * per_channel, (group + 1) * per_channel, layout, position, step,
                           offsets, segments)  # fmt: skip
                found = list_segments(segments, out_shape, layout, position, due, out_step,
                                      out_offset)  # fmt: skip
                for at in range(0, (n1 - n0 - 1) * length + due, CHUNK):
                    count = min(CHUNK, (n1 - n0 - 1) * length + due - at)
                    cuts = cut_segments(cut, segments, found, at, count, length, n1 - n0,
                                        rows * volume)  # fmt: skip
                    correlate_chunk(out, lines, at, count, weight, factors, row_step, bias, taps,
                                    shifts, tap_count, sums, first, end, n0 * rows, volume, cut,
                                    cuts, out_step[2])  # fmt: skip


@CpuFunction
def correlate_chunk(out, lines, at, count, weight, factors, row_step, bias, taps, shifts, tap_count,
                    sums, r0, r1, plane, volume, cut, cuts, across):  # fmt: skip
    """Rows r0..r1-1 of ``count`` positions of the lines; row r of out has volume plane + r."""
    r = r0
    while r < r1:
        together = rows_together(r1 - r)
        sum_taps(sums, lines, at, shifts, weight, taps, tap_count, factors + (r - r0) * row_step,
                 row_step, together, count)  # fmt: skip
        for k in range(together):
            if bias.size > 0:
                for i in range(k * CHUNK, k * CHUNK + count):
                    sums[np.uint64(i)] += bias[r + k]
            write_row(out, (plane + r + k) * volume, sums, k * CHUNK, cut, cuts, across)
        r += together


@CpuFunction
def weight_tiles(start, stop, partial, grad, x, tile, per_part, samples, outputs, channels, groups,
                 grad_shape, grad_step, grad_offsets, shape, layout, step, offsets, line_of,
                 place_of, element_of, kept, piece, length, lines, grads, shifts, taps, sums,
                 segments):  # fmt: skip
    """Tiles start..stop-1 of partial [part, O, C / groups, element], flat, of ``per_part`` samples.

    Positions between results count with gradient 0, which is exact as long as x is finite.
    """
    per_output, per_input, elements = outputs // groups, channels // groups, len(line_of)
    line = -(-tile[0] * length // 16) * 16
    part_tile = per_part, tile[1]
    for index in range(start, stop):
        p0, p1, c0, c1 = block_of(index, samples, channels, part_tile)
        for group in range(c0 // per_input, (c1 - 1) // per_input + 1):
            first, end = max(c0, group * per_input), min(c1, (group + 1) * per_input)
            tap_count = (end - first) * elements
            row = group * per_output * per_input + first - group * per_input
            row = (p0 // per_part * outputs * per_input + row) * elements
            for o in range(per_output):
                clear_cells(partial, row + o * per_input * elements, tap_count)
            list_taps(shifts, taps, end - first, line, len(offsets), line_of, place_of, element_of,
                      elements)  # fmt: skip
            shifts[tap_count] = shifts[tap_count + 1] = 0
            for n0 in range(p0, p1, tile[0]):
                n1 = min(n0 + tile[0], p1)
                for position in range(0, kept, piece):
                    due = min(piece, kept - position)
                    read_lines(lines, line, length, x, shape, channels, n0, n1, first, end, layout,
                               position, step, offsets, segments)  # fmt: skip
                    read_lines(grads, line, length, grad, grad_shape, outputs, n0, n1,
                               group * per_output, (group + 1) * per_output, layout, position,
                               grad_step, grad_offsets, segments)  # fmt: skip
                    clear_rest(grads, per_output, line, n1 - n0, length, due)
                    for at in range(0, (n1 - n0) * length, DOT_CHUNK):
                        count = min(DOT_CHUNK, (n1 - n0) * length - at)
                        dot_taps(partial, sums, row, per_input * elements, taps, tap_count, grads,
                                 at, line, per_output, lines, at, shifts, count)  # fmt: skip


@CpuFunction
def clear_rest(lines, count, line, samples, length, kept):
    """What a line holds of each sample beyond the kept positions becomes 0."""
    for k in range(count):
        for n in range(samples):
            clear_cells(lines, k * line + n * length + kept, length - kept)
