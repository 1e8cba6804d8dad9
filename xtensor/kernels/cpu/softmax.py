"""Softmax along the middle axis of [outer, length, inner]; a row is one (outer, inner) pair.

A row is passed over several times while it stays in the first-level cache: the maximum, exp and its
sum, the division. Every pass vectorises; see ``exponential.py`` for exp.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .._jit import CpuFunction, CpuKernel, cpu_host_kernel
from .exponential import exp
from .reduce import LARGEST
from .simd import pointer

# Rows whose elements are not neighbours go through a buffer of about so many elements.
BLOCK = 65_536

row_max = LARGEST["compare_row"]


def each_row(
    loop: CpuKernel, shape: tuple[int, ...], start: int, stop: int, results: int, *args: Any
) -> None:
    """``loop(first, last, *args)`` over rows, on copies where a row's elements are not neighbours.

    Args:
        shape: outer, length, inner.
        results: so many of ``args``, the first ones, are written.
        args: arrays of that shape, flat ones with an element for each row, numbers.
    """
    if shape[2] == 1:
        loop.compiled()(start, stop, *args)
        return
    for first, last in _row_blocks(start, stop, shape):
        views = [_rows_of(a, first, last) if isinstance(a, np.ndarray) else a for a in args]
        copies = [np.ascontiguousarray(a) if isinstance(a, np.ndarray) else a for a in views]
        loop.compiled()(0, last - first, *copies)
        for view, copy in zip(views[:results], copies):
            if copy is not view:
                view[...] = copy


def _row_blocks(start: int, stop: int, shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Short sub-ranges of the row index, of one outer index each."""
    _, length, inner = shape
    step = max(1, BLOCK // length)
    while start < stop:
        last = min(start + step, stop, (start // inner + 1) * inner)
        yield start, last
        start = last


def _rows_of(array: np.ndarray, first: int, last: int) -> np.ndarray:
    """Rows first..last-1, all of one outer index, as a view [rows, length, 1]; or [rows]."""
    if array.ndim == 1:
        return array[first:last]
    inner = array.shape[2]
    column = first % inner
    return array[first // inner, :, column : column + last - first].T[:, :, np.newaxis]


def _exp_sum(out, to, x, at, length, peak):
    """out[to + j] = exp(x[at + j] - peak); their sum, float64.

    Two passes: the sum's wide lanes would slow exp.
    """
    for j in range(length):
        out[to + j] = exp(x[at + j] - peak)
    t = 0.0
    for j in range(length):
        t += out[to + j]
    return t


exp_sum = CpuFunction(_exp_sum, "reassociate")


def _softmax(start, stop, out, x):
    length = x.shape[1]
    to, xs = pointer(out), pointer(x)
    for at in range(start * length, stop * length, length):
        total = exp_sum(to, at, xs, at, length, row_max(xs, at, length))
        factor = out.dtype.type(1 / total)
        for j in range(length):
            to[at + j] *= factor


def _softmax_gradient(start, stop, grad_x, grad_out, out):
    length = out.shape[1]
    to, g, y = pointer(grad_x), pointer(grad_out), pointer(out)
    for at in range(start * length, stop * length, length):
        t = 0.0
        for j in range(length):
            t += g[at + j] * y[at + j]
        mean = out.dtype.type(t)
        for j in range(length):
            to[at + j] = y[at + j] * (g[at + j] - mean)


def _log_softmax(start, stop, out, x):
    length = x.shape[1]
    to, xs = pointer(out), pointer(x)
    for at in range(start * length, stop * length, length):
        peak = row_max(xs, at, length)
        level = out.dtype.type(math.log(exp_sum(to, at, xs, at, length, peak)))
        for j in range(length):
            to[at + j] = (xs[at + j] - peak) - level


def _log_softmax_gradient(start, stop, grad_x, grad_out, out):
    length = out.shape[1]
    to, g, y = pointer(grad_x), pointer(grad_out), pointer(out)
    for at in range(start * length, stop * length, length):
        t = 0.0
        for j in range(length):
            t += g[at + j]
        total = out.dtype.type(t)
        for j in range(length):
            to[at + j] = g[at + j] - exp(y[at + j]) * total


# Loops of the host kernels below; they take rows of neighbours and have no CUDA twins of their own.
softmax = CpuKernel(_softmax, "contract")
softmax_gradient = CpuKernel(_softmax_gradient, "reassociate")
log_softmax = CpuKernel(_log_softmax, "contract")
log_softmax_gradient = CpuKernel(_log_softmax_gradient, "reassociate")


@cpu_host_kernel
def softmax_forward(start, stop, out, x):
    """out[o, j, c] = exp(x[o, j, c] - max_j x) / sum_j exp(x[o, j, c] - max_j x)"""
    each_row(softmax, out.shape, start, stop, 1, out, x)


@cpu_host_kernel
def softmax_backward(start, stop, grad_x, grad_out, out):
    """grad_x[o, j, c] = out[o, j, c] * (grad_out[o, j, c] - sum_j (grad_out * out)[o, j, c])"""
    each_row(softmax_gradient, grad_x.shape, start, stop, 1, grad_x, grad_out, out)


@cpu_host_kernel
def log_softmax_forward(start, stop, out, x):
    """out[o, j, c] = x[o, j, c] - max_j x - log sum_j exp(x[o, j, c] - max_j x)"""
    each_row(log_softmax, out.shape, start, stop, 1, out, x)


@cpu_host_kernel
def log_softmax_backward(start, stop, grad_x, grad_out, out):
    """grad_x[o, j, c] = grad_out[o, j, c] - exp(out[o, j, c]) * sum_j grad_out[o, j, c]"""
    each_row(log_softmax_gradient, grad_x.shape, start, stop, 1, grad_x, grad_out, out)
