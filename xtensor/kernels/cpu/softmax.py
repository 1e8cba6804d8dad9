"""Softmax along the middle axis of [outer, length, inner]; a row is one (outer, inner) pair.

Rows go through in blocks that stay in the second-level cache: a compiled loop subtracts the
maximum, NumPy's vector exp follows (numba's scalar one made the whole 2.5 times slower), a compiled
loop divides.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from .._jit import CpuFunction, CpuKernel, cpu_host_kernel, cpu_kernel

BLOCK = 65_536


def row_blocks(start: int, stop: int, shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Sub-ranges of the row index: about BLOCK elements each, all of one outer index."""
    _, length, inner = shape
    step = max(1, BLOCK // length)
    while start < stop:
        last = min(start + step, stop)
        if inner > 1:
            last = min(last, (start // inner + 1) * inner)
        yield start, last
        start = last


def rows_of(x: np.ndarray, first: int, last: int) -> np.ndarray:
    """Rows first..last-1, all of one outer index where inner > 1, as a view [rows, length]."""
    outer, length, inner = x.shape
    if inner == 1:
        return x.reshape(outer, length)[first:last]
    column = first % inner
    return x[first // inner, :, column : column + last - first].T


def scratch(like: np.ndarray) -> np.ndarray:
    """A buffer for the rows of any block."""
    length = like.shape[1]
    return np.empty((max(1, BLOCK // length), length), like.dtype)


@CpuFunction
def row_max(x, i):
    """Four running maxima: a single one would wait for each comparison."""
    length = x.shape[1]
    a = b = c = d = x[i, 0]
    j = 0
    while j + 4 <= length:
        a = max(a, x[i, j])
        b = max(b, x[i, j + 1])
        c = max(c, x[i, j + 2])
        d = max(d, x[i, j + 3])
        j += 4
    while j < length:
        a = max(a, x[i, j])
        j += 1
    return max(max(a, b), max(c, d))


def _shift(out, peak, x):
    for i in range(x.shape[0]):
        peak[i] = row_max(x, i)
        for j in range(x.shape[1]):
            out[i, j] = x[i, j] - peak[i]


def _row_sums(total, x):
    for i in range(x.shape[0]):
        t = 0.0
        for j in range(x.shape[1]):
            t += x[i, j]
        total[i] = t


def _divide(out, total):
    for i in range(out.shape[0]):
        factor = 1 / total[i]
        for j in range(out.shape[1]):
            out[i, j] *= factor


def _subtract_log(out, total):
    for i in range(out.shape[0]):
        t = out.dtype.type(math.log(total[i]))
        for j in range(out.shape[1]):
            out[i, j] -= t


def _subtract_scaled(out, x, y, factor):
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = x[i, j] - y[i, j] * factor[i]


# Loops of the host kernels below; they take whole blocks and have no CUDA twins of their own.
shift = CpuKernel(_shift, "reassociate")
row_sums = CpuKernel(_row_sums, "reassociate")
divide = CpuKernel(_divide, "reassociate")
subtract_log = CpuKernel(_subtract_log, "reassociate")
subtract_scaled = CpuKernel(_subtract_scaled, "reassociate")


def exp_shifted(work: np.ndarray, peak: np.ndarray, total: np.ndarray, x: np.ndarray) -> None:
    """work = exp(x - peak), peak = max x, total = sum work, row by row of a block"""
    shift.compiled()(work, peak, x)
    np.exp(work, out=work)
    row_sums.compiled()(total, work)


@cpu_host_kernel
def softmax_forward(start, stop, out, x):
    """out[o, j, c] = exp(x[o, j, c] - max_j x) / sum_j exp(x[o, j, c] - max_j x)"""
    buffer = scratch(x)
    peak = np.empty(buffer.shape[0], x.dtype)
    total = np.empty_like(peak)
    for first, last in row_blocks(start, stop, x.shape):
        rows, count = rows_of(out, first, last), last - first
        work = rows if x.shape[2] == 1 else buffer[:count]
        exp_shifted(work, peak[:count], total[:count], rows_of(x, first, last))
        divide.compiled()(work, total[:count])
        if work is not rows:
            rows[...] = work


@cpu_kernel(fastmath="reassociate")
def softmax_backward(start, stop, grad_x, grad_out, out):
    """grad_x[o, j, c] = out[o, j, c] * (grad_out[o, j, c] - sum_j (grad_out * out)[o, j, c])"""
    length, inner = out.shape[1], out.shape[2]
    for k in range(start, stop):
        o, c = k // inner, k % inner
        t = 0.0
        for j in range(length):
            t += grad_out[o, j, c] * out[o, j, c]
        mean = out.dtype.type(t)
        for j in range(length):
            grad_x[o, j, c] = out[o, j, c] * (grad_out[o, j, c] - mean)


@cpu_host_kernel
def log_softmax_forward(start, stop, out, x):
    """out[o, j, c] = x[o, j, c] - max_j x - log sum_j exp(x[o, j, c] - max_j x)"""
    buffer, other = scratch(x), scratch(x)
    peak = np.empty(buffer.shape[0], x.dtype)
    total = np.empty_like(peak)
    for first, last in row_blocks(start, stop, x.shape):
        rows, count = rows_of(out, first, last), last - first
        work = rows if x.shape[2] == 1 else other[:count]
        shift.compiled()(work, peak[:count], rows_of(x, first, last))
        np.exp(work, out=buffer[:count])
        row_sums.compiled()(total[:count], buffer[:count])
        subtract_log.compiled()(work, total[:count])
        if work is not rows:
            rows[...] = work


@cpu_host_kernel
def log_softmax_backward(start, stop, grad_x, grad_out, out):
    """grad_x[o, j, c] = grad_out[o, j, c] - exp(out[o, j, c]) * sum_j grad_out[o, j, c]"""
    buffer = scratch(out)
    total = np.empty(buffer.shape[0], out.dtype)
    for first, last in row_blocks(start, stop, out.shape):
        grad, count = rows_of(grad_out, first, last), last - first
        work = buffer[:count]
        row_sums.compiled()(total[:count], grad)
        np.exp(rows_of(out, first, last), out=work)
        subtract_scaled.compiled()(rows_of(grad_x, first, last), grad, work, total[:count])
