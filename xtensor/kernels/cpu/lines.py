"""Lines: the form in which a convolution is a sum of shifted copies. The compiled part of conv.

The cells that one kernel element meets, result by result, are the source itself, shifted; with a
step s they are every s-th cell of it. A line holds what one or several kernel elements meet in one
channel, padding included, for a few samples, one after the other. Then

    result row r = sum over taps t of weight[r, t] * (line of t, from the place of t on)

a tap being a kernel element of a channel. Positions of a line that belong to no result (where a
window would wrap around an edge) are computed too, and left out when written. If every element has
a line of its own, lines are the rows of an unfolded source ("im2col"), and no position is wasted.

What goes where is listed by line_plan.py; here is what is done with it, over and over.

Source of the unfolded form: Chellapilla, Puri and Simard, "High performance convolutional neural
networks for document processing" (2006).
"""

from __future__ import annotations

from .._jit import CpuFunction
from .cells import clear_cells, inlined
from .line_plan import CHUNK
from .simd import (
    add_inner,
    add_outer,
    add_sums,
    copy_vector,
    lanes_of,
    load_tile,
    pointer,
    put_seconds,
    store_tile,
    take_seconds,
    zero_tile,
)

# mypy: disable-error-code="no-untyped-def"

# Rows whose sums over a chunk are kept where taps are added up in several parts.
SUM_ROWS = 48
# The same as CHUNK for products that are summed up over positions: seven lines of that many.
DOT_CHUNK = 1024
# Room for the sums of a tile of four rows and three columns, in whole vectors of any length.
SLOT = 16
# What a tile reads beyond the end of a line at most: four vectors of the longest kind.
SLACK = 64

# -- between volumes and lines --------------------------------------------------------------------


@CpuFunction
def move_rows(target, to, source, begin, rows, count, steps):
    """target[to + y * to_row + i * to_step] = source[begin + y * row + i * step]

    for y < rows and i < count, with to_row, to_step, row, step = steps, of which one step is 1.
    """
    to_row, to_step, row, step = steps
    lanes = lanes_of(target)
    if step == 1 and to_step == 1:
        for y in range(rows):
            for i in range(0, count, lanes):
                copy_vector(target, to + y * to_row + i, source, begin + y * row + i, count - i)
    elif step == 2:
        for y in range(rows):
            for i in range(0, count, lanes):
                take_seconds(target, to + y * to_row + i, source, begin + y * row + 2 * i,
                             count - i)  # fmt: skip
    elif to_step == 2:
        for y in range(rows):
            for i in range(0, count, lanes):
                put_seconds(target, to + y * to_row + 2 * i, source, begin + y * row + i,
                            count - i)  # fmt: skip
    else:
        for y in range(rows):
            for i in range(count):
                target[to + y * to_row + i * to_step] = source[begin + y * row + i * step]


@CpuFunction
def read_lines(lines, line, length, cells, volume, channels, n0, n1, c0, c1, steps, segments,
               bounds, group, offsets):  # fmt: skip
    """Channels c0..c1-1 of samples n0..n1-1 of an array [., channels, volume].

    lines [c, offset, n, length], with ``line`` from one offset to the next. Groups of segments from
    ``group`` on say what goes there; the rest is as it was.
    """
    for k in range(offsets):
        first, end = bounds[group + k], bounds[group + k + 1]
        for c in range(c0, c1):
            to = ((c - c0) * offsets + k) * line
            for n in range(n0, n1):
                begin = (n * channels + c) * volume
                for s in range(5 * first, 5 * end, 5):
                    move_rows(lines, to + segments[s], cells, begin + segments[s + 1],
                              segments[s + 3], segments[s + 2], steps)  # fmt: skip
                to += length


@inlined
def write_row(cells, begin, line, to, steps, segments, first, end, samples):
    """The way back, from line[to:] to the volumes from cells[begin] on."""
    for s in range(5 * first, 5 * end, 5):
        if segments[s + 4] < samples:
            move_rows(cells, begin + segments[s + 1], line, to + segments[s], segments[s + 3],
                      segments[s + 2], steps)  # fmt: skip


# -- products of lines ----------------------------------------------------------------------------


@inlined
def rows_together(left):
    """How many of the results that are left are worked on at once."""
    return 6 if left >= 6 else 4 if left >= 4 else 2 if left >= 2 else left


@inlined
def sum_tile(sums, to, lines, at, shifts, weight, taps, first, end, row, step, count, rows,
             columns):  # fmt: skip
    """``sum_taps`` for as many rows as a tile has."""
    lanes, i = lanes_of(lines), 0
    while i < count - lanes:
        tile = load_tile(sums, to + i, CHUNK, rows, columns)
        for t in range(first, end):
            tile = add_outer(tile, weight, row + taps[t], step, lines, at + i + shifts[t])
        store_tile(sums, to + i, CHUNK, tile)
        i += columns * lanes
    if i < count:
        last = load_tile(sums, to + i, CHUNK, rows, 1)
        for t in range(first, end):
            last = add_outer(last, weight, row + taps[t], step, lines, at + i + shifts[t])
        store_tile(sums, to + i, CHUNK, last)


@CpuFunction
def sum_taps(sums, to, lines, at, shifts, weight, taps, first, end, row, step, rows, count):
    """sums[to + r * CHUNK + i]
        += sum over taps t of weight[row + r * step + taps[t]] * lines[at + shifts[t] + i]

    for first <= t < end, r < rows, which ``rows_together`` gives, and i < count <= CHUNK; up to
    SLACK - 1 numbers beyond are read and written too.
    """
    if rows == 6:
        sum_tile(sums, to, lines, at, shifts, weight, taps, first, end, row, step, count, 6, 2)
    elif rows == 4:
        sum_tile(sums, to, lines, at, shifts, weight, taps, first, end, row, step, count, 4, 2)
    elif rows == 2:
        sum_tile(sums, to, lines, at, shifts, weight, taps, first, end, row, step, count, 2, 4)
    else:
        sum_tile(sums, to, lines, at, shifts, weight, taps, first, end, row, step, count, 1, 4)


@inlined
def dot_tile(totals, slot, tap_count, grads, g, line, lines, at, shifts, count, rows):
    """``dot_taps`` for as many rows as a tile has, three taps at a time."""
    for t in range(0, tap_count, 3):
        tile = zero_tile(totals, rows, 3)
        for i in range(0, count, lanes_of(lines)):
            tile = add_inner(tile, grads, g + i, line, lines, at + i, shifts, t)
        add_sums(totals, slot + t // 3 * SLOT, tile)


@CpuFunction
def dot_taps(totals, tap_count, grads, g, line, rows, lines, at, shifts, count):
    """total of r, t += sum over i < count of grads[g + r * line + i] * lines[at + shifts[t] + i]

    for r < rows and t < tap_count; up to SLACK - 1 numbers beyond are read, and must be 0 in grads
    and finite in lines. Two more places than there are taps are read of ``shifts``.

    Totals lie in the order in which they are summed up, up to four rows of three taps in a slot, so
    that adding to them walks through memory: in their places, far apart, all took 3 to 10 % longer.
    """
    r, slot, width = 0, 0, -(-tap_count // 3) * SLOT
    while r < rows:
        together = min(4, rows_together(rows - r))
        if together == 4:
            dot_tile(totals, slot, tap_count, grads, g + r * line, line, lines, at, shifts, count,
                     4)  # fmt: skip
        elif together == 2:
            dot_tile(totals, slot, tap_count, grads, g + r * line, line, lines, at, shifts, count,
                     2)  # fmt: skip
        else:
            dot_tile(totals, slot, tap_count, grads, g + r * line, line, lines, at, shifts, count,
                     1)  # fmt: skip
        slot += width
        r += together


@inlined
def place_totals(out, row, step, taps, tap_count, rows, totals):
    """out[row + r * step + taps[t]] = total of r, t for r < rows and t < tap_count"""
    r, slot = 0, 0
    while r < rows:
        together = min(4, rows_together(rows - r))
        for t in range(tap_count):
            for k in range(together):
                total = totals[slot + t // 3 * SLOT + 3 * k + t % 3]
                out[row + (r + k) * step + taps[t]] = total
        slot += -(-tap_count // 3) * SLOT
        r += together


# -- tiles ----------------------------------------------------------------------------------------


@inlined
def block_of(index, samples, channels, tile):
    """First and end sample and channel of a tile."""
    blocks = -(-channels // tile[1])
    n, c = index // blocks * tile[0], index % blocks * tile[1]
    return n, min(n + tile[0], samples), c, min(c + tile[1], channels)


@inlined
def correlate_chunks(out, lines, used, weight, factors, row_step, bias, taps, shifts, tap_count,
                     deep, sums, r0, r1, plane, volume, steps, chunks, first, end, segments, bounds,
                     samples):  # fmt: skip
    """Rows r0..r1-1 of some chunks; row r of out has volume plane + r.

    The lines of ``deep`` taps stay in the first-level cache while they are added to all rows.
    """
    for chunk in range(first, end):
        at, count = chunks[2 * chunk], chunks[2 * chunk + 1]
        if at < used:
            for r in range(r0, r1):
                for i in range(count):
                    sums[(r - r0) * CHUNK + i] = bias[r]
            for t in range(0, tap_count, deep):
                r = r0
                while r < r1:
                    together = rows_together(r1 - r)
                    sum_taps(sums, (r - r0) * CHUNK, lines, at, shifts, weight, taps, t,
                             min(t + deep, tap_count), factors + r * row_step, row_step,
                             together, count)  # fmt: skip
                    r += together
            for r in range(r0, r1):
                write_row(out, (plane + r) * volume, sums, (r - r0) * CHUNK, steps, segments,
                          bounds[chunk], bounds[chunk + 1], samples)  # fmt: skip


@CpuFunction
def correlate_tiles(start, stop, out, source, weight, bias, tile, samples, rows, channels, groups,
                    row_step, deep, kept, out_volume, out_steps, volume, steps, length, offsets,
                    shifts, taps, reads, read_bounds, chunks, chunk_bounds, writes, write_bounds,
                    lines, sums):  # fmt: skip
    """Tiles start..stop-1 of the result: some rows of some samples each.

    out [samples, rows, out_volume] and source [samples, channels, volume], flat. Tap t of row r of
    a group is weight[r * row_step + taps[t]], from the part of the group on. ``deep`` taps and
    ``kept`` rows are worked on at a time.
    """
    per_row, per_channel, pieces = rows // groups, channels // groups, len(chunk_bounds) - 1
    line, tap_count, factors = tile[0] * length, len(taps) - 2, weight.size // groups
    clear_cells(pointer(lines), 0, lines.size)
    for index in range(start, stop):
        n0, n1, r0, r1 = block_of(index, samples, rows, tile)
        for group in range(r0 // per_row, (r1 - 1) // per_row + 1):
            first, end = max(r0, group * per_row), min(r1, (group + 1) * per_row)
            for piece in range(pieces):
                if pieces > 1:
                    clear_cells(pointer(lines), 0, lines.size)
                read_lines(pointer(lines), line, length, pointer(source), volume, channels, n0, n1,
                           group * per_channel, (group + 1) * per_channel, steps, pointer(reads),
                           pointer(read_bounds), piece * offsets, offsets)  # fmt: skip
                for r in range(first, end, kept):
                    correlate_chunks(
                        pointer(out), pointer(lines), (n1 - n0) * length, pointer(weight),
                        group * (factors - per_row * row_step), row_step, pointer(bias),
                        pointer(taps), pointer(shifts), tap_count, deep, pointer(sums), r,
                        min(r + kept, end), n0 * rows, out_volume, out_steps, pointer(chunks),
                        chunk_bounds[piece], chunk_bounds[piece + 1], pointer(writes),
                        pointer(write_bounds), n1 - n0,
                    )  # fmt: skip


@CpuFunction
def weight_tiles(start, stop, partial, grad, x, tile, per_part, samples, outputs, channels, groups,
                 elements, grad_volume, volume, grad_steps, steps, length, halo, line, offsets,
                 shifts, taps, reads, read_bounds, grad_reads, grad_bounds, lines, grads,
                 totals):  # fmt: skip
    """Tiles start..stop-1 of partial [part, O, C / groups, element], flat, of ``per_part`` samples.

    Positions between results count with gradient 0, which is exact as long as x is finite.
    """
    per_output, per_input = outputs // groups, channels // groups
    part_tile, pieces = (per_part, tile[1]), len(grad_bounds) - 1
    clear_cells(pointer(lines), 0, lines.size)
    clear_cells(pointer(grads), 0, grads.size)
    for index in range(start, stop):
        p0, p1, c0, c1 = block_of(index, samples, channels, part_tile)
        for group in range(c0 // per_input, (c1 - 1) // per_input + 1):
            first, end = max(c0, group * per_input), min(c1, (group + 1) * per_input)
            tap_count = (end - first) * elements
            row = group * per_output * per_input + first - group * per_input
            row = (p0 // per_part * outputs * per_input + row) * elements
            clear_cells(pointer(totals), 0, totals.size)
            for n0 in range(p0, p1, tile[0]):
                n1 = min(n0 + tile[0], p1)
                for piece in range(pieces):
                    if pieces > 1 or n1 - n0 < tile[0]:
                        clear_cells(pointer(lines), 0, lines.size)
                        clear_cells(pointer(grads), 0, grads.size)
                    read_lines(pointer(lines), line, length, pointer(x), volume, channels, n0, n1,
                               first, end, steps, pointer(reads), pointer(read_bounds),
                               piece * offsets, offsets)  # fmt: skip
                    read_lines(pointer(grads), line, length, pointer(grad), grad_volume, outputs,
                               n0, n1, group * per_output, (group + 1) * per_output, grad_steps,
                               pointer(grad_reads), pointer(grad_bounds), piece, 1)  # fmt: skip
                    # Between long samples there is more to leave out than a sum's end costs.
                    joint = halo < 16 or length < DOT_CHUNK // 2
                    for n in range(1 if joint else n1 - n0):
                        stop_at = (n1 - n0) * length if joint else (n + 1) * length - halo
                        for at in range(n * length, stop_at, DOT_CHUNK):
                            dot_taps(pointer(totals), tap_count, pointer(grads), at, line,
                                     per_output, pointer(lines), at, pointer(shifts),
                                     min(DOT_CHUNK, stop_at - at))  # fmt: skip
            place_totals(pointer(partial), row, per_input * elements, pointer(taps), tap_count,
                         per_output, pointer(totals))  # fmt: skip
