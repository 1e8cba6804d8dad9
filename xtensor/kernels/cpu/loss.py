"""Losses: each row or part of the batch gives its share of the mean, which the op then sums.

``loss`` and ``part_loss`` are float64, so that a mean over many rows keeps its digits. Backward
kernels get ``grad_out`` of shape [1] and ``factor``, the derivative of the mean.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._jit import (
    CpuFunction,
    cpu_function,
    cpu_host_kernel,
    cpu_kernel,
    cpu_whole_kernel,
)
from ..parallel import parallel_for
from .exponential import D, exp
from .simd import pointer, room
from .softmax import (
    LAID,
    TILE,
    columns_of,
    exp_columns,
    exp_total,
    log_sum,
    row_max,
    share_out,
    store_rows,
)

# -- loops of the kernels below -------------------------------------------------------------------

# They have no CUDA twins of their own. Those of columns are bound to what they are over, see
# ``softmax.over_columns``.
short: Any = None
tile_of: Any = None


@CpuFunction
def cross_entropy_rows(start, stop, loss, peaks, totals, x, classes, factor):
    length = x.shape[1]
    xs = pointer(x)
    for i in range(start, stop):
        at = i * length
        peak = row_max(xs, at, length)
        total = exp_total(xs, at, length, peak)
        peaks[i], totals[i] = peak, total
        loss[i] = factor * (math.log(total) - (xs[at + classes[i]] - peak))


@CpuFunction
def cross_entropy_gradient_rows(start, stop, grad_x, x, classes, peaks, totals, factor):
    length = x.shape[1]
    to, xs = pointer(grad_x), pointer(x)
    for i in range(start, stop):
        at, peak, scale = i * length, peaks[i], factor / totals[i]
        for j in range(length):
            to[at + j] = exp(xs[at + j] - peak) * scale
        to[at + classes[i]] -= factor


def cross_entropy_columns(start, stop, loss, peaks, totals, x, classes, factor):
    length = x.shape[1]
    xs = pointer(x)
    peak, part, work, total = room(xs, TILE), room(xs, TILE), room(xs, TILE), room(D, TILE)
    laid = room(xs, LAID)
    for tile in range(start, stop):
        first, begin, count, step = tile_of(tile, x)
        source, at = columns_of(xs, begin, length, count, laid, short)
        # The exponentials are not kept: those of each row go over the last ones.
        exp_columns(work, 0, 0, source, at, length, step, count, peak, total, part, 1)
        for j in range(count):
            peaks[first + j], totals[first + j] = peak[j], total[j]
            total[j] = log_sum(total[j])
        for j in range(count):
            chosen = source[at + classes[first + j] * step + j]
            loss[first + j] = factor * (total[j] - (chosen - peak[j]))


def cross_entropy_gradient_columns(start, stop, grad_x, x, classes, peaks, totals, factor):
    length = x.shape[1]
    to, xs = pointer(grad_x), pointer(x)
    peak, scale = room(xs, TILE), room(xs, TILE)
    laid, results = room(xs, LAID), room(xs, LAID)
    for tile in range(start, stop):
        first, begin, count, step = tile_of(tile, x)
        source, at = columns_of(xs, begin, length, count, laid, short)
        target = results if short else to
        for j in range(count):
            peak[j], scale[j] = peaks[first + j], factor / totals[first + j]
        for i in range(at, at + length * step, step):
            for j in range(count):
                target[i + j] = exp(source[i + j] - peak[j]) * scale[j]
        for j in range(count):
            target[at + classes[first + j] * step + j] -= factor
        if short:
            store_rows(to, begin, length, count, results)


@CpuFunction
def softmax_cross_entropy_rows(start, stop, loss, peaks, totals, x, y, factor):
    length = x.shape[1]
    xs, ys = pointer(x), pointer(y)
    for i in range(start, stop):
        at = i * length
        peak = row_max(xs, at, length)
        peaks[i], totals[i] = peak, exp_total(xs, at, length, peak)
        log_total = math.log(totals[i])
        share = 0.0
        for j in range(length):
            if ys[at + j] != 0:
                share += ys[at + j] * (log_total - (xs[at + j] - peak))
        loss[i] = factor * share


@cpu_function("reassociate")
def softmax_cross_entropy_gradient_rows(start, stop, grad_x, x, y, peaks, totals, factor):
    length = x.shape[1]
    to, xs, ys = pointer(grad_x), pointer(x), pointer(y)
    for i in range(start, stop):
        at, peak = i * length, peaks[i]
        weight = 0.0
        for j in range(length):
            weight += ys[at + j]
        scale = x.dtype.type(factor * weight / totals[i])
        for j in range(length):
            to[at + j] = exp(xs[at + j] - peak) * scale - factor * ys[at + j]


@CpuFunction
def categorical_cross_entropy_rows(start, stop, loss, peaks, totals, x, y, factor, epsilon):
    length = x.shape[1]
    xs, ys = pointer(x), pointer(y)
    for i in range(start, stop):
        at = i * length
        peak = row_max(xs, at, length)
        total = exp_total(xs, at, length, peak)
        peaks[i], totals[i] = peak, total
        share = 0.0
        for j in range(length):
            if ys[at + j] != 0:
                share -= ys[at + j] * math.log(exp(xs[at + j] - peak) / total + epsilon)
        loss[i] = factor * share


@CpuFunction
def categorical_cross_entropy_gradient_rows(
    start, stop, grad_x, x, y, peaks, totals, factor, epsilon
):
    length = x.shape[1]
    to, xs, ys = pointer(grad_x), pointer(x), pointer(y)
    for i in range(start, stop):
        at = i * length
        mean = 0.0
        for j in range(length):
            p = exp(xs[at + j] - peaks[i]) / totals[i]
            to[at + j] = p
            mean -= ys[at + j] / (p + epsilon) * p
        for j in range(length):
            p = to[at + j]
            to[at + j] = factor * p * (-ys[at + j] / (p + epsilon) - mean)


# -- cross-entropies ------------------------------------------------------------------------------


@cpu_whole_kernel
def cross_entropy_forward(start, stop, loss, peak, total, x, classes, factor):
    """loss[k] = factor * (log total[k] - (x[o, classes[k], c] - peak[k])), k = o * inner + c

    peak[k] = max_j x[o, j, c], total[k] = sum_j exp(x[o, j, c] - peak[k]); x [outer, length, inner]
    """
    share_out(cross_entropy_rows, cross_entropy_columns, x, (loss, peak, total, x, classes, factor))


@cpu_whole_kernel
def cross_entropy_backward(start, stop, grad_x, grad_out, x, classes, peak, total, factor):
    """grad_x[o, j, c] = factor * grad_out[0] * (p - 1 if j = classes[k] else p), k = o * inner + c

    p = exp(x[o, j, c] - peak[k]) / total[k]; grad_x, x [outer, length, inner]
    """
    scale = x.dtype.type(factor * grad_out[0])
    share_out(cross_entropy_gradient_rows, cross_entropy_gradient_columns, x,
              (grad_x, x, classes, peak, total, scale))  # fmt: skip


@cpu_whole_kernel
def softmax_cross_entropy_forward(start, stop, loss, peak, total, x, y, factor):
    """loss[i] = factor * sum_j y[i, j] * (log total[i] - (x[i, j] - peak[i]))

    peak[i] = max_j x[i, j], total[i] = sum_j exp(x[i, j] - peak[i]); terms with y = 0 are left out;
    x, y [n, length, 1]
    """
    parallel_for(softmax_cross_entropy_rows, stop, (loss, peak, total, x, y, factor))


@cpu_whole_kernel
def softmax_cross_entropy_backward(start, stop, grad_x, grad_out, x, y, peak, total, factor):
    """grad_x[i, j] = factor * grad_out[0] * (p[i, j] * sum_k y[i, k] - y[i, j])

    p[i, j] = exp(x[i, j] - peak[i]) / total[i]; grad_x, x, y [n, length, 1]
    """
    scale = x.dtype.type(factor * grad_out[0])
    parallel_for(softmax_cross_entropy_gradient_rows, stop, (grad_x, x, y, peak, total, scale))


@cpu_whole_kernel
def categorical_cross_entropy_forward(start, stop, loss, peak, total, x, y, factor, epsilon):
    """loss[i] = -factor * sum_j y[i, j] * log(p[i, j] + epsilon), p = exp(x - peak[i]) / total[i]

    peak[i] = max_j x[i, j], total[i] = sum_j exp(x[i, j] - peak[i]); x, y [n, length, 1]
    """
    parallel_for(categorical_cross_entropy_rows, stop, (loss, peak, total, x, y, factor, epsilon))


@cpu_whole_kernel
def categorical_cross_entropy_backward(
    start, stop, grad_x, grad_out, x, y, peak, total, factor, epsilon
):
    """grad_x[i, j] = factor * grad_out[0] * p[i, j] * (d[i, j] - sum_k d[i, k] * p[i, k])

    p[i, j] = exp(x[i, j] - peak[i]) / total[i], d[i, j] = -y[i, j] / (p[i, j] + epsilon);
    grad_x, x, y [n, length, 1]
    """
    scale = x.dtype.type(factor * grad_out[0])
    parallel_for(categorical_cross_entropy_gradient_rows, stop,
                 (grad_x, x, y, peak, total, scale, epsilon))  # fmt: skip


@cpu_kernel
def nll_loss_forward(start, stop, loss, x, classes, factor):
    """loss[k] = -factor * x[o, classes[k], c], k = o * inner + c; x [outer, length, inner]"""
    length, inner, xs = x.shape[1], x.shape[2], pointer(x)
    for o in range(start // inner, -(-stop // inner)):
        first, begin = o * inner, o * length * inner
        for k in range(max(first, start), min(first + inner, stop)):
            loss[k] = -factor * xs[begin + classes[k] * inner + k - first]


@cpu_kernel
def nll_loss_backward(start, stop, grad_x, grad_out, classes, factor):
    """grad_x[o, classes[k], c] = -factor * grad_out[0], k = o * inner + c; the rest is left"""
    length, inner, to = grad_x.shape[1], grad_x.shape[2], pointer(grad_x)
    for o in range(start // inner, -(-stop // inner)):
        first, begin = o * inner, o * length * inner
        for k in range(max(first, start), min(first + inner, stop)):
            to[begin + classes[k] * inner + k - first] = -factor * grad_out[0]


@cpu_kernel(fastmath="reassociate")
def mean_squared_error_forward(start, stop, part_loss, x, y, part, factor):
    """part_loss[p] = factor * sum_k (x[k] - y[k])**2 over k in part p of ``part`` elements"""
    for p in range(start, stop):
        # Slices count from 0, which spares the loop numba's check for negative indices.
        xs, ys = x[p * part : p * part + part], y[p * part : p * part + part]
        t = 0.0
        for k in range(xs.size):
            t += (xs[k] - ys[k]) * (xs[k] - ys[k])
        part_loss[p] = factor * t


@cpu_kernel
def mean_squared_error_backward(start, stop, grad_x, grad_out, x, y, factor):
    """grad_x[k] = factor * grad_out[0] * (x[k] - y[k])"""
    scale = grad_out[0] * factor
    xs, ys, grads = x[start:stop], y[start:stop], grad_x[start:stop]
    for k in range(stop - start):
        grads[k] = scale * (xs[k] - ys[k])


@cpu_host_kernel
def binary_cross_entropy_forward(start, stop, part_loss, x, y, part, factor):
    """part_loss[p] = -factor * sum_k y[k] * a[k] + (1 - y[k]) * b[k] over part p, elements [n]

    a[k] = max(log x[k], -100), b[k] = max(log(1 - x[k]), -100)
    """
    a, b = np.empty(part, x.dtype), np.empty(part, x.dtype)
    for p in range(start, stop):
        xs, ys = x[p * part : (p + 1) * part], y[p * part : (p + 1) * part]
        log_x, log_rest = a[: xs.size], b[: xs.size]
        with np.errstate(divide="ignore", invalid="ignore"):
            np.log(xs, out=log_x)
            np.subtract(1, xs, out=log_rest)
            np.log(log_rest, out=log_rest)
        np.maximum(log_x, -100, out=log_x)
        np.maximum(log_rest, -100, out=log_rest)
        np.subtract(log_x, log_rest, out=log_x)
        np.multiply(log_x, ys, out=log_x)
        np.add(log_x, log_rest, out=log_x)
        part_loss[p] = -factor * np.add.reduce(log_x, dtype=np.float64)


@cpu_kernel
def binary_cross_entropy_backward(start, stop, grad_x, grad_out, x, y, factor, smallest):
    """grad_x[k] = factor * grad_out[0] * (x[k] - y[k]) / max(x[k] * (1 - x[k]), smallest)"""
    scale, one = grad_out[0] * factor, x.dtype.type(1)
    xs, ys, grads = x[start:stop], y[start:stop], grad_x[start:stop]
    for k in range(stop - start):
        spread = xs[k] * (one - xs[k])
        grads[k] = scale * (xs[k] - ys[k]) / (smallest if spread < smallest else spread)
