"""Convolution plane by plane: the loops, with vectors along rows of images.

The planes that a group reads are laid into a small buffer, their padding around them, as many rows
as a band of results needs, so that they stay in a near cache. A tile of results is then

    tile = bias + sum over taps t of weight[t] * (rows of the buffer, from the place of t on)

and goes straight to where it belongs: some rows of one result, or two rows of six results or four.
Both directions are that sum:

    forward           of x, a row's columns sorted by their remainder for the step, so that those
                      which a tap meets lie side by side
    input gradient    of grad, its numbers apart by the step with zeros between, and the kernel
                      backwards

A weight gradient is sums of products of the rows of grad with those that a tap meets.
"""

from __future__ import annotations

from typing import Any

from .._jit import with_globals
from .cells import clear_cells, copy_rows, inlined, move_rows, tiled, whole
from .plane_plan import ROWS, Laid
from .simd import (
    add_column,
    add_inner,
    add_outer_apart,
    add_tile,
    by_registers,
    deal_vectors,
    first_halves,
    lanes_of,
    numbers_at,
    pointer,
    repeat_tile,
    store_part,
    store_tile,
    zero_tile,
)

# mypy: disable-error-code="no-untyped-def"

# Results that are summed together, by registers: with six of them the last may be four. And for the
# weight gradient of several.
TOGETHER, FEWER_TOGETHER = 6, 4
WEIGHT_ROWS, FEWER_WEIGHT_ROWS = 4, 3
# Taps of a tile for the weight gradient of one result, and of several.
ONE_TAPS, SEVERAL_TAPS = 9, 3
# What a tile reads beyond the end of a plane at most, a vector.
SLACK = 16
# Numbers of how a band is laid.
FIELDS = len(Laid._fields)


@inlined
def deal_rows(buffer, even, odd, pitch, source, begin, row, rows, count):
    """buffer[even + y * pitch + i // 2] = source[begin + y * row + i] for even i < count

    and y < rows; for odd ones, from ``odd`` on.
    """
    double = 2 * lanes_of(buffer)
    full = count // double * double
    for y in range(rows):
        to, cell = y * pitch, begin + y * row
        for i in range(0, full, double):
            deal_vectors(buffer, even + to + i // 2, odd + to + i // 2, source, cell + i, double)
    if full < count:
        for y in range(rows):
            to, cell = y * pitch + full // 2, begin + y * row + full
            deal_vectors(buffer, even + to, odd + to, source, cell, count - full)


@inlined
def lay_planes(buffer, size, source, begin, volume, planes, laid):
    """buffer[k * size + place + y * pitch + x % parts * part + x // parts * apart]
        = source[begin + k * volume + cell + y * row + i]

    with x = column + i, for k < planes, y < rows and i < columns, as ``Laid`` has them.
    """
    laid = Laid(*laid)
    row, pitch, column, part = laid.row, laid.pitch, laid.column, laid.part
    for k in range(planes):
        to, at = k * size + laid.place, begin + k * volume + laid.cell
        if laid.parts == 2:
            even = to + column % 2 * part + column // 2
            odd = to + (column + 1) % 2 * part + (column + 1) // 2
            deal_rows(buffer, even, odd, pitch, source, at, row, laid.rows, laid.columns)
        elif laid.parts > 2:
            for i in range(min(laid.parts, laid.columns)):
                first = to + (column + i) % laid.parts * part + (column + i) // laid.parts
                count = (laid.columns - i - 1) // laid.parts + 1
                for y in range(laid.rows):
                    cell = at + y * row + i
                    for j in range(count):
                        buffer[first + y * pitch + j] = source[cell + j * laid.parts]
        elif laid.apart == 1:
            copy_rows(buffer, to + column, pitch, source, at, row, laid.rows, laid.columns)
        else:
            move_rows(buffer, to, source, at, laid.rows, laid.columns, (pitch, laid.apart, row))


@inlined
def sum_rows(out, to, height, width, x, begin, rows, weight, w, down, buffer, step, places, taps,
             threes, tap_count):  # fmt: skip
    """The columns of a tile from x on of one plane of results; all tiles of so many rows begin as
    ``begin``."""
    lanes = lanes_of(out)
    for y in range(0, height, rows):
        at, tile = y * step + x, begin
        for t in range(threes):
            tile = add_column(tile, weight, w + taps[t], down, buffer, at + places[t], step, 3)
        for t in range(threes, tap_count):
            tile = add_column(tile, weight, w + taps[t], down, buffer, at + places[t], step, 1)
        store_part(out, to + y * width + x, width, lanes, tile, height - y, width - x, lanes)


@inlined
def sum_plane(out, to, volume, results, height, width, bias, o, weight, w, row_step, down, buffer,
              step, places, taps, threes, tap_count):  # fmt: skip
    """For each result r by itself, out[to + r * volume + y * width + x] = bias[o + r]
        + sum over taps t, each with the two that follow it after ``down`` and a step if t < threes,
          of weight[w + r * row_step + taps[t]] * buffer[y * step + x + places[t]]

    for y < height and x < width; rows up to a whole tile, and SLACK numbers, are read beyond.
    Processors that take vectors of AVX-512 in halves need not take a half without results.
    """
    lanes = lanes_of(out)
    for r in range(results):
        begin, factors, x = to + r * volume, w + r * row_step, 0
        while width - x > lanes:
            sum_rows(out, begin, height, width, x, repeat_tile(bias, o + r, 0, 4, 2), 4, weight,
                     factors, down, buffer, step, places, taps, threes, tap_count)  # fmt: skip
            x += 2 * lanes
        tile = repeat_tile(bias, o + r, 0, ROWS, 1)
        if width - x > lanes // 2:
            sum_rows(out, begin, height, width, x, tile, ROWS, weight, factors, down, buffer, step,
                     places, taps, threes, tap_count)  # fmt: skip
        elif x < width:
            sum_rows(out, begin, height, width, x, first_halves(tile), ROWS, weight, factors, down,
                     buffer, step, places, taps, threes, tap_count)  # fmt: skip


@inlined
def sum_together(out, to, volume, results, height, width, bias, o, weight, w, row_step, buffer,
                 step, places, taps, tap_count, together):  # fmt: skip
    """The first results of ``sum_planes``, as many as a tile has."""
    lanes = lanes_of(out)
    for y in range(0, height, 2):
        for x in range(0, width, lanes):
            tile = repeat_tile(bias, o, 1, together, 2)
            for t in range(tap_count):
                tile = add_outer_apart(tile, weight, w + taps[t], row_step, buffer,
                                       y * step + x + places[t], step)  # fmt: skip
            store_part(out, to + y * width + x, volume, width, tile, results,
                       width - x, 0 if y + 1 < height else width)  # fmt: skip


@inlined
def sum_planes(out, to, volume, results, height, width, bias, o, weight, w, row_step, down, buffer,
               step, places, taps, threes, tap_count):  # fmt: skip
    """The same for several results and two rows at a time, without threes."""
    together, r = by_registers(out, TOGETHER, FEWER_TOGETHER), 0
    while r < results:
        begin, factors, left = to + r * volume, w + r * row_step, results - r
        if whole(left, FEWER_TOGETHER) < whole(left, together):
            sum_together(out, begin, volume, left, height, width, bias, o + r, weight, factors,
                         row_step, buffer, step, places, taps, tap_count,
                         FEWER_TOGETHER)  # fmt: skip
            r += FEWER_TOGETHER
        else:
            sum_together(out, begin, volume, left, height, width, bias, o + r, weight, factors,
                         row_step, buffer, step, places, taps, tap_count,
                         together)  # fmt: skip
            r += together


# Loops written once for one result and for several: ``variant`` binds the one that they call.
sum_results: Any = None
dot_results: Any = None


def _correlate(start, stop, out, source, weight, bias, planes, groups, results, sources, shape,
               out_shape, rows, laid, plane, step, places, taps, threes, down, group_step, row_step,
               buffer):  # fmt: skip
    """Tasks start..stop-1: so many rows of the results of a group of a sample, of which there are
    ``planes``. Each group has so many results and sources."""
    (height, width), before = out_shape, -1
    volume, out_volume = shape[0] * shape[1], height * width
    for task in range(start, stop):
        band = task // planes
        index = task - band * planes
        if band != before:  # others have their padding elsewhere
            clear_cells(pointer(buffer), 0, buffer.size)
            before = band
        lay_planes(pointer(buffer), plane, pointer(source), index * sources * volume, volume,
                   sources, numbers_at(pointer(laid), band * FIELDS, FIELDS))  # fmt: skip
        group, first = index % groups, band * rows
        sum_results(pointer(out), index * results * out_volume + first * width, out_volume, results,
                    min(rows, height - first), width, pointer(bias), group * results,
                    pointer(weight), group * group_step, row_step, down, pointer(buffer), step,
                    pointer(places), pointer(taps), threes, taps.size)  # fmt: skip


def variant(loop, name, **helpers):
    """A loop with these functions in it."""
    return tiled(with_globals(loop, name, helpers))


correlate_plane = variant(_correlate, "correlate_plane", sum_results=sum_plane)
correlate_planes = variant(_correlate, "correlate_planes", sum_results=sum_planes)


@inlined
def dot_rows(totals, i, step, grad, g, rows_at, r, height, width, buffer, down, places, t, rows,
             columns):  # fmt: skip
    """``dot_planes`` for as many results and taps as a tile has."""
    tile = zero_tile(totals, rows, columns)
    for y in range(height):
        for x in range(0, width, lanes_of(totals)):
            tile = add_inner(tile, grad, g + y * width + x, rows_at, r, buffer, y * down + x,
                             places, t, width - x)  # fmt: skip
    store_tile(totals, i, step, add_tile(tile, totals, i, step))


@inlined
def dot_plane(totals, grad, g, rows_at, results, height, width, buffer, down, places,
              tap_count):  # fmt: skip
    """For a single result, totals[t * lanes + x % lanes] += sum over y < height and x < width of
        grad[g + y * width + x] * buffer[y * down + x + places[t]]

    for t < tap_count, a multiple of the columns of a tile.
    """
    lanes = lanes_of(totals)
    for t in range(0, tap_count, ONE_TAPS):
        dot_rows(totals, t * lanes, 0, grad, g, rows_at, 0, height, width, buffer, down, places, t,
                 1, ONE_TAPS)  # fmt: skip


@inlined
def dot_planes(totals, grad, g, rows_at, results, height, width, buffer, down, places,
               tap_count):  # fmt: skip
    """The same for several, rows of tap_count vectors in ``totals``, rounded up to whole tiles.

    Result r begins rows_at[r] behind the first.
    """
    lanes, rows = lanes_of(totals), by_registers(totals, WEIGHT_ROWS, FEWER_WEIGHT_ROWS)
    step = tap_count * lanes
    for r in range(0, results, rows):
        for t in range(0, tap_count, SEVERAL_TAPS):
            dot_rows(totals, r * step + t * lanes, step, grad, g, rows_at, r, height, width, buffer,
                     down, places, t, rows, SEVERAL_TAPS)  # fmt: skip


@inlined
def sum_lanes(out, to, totals, first, count):
    """out[to + i] = sum over the lanes of vector first + i of totals, for i < count"""
    lanes = lanes_of(totals)
    for i in range(count):
        begin = (first + i) * lanes
        total = totals[begin]
        for lane in range(1, lanes):
            total += totals[begin + lane]
        out[to + i] = total


def _weight(start, stop, partial, grad, x, samples, units, per_part, groups, results, sources,
            shape, grad_shape, rows, laid, plane, step, rows_at, places, tap_count, buffer,
            totals):  # fmt: skip
    """Tasks start..stop-1: a group in some units, which are so many rows of a sample's results.

    partial [part, group, result, tap], flat
    """
    (height, width), before = grad_shape, -1
    volume = shape[0] * shape[1]
    for index in range(start, stop):
        part, group = index // groups, index % groups
        clear_cells(pointer(totals), 0, totals.size)
        for unit in range(part * per_part, min((part + 1) * per_part, units)):
            band = unit // samples
            if band != before:
                clear_cells(pointer(buffer), 0, buffer.size)
                before = band
            begin, first = (unit - band * samples) * groups + group, band * rows
            lay_planes(pointer(buffer), plane, pointer(x), begin * sources * volume, volume,
                       sources, numbers_at(pointer(laid), band * FIELDS, FIELDS))  # fmt: skip
            dot_results(pointer(totals), pointer(grad), (begin * results * height + first) * width,
                        pointer(rows_at), results, min(rows, height - first), width,
                        pointer(buffer), step, pointer(places), places.size)  # fmt: skip
        for r in range(results):
            sum_lanes(pointer(partial), (index * results + r) * tap_count, pointer(totals),
                      r * places.size, tap_count)  # fmt: skip


weight_plane = variant(_weight, "weight_plane", dot_results=dot_plane)
weight_planes = variant(_weight, "weight_planes", dot_results=dot_planes)
