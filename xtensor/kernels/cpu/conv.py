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
from .._jit import cpu_host_kernel
from .unfold import fold, unfold

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


def is_pointwise(kernel, stride, padding):
    """Whether the unfolded input is the input itself."""
    return kernel == (1, 1, 1) and stride == (1, 1, 1) and padding == (0, 0, 0)


@cpu_host_kernel
def conv_forward(start, stop, out, x, weight, bias, stride, padding, dilation, groups, tile):
    """out[n, o, p] = bias[o]
        + sum over c, k of weight[o, c, k] * x[n, g + c, p * stride - padding + k * dilation]

    g is the first channel of the group of o; an empty bias counts as 0.

    An index is a block of tile[0] samples and a piece of tile[1] positions p.
    """
    samples, outputs = out.shape[:2]
    positions = math.prod(out.shape[2:])
    pieces = -(-positions // tile[1])
    matrix = weight.reshape(groups, outputs // groups, -1)
    flat = out.reshape(samples, groups, outputs // groups, positions)
    shift = bias.reshape(groups, outputs // groups, 1) if bias.size else None
    kernel, pointwise = weight.shape[2:], is_pointwise(weight.shape[2:], stride, padding)
    with blas.single_threaded():
        for index in range(start, stop):
            n0 = index // pieces * tile[0]
            n1 = min(n0 + tile[0], samples)
            p0 = index % pieces * tile[1]
            p1 = min(p0 + tile[1], positions)
            target = flat[n0:n1, :, :, p0:p1]
            if pointwise:
                source = x.reshape(samples, groups, -1, positions)[n0:n1, :, :, p0:p1]
                np.matmul(matrix, source, out=target)
                if shift is not None:
                    np.add(target, shift, out=target)
            else:
                shape = (x.shape[1], math.prod(kernel), n1 - n0, p1 - p0)
                columns = scratch.array("columns", shape, x.dtype)
                unfold.compiled()(
                    columns, x, n0, 0, p0, kernel, out.shape[2:], stride, padding, dilation
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
    """grad_x[n, g + c, p * stride - padding + k * dilation]
        = sum over all o, k, p that meet there of weight[o, c, k] * grad[n, o, p]

    g is the first channel of the group of o.

    An index is a block of tile[0] samples and a block of tile[1] input channels.
    """
    samples, channels = grad_x.shape[:2]
    positions = math.prod(grad.shape[2:])
    blocks = -(-channels // tile[1])
    flat = grad.reshape(samples, groups, grad.shape[1] // groups, positions)
    kernel, pointwise = weight.shape[2:], is_pointwise(weight.shape[2:], stride, padding)
    with blas.single_threaded():
        for index in range(start, stop):
            n0 = index // blocks * tile[0]
            n1 = min(n0 + tile[0], samples)
            c0 = index % blocks * tile[1]
            c1 = min(c0 + tile[1], channels)
            matrix, g0, g1 = _weight_block(weight, c0, c1, groups)
            transposed = matrix.transpose(0, 2, 1)
            if pointwise:
                target = grad_x.reshape(samples, channels, positions)[n0:n1, c0:c1]
                target = target.reshape(n1 - n0, g1 - g0, -1, positions)
                np.matmul(transposed, flat[n0:n1, g0:g1], out=target)
                continue
            shape = (c1 - c0, math.prod(kernel), n1 - n0, positions)
            columns = scratch.array("columns", shape, grad.dtype)
            product = columns.reshape(g1 - g0, matrix.shape[2], -1)
            np.matmul(transposed, _gathered(flat, n0, n1, g0, g1), out=product)
            fold.compiled()(
                grad_x, columns, n0, c0, kernel, grad.shape[2:], stride, padding, dilation
            )


@cpu_host_kernel
def conv_backward_weight(
    start, stop, partial, grad, x, stride, padding, dilation, groups, tile, per_part
):
    """partial[b, o, c, k] = sum over n of part b and over p of
        grad[n, o, p] * x[n, g + c, p * stride - padding + k * dilation]

    g is the first channel of the group of o.

    An index is a part of per_part samples, worked on tile[0] at a time, and a block of tile[1]
    input channels.
    """
    samples, channels = x.shape[:2]
    positions = math.prod(grad.shape[2:])
    kernel = partial.shape[3:]
    blocks = -(-channels // tile[1])
    flat = grad.reshape(samples, groups, grad.shape[1] // groups, positions)
    pointwise = is_pointwise(kernel, stride, padding)
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
                    shape = (c1 - c0, math.prod(kernel), n1 - n0, positions)
                    columns = scratch.array("columns", shape, x.dtype)
                    unfold.compiled()(
                        columns, x, n0, c0, 0, kernel, grad.shape[2:], stride, padding, dilation
                    )
                columns = columns.reshape(g1 - g0, total.shape[2], -1)
                np.matmul(_gathered(flat, n0, n1, g0, g1), columns.transpose(0, 2, 1), out=product)
                total += product
