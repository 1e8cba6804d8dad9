"""Convolution with few results to a group, such as a depthwise one: plane after plane.

The planes that a group reads are laid into a small buffer, their padding around them, where they
stay in a near cache. A tile of results is then

    tile = bias + sum over taps t of weight[t] * (rows of the buffer, from the place of t on)

and goes straight to where it belongs: some rows of one result, or two rows of six results. Both
directions are that sum:

    forward           of x, a row's columns sorted by their remainder for the step, so that those
                      which a tap meets lie side by side
    input gradient    of grad, its numbers apart by the step with zeros between, and the kernel
                      backwards

A weight gradient is sums of products of the rows of grad with those that a tap meets.

Direct convolution (direct.py) has vectors of channels. Here they would not be full, and vectors run
along rows.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .._jit import CpuFunction, with_globals
from .cells import clear_cells, inlined, lay_volumes
from .job import Job, run_in_parts, run_jobs
from .simd import (
    add_column,
    add_inner,
    add_outer_apart,
    add_tile,
    by_registers,
    lanes_of,
    pointer,
    repeat_tile,
    store_part,
    store_tile,
    zero_tile,
)

# mypy: disable-error-code="no-untyped-def, name-defined"

# Rows of the highest tile.
ROWS = 8
# From so many results on, several are summed together, MOST_TOGETHER at most.
FEWEST_ROWS, MOST_TOGETHER = 4, 6
# Taps of a tile for the weight gradient of one result and of several.
ONE_TAPS, SEVERAL_TAPS = 9, 3
# So many products take as long as handling an element of an array.
PRODUCTS = 16
# Rows of the buffer begin with a cache line.
ALIGNED = 16
# For a weight gradient: tasks, if samples allow; numbers of the longest vector.
TASKS, LANES = 16, 16
# What a tile reads beyond the end of a plane at most, a vector.
SLACK = 16


class Layout(NamedTuple):
    """How a plane lies in the buffer.

    runs: place, cell, rows and count of what ``lay_volumes`` moves, and ``steps`` how.
    first, step: the place of result 0 of the first row, and from one row of results to the next.
    down, columns: from a row of the kernel to the next, and where its columns begin.
    """

    runs: np.ndarray
    steps: tuple[int, int, int, int]
    first: int
    step: int
    down: int
    columns: list[int]

    def places(self, rows: int) -> np.ndarray:
        """Where result 0 meets each element of a kernel of so many rows."""
        return self.first + np.arange(rows)[:, None] * self.down + self.columns

    def size(self, results: tuple[int, int], kernel: tuple[int, int]) -> int:
        """What is written and, for whole tiles of results, read of the buffer; in whole lines."""
        last = (-(-results[0] // ROWS) * ROWS - 1) * self.step + (kernel[0] - 1) * self.down
        read = self.first + last + max(self.columns) + results[1]
        place, _, rows, count = self.runs.T
        written = np.max(place + rows * self.steps[0] + count * self.steps[1])
        return -(-max(read, int(written)) // ALIGNED) * ALIGNED


def reach(offset: int, step: int, length: int, count: int) -> tuple[int, int]:
    """The sub-range of i < count with 0 <= i * step + offset < length."""
    low = min(max(0, -(offset // step)), count)
    return low, max(low, min(count, -((offset - length) // step)))


def layout_of(runs, rows, steps, step, down, columns) -> Layout:
    """Cells begin with a cache line, as far as one place can be moved to one."""
    lead = -runs[0][0] % ALIGNED
    table = np.array([(place + lead, cell, rows, count) for place, cell, count in runs], np.int64)
    return Layout(table, steps, lead, step, down, columns)


def x_layout(out_shape, x_shape, kernel, stride, padding, dilation) -> Layout:
    """Of x: what a tap meets lies side by side."""
    needed = [
        (count - 1) * s + (k - 1) * d + 1
        for count, k, s, d in zip(out_shape[3:], kernel, stride[1:], dilation[1:])
    ]
    across = stride[2]
    part = -(-needed[1] // (across * ALIGNED)) * ALIGNED
    pitch = part * across
    first, end = reach(padding[1], 1, needed[0], x_shape[3])
    place, cell = (first + padding[1]) * pitch, first * x_shape[4]
    runs = []
    for remainder in range(across):
        offset = remainder - padding[2]
        low, high = reach(offset, across, x_shape[4], part)
        runs.append((place + remainder * part + low, cell + low * across + offset, high - low))
    columns = [x * dilation[2] for x in range(kernel[1])]
    columns = [x % across * part + x // across for x in columns]
    return layout_of(runs, end - first, (pitch, 1, x_shape[4], across), stride[1] * pitch,
                     dilation[1] * pitch, columns)  # fmt: skip


def grad_layout(x_shape, grad_shape, kernel, stride, padding, dilation) -> Layout:
    """Of grad: apart by the step."""
    reaches = [(k - 1) * d for k, d in zip(kernel, dilation[1:])]
    needed = [n + r for n, r in zip(x_shape[3:], reaches)]
    before = [r - p for r, p in zip(reaches, padding[1:])]
    pitch = -(-needed[1] // ALIGNED) * ALIGNED
    (first, end), (low, high) = (
        reach(b, s, n, count) for b, s, n, count in zip(before, stride[1:], needed, grad_shape[3:])
    )
    place = (first * stride[1] + before[0]) * pitch + low * stride[2] + before[1]
    runs = [(place, first * grad_shape[4] + low, high - low)]
    columns = [x * dilation[2] for x in range(kernel[1])]
    steps = stride[1] * pitch, stride[2], grad_shape[4], 1
    return layout_of(runs, end - first, steps, pitch, dilation[1] * pitch, columns)


@lru_cache(maxsize=512)
def forward_job(out_shape, x_shape, weight_shape, stride, padding, dilation, groups) -> Job:
    layout = x_layout(out_shape, x_shape, weight_shape[3:], stride, padding, dilation)
    elements = math.prod(weight_shape[3:])
    return correlation(layout, out_shape, x_shape, weight_shape, groups,
                       weight_shape[1] * elements, elements, 1)  # fmt: skip


@lru_cache(maxsize=512)
def input_job(x_shape, grad_shape, weight_shape, stride, padding, dilation, groups) -> Job:
    layout = grad_layout(x_shape, grad_shape, weight_shape[3:], stride, padding, dilation)
    elements = math.prod(weight_shape[3:])
    return correlation(layout, x_shape, grad_shape, weight_shape, groups, elements,
                       weight_shape[1] * elements, -1)  # fmt: skip


def correlation(layout, out_shape, shape, weight_shape, groups, row_step, source_step,
                way) -> Job:  # fmt: skip
    """The job for planes that are laid so.

    row_step, source_step: of the weight, from a result to the next, and from a plane that is read.
    way: -1 for the kernel backwards.
    """
    results, sources, (rows, width) = out_shape[1] // groups, shape[1] // groups, weight_shape[3:]
    plane, down = layout.size(out_shape[3:], (rows, width)), layout.down
    taps = np.arange(rows * width)[::way].reshape(rows, width)
    places = layout.places(rows)
    threes = rows // 3 * 3 if results < FEWEST_ROWS and layout.step == down else 0
    begins = np.arange(sources)[:, None]

    def of_all(table, between):
        """Taps of all sources: those that begin three rows of the kernel, then single ones."""
        parts = table[:threes:3].ravel(), table[threes:].ravel()
        return np.concatenate([(begins * between + part).ravel() for part in parts])

    numbers = (
        groups, results, sources, shape[3:], out_shape[3:],
        layout.runs.ravel(), layout.steps, plane, layout.step,
        of_all(places, plane), of_all(taps, source_step), threes // 3 * width * sources,
        way * width, math.prod(weight_shape) // groups, row_step,
    )  # fmt: skip
    cost = math.prod(out_shape) * sources * taps.size // PRODUCTS
    return Job(out_shape[0] * groups, cost, numbers, (sources * plane + SLACK,))


@lru_cache(maxsize=512)
def weight_job(x_shape, grad_shape, weight_shape, stride, padding, dilation, groups):
    """Samples are summed up in parts: the job, and how many parts."""
    samples, results, sources = x_shape[0], grad_shape[1] // groups, weight_shape[1]
    layout = x_layout(grad_shape, x_shape, weight_shape[3:], stride, padding, dilation)
    plane = layout.size(grad_shape[3:], weight_shape[3:])
    places = layout.places(weight_shape[3]).ravel()
    places = (np.arange(sources)[:, None] * plane + places).ravel()
    taps = ONE_TAPS if results == 1 else SEVERAL_TAPS
    wide = -(-places.size // taps) * taps
    # A tile has whole rows: beyond the last result it takes that once more.
    grads = np.minimum(np.arange(results + MOST_TOGETHER - 1), results - 1)
    per_part = -(-samples // max(1, min(samples, -(-TASKS // groups))))
    parts = -(-samples // per_part)
    numbers = (
        samples, per_part, groups, results, sources, x_shape[3:], grad_shape[3:],
        layout.runs.ravel(), layout.steps, plane, layout.step,
        grads * math.prod(grad_shape[3:]), np.pad(places, (0, wide - places.size), mode="edge"),
        places.size,
    )  # fmt: skip
    cost = math.prod(grad_shape) * places.size // PRODUCTS
    sizes = sources * plane + SLACK, grads.size * wide * LANES
    return Job(parts * groups, cost, numbers, sizes), parts


# -- loops ----------------------------------------------------------------------------------------


@inlined
def sum_rows(out, to, height, width, x, bias, o, weight, w, down, buffer, step, places, taps,
             threes, tap_count, rows, columns):  # fmt: skip
    """The columns of a tile from x on of one plane of results, some rows at a time."""
    for y in range(0, height, rows):
        at = y * step + x
        tile = repeat_tile(bias, o, 0, rows, columns)
        for t in range(threes):
            tile = add_column(tile, weight, w + taps[t], down, buffer, at + places[t], step, 3)
        for t in range(threes, tap_count):
            tile = add_column(tile, weight, w + taps[t], down, buffer, at + places[t], step, 1)
        store_part(out, to + y * width + x, width, lanes_of(out), tile, height - y, width - x,
                   lanes_of(out))  # fmt: skip


@inlined
def sum_plane(out, to, results, height, width, bias, o, weight, w, row_step, down, buffer, step,
              places, taps, threes, tap_count):  # fmt: skip
    """For each result r by itself, out[to + (r * height + y) * width + x] = bias[o + r]
        + sum over taps t, each with the two that follow it after ``down`` and a step if t < threes,
          of weight[w + r * row_step + taps[t]] * buffer[y * step + x + places[t]]

    for y < height and x < width; rows up to a whole tile, and SLACK numbers, are read beyond.
    """
    lanes = lanes_of(out)
    for r in range(results):
        begin, factors, x = to + r * height * width, w + r * row_step, 0
        while width - x > lanes:
            sum_rows(out, begin, height, width, x, bias, o + r, weight, factors, down, buffer, step,
                     places, taps, threes, tap_count, 4, 2)  # fmt: skip
            x += 2 * lanes
        if x < width:
            sum_rows(out, begin, height, width, x, bias, o + r, weight, factors, down, buffer, step,
                     places, taps, threes, tap_count, 8, 1)  # fmt: skip


@inlined
def sum_planes(out, to, results, height, width, bias, o, weight, w, row_step, down, buffer, step,
               places, taps, threes, tap_count):  # fmt: skip
    """The same for several results and two rows at a time, without threes."""
    lanes, together = lanes_of(out), by_registers(out, 6, 4)
    for r in range(0, results, together):
        begin, factors = to + r * height * width, w + r * row_step
        for y in range(0, height, 2):
            for x in range(0, width, lanes):
                tile = repeat_tile(bias, o + r, 1, together, 2)
                for t in range(tap_count):
                    tile = add_outer_apart(tile, weight, factors + taps[t], row_step, buffer,
                                           y * step + x + places[t], step)  # fmt: skip
                store_part(out, begin + y * width + x, height * width, width, tile, results - r,
                           width - x, 0 if y + 1 < height else width)  # fmt: skip


# Written once for both; ``sum_results`` is one of the two.
# ruff: noqa: F821


def _correlate(start, stop, out, source, weight, bias, groups, results, sources, shape, out_shape,
               runs, steps, plane, step, places, taps, threes, down, group_step, row_step,
               buffer):  # fmt: skip
    """Groups start..stop-1 of all samples, each of so many results and sources."""
    volume, out_volume = shape[0] * shape[1], out_shape[0] * out_shape[1]
    clear_cells(pointer(buffer), 0, buffer.size)
    for index in range(start, stop):
        lay_volumes(pointer(buffer), 0, plane, pointer(source), index * sources * volume, volume,
                    sources, pointer(runs), 0, runs.size, steps)  # fmt: skip
        group = index % groups
        sum_results(pointer(out), index * results * out_volume, results, out_shape[0], out_shape[1],
                    pointer(bias), group * results, pointer(weight), group * group_step, row_step,
                    down, pointer(buffer), step, pointer(places), pointer(taps), threes,
                    taps.size)  # fmt: skip


def variant(loop, name, **helpers):
    """A loop with these functions in it."""
    return CpuFunction(with_globals(loop, name, helpers))


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
    for t in range(0, tap_count, 9):
        dot_rows(totals, t * lanes, 0, grad, g, rows_at, 0, height, width, buffer, down, places, t,
                 1, 9)  # fmt: skip


@inlined
def dot_planes(totals, grad, g, rows_at, results, height, width, buffer, down, places,
               tap_count):  # fmt: skip
    """The same for several, rows of tap_count vectors in ``totals``, rounded up to whole tiles.

    Result r begins rows_at[r] behind the first.
    """
    lanes, rows = lanes_of(totals), by_registers(totals, 4, 3)
    step = tap_count * lanes
    for r in range(0, results, rows):
        for t in range(0, tap_count, 3):
            dot_rows(totals, r * step + t * lanes, step, grad, g, rows_at, r, height, width, buffer,
                     down, places, t, rows, 3)  # fmt: skip


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


def _weight(start, stop, partial, grad, x, samples, per_part, groups, results, sources, shape,
            grad_shape, runs, steps, plane, step, rows_at, places, tap_count, buffer,
            totals):  # fmt: skip
    """Tasks start..stop-1: a group in some samples; partial [part, group, result, tap], flat."""
    volume, (height, width) = shape[0] * shape[1], grad_shape
    clear_cells(pointer(buffer), 0, buffer.size)
    for index in range(start, stop):
        part, group = index // groups, index % groups
        clear_cells(pointer(totals), 0, totals.size)
        for n in range(part * per_part, min((part + 1) * per_part, samples)):
            begin = n * groups + group
            lay_volumes(pointer(buffer), 0, plane, pointer(x), begin * sources * volume, volume,
                        sources, pointer(runs), 0, runs.size, steps)  # fmt: skip
            dot_results(pointer(totals), pointer(grad), begin * results * height * width,
                        pointer(rows_at), results, height, width, pointer(buffer), step,
                        pointer(places), places.size)  # fmt: skip
        for r in range(results):
            sum_lanes(pointer(partial), (index * results + r) * tap_count, pointer(totals),
                      r * places.size, tap_count)  # fmt: skip


weight_plane = variant(_weight, "weight_plane", dot_results=dot_plane)
weight_planes = variant(_weight, "weight_planes", dot_results=dot_planes)


# -- directions -----------------------------------------------------------------------------------


def forward(out, x, weight, bias, stride, padding, dilation, groups):
    """out[n, o, p] = bias[o] + sum over c, k of weight[o, c, k] * x[n, g + c, p s - p0 + k d]"""
    job = forward_job(out.shape, x.shape, weight.shape, stride, padding, dilation, groups)
    _correlate_all(job, out, x, weight, bias, groups)


def backward_input(grad_x, grad, weight, bias, stride, padding, dilation, groups):
    """grad_x[n, g + c, p s - p0 + k d] = bias[g + c] + sum of weight[o, c, k] * grad[n, o, p]"""
    job = input_job(grad_x.shape, grad.shape, weight.shape, stride, padding, dilation, groups)
    _correlate_all(job, grad_x, grad, weight, bias, groups)


def backward_weight(grad_weight, grad, x, stride, padding, dilation, groups):
    """grad_weight[o, c, k] = sum over n, p of grad[n, o, p] * x[n, g + c, p s - p0 + k d]

    Samples are summed up in parts, then the parts.
    """
    job, parts = weight_job(x.shape, grad.shape, grad_weight.shape, stride, padding, dilation,
                            groups)  # fmt: skip
    loop = weight_plane if grad.shape[1] == groups else weight_planes
    run_in_parts(loop, job, parts, grad_weight, grad, x)


def _correlate_all(job, out, source, weight, bias, groups):
    """Weights and biases of a whole tile are read, wherever it begins."""
    row_step = job.numbers[-1]
    padded = np.zeros(out.shape[1] + 5, out.dtype)
    padded[: bias.size] = bias
    weight = np.concatenate([weight.reshape(-1), np.zeros(5 * row_step, weight.dtype)])
    loop = correlate_planes if out.shape[1] // groups >= FEWEST_ROWS else correlate_plane
    run_jobs(loop, [job], out, source, weight, padded)
