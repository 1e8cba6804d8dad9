"""Softmax along the middle axis of [outer, length, inner]; a row is one (outer, inner) pair.

A row is passed over several times while it stays in the first-level cache: the maximum, exp and its
sum, the division. Every pass vectorises; see ``exponential.py`` for exp.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from .._jit import CpuFunction, CpuKernel, cpu_host_kernel
from .exponential import I32, I64, D, F, exp

# Rows whose elements are not neighbours go through a buffer of about so many elements.
BLOCK = 65_536


def row_blocks(start: int, stop: int, shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Sub-ranges of the row index: all, or where inner > 1 short ones of one outer index each."""
    _, length, inner = shape
    step = max(1, BLOCK // length) if inner > 1 else stop - start
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


def each_block(
    start: int, stop: int, loop: CpuKernel, out: np.ndarray, *inputs: np.ndarray
) -> None:
    """``loop(out, *inputs)`` over blocks of rows that are contiguous for ``loop``."""
    for first, last in row_blocks(start, stop, out.shape):
        target = rows_of(out, first, last)
        rows = [np.ascontiguousarray(rows_of(x, first, last)) for x in inputs]
        work = np.ascontiguousarray(target)
        loop.compiled()(work, *rows)
        if work is not target:
            target[...] = work


@CpuFunction
def ordered(x):
    """An integer with the order of x, as in ``reduce.py``; NaN without a sign is above infinity."""
    if isinstance(x, F):
        bits = F(x).view(I32)
        return I32(bits ^ (I32(bits >> I32(31)) & I32(0x7FFF_FFFF)))
    wide = D(x).view(I64)
    return I64(wide ^ ((wide >> 63) & 0x7FFF_FFFF_FFFF_FFFF))


@CpuFunction
def row_max(x):
    """The maximum, of integers because numba vectorises no other. A NaN it misses shows in exp."""
    best = ordered(x[0])
    for j in range(x.size):
        best = max(best, ordered(x[j]))
    if isinstance(x[0], F):
        return I32(ordered(I32(best).view(F))).view(F)
    return I64(ordered(I64(best).view(D))).view(D)


def _exp_sum(out, x, peak):
    """out = exp(x - peak); its sum, float64. Two passes: the sum's wide lanes would slow exp."""
    for j in range(x.size):
        out[j] = exp(x[j] - peak)
    t = 0.0
    for j in range(x.size):
        t += out[j]
    return t


exp_sum = CpuFunction(_exp_sum, "reassociate")


def _softmax(out, x):
    for i in range(x.shape[0]):
        to = out[i]
        factor = out.dtype.type(1 / exp_sum(to, x[i], row_max(x[i])))
        for j in range(to.size):
            to[j] *= factor


def _softmax_gradient(grad_x, grad_out, out):
    for i in range(out.shape[0]):
        to, g, y = grad_x[i], grad_out[i], out[i]
        t = 0.0
        for j in range(y.size):
            t += g[j] * y[j]
        mean = out.dtype.type(t)
        for j in range(y.size):
            to[j] = y[j] * (g[j] - mean)


def _log_softmax(out, x):
    for i in range(x.shape[0]):
        to, row = out[i], x[i]
        peak = row_max(row)
        level = out.dtype.type(math.log(exp_sum(to, row, peak)))
        for j in range(to.size):
            to[j] = (row[j] - peak) - level


def _log_softmax_gradient(grad_x, grad_out, out):
    for i in range(out.shape[0]):
        to, g, y = grad_x[i], grad_out[i], out[i]
        t = 0.0
        for j in range(g.size):
            t += g[j]
        total = out.dtype.type(t)
        for j in range(g.size):
            to[j] = g[j] - exp(y[j]) * total


# Loops of the host kernels below; they take whole blocks and have no CUDA twins of their own.
softmax = CpuKernel(_softmax, "contract")
softmax_gradient = CpuKernel(_softmax_gradient, "reassociate")
log_softmax = CpuKernel(_log_softmax, "contract")
log_softmax_gradient = CpuKernel(_log_softmax_gradient, "reassociate")


@cpu_host_kernel
def softmax_forward(start, stop, out, x):
    """out[o, j, c] = exp(x[o, j, c] - max_j x) / sum_j exp(x[o, j, c] - max_j x)"""
    each_block(start, stop, softmax, out, x)


@cpu_host_kernel
def softmax_backward(start, stop, grad_x, grad_out, out):
    """grad_x[o, j, c] = out[o, j, c] * (grad_out[o, j, c] - sum_j (grad_out * out)[o, j, c])"""
    each_block(start, stop, softmax_gradient, grad_x, grad_out, out)


@cpu_host_kernel
def log_softmax_forward(start, stop, out, x):
    """out[o, j, c] = x[o, j, c] - max_j x - log sum_j exp(x[o, j, c] - max_j x)"""
    each_block(start, stop, log_softmax, out, x)


@cpu_host_kernel
def log_softmax_backward(start, stop, grad_x, grad_out, out):
    """grad_x[o, j, c] = grad_out[o, j, c] - exp(out[o, j, c]) * sum_j grad_out[o, j, c]"""
    each_block(start, stop, log_softmax_gradient, grad_x, grad_out, out)
