"""Convolution on the CPU: unfold a tile into a small buffer, multiply by BLAS, write or fold back.

A tile is a block of samples with either a piece of their output positions (forward) or a block of
their input channels (both backwards). Its unfolded form, the columns, stays in the second-level
cache. Tiles follow from the shapes alone, so the results do not depend on the number of threads.

    x [N, C, D, H, W], weight [O, C / groups, KD, KH, KW], out [N, O, OD, OH, OW]
"""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

from .. import blas
from .._jit import CpuFunction, cpu_host_kernel, cpu_kernel

# mypy: disable-error-code="no-untyped-def"

# Buffers above this are not kept for the next call.
KEPT_BYTES = 8 << 20


class _Scratch(threading.local):
    """Buffers of one thread that outlive a call, as fresh pages cost more than filling them."""

    def __init__(self) -> None:
        self.buffers: dict[str, np.ndarray] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
        """An uninitialised array; what an earlier call got under this name is overwritten."""
        size = math.prod(shape) * dtype.itemsize
        buffer = self.buffers.get(name)
        if buffer is None or buffer.size < size:
            buffer = np.empty(size, np.uint8)
            if size <= KEPT_BYTES:
                self.buffers[name] = buffer
        return buffer[:size].view(dtype).reshape(shape)


scratch = _Scratch()


# -- compiled helpers -----------------------------------------------------------------------------


@CpuFunction
def reach(offset, stride, length, first, end):
    """The sub-range of first..end whose o has 0 <= o * stride + offset < length."""
    low = min(max(first, -(offset // stride)), end)
    return low, max(low, min(end, -((offset - length) // stride)))


@CpuFunction
def unfold(columns, x, sample, channel, position, out_shape, stride, padding, dilation):
    """columns[c, k, n, p] = x[sample + n, channel + c, window(position + p) at k], 0 in the padding.

    columns [c, KD, KH, KW, n, p], x [N, C, D, H, W].
    """
    channels, kd, kh, kw, samples, length = columns.shape
    _, _, depth, height, width = x.shape
    _, out_height, out_width = out_shape
    for c in range(channels):
        for k in range(kd * kh * kw):
            k_depth, k_height, k_width = k // (kh * kw), k // kw % kh, k % kw
            offset = k_width * dilation[2] - padding[2]
            for n in range(samples):
                line = columns[c, k_depth, k_height, k_width, n]
                row, first = position // out_width, position % out_width
                filled = 0
                while filled < length:
                    end = min(out_width, first + length - filled)
                    d = row // out_height * stride[0] + k_depth * dilation[0] - padding[0]
                    h = row % out_height * stride[1] + k_height * dilation[1] - padding[1]
                    target = line[filled : filled + end - first]
                    if 0 <= d < depth and 0 <= h < height:
                        low, high = reach(offset, stride[2], width, first, end)
                        source = x[sample + n, channel + c, d, h]
                        copy_row(target, source, low - first, high - first,
                                 first * stride[2] + offset, stride[2])  # fmt: skip
                    else:
                        for i in range(target.size):
                            target[i] = 0
                    filled += end - first
                    first = 0
                    row += 1


@CpuFunction
def copy_row(target, source, low, high, offset, stride):
    """target[i] = source[i * stride + offset] for low <= i < high, 0 elsewhere"""
    for i in range(low):
        target[i] = 0
    count = high - low
    inside = target[low:high]
    if stride == 1:
        begin = low + offset
        cells = source[begin : begin + count]
        for i in range(count):
            inside[i] = cells[i]
    elif count > 0:
        cells = source[low * stride + offset :]
        for i in range(count):
            inside[i] = cells[i * stride]
    rest = target[high:]
    for i in range(rest.size):
        rest[i] = 0


@CpuFunction
def fold(grad_x, columns, sample, channel, out_shape, stride, padding, dilation):
    """grad_x[sample + n, channel + c, window(p) at k] = sum over p, k of columns[c, k, n, p]

    The adjoint of ``unfold``: grad_x [N, C, D, H, W], columns [c, KD, KH, KW, n, OD * OH * OW].
    """
    channels, kd, kh, kw, samples, _ = columns.shape
    _, _, depth, height, width = grad_x.shape
    out_depth, out_height, out_width = out_shape
    for c in range(channels):
        for n in range(samples):
            plane = grad_x[sample + n, channel + c]
            plane[:] = 0
            for k in range(kd * kh * kw):
                k_depth, k_height, k_width = k // (kh * kw), k // kw % kh, k % kw
                offset = k_width * dilation[2] - padding[2]
                low, high = reach(offset, stride[2], width, 0, out_width)
                line = columns[c, k_depth, k_height, k_width, n]
                for row in range(out_depth * out_height):
                    d = row // out_height * stride[0] + k_depth * dilation[0] - padding[0]
                    h = row % out_height * stride[1] + k_height * dilation[1] - padding[1]
                    if 0 <= d < depth and 0 <= h < height and low < high:
                        begin = row * out_width
                        add_row(plane[d, h], line[begin + low : begin + high],
                                low * stride[2] + offset, stride[2])  # fmt: skip


@CpuFunction
def add_row(target, source, offset, stride):
    """target[i * stride + offset] += source[i]"""
    if stride == 1:
        cells = target[offset : offset + source.size]
        for i in range(source.size):
            cells[i] += source[i]
    else:
        cells = target[offset:]
        for i in range(source.size):
            cells[i * stride] += source[i]


# -- kernels --------------------------------------------------------------------------------------


def is_pointwise(weight, stride, padding):
    """Whether the unfolded input is the input itself."""
    return weight.shape[2:] == (1, 1, 1) and stride == (1, 1, 1) and padding == (0, 0, 0)


@cpu_host_kernel
def conv_forward(start, stop, out, x, weight, bias, stride, padding, dilation, groups, tile):
    """out[n, o, p] = bias[o] + sum over c, k of weight[o, c, k] * x[n, group(o) + c, p * stride - padding + k * dilation]

    An index is a block of tile[0] samples and a piece of tile[1] positions p.
    """
    samples, outputs = out.shape[:2]
    positions = math.prod(out.shape[2:])
    pieces = -(-positions // tile[1])
    matrix = weight.reshape(groups, outputs // groups, -1)
    flat = out.reshape(samples, groups, outputs // groups, positions)
    shift = bias.reshape(groups, outputs // groups, 1) if bias.size else None
    with blas.single_threaded():
        for index in range(start, stop):
            n0 = index // pieces * tile[0]
            n1 = min(n0 + tile[0], samples)
            p0 = index % pieces * tile[1]
            p1 = min(p0 + tile[1], positions)
            target = flat[n0:n1, :, :, p0:p1]
            if is_pointwise(weight, stride, padding):
                source = x.reshape(samples, groups, -1, positions)[n0:n1, :, :, p0:p1]
                np.matmul(matrix, source, out=target)
                if shift is not None:
                    np.add(target, shift, out=target)
            else:
                shape = (x.shape[1], *weight.shape[2:], n1 - n0, p1 - p0)
                columns = scratch.array("columns", shape, x.dtype)
                unfold.compiled()(
                    columns, x, n0, 0, p0, out.shape[2:], stride, padding, dilation
                )
                _multiply(target, matrix, columns.reshape(groups, matrix.shape[2], -1), shift)


def _multiply(target, matrix, columns, shift):
    """target[n, g, o, p] = shift[g, o] + sum over k of matrix[g, o, k] * columns[g, k, (n, p)]"""
    samples, groups, outputs, positions = target.shape
    if samples == 1:
        product = target
        np.matmul(matrix, columns, out=target[0])
    else:
        product = scratch.array("product", (groups, outputs, samples * positions), target.dtype)
        np.matmul(matrix, columns, out=product)
        product = product.reshape(groups, outputs, samples, positions).transpose(2, 0, 1, 3)
    if shift is not None:
        np.add(product, shift, out=target)
    elif samples > 1:
        np.copyto(target, product)


def _gathered(grad, n0, n1, g0, g1):
    """grad[n0:n1, g0:g1] of [N, G, O, P] as matrices [G, O, (n, p)]."""
    block = grad[n0:n1, g0:g1]
    samples, groups, outputs, positions = block.shape
    if samples == 1:
        return block[0]
    copy = scratch.array("gradient", (groups, outputs, samples, positions), grad.dtype)
    np.copyto(copy, block.transpose(1, 2, 0, 3))
    return copy.reshape(groups, outputs, samples * positions)


def _weight_block(weight, c0, c1, groups):
    """The part of ``weight`` that input channels c0..c1-1 meet, as [G, O, c * k], and its groups.

    Channels are whole groups, or part of the only one.
    """
    per_group = weight.shape[1]
    g0, g1 = c0 // per_group, -(-c1 // per_group)
    k = math.prod(weight.shape[2:])
    matrix = weight.reshape(groups, -1, per_group * k)
    first = (c0 - g0 * per_group) * k
    return matrix[g0:g1, :, first : first + (c1 - c0) // (g1 - g0) * k], g0, g1


@cpu_host_kernel
def conv_backward_input(start, stop, grad_x, grad, weight, stride, padding, dilation, groups, tile):
    """grad_x[n, c, i] = sum over o, k with i = p * stride - padding + k * dilation of weight[o, c, k] * grad[n, o, p]

    An index is a block of tile[0] samples and a block of tile[1] input channels.
    """
    samples, channels = grad_x.shape[:2]
    positions = math.prod(grad.shape[2:])
    blocks = -(-channels // tile[1])
    flat = grad.reshape(samples, groups, -1, positions)
    with blas.single_threaded():
        for index in range(start, stop):
            n0 = index // blocks * tile[0]
            n1 = min(n0 + tile[0], samples)
            c0 = index % blocks * tile[1]
            c1 = min(c0 + tile[1], channels)
            matrix, g0, g1 = _weight_block(weight, c0, c1, groups)
            transposed = matrix.transpose(0, 2, 1)
            if is_pointwise(weight, stride, padding):
                target = grad_x.reshape(samples, channels, positions)[n0:n1, c0:c1]
                target = target.reshape(n1 - n0, g1 - g0, -1, positions)
                np.matmul(transposed, flat[n0:n1, g0:g1], out=target)
                continue
            shape = (c1 - c0, *weight.shape[2:], n1 - n0, positions)
            columns = scratch.array("columns", shape, grad.dtype)
            product = columns.reshape(g1 - g0, matrix.shape[2], -1)
            np.matmul(transposed, _gathered(flat, n0, n1, g0, g1), out=product)
            fold.compiled()(grad_x, columns, n0, c0, grad.shape[2:], stride, padding, dilation)


@cpu_host_kernel
def conv_backward_weight(
    start, stop, partial, grad, x, stride, padding, dilation, groups, tile, per_part
):
    """partial[b, o, c, k] = sum over n of part b, p of grad[n, o, p] * x[n, group(o) + c, p * stride - padding + k * dilation]

    An index is a part of per_part samples, worked on tile[0] at a time, and a block of tile[1]
    input channels.
    """
    samples, channels = x.shape[:2]
    positions = math.prod(grad.shape[2:])
    kernel = partial.shape[3:]
    blocks = -(-channels // tile[1])
    flat = grad.reshape(samples, groups, -1, positions)
    pointwise = is_pointwise(partial[0], stride, padding)
    with blas.single_threaded():
        for index in range(start, stop):
            part = index // blocks
            c0 = index % blocks * tile[1]
            c1 = min(c0 + tile[1], channels)
            total, g0, g1 = _weight_block(partial[part], c0, c1, groups)
            product = scratch.array("product", total.shape, total.dtype)
            total[:] = 0
            end = min((part + 1) * per_part, samples)
            for n0 in range(part * per_part, end, tile[0]):
                n1 = min(n0 + tile[0], end)
                if pointwise and n1 - n0 == 1:
                    columns = x.reshape(samples, channels, positions)[n0, c0:c1]
                else:
                    shape = (c1 - c0, *kernel, n1 - n0, positions)
                    columns = scratch.array("columns", shape, x.dtype)
                    unfold.compiled()(
                        columns, x, n0, c0, 0, grad.shape[2:], stride, padding, dilation
                    )
                columns = columns.reshape(g1 - g0, total.shape[2], -1)
                np.matmul(
                    _gathered(flat, n0, n1, g0, g1), columns.transpose(0, 2, 1), out=product
                )
                total += product
