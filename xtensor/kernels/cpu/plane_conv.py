"""Depthwise convolution, plane after plane: a result needs one of them, or a few.

A plane is laid into a small buffer with its padding around it, where it stays in the first-level
cache. A tile of results, four rows of one or two vectors, is then

    tile = bias + sum over taps t of weight[t] * (rows of the buffer, from the place of t on)

and goes straight to where it belongs. Both directions are that sum:

    forward           of x, a row's columns sorted by their remainder for the step, so that those
                      which a tap meets lie side by side
    input gradient    of grad, its numbers apart by the step with zeros between, and the kernel
                      backwards

Lines (lines.py) take pains to use what they load for several rows of a weight. Here there is only
one, and what counts is to move every number once and to compute nothing between rows.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .._jit import CpuFunction
from ..parallel import parallel_for
from .cells import clear_cells, inlined
from .line_plan import reach
from .lines import SLACK, move_rows
from .scratch import scratch
from .simd import add_column, lanes_of, pointer, repeat_tile, store_part

# mypy: disable-error-code="no-untyped-def"

# Rows of a tile.
ROWS = 4
# So many products take as long as handling an element of an array.
PRODUCTS = 16
# Rows of the buffer begin with a cache line.
ALIGNED = 16


class Job(NamedTuple):
    """What the compiled loop is called with, besides the arrays.

    cost: of the whole, in elements of an array.
    size: of the buffer.
    """

    cost: int
    numbers: tuple[Any, ...]
    size: int


@lru_cache(maxsize=512)
def forward_job(out_shape, x_shape, weight_shape, stride, padding, dilation) -> Job:
    """For the convolution of x, whose depth is 1 as that of the kernel."""
    needed = [
        (count - 1) * s + (k - 1) * d + 1
        for count, k, s, d in zip(out_shape[3:], weight_shape[3:], stride[1:], dilation[1:])
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
    lay = runs, end - first, (pitch, 1, x_shape[4], across)
    columns = [x * dilation[2] for x in range(weight_shape[4])]
    columns = [x % across * part + x // across for x in columns]
    return job_of(out_shape, x_shape, weight_shape, lay, stride[1] * pitch, dilation[1] * pitch,
                  columns, 1)  # fmt: skip


@lru_cache(maxsize=512)
def input_job(x_shape, grad_shape, weight_shape, stride, padding, dilation) -> Job:
    """For the gradient of the input."""
    reaches = [(k - 1) * d for k, d in zip(weight_shape[3:], dilation[1:])]
    needed = [n + r for n, r in zip(x_shape[3:], reaches)]
    before = [r - p for r, p in zip(reaches, padding[1:])]
    pitch = -(-needed[1] // ALIGNED) * ALIGNED
    (first, end), (low, high) = (
        reach(b, s, n, count) for b, s, n, count in zip(before, stride[1:], needed, grad_shape[3:])
    )
    place = (first * stride[1] + before[0]) * pitch + low * stride[2] + before[1]
    runs = [(place, first * grad_shape[4] + low, high - low)]
    lay = runs, end - first, (stride[1] * pitch, stride[2], grad_shape[4], 1)
    columns = [x * dilation[2] for x in range(weight_shape[4])]
    return job_of(x_shape, grad_shape, weight_shape, lay, pitch, dilation[1] * pitch, columns, -1)


def job_of(out_shape, shape, weight_shape, lay, step, down, columns, way) -> Job:
    """For planes that are laid so.

    lay: runs [place, cell, count] of each row, how many rows, and the steps of ``move_rows``.
    step, down: in the buffer, from a row of results to the next, and from a row of the kernel.
    columns: where those of the kernel begin in a row.
    way: -1 for the kernel backwards.
    """
    runs, laid, steps = lay
    lead = -runs[0][0] % ALIGNED
    runs = [(place + lead, cell, count) for place, cell, count in runs]
    groups = min(out_shape[1], shape[1])
    results, sources = out_shape[1] // groups, shape[1] // groups
    rows, width = weight_shape[3:]
    taps = np.arange(rows * width)[::way].reshape(rows, width)
    places = np.arange(rows)[:, None] * down + columns + lead
    read = (-(-out_shape[3] // ROWS) * ROWS - 1) * step + places.max() + out_shape[4]
    written = max(place + count * steps[1] for place, _, count in runs) + laid * steps[0]
    plane = -(-max(read, written) // ALIGNED) * ALIGNED
    threes = rows // 3 * 3 if step == down else 0
    begins = np.arange(sources)[:, None]

    def of_all(table, between):
        """Taps of all sources: those that begin three rows of the kernel, then single ones."""
        parts = table[:threes:3].ravel(), table[threes:].ravel()
        return np.concatenate([(begins * between + part).ravel() for part in parts])

    numbers = (
        groups, results, sources, shape[3:], out_shape[3:], np.array(runs, np.int64).ravel(), laid,
        steps, plane, step, of_all(places, plane), of_all(taps, taps.size),
        threes // 3 * width * sources, way * width, taps.size * sources,
    )  # fmt: skip
    cost = math.prod(out_shape) * sources * taps.size // PRODUCTS
    return Job(cost, numbers, int(sources * plane + SLACK))


# -- loops ----------------------------------------------------------------------------------------


@inlined
def sum_rows(out, to, width, rows, count, bias, o, weight, w, down, buffer, at, step, places, taps,
             threes, tap_count, columns):  # fmt: skip
    """Some rows of as many columns of results as a tile has."""
    tile = repeat_tile(bias, o, 4, columns)
    for t in range(threes):
        tile = add_column(tile, weight, w + taps[t], down, buffer, at + places[t], step, 3)
    for t in range(threes, tap_count):
        tile = add_column(tile, weight, w + taps[t], down, buffer, at + places[t], step, 1)
    store_part(out, to, width, tile, rows, count)


@CpuFunction
def sum_plane(out, to, height, width, bias, o, weight, w, down, buffer, step, places, taps, threes,
              tap_count):  # fmt: skip
    """out[to + y * width + x] = bias[o]
        + sum over taps t, each with the two that follow it after ``down`` and a step if t < threes,
          of weight[w + taps[t]] * buffer[y * step + x + places[t]]

    for y < height and x < width; rows up to a whole tile and SLACK - 1 numbers are read beyond.
    """
    lanes = lanes_of(out)
    for y in range(0, height, ROWS):
        x, rows = 0, min(ROWS, height - y)
        while x < width:
            if width - x > lanes:
                sum_rows(out, to + y * width + x, width, rows, width - x, bias, o, weight, w, down,
                         buffer, y * step + x, step, places, taps, threes, tap_count,
                         2)  # fmt: skip
                x += 2 * lanes
            else:
                sum_rows(out, to + y * width + x, width, rows, width - x, bias, o, weight, w, down,
                         buffer, y * step + x, step, places, taps, threes, tap_count,
                         1)  # fmt: skip
                x += lanes


@CpuFunction
def correlate_planes(start, stop, out, source, weight, bias, groups, results, sources, shape,
                     out_shape, runs, rows, steps, plane, step, places, taps, threes,
                     down, factors, buffer):  # fmt: skip
    """Groups start..stop-1 of all samples, each of so many results and sources."""
    volume, out_volume = shape[0] * shape[1], out_shape[0] * out_shape[1]
    clear_cells(pointer(buffer), 0, buffer.size)
    for index in range(start, stop):
        for s in range(sources):
            begin = (index * sources + s) * volume
            for k in range(0, runs.size, 3):
                move_rows(pointer(buffer), s * plane + runs[k], pointer(source),
                          begin + runs[k + 1], rows, runs[k + 2], steps)  # fmt: skip
        for r in range(results):
            o = index % groups * results + r
            sum_plane(pointer(out), (index * results + r) * out_volume, out_shape[0], out_shape[1],
                      pointer(bias), o, pointer(weight), o * factors, down, pointer(buffer), step,
                      pointer(places), pointer(taps), threes, taps.size)  # fmt: skip


# -- directions -----------------------------------------------------------------------------------


def forward(out, x, weight, bias, stride, padding, dilation, groups):
    """out[n, o, p] = bias[o] + sum over k of weight[o, 0, k] * x[n, o // m, p s - p0 + k d]

    for m outputs of each channel.
    """
    job = forward_job(out.shape, x.shape, weight.shape, stride, padding, dilation)
    _run(job, out, x, weight, bias if bias.size else np.zeros(weight.shape[0], out.dtype))


def backward_input(grad_x, grad, weight, stride, padding, dilation, groups):
    """grad_x[n, c, p s - p0 + k d] = sum over o, k, p of weight[o, 0, k] * grad[n, o, p]"""
    job = input_job(grad_x.shape, grad.shape, weight.shape, stride, padding, dilation)
    _run(job, grad_x, grad, weight, np.zeros(grad_x.shape[1], grad.dtype))


def _run(job, out, source, weight, bias):
    arrays = out.reshape(-1), source.reshape(-1), weight.reshape(-1), bias
    parallel_for(_correlate, out.shape[0] * job.numbers[0], (*arrays, job), job.cost)


def _correlate(start, stop, out, source, weight, bias, job):
    buffer = scratch.array("planes", job.size, out.dtype)
    correlate_planes.compiled()(start, stop, out, source, weight, bias, *job.numbers, buffer)
