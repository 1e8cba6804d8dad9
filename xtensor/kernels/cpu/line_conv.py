"""Convolution as sums of shifted lines, see lines.py: any kernel, step, dilation and groups.

All three directions are correlations of lines. Along one axis, kernel element k meets

    forward           result q with cell   q s + k d - p  of x
    input gradient    result q s + phase with cell  q + (p - phase - k d) / s  of grad, where whole

so the input gradient is one correlation for each phase of the step. Work is cut into tiles, a block
of samples and a block of channels that nobody else writes. Its source channels are spread out as
lines in a small buffer, a piece at a time, which stays in the second-level cache. Tiles and pieces
follow from the shapes alone, so the results do not depend on the number of threads.

    x [N, C, D, H, W], weight [O, C / groups, KD, KH, KW], out [N, O, OD, OH, OW]
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..parallel import parallel_for
from .lines import CHUNK, SLACK, correlate_tiles, weight_tiles
from .scratch import scratch
from .tiles import TILE_BYTES, channel_tile, weight_tile

# mypy: disable-error-code="no-untyped-def"

# Moving a number into a line takes as long as so many products; ``plan_lines`` weighs them.
MOVE = 50
# At most so many lines are read where every kernel element has its own.
UNFOLDED = 1024
# So many products take as long as handling an element of an array.
PRODUCTS = 64


class Plan(NamedTuple):
    """A correlation: how results lie on lines, and which line and place each tap begins at.

    layout: places of one sample along each axis, those under the reach of the kernel included.
    step: from one result to the next, in cells of the source.
    offsets [lines of a channel, 3]: the cell of the first place of each line.
    line_of, place_of: of each tap of a channel; element_of: its place in a kernel.
    kept: positions from the first result of a sample to the last.
    halo: how much further the last tap reaches.
    """

    layout: tuple[int, int, int]
    step: tuple[int, int, int]
    offsets: np.ndarray
    line_of: np.ndarray
    place_of: np.ndarray
    element_of: np.ndarray
    kept: int
    halo: int


def plan_lines(cells, elements, step, results, rows, channels) -> Plan:
    """The plan for kernel elements that meet result 0 at ``cells``, one triple for each element.

    Elements whose cells differ by whole steps share a line, unless what that wastes, positions
    between results, costs more than a line for every element: then all have their own.

    Args:
        rows: results that are computed of the same lines; the more, the more a wasted position.
        channels: if there are many, the lines of all elements would not fit into a cache.
    """
    lowest = [min(axis) for axis in zip(*cells)] if cells else [0, 0, 0]
    shared = [tuple((c - b) // s for c, b, s in zip(cell, lowest, step)) for cell in cells]
    plans = [_lay_out(cells, elements, step, results, shared)]
    if len(cells) * channels <= UNFOLDED:
        plans.append(_lay_out(cells, elements, step, results, [(0, 0, 0)] * len(cells)))
    return min(plans, key=lambda p: p.kept * (len(cells) * rows + MOVE * len(p.offsets)))


def _lay_out(cells, elements, step, results, shifts):
    """The plan in which an element begins ``shifts`` places after its line does."""
    begins = [tuple(c - i * s for c, i, s in zip(*each, step)) for each in zip(cells, shifts)]
    lines = list(dict.fromkeys(begins))
    last = [max(axis) for axis in zip(*shifts)] if shifts else [0, 0, 0]
    layout = tuple(r + i for r, i in zip(results, last))

    def place(z, y, x):
        return (z * layout[1] + y) * layout[2] + x

    arrays = [
        np.array(numbers, np.int64)
        for numbers in (
            lines or np.empty((0, 3)), [lines.index(b) for b in begins],
            [place(*shift) for shift in shifts], elements,
        )
    ]  # fmt: skip
    return Plan(layout, step, *arrays, place(*(r - 1 for r in results)) + 1, place(*last))


def axis_elements(kernel):
    """All places of a kernel, in order."""
    return itertools.product(*map(range, kernel))


@lru_cache(maxsize=1024)
def forward_plan(kernel, stride, padding, dilation, results, rows, channels) -> Plan:
    cells = tuple(
        tuple(k * d - p for k, d, p in zip(element, dilation, padding))
        for element in axis_elements(kernel)
    )
    return plan_lines(cells, range(len(cells)), stride, results, rows, channels)


@lru_cache(maxsize=1024)
def input_plan(kernel, stride, padding, dilation, lengths, phase, rows, channels) -> Plan:
    """For the cells ``phase``, ``phase`` + stride, ... of x along each axis."""
    cells, elements = [], []
    for index, element in enumerate(axis_elements(kernel)):
        distances = [p + i - k * d for p, i, k, d in zip(padding, phase, element, dilation)]
        if not any(distance % s for distance, s in zip(distances, stride)):
            cells.append(tuple(distance // s for distance, s in zip(distances, stride)))
            elements.append(index)
    results = tuple(-((i - n) // s) for n, i, s in zip(lengths, phase, stride))
    return plan_lines(cells, elements, (1, 1, 1), results, rows, channels)


def fit_piece(plan, line_count, samples, itemsize):
    """How many of the kept positions are worked on at a time, and what a sample takes on a line."""
    fitting = max(TILE_BYTES // (line_count * samples * itemsize) - plan.halo, CHUNK // 2)
    piece = -(-plan.kept // -(-plan.kept // fitting))
    return piece, piece + plan.halo


def sample_bytes(array, groups):
    """What one group of one sample takes."""
    return math.prod(array.shape[1:]) // groups * array.dtype.itemsize


def merge_axes(kernel, stride, padding, *arrays):
    """The arrays, their spatial axes made one if each result needs only the cell at its place."""
    if any(k != 1 for k in kernel) or any(s != 1 for s in stride) or any(padding):
        return arrays
    return tuple(a.reshape(*a.shape[:2], 1, 1, -1) for a in arrays)


# -- directions -----------------------------------------------------------------------------------


def forward(out, x, weight, bias, stride, padding, dilation, groups):
    """out[n, o, p] = bias[o] + sum over c, k of weight[o, c, k] * x[n, g + c, p s - p0 + k d]"""
    kernel = weight.shape[2:]
    out, x = merge_axes(kernel, stride, padding, out, x)
    plan = forward_plan(kernel, stride, padding, dilation, out.shape[2:], out.shape[1] // groups,
                        weight.shape[1])  # fmt: skip
    elements = math.prod(kernel)
    steps = weight.shape[1] * elements, elements
    correlate(out, x, weight, bias, groups, steps, [(plan, (1, 1, 1), (0, 0, 0))])


def backward_input(grad_x, grad, weight, stride, padding, dilation, groups):
    """grad_x[n, g + c, p s - p0 + k d] = sum over o, k, p of weight[o, c, k] * grad[n, o, p]"""
    kernel = weight.shape[2:]
    grad_x, grad = merge_axes(kernel, stride, padding, grad_x, grad)
    lengths = grad_x.shape[2:]
    phases = itertools.product(*(range(min(s, n)) for s, n in zip(stride, lengths)))
    parts = [
        (input_plan(kernel, stride, padding, dilation, lengths, phase, weight.shape[1],
                    weight.shape[0] // groups), stride, phase)
        for phase in phases
    ]  # fmt: skip
    elements = math.prod(kernel)
    steps = elements, weight.shape[1] * elements
    correlate(grad_x, grad, weight, np.empty(0, grad.dtype), groups, steps, parts)


def correlate(out, source, weight, bias, groups, steps, parts):
    """Share out tiles of ``out``; parts: plans with the step and offset of their results in it."""
    samples, rows = out.shape[:2]
    channels = source.shape[1]
    tile, count = channel_tile(samples, sample_bytes(source, groups),
                               math.prod(parts[0][0].layout), rows,
                               rows // groups)  # fmt: skip
    for plan, out_step, out_offset in parts:
        line_count = max(1, channels // groups * len(plan.offsets))
        piece, length = fit_piece(plan, line_count, tile[0], out.itemsize)
        sizes = line_count * tile[0] * length + SLACK, channels // groups * len(plan.line_of)
        numbers = (
            tile, samples, rows, channels, groups, *steps, out.shape[2:], out_step,
            out_offset, source.shape[2:], plan.layout, plan.step, plan.offsets,
            plan.line_of, plan.place_of, plan.element_of, plan.kept, piece, length,
        )  # fmt: skip
        arrays = out.reshape(-1), source.reshape(-1), weight.reshape(-1), bias
        products = out.size // len(parts) * sizes[1]
        parallel_for(_correlate_tiles, count, (*arrays, numbers, sizes), products // PRODUCTS)


def _correlate_tiles(start, stop, out, source, weight, bias, numbers, sizes):
    lines, sums = (
        scratch.array(name, size, out.dtype)
        for name, size in (("lines", sizes[0]), ("sums", 6 * CHUNK))
    )
    shifts, taps = (scratch.array(name, sizes[1], np.int64) for name in ("shifts", "taps"))
    correlate_tiles.compiled()(
        start, stop, out, source, weight, bias, *numbers, lines, shifts, taps, sums,
        segment_room("segments", numbers[-1]), segment_room("cut", CHUNK),
    )  # fmt: skip


def backward_weight(grad_weight, grad, x, stride, padding, dilation, groups):
    """grad_weight[o, c, k] = sum over n, p of grad[n, o, p] * x[n, g + c, p s - p0 + k d]

    Samples are summed up in parts, then the parts.
    """
    kernel = grad_weight.shape[2:]
    grad, x = merge_axes(kernel, stride, padding, grad, x)
    samples, channels = x.shape[:2]
    size = sample_bytes(grad, groups) + sample_bytes(x, groups)
    tile, per_part, parts = weight_tile(samples, size, channels, grad_weight.shape[1],
                                        grad_weight.nbytes)  # fmt: skip
    plan = forward_plan(kernel, stride, padding, dilation, grad.shape[2:], grad.shape[1] // groups,
                        grad_weight.shape[1])  # fmt: skip
    partial = np.empty((parts, *grad_weight.shape), grad_weight.dtype)
    outputs, most = grad.shape[1], min(tile[1], grad_weight.shape[1])
    piece, length = fit_piece(plan, most * len(plan.offsets) + outputs // groups, tile[0],
                              x.itemsize)  # fmt: skip
    line = -(-tile[0] * length // 16) * 16
    beyond = plan.halo + SLACK
    sizes = (
        most * len(plan.offsets) * line + beyond, outputs // groups * line,
        most * len(plan.line_of) + 2,
    )  # fmt: skip
    numbers = (
        tile, per_part, samples, outputs, channels, groups, grad.shape[2:],
        (1, 1, 1), np.zeros((1, 3), np.int64), x.shape[2:], plan.layout, plan.step,
        plan.offsets, plan.line_of, plan.place_of, plan.element_of, plan.kept, piece, length,
    )  # fmt: skip
    parallel_for(_weight_tiles, parts * -(-channels // tile[1]),
                 (partial.reshape(-1), grad.reshape(-1), x.reshape(-1), numbers, sizes, beyond),
                 grad.size * grad_weight[0].size // PRODUCTS)  # fmt: skip
    np.sum(partial, axis=0, out=grad_weight)


def _weight_tiles(start, stop, partial, grad, x, numbers, sizes, beyond):
    lines, grads, sums = (
        scratch.array(name, size, x.dtype)
        for name, size in (("lines", sizes[0]), ("grads", sizes[1]), ("sums", 6 * CHUNK))
    )
    lines[-beyond:] = 0
    shifts, taps = (scratch.array(name, sizes[2], np.int64) for name in ("shifts", "taps"))
    weight_tiles.compiled()(
        start, stop, partial, grad, x, *numbers, lines, grads, shifts, taps, sums,
        segment_room("segments", numbers[-1]),
    )  # fmt: skip


def segment_room(name, places):
    """Room for the segments of that many places on a line."""
    return scratch.array(name, 4 * places, np.int64).reshape(places, 4)
