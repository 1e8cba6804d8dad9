"""Convolution as products of matrices, for kernels and steps that Winograd's form does not take.

The cells under each kernel element are unfolded into rows, [C * k, positions] for a sample, and the
weight, as a matrix [O, C * k], is multiplied with them by BLAS; the gradients are the transposed
products. A 1x1 kernel with step 1 needs no unfolding. Samples are worked on a few at a time, so
that what is unfolded stays in the second-level cache. ``groups`` is always 1 here.

Source: Chellapilla, Puri and Simard, "High performance convolutional neural networks for document
processing" (2006).
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from .. import blas
from .._jit import CpuFunction
from ..parallel import parallel_for
from .scratch import scratch

# What the unfolded samples of a block may take.
BLOCK_BYTES = 512 << 10
# A weight gradient is summed up in so many parts at most, of so many bytes together.
PARTS, PART_BYTES = 16, 4 << 20


@CpuFunction
def copy_windows(columns, cells, stride, dilation):
    """columns[p, a, b, e, i, j, k] = cells[p, i s + a d, j s + b d, k s + e d]"""
    planes, kd, kh, kw, depth, height, width = columns.shape
    to, source = columns.reshape(-1), cells.reshape(-1)
    at, step = 0, stride[2]
    for row in range(planes * kd * kh * kw):
        p, a, b, e = row // (kd * kh * kw), row // (kh * kw) % kd, row // kw % kh, row % kw
        for i in range(depth):
            for j in range(height):
                z, y = i * stride[0] + a * dilation[0], j * stride[1] + b * dilation[1]
                begin = ((p * cells.shape[1] + z) * cells.shape[2] + y) * cells.shape[3]
                begin += e * dilation[2]
                if step == 1:
                    for k in range(width):
                        to[np.uint64(at + k)] = source[np.uint64(begin + k)]
                else:
                    for k in range(width):
                        to[np.uint64(at + k)] = source[np.uint64(begin + k * step)]
                at += width


class Unfolder:
    """Unfolds blocks of samples of x [N, C, D, H, W] into [n, C * k, positions]."""

    def __init__(self, x, kernel, stride, before, dilation, counts):
        """``before``: cells of padding before each axis; below 0, cells of x that are left out."""
        self.x, self.kernel, self.counts = x, tuple(kernel), tuple(counts)
        self.stride, self.dilation = stride, dilation
        self.rows = x.shape[1] * math.prod(kernel)
        self.plain = (
            math.prod(kernel) == math.prod(stride) == 1 and self.counts == x.shape[2:]
        )  # fmt: skip
        bytes_of_one = self.rows * math.prod(self.counts) * x.dtype.itemsize
        self.samples = max(1, BLOCK_BYTES // bytes_of_one)
        if self.plain:
            return
        shape = tuple(
            (count - 1) * s + (k - 1) * d + 1
            for count, s, k, d in zip(self.counts, stride, kernel, dilation)
        )
        # Without padding, windows lie in x; else in a buffer of zeros with x in its middle.
        self.inside = not any(before) and all(a <= b for a, b in zip(shape, x.shape[2:]))
        self.padded = self._buffer("padded", (self.samples, x.shape[1], *shape))
        self.padded[...] = 0
        self.target, self.source = self._overlap(before, shape)
        self.columns = self._buffer(
            "columns", (self.samples, x.shape[1], *self.kernel, *self.counts)
        )

    def _buffer(self, name, shape):
        return scratch.array(name, math.prod(shape), self.x.dtype).reshape(shape)

    def _overlap(self, before, shape):
        """Where in the padded buffer x goes, and which part of x that is, along each axis."""
        everything = slice(None), slice(None)
        target, source = [], []
        for b, size, length in zip(before, shape, self.x.shape[2:]):
            first, end = max(0, b), max(0, b, min(size, b + length))
            target.append(slice(first, end))
            source.append(slice(first - b, end - b))
        return (*everything, *target), (*everything, *source)

    def blocks(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Blocks of samples."""
        for first in range(start, stop, self.samples):
            yield first, min(first + self.samples, stop)

    def unfold(self, first: int, end: int) -> np.ndarray:
        """[n, C * k, positions] of samples first..end-1; overwritten by the next call."""
        n = end - first
        if self.plain:
            return self.x[first:end].reshape(n, self.rows, -1)
        cells = self.x[first:end]
        if not self.inside:
            self.padded[:n][self.target] = cells[self.source]
            cells = self.padded[:n]
        columns = self.columns[:n]
        copy_windows.compiled()(
            columns.reshape(-1, *self.kernel, *self.counts),
            cells.reshape(-1, *cells.shape[2:]), self.stride, self.dilation,
        )  # fmt: skip
        return self.columns[:n].reshape(n, self.rows, -1)

    def fold(self, first: int, end: int, columns: np.ndarray) -> None:
        """The way back: add [n, C * k, positions] up in samples first..end-1 of x."""
        n = end - first
        self.padded[:n] = 0
        cells = columns.reshape(n, *self.columns.shape[1:])
        for element in np.ndindex(*self.kernel):
            places = tuple(
                slice(k * d, k * d + (count - 1) * s + 1, s)
                for k, d, count, s in zip(element, self.dilation, self.counts, self.stride)
            )
            self.padded[:n][(slice(None), slice(None), *places)] += cells[
                (slice(None), slice(None), *element)
            ]
        self.x[first:end] = 0
        self.x[first:end][self.source] = self.padded[:n][self.target]


def forward(out, x, weight, bias, stride, padding, dilation, groups):
    """out[n] = weight [O, C * k] @ unfolded x[n] + bias"""
    with blas.single_threaded():
        parallel_for(_forward_samples, len(x), (out, x, weight, bias, stride, padding, dilation))


def _forward_samples(start, stop, out, x, weight, bias, stride, before, dilation):
    unfolder = Unfolder(x, weight.shape[2:], stride, before, dilation, out.shape[2:])
    matrix = weight.reshape(len(weight), -1)
    for first, end in unfolder.blocks(start, stop):
        to = out[first:end].reshape(end - first, len(weight), -1)
        np.matmul(matrix, unfolder.unfold(first, end), out=to)
        if bias.size:
            np.add(to, bias[:, None], out=to)


def backward_input(grad_x, grad, weight, stride, padding, dilation, groups):
    """The same with kernels turned around, and channels exchanged; with a step, folded rows of
    weight^T @ grad[n]."""
    if math.prod(stride) == 1:
        turned = np.ascontiguousarray(weight.transpose(1, 0, 2, 3, 4)[:, :, ::-1, ::-1, ::-1])
        before = tuple(
            (k - 1) * d - p for k, d, p in zip(weight.shape[2:], dilation, padding)
        )  # fmt: skip
        none = np.empty(0, grad.dtype)
        forward(grad_x, grad, turned, none, stride, before, dilation, groups)
        return
    with blas.single_threaded():
        parallel_for(_backward_input_samples, len(grad),
                     (grad_x, grad, weight, stride, padding, dilation))  # fmt: skip


def _backward_input_samples(start, stop, grad_x, grad, weight, stride, padding, dilation):
    unfolder = Unfolder(grad_x, weight.shape[2:], stride, padding, dilation, grad.shape[2:])
    matrix = weight.reshape(len(weight), -1).T
    for first, end in unfolder.blocks(start, stop):
        rows = matrix @ grad[first:end].reshape(end - first, len(weight), -1)
        unfolder.fold(first, end, rows)


def backward_weight(grad_weight, grad, x, stride, padding, dilation, groups):
    """grad_weight [O, C * k] = sum over n of grad[n] @ (unfolded x[n])^T"""
    parts = max(1, min(PARTS, len(x), max(2, PART_BYTES // grad_weight.nbytes)))
    partial = np.empty((parts, *grad_weight.shape), grad_weight.dtype)
    with blas.single_threaded():
        parallel_for(_backward_weight_parts, parts, (partial, grad, x, stride, padding, dilation))
    np.sum(partial, axis=0, out=grad_weight)


def _backward_weight_parts(start, stop, partial, grad, x, stride, padding, dilation):
    parts, outputs = partial.shape[:2]
    unfolder = Unfolder(x, partial.shape[3:], stride, padding, dilation, grad.shape[2:])
    for part in range(start, stop):
        total = partial[part].reshape(outputs, -1)
        total[...] = 0
        begin, stop_part = part * len(x) // parts, (part + 1) * len(x) // parts
        for first, end in unfolder.blocks(begin, stop_part):
            gradients = grad[first:end].reshape(end - first, outputs, -1)
            products = np.matmul(gradients, unfolder.unfold(first, end).transpose(0, 2, 1))
            for product in products:
                total += product
