"""Convolution as sums of shifted lines, see lines.py: any kernel, step, dilation and groups.

Work is cut into tiles, a block of samples and a block of channels that nobody else writes. Its
source channels are spread out as lines in a small buffer, a piece at a time, which stays in the
second-level cache. Where a result is a whole sum, it is the same in any tile, so there are as many
as suits the threads; those of a weight gradient are parts of sums and follow from the shapes alone.

    x [N, C, D, H, W], weight [O, C / groups, KD, KH, KW], out [N, O, OD, OH, OW]
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..parallel import CHUNKS_PER_THREAD, get_num_threads, parallel_for
from .line_plan import (
    CHUNK,
    Plan,
    fit_piece,
    forward_plan,
    input_plan,
    list_chunks,
    list_reads,
    tap_places,
)
from .lines import SLACK, SLOT, SUM_ROWS, correlate_tiles, weight_tiles
from .scratch import scratch
from .tiles import channel_tile, weight_tile

# mypy: disable-error-code="no-untyped-def"

# So many products take as long as handling an element of an array.
PRODUCTS = 64
# What the lines of taps that are added up together may take, about a first-level cache; and how
# many it takes to make up for loading and storing the sums.
CLOSE_BYTES, FEWEST_TAPS = 32 * 1024, 32


class Job(NamedTuple):
    """What a compiled loop over so many tiles is called with, besides the arrays.

    cost: of the whole, in elements of an array.
    sizes: of the buffers.
    """

    tiles: int
    cost: int
    numbers: tuple[Any, ...]
    sizes: tuple[int, ...]


@lru_cache(maxsize=512)
def forward_job(out_shape, x_shape, weight_shape, stride, padding, dilation, groups, itemsize,
                enough):  # fmt: skip
    kernel, elements = weight_shape[2:], math.prod(weight_shape[2:])
    plan = forward_plan(kernel, stride, padding, dilation, x_shape[2:], out_shape[2:],
                        out_shape[1] // groups, weight_shape[1])  # fmt: skip
    steps = weight_shape[1] * elements, elements
    return correlation(plan, out_shape, (1, 1, 1), (0, 0, 0), x_shape, groups, steps, itemsize,
                       enough)  # fmt: skip


@lru_cache(maxsize=512)
def input_jobs(x_shape, grad_shape, weight_shape, stride, padding, dilation, groups, itemsize,
               enough):  # fmt: skip
    """One for each phase of the step."""
    kernel, elements = weight_shape[2:], math.prod(weight_shape[2:])
    steps = elements, weight_shape[1] * elements
    jobs = []
    for phase in itertools.product(*(range(min(s, n)) for s, n in zip(stride, x_shape[2:]))):
        plan = input_plan(kernel, stride, padding, dilation, x_shape[2:], grad_shape[2:], phase,
                          weight_shape[1], weight_shape[0] // groups)  # fmt: skip
        jobs.append(correlation(plan, x_shape, stride, phase, grad_shape, groups, steps, itemsize,
                                enough))  # fmt: skip
    return jobs


def correlation(plan: Plan, out_shape, out_step, out_offset, shape, groups, steps, itemsize,
                enough) -> Job:  # fmt: skip
    """Results from ``out_offset`` on in steps; ``steps`` from row to row and channel to channel of
    the weight."""
    samples, rows = out_shape[:2]
    channels, per_channel = shape[1], shape[1] // groups
    sample_bytes = math.prod(shape[1:]) // groups * itemsize
    tile, count = channel_tile(samples, sample_bytes, math.prod(plan.layout), rows, rows // groups,
                               enough)  # fmt: skip
    line_count = per_channel * len(plan.offsets)
    piece = fit_piece(plan, max(1, line_count), tile[0], itemsize)
    length = piece + plan.halo
    line = tile[0] * length
    chunks, chunk_bounds, writes = list_chunks(plan, piece, tile[0], out_shape[2:], out_step,
                                               out_offset, rows)  # fmt: skip
    tap_bytes = min(CHUNK, length) * itemsize * len(plan.offsets) // max(1, len(plan.element_of))
    deep = max(FEWEST_TAPS, CLOSE_BYTES // max(1, tap_bytes))
    kept = 6 if deep >= per_channel * len(plan.element_of) else SUM_ROWS
    numbers = (
        tile, samples, rows, channels, groups, steps[0], deep, kept, math.prod(out_shape[2:]),
        (out_shape[4] * out_step[1], out_step[2], plan.layout[2], 1), math.prod(shape[2:]),
        (plan.layout[2], 1, shape[4] * plan.step[1], plan.step[2]), length, len(plan.offsets),
        *tap_places(plan, per_channel, line, steps[1]),
        *list_reads(plan, shape[2:], piece, plan.halo), chunks, chunk_bounds, *writes,
    )  # fmt: skip
    products = samples * rows * plan.kept * per_channel * len(plan.element_of)
    return Job(count, products // PRODUCTS, numbers, (line_count * line + SLACK,))


@lru_cache(maxsize=512)
def weight_job(x_shape, grad_shape, weight_shape, stride, padding, dilation, groups, itemsize):
    """Samples are summed up in parts: the job, and how many parts."""
    samples, channels = x_shape[:2]
    outputs, per_input, *kernel = weight_shape
    elements, weight_size = math.prod(kernel), math.prod(weight_shape)
    per_output = outputs // groups
    tile, per_part, parts = weight_tile(samples, math.prod(grad_shape[2:]), per_output, channels,
                                        per_input, weight_size * itemsize, itemsize)  # fmt: skip
    most = min(tile[1], per_input)
    plan = forward_plan(tuple(kernel), stride, padding, dilation, x_shape[2:], grad_shape[2:],
                        per_output, most)  # fmt: skip
    line_count = most * len(plan.offsets)
    piece = fit_piece(plan, line_count + per_output, tile[0], itemsize)
    length = piece + plan.halo
    line = -(-tile[0] * length // 16) * 16
    unit = plan._replace(step=(1, 1, 1), offsets=[(0, 0, 0)])
    numbers = (
        tile, per_part, samples, outputs, channels, groups, elements, math.prod(grad_shape[2:]),
        math.prod(x_shape[2:]), (plan.layout[2], 1, grad_shape[4], 1),
        (plan.layout[2], 1, x_shape[4] * plan.step[1], plan.step[2]), length, plan.halo, line,
        len(plan.offsets),
        *tap_places(plan, most, line, elements), *list_reads(plan, x_shape[2:], piece, plan.halo),
        *list_reads(unit, grad_shape[2:], piece, 0),
    )  # fmt: skip
    # Fours of rows, and two more of less at most, by threes of taps.
    slots = (per_output // 4 + 2) * -(-most * elements // 3)
    sizes = line_count * line + plan.halo + SLACK, per_output * line, slots * SLOT
    cost = math.prod(grad_shape) * per_input * elements // PRODUCTS
    return Job(parts * -(-channels // tile[1]), cost, numbers, sizes), parts


# -- directions -----------------------------------------------------------------------------------


def forward(out, x, weight, bias, stride, padding, dilation, groups):
    """out[n, o, p] = bias[o] + sum over c, k of weight[o, c, k] * x[n, g + c, p s - p0 + k d]"""
    job = forward_job(out.shape, x.shape, weight.shape, stride, padding, dilation, groups,
                      x.itemsize, tiles_wanted())  # fmt: skip
    bias = bias if bias.size else np.zeros(weight.shape[0], out.dtype)
    arrays = out.reshape(-1), x.reshape(-1), weight.reshape(-1), bias
    parallel_for(_correlate, job.tiles, (*arrays, [job]), job.cost)


def backward_input(grad_x, grad, weight, stride, padding, dilation, groups):
    """grad_x[n, g + c, p s - p0 + k d] = sum over o, k, p of weight[o, c, k] * grad[n, o, p]"""
    none = np.zeros(grad_x.shape[1], grad.dtype)
    arrays = grad_x.reshape(-1), grad.reshape(-1), weight.reshape(-1), none
    jobs = input_jobs(grad_x.shape, grad.shape, weight.shape, stride, padding, dilation, groups,
                      grad.itemsize, tiles_wanted())  # fmt: skip
    tiles, cost = sum(job.tiles for job in jobs), sum(job.cost for job in jobs)
    parallel_for(_correlate, tiles, (*arrays, jobs), cost)


def tiles_wanted():
    """For each thread as many as ``parallel_for`` makes chunks."""
    return CHUNKS_PER_THREAD * get_num_threads()


def _correlate(start, stop, out, source, weight, bias, jobs):
    """Tiles start..stop-1 of all jobs, one after the other."""
    sums = scratch.array("sums", SUM_ROWS * CHUNK, out.dtype)
    for job in jobs:
        first, end = max(start, 0), min(stop, job.tiles)
        if first < end:
            lines = scratch.array("lines", job.sizes[0], out.dtype)
            correlate_tiles.compiled()(
                first, end, out, source, weight, bias, *job.numbers, lines, sums
            )
        start, stop = start - job.tiles, stop - job.tiles


def backward_weight(grad_weight, grad, x, stride, padding, dilation, groups):
    """grad_weight[o, c, k] = sum over n, p of grad[n, o, p] * x[n, g + c, p s - p0 + k d]

    Samples are summed up in parts, then the parts.
    """
    job, parts = weight_job(x.shape, grad.shape, grad_weight.shape, stride, padding, dilation,
                            groups, x.itemsize)  # fmt: skip
    partial = np.empty((parts, *grad_weight.shape), grad_weight.dtype)
    parallel_for(_weight, job.tiles, (partial.reshape(-1), grad.reshape(-1), x.reshape(-1), job),
                 job.cost)  # fmt: skip
    np.sum(partial, axis=0, out=grad_weight)


def _weight(start, stop, partial, grad, x, job):
    buffers = (
        scratch.array(name, size, x.dtype)
        for name, size in zip(("lines", "grads", "totals"), job.sizes, strict=True)
    )
    weight_tiles.compiled()(start, stop, partial, grad, x, *job.numbers, *buffers)
