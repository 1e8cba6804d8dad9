"""Volumes unfolded into columns, and columns folded back: the compiled part of convolution.

Column p of an unfolded volume lists the cells under the kernel at output position p, so that a
convolution becomes a product of matrices.
"""

from __future__ import annotations

import numpy as np

from .._jit import CpuFunction

# mypy: disable-error-code="no-untyped-def"


@CpuFunction
def reach(offset, stride, length, first, end):
    """The sub-range of first..end whose o has 0 <= o * stride + offset < length."""
    low = min(max(first, -(offset // stride)), end)
    return low, max(low, min(end, -((offset - length) // stride)))


@CpuFunction
def copy_cells(target, to, source, begin, step, count):
    """target[to + i] = source[begin + i * step] for i < count

    Unsigned indices tell numba that none counts from the end; only then is this one vector move.
    """
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
def add_cells(target, to, step, source, begin, count):
    """target[to + i * step] += source[begin + i] for i < count"""
    if step == 1:
        for i in range(count):
            target[np.uint64(to + i)] += source[np.uint64(begin + i)]
    else:
        for i in range(count):
            target[np.uint64(to + i * step)] += source[np.uint64(begin + i)]


@CpuFunction
def unfold_line(line, to, length, cells, begin, shape, out_shape, position, steps, offsets):
    """One kernel element's view of a volume: ``length`` output positions, row by row.

    line[to + p] = the cell at (position + p) * steps + offsets of the volume of that shape which
    starts at cells[begin], 0 where that is padding.
    """
    depth, height, width = shape
    _, out_height, out_width = out_shape
    row, first = position // out_width, position % out_width
    out_d, out_h = row // out_height, row % out_height
    while length > 0:
        count = min(out_width - first, length)
        d, h = out_d * steps[0] + offsets[0], out_h * steps[1] + offsets[1]
        if 0 <= d < depth and 0 <= h < height:
            low, high = reach(offsets[2], steps[2], width, first, first + count)
            cell = begin + (d * height + h) * width + low * steps[2] + offsets[2]
            clear_cells(line, to, low - first)
            copy_cells(line, to + low - first, cells, cell, steps[2], high - low)
            clear_cells(line, to + high - first, first + count - high)
        else:
            clear_cells(line, to, count)
        to += count
        length -= count
        first = 0
        out_h += 1
        if out_h == out_height:
            out_d, out_h = out_d + 1, 0


@CpuFunction
def fold_line(cells, begin, shape, line, to, out_shape, steps, offsets):
    """The adjoint of ``unfold_line`` over all output positions: adds the line into the volume."""
    depth, height, width = shape
    out_depth, out_height, out_width = out_shape
    low, high = reach(offsets[2], steps[2], width, 0, out_width)
    for out_d in range(out_depth):
        d = out_d * steps[0] + offsets[0]
        for out_h in range(out_height):
            h = out_h * steps[1] + offsets[1]
            if 0 <= d < depth and 0 <= h < height:
                cell = begin + (d * height + h) * width + low * steps[2] + offsets[2]
                add_cells(cells, cell, steps[2], line, to + low, high - low)
            to += out_width


@CpuFunction
def kernel_offsets(k, kernel, padding, dilation):
    """Distance of the k-th kernel element from the first cell under it, along each axis."""
    return (
        k // (kernel[1] * kernel[2]) * dilation[0] - padding[0],
        k // kernel[2] % kernel[1] * dilation[1] - padding[1],
        k % kernel[2] * dilation[2] - padding[2],
    )


@CpuFunction
def unfold(columns, x, sample, channel, position, kernel, out_shape, stride, padding, dilation):
    """columns[c, k, n, p] = x[sample + n, channel + c, (position + p) * stride - padding + k * d]

    0 in the padding. columns [c, k, n, p], x [N, C, D, H, W].
    """
    channels, elements, samples, length = columns.shape
    flat, cells = columns.reshape(-1), x.reshape(-1)
    shape = x.shape[2:]
    volume = shape[0] * shape[1] * shape[2]
    to = 0
    for c in range(channels):
        for k in range(elements):
            offsets = kernel_offsets(k, kernel, padding, dilation)
            for n in range(samples):
                begin = ((sample + n) * x.shape[1] + channel + c) * volume
                unfold_line(flat, to, length, cells, begin, shape, out_shape, position, stride,
                            offsets)  # fmt: skip
                to += length


@CpuFunction
def fold(grad_x, columns, sample, channel, kernel, out_shape, stride, padding, dilation):
    """grad_x[sample + n, channel + c, p * stride - padding + k * d]
        = sum over all k, p that meet there of columns[c, k, n, p]

    The adjoint of ``unfold``: grad_x [N, C, D, H, W], columns [c, k, n, OD * OH * OW].
    """
    channels, elements, samples, length = columns.shape
    flat, cells = columns.reshape(-1), grad_x.reshape(-1)
    shape = grad_x.shape[2:]
    volume = shape[0] * shape[1] * shape[2]
    for c in range(channels):
        for n in range(samples):
            begin = ((sample + n) * grad_x.shape[1] + channel + c) * volume
            clear_cells(cells, begin, volume)
            for k in range(elements):
                offsets = kernel_offsets(k, kernel, padding, dilation)
                to = ((c * elements + k) * samples + n) * length
                fold_line(cells, begin, shape, flat, to, out_shape, stride, offsets)
