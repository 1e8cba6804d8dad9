"""Convolution as sums of shifted lines, see lines.py: any kernel, step, dilation and groups.

Work is cut into tiles, a block of samples and a block of channels that nobody else writes. Its
source channels are spread out as lines in a small buffer, a piece at a time, which stays in the
second-level cache. Tiles and pieces follow from the shapes alone, so the results do not depend on
the number of threads.

    x [N, C, D, H, W], weight [O, C / groups, KD, KH, KW], out [N, O, OD, OH, OW]
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .._jit import CpuFunction
from ..parallel import parallel_for
from .lines import CHUNK, add_taps, dot_taps, place_in, read_line, unravel, volume_of, write_chunk
from .scratch import scratch
from .tiles import TILE_BYTES, channel_tile, weight_tile

# mypy: disable-error-code="no-untyped-def"


class Layout(NamedTuple):
    """How positions lie on a line.

    shape: places of one sample along each axis, those under the reach of the kernel included.
    kept: positions from the first result of a sample to the last.
    halo: how much further the last tap reaches.
    piece: how many of the kept positions are worked on at a time.
    length: what a sample takes on a line, for one piece.
    """

    shape: tuple[int, int, int]
    kept: int
    halo: int
    piece: int
    length: int


def lay_out(results, shifts, line_count, samples, itemsize) -> Layout:
    """The layout for that many results along each axis, and the shift of the last tap."""
    shape = tuple(r + s for r, s in zip(results, shifts))
    kept = place_in(shape, [r - 1 for r in results]) + 1
    halo = place_in(shape, shifts)
    fitting = max(TILE_BYTES // (line_count * samples * itemsize) - halo, CHUNK // 2)
    piece = -(-kept // -(-kept // fitting))
    return Layout(shape, kept, halo, piece, -(-(piece + halo) // 16) * 16)


def phases_of(kernel, stride, dilation):
    """After how many kernel elements phases repeat, and how many there are, along each axis."""
    period = tuple(s // math.gcd(s, d) for s, d in zip(stride, dilation))
    return period, tuple(min(k, p) for k, p in zip(kernel, period))


def last_shifts(kernel, stride, dilation):
    """Shift of the last kernel element along each axis."""
    return tuple((k - 1) * d // s for k, s, d in zip(kernel, stride, dilation))


def block_of(index, samples, channels, tile):
    """First and end sample and channel of a tile."""
    blocks = -(-channels // tile[1])
    n, c = index // blocks * tile[0], index % blocks * tile[1]
    return n, min(n + tile[0], samples), c, min(c + tile[1], channels)


# -- compiled -------------------------------------------------------------------------------------


@CpuFunction
def read_lines(lines, length, cells, shape, n0, n1, c0, c1, phases, layout, position, steps,
               dilation, padding):  # fmt: skip
    """Spread channels c0..c1-1 of samples n0..n1-1 of an array of that shape.

    lines [c, phase, n, length].
    """
    volume = shape[2:]
    to = 0
    for c in range(c0, c1):
        for k in range(volume_of(phases)):
            a, b, e = unravel(k, phases)
            offsets = (
                a * dilation[0] % steps[0] - padding[0],
                b * dilation[1] % steps[1] - padding[1],
                e * dilation[2] % steps[2] - padding[2],
            )
            for n in range(n0, n1):
                begin = (n * shape[1] + c) * volume_of(volume)
                read_line(lines, to, length, cells, begin, volume, layout, position, steps, offsets)
                to += length


@CpuFunction
def list_taps(shifts, taps, channels, kernel, stride, dilation, period, phases, layout, line):
    """Where each tap's source line begins, ``line`` being a line's length, and its place in a row
    of the weight: [c, k]."""
    elements = volume_of(kernel)
    for c in range(channels):
        for k in range(elements):
            a, b, e = unravel(k, kernel)
            phase = place_in(phases, (a % period[0], b % period[1], e % period[2]))
            place = (
                a * dilation[0] // stride[0],
                b * dilation[1] // stride[1],
                e * dilation[2] // stride[2],
            )
            shifts[c * elements + k] = (c * volume_of(phases) + phase) * line + place_in(
                layout, place
            )
            taps[c * elements + k] = c * elements + k


@CpuFunction
def list_adjoint_taps(shifts, taps, outputs, kernel, row, stride, dilation, phase, last, layout,
                      line):  # fmt: skip
    """The same for the taps that lead from the output to one phase of the input: their number.

    A row of the weight, [c, k], belongs to each output; ``last`` is the shift of the last element.
    """
    count = 0
    for o in range(outputs):
        for k in range(volume_of(kernel)):
            a, b, e = unravel(k, kernel)
            a, b, e = a * dilation[0], b * dilation[1], e * dilation[2]
            if (a % stride[0], b % stride[1], e % stride[2]) == phase:
                place = (
                    last[0] - a // stride[0], last[1] - b // stride[1], last[2] - e // stride[2]
                )  # fmt: skip
                shifts[count] = o * line + place_in(layout, place)
                taps[count] = o * row + k
                count += 1
    return count


@CpuFunction
def forward_block(out, x, weight, bias, n0, n1, o0, o1, stride, padding, dilation, groups, period,
                  phases, layout, lines, shifts, taps, sums):  # fmt: skip
    """out[n0:n1, o0:o1], group by group, piece by piece."""
    cells, results, factors = x.reshape(-1), out.reshape(-1), weight.reshape(-1)
    outputs, per_output, per_input = out.shape[1], out.shape[1] // groups, weight.shape[1]
    kernel, volume = weight.shape[2:], out.shape[2:]
    row = per_input * volume_of(kernel)
    line = (n1 - n0) * layout.length
    list_taps(shifts, taps, per_input, kernel, stride, dilation, period, phases, layout.shape, line)
    no_bias = sums.dtype.type(0)
    for group in range(o0 // per_output, (o1 - 1) // per_output + 1):
        first, end = max(o0, group * per_output), min(o1, (group + 1) * per_output)
        for position in range(0, layout.kept, layout.piece):
            kept = min(layout.piece, layout.kept - position)
            read_lines(lines, layout.length, cells, x.shape, n0, n1, group * per_input,
                       (group + 1) * per_input, phases, layout.shape, position, stride, dilation,
                       padding)  # fmt: skip
            for at in range(0, line - layout.length + kept, CHUNK):
                count = min(CHUNK, line - layout.length + kept - at)
                o = first
                while o < end:
                    together = 4 if o + 4 <= end else 1
                    add_taps(sums, lines, at, shifts, factors, taps, row, o * row, row, together,
                             count)  # fmt: skip
                    for r in range(together):
                        plane = (n0 * outputs + o + r) * volume_of(volume)
                        write_chunk(results, plane, outputs * volume_of(volume), volume, sums,
                                    r * CHUNK, at, count, kept, layout.length, layout.shape,
                                    position, (1, 1, 1), (0, 0, 0),
                                    bias[o + r] if bias.size > 0 else no_bias)  # fmt: skip
                    o += together


@CpuFunction
def input_block(grad_x, grad, weight, n0, n1, c0, c1, stride, padding, dilation, groups, last,
                layout, lines, shifts, taps, sums):  # fmt: skip
    """grad_x[n0:n1, c0:c1], group by group, piece by piece, phase by phase."""
    cells, results, factors = grad.reshape(-1), grad_x.reshape(-1), weight.reshape(-1)
    channels, per_output, per_input = grad_x.shape[1], weight.shape[0] // groups, weight.shape[1]
    kernel, volume = weight.shape[2:], grad_x.shape[2:]
    elements = volume_of(kernel)
    line = (n1 - n0) * layout.length
    unit = (1, 1, 1)
    for group in range(c0 // per_input, (c1 - 1) // per_input + 1):
        first, end = max(c0, group * per_input), min(c1, (group + 1) * per_input)
        for position in range(0, layout.kept, layout.piece):
            kept = min(layout.piece, layout.kept - position)
            read_lines(lines, layout.length, cells, grad.shape, n0, n1, group * per_output,
                       (group + 1) * per_output, unit, layout.shape, position, unit, unit,
                       last)  # fmt: skip
            for k in range(volume_of(stride)):
                phase = unravel(k, stride)
                tap_count = list_adjoint_taps(shifts, taps, per_output, kernel,
                                              per_input * elements, stride, dilation, phase, last,
                                              layout.shape, line)  # fmt: skip
                offsets = (phase[0] - padding[0], phase[1] - padding[1], phase[2] - padding[2])
                for at in range(0, line - layout.length + kept, CHUNK):
                    count = min(CHUNK, line - layout.length + kept - at)
                    c = first
                    while c < end:
                        together = 4 if c + 4 <= end else 1
                        row = group * per_output * per_input + c - group * per_input
                        add_taps(sums, lines, at, shifts, factors, taps, tap_count,
                                 row * elements, elements, together, count)  # fmt: skip
                        for r in range(together):
                            plane = (n0 * channels + c + r) * volume_of(volume)
                            write_chunk(results, plane, channels * volume_of(volume), volume, sums,
                                        r * CHUNK, at, count, kept, layout.length, layout.shape,
                                        position, stride, offsets, sums.dtype.type(0))  # fmt: skip
                        c += together


@CpuFunction
def weight_block(total, grad, x, n0, n1, c0, c1, stride, padding, dilation, groups, period, phases,
                 layout, lines, grads, shifts, taps):  # fmt: skip
    """Add what samples n0..n1-1 and input channels c0..c1-1 give to total [O, C / groups, k].

    Positions between results count with gradient 0, which is exact as long as x is finite.
    """
    cells, grad_cells, results = x.reshape(-1), grad.reshape(-1), total.reshape(-1)
    per_output, per_input, kernel = total.shape[0] // groups, total.shape[1], total.shape[2:]
    elements = volume_of(kernel)
    line = (n1 - n0) * layout.length
    unit, none = (1, 1, 1), (0, 0, 0)
    for group in range(c0 // per_input, (c1 - 1) // per_input + 1):
        first, end = max(c0, group * per_input), min(c1, (group + 1) * per_input)
        list_taps(shifts, taps, end - first, kernel, stride, dilation, period, phases,
                  layout.shape, line)  # fmt: skip
        row = (group * per_output * per_input + first - group * per_input) * elements
        for position in range(0, layout.kept, layout.piece):
            kept = min(layout.piece, layout.kept - position)
            read_lines(lines, layout.length, cells, x.shape, n0, n1, first, end, phases,
                       layout.shape, position, stride, dilation, padding)  # fmt: skip
            read_lines(grads, layout.length, grad_cells, grad.shape, n0, n1, group * per_output,
                       (group + 1) * per_output, unit, layout.shape, position, unit, unit,
                       none)  # fmt: skip
            for start in range(0, per_output * line, layout.length):
                for i in range(start + kept, start + layout.length):
                    grads[i] = 0
            for at in range(0, line - layout.length + kept, CHUNK):
                count = min(CHUNK, line - layout.length + kept - at)
                dot_taps(results, row, per_input * elements, taps, (end - first) * elements, grads,
                         at, line, per_output, lines, at, shifts, count)  # fmt: skip


# -- the algorithm --------------------------------------------------------------------------------


def sample_bytes(array, groups):
    """What one group of one sample takes."""
    return math.prod(array.shape[1:]) // groups * array.dtype.itemsize


def forward(out, x, weight, bias, stride, padding, dilation, groups):
    """out[n, o, p] = bias[o] + sum over c, k of weight[o, c, k] * x[n, g + c, p s - p0 + k d]"""
    samples, outputs = out.shape[:2]
    tile, count = channel_tile(samples, sample_bytes(x, groups), math.prod(out.shape[2:]), outputs,
                               outputs // groups)  # fmt: skip
    parallel_for(_forward_tiles, count,
                 (out, x, weight, bias, stride, padding, dilation, groups, tile))  # fmt: skip


def _forward_tiles(start, stop, out, x, weight, bias, stride, padding, dilation, groups, tile):
    kernel = weight.shape[2:]
    period, phases = phases_of(kernel, stride, dilation)
    line_count = weight.shape[1] * math.prod(phases)
    layout = lay_out(out.shape[2:], last_shifts(kernel, stride, dilation), line_count, tile[0],
                     x.dtype.itemsize)  # fmt: skip
    lines = scratch.array("lines", line_count * tile[0] * layout.length, x.dtype)
    shifts, taps = (scratch.array(name, weight[0].size, np.int64) for name in ("shifts", "taps"))
    sums = scratch.array("sums", 4 * CHUNK, x.dtype)
    for index in range(start, stop):
        forward_block.compiled()(
            out, x, weight, bias, *block_of(index, *out.shape[:2], tile), stride, padding, dilation,
            groups, period, phases, layout, lines, shifts, taps, sums,
        )  # fmt: skip


def backward_input(grad_x, grad, weight, stride, padding, dilation, groups):
    """grad_x[n, g + c, p s - before + k d] = sum over o, k, p of weight[o, c, k] * grad[n, o, p]"""
    samples, channels = grad_x.shape[:2]
    tile, count = channel_tile(samples, sample_bytes(grad, groups), math.prod(grad.shape[2:]),
                               channels, weight.shape[1])  # fmt: skip
    parallel_for(_backward_input_tiles, count,
                 (grad_x, grad, weight, stride, padding, dilation, groups, tile))  # fmt: skip


def _backward_input_tiles(start, stop, grad_x, grad, weight, stride, padding, dilation, groups,
                          tile):  # fmt: skip
    per_output = weight.shape[0] // groups
    last = last_shifts(weight.shape[2:], stride, dilation)
    results = [(length - 1 + p) // s + 1 for length, p, s in zip(grad_x.shape[2:], padding, stride)]
    layout = lay_out(results, last, per_output, tile[0], grad.dtype.itemsize)
    lines = scratch.array("lines", per_output * tile[0] * layout.length, grad.dtype)
    size = per_output * math.prod(weight.shape[2:])
    shifts, taps = (scratch.array(name, size, np.int64) for name in ("shifts", "taps"))
    sums = scratch.array("sums", 4 * CHUNK, grad.dtype)
    for index in range(start, stop):
        input_block.compiled()(
            grad_x, grad, weight, *block_of(index, *grad_x.shape[:2], tile), stride, padding,
            dilation, groups, last, layout, lines, shifts, taps, sums,
        )  # fmt: skip


def backward_weight(grad_weight, grad, x, stride, padding, dilation, groups):
    """grad_weight[o, c, k] = sum over n, p of grad[n, o, p] * x[n, g + c, p s - before + k d]

    Samples are summed up in parts, then the parts.
    """
    samples, channels = x.shape[:2]
    size = sample_bytes(grad, groups) + sample_bytes(x, groups)
    tile, per_part, parts = weight_tile(samples, size, channels, grad_weight.shape[1],
                                        grad_weight.nbytes)  # fmt: skip
    partial = np.empty((parts, *grad_weight.shape), grad_weight.dtype)
    parallel_for(
        _backward_weight_tiles, parts * -(-channels // tile[1]),
        (partial, grad, x, stride, padding, dilation, groups, tile, per_part),
    )  # fmt: skip
    np.sum(partial, axis=0, out=grad_weight)


def _backward_weight_tiles(start, stop, partial, grad, x, stride, padding, dilation, groups, tile,
                           per_part):  # fmt: skip
    samples, channels = x.shape[:2]
    kernel, per_input = partial.shape[3:], partial.shape[2]
    per_output = partial.shape[1] // groups
    period, phases = phases_of(kernel, stride, dilation)
    x_lines = min(tile[1], per_input) * math.prod(phases)
    layout = lay_out(grad.shape[2:], last_shifts(kernel, stride, dilation), x_lines + per_output,
                     tile[0], x.dtype.itemsize)  # fmt: skip
    room = tile[0] * layout.length
    lines = scratch.array("lines", x_lines * room, x.dtype)
    grads = scratch.array("grads", per_output * room, x.dtype)
    size = min(tile[1], per_input) * math.prod(kernel)
    shifts, taps = (scratch.array(name, size, np.int64) for name in ("shifts", "taps"))
    for index in range(start, stop):
        n0, n1, c0, c1 = block_of(index, samples, channels, (per_part, tile[1]))
        total = partial[n0 // per_part]
        g0, g1 = c0 // per_input, (c1 - 1) // per_input + 1
        first = c0 - g0 * per_input
        total[g0 * per_output : g1 * per_output, first : first + min(c1 - c0, per_input)] = 0
        for n in range(n0, n1, tile[0]):
            weight_block.compiled()(
                total, grad, x, n, min(n + tile[0], n1), c0, c1, stride, padding, dilation, groups,
                period, phases, layout, lines, grads, shifts, taps,
            )  # fmt: skip
