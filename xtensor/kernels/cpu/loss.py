"""Losses: each row or part of the batch gives its share of the mean, which the op then sums.

``loss`` and ``part_loss`` are float64, so that a mean over many rows keeps its digits. Backward
kernels get ``grad_out`` of shape [1] and ``factor``, the derivative of the mean.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from .._jit import CpuKernel, cpu_host_kernel, cpu_kernel
from .exponential import exp
from .softmax import exp_sum, row_blocks, row_max, rows_of


def _pick(loss, peak, total, buffer, x, classes, factor):
    for i in range(x.shape[0]):
        peak[i] = row_max(x[i])
        total[i] = exp_sum(buffer, x[i], peak[i])
        loss[i] = factor * (math.log(total[i]) - (x[i, classes[i]] - peak[i]))


def _probability_and_mark(out, x, peak, total, classes, factor):
    for i in range(x.shape[0]):
        to, row = out[i], x[i]
        scale, top = factor / total[i], peak[i]
        for j in range(row.size):
            to[j] = exp(row[j] - top) * scale
        to[classes[i]] -= factor


def _weigh(loss, peak, total, work, x, y, factor, epsilon):
    for i in range(y.shape[0]):
        peak[i] = row_max(x[i])
        total[i] = exp_sum(work, x[i], peak[i])
        t = 0.0
        for j in range(y.shape[1]):
            if y[i, j] != 0:
                t -= y[i, j] * math.log(work[j] / np.float64(total[i]) + epsilon)
        loss[i] = factor * t


def _weigh_stable(loss, peak, total, work, x, y, factor):
    for i in range(y.shape[0]):
        peak[i] = row_max(x[i])
        total[i] = exp_sum(work, x[i], peak[i])
        log_total = math.log(total[i])
        t = 0.0
        for j in range(y.shape[1]):
            if y[i, j] != 0:
                t += y[i, j] * (log_total - (x[i, j] - peak[i]))
        loss[i] = factor * t


def _pull_to(out, x, peak, total, y, factor):
    for i in range(y.shape[0]):
        to, row, weights, top = out[i], x[i], y[i], peak[i]
        weight = 0.0
        for j in range(row.size):
            weight += weights[j]
        scale = x.dtype.type(factor * weight / total[i])
        for j in range(row.size):
            to[j] = exp(row[j] - top) * scale - factor * weights[j]


def _pull_softly(out, x, peak, total, y, factor, epsilon):
    for i in range(y.shape[0]):
        t = 0.0
        for j in range(y.shape[1]):
            p = exp(x[i, j] - peak[i]) / total[i]
            out[i, j] = p
            t -= y[i, j] / (p + epsilon) * p
        for j in range(y.shape[1]):
            p = out[i, j]
            out[i, j] = factor * p * (-y[i, j] / (p + epsilon) - t)


# Loops of the host kernels below; they take whole blocks and have no CUDA twins of their own.
pick = CpuKernel(_pick)
probability_and_mark = CpuKernel(_probability_and_mark)
weigh = CpuKernel(_weigh)
weigh_stable = CpuKernel(_weigh_stable)
pull_to = CpuKernel(_pull_to, "reassociate")
pull_softly = CpuKernel(_pull_softly)


@cpu_host_kernel
def cross_entropy_forward(start, stop, loss, peak, total, x, classes, factor):
    """loss[k] = factor * (log total[k] - (x[o, classes[k], c] - peak[k])), k = o * inner + c

    peak[k] = max_j x[o, j, c], total[k] = sum_j exp(x[o, j, c] - peak[k]); x [outer, length, inner]
    """
    buffer = np.empty(x.shape[1], x.dtype)
    for first, last in row_blocks(start, stop, x.shape):
        rows, p, t = rows_of(x, first, last), peak[first:last], total[first:last]
        pick.compiled()(loss[first:last], p, t, buffer, rows, classes[first:last], factor)


@cpu_host_kernel
def cross_entropy_backward(start, stop, grad_x, grad_out, x, classes, peak, total, factor):
    """grad_x[o, j, c] = factor * grad_out[0] * (p - 1 if j = classes[k] else p), k = o * inner + c

    p = exp(x[o, j, c] - peak[k]) / total[k]; grad_x, x [outer, length, inner]
    """
    scale = x.dtype.type(factor * grad_out[0])
    for first, last in row_blocks(start, stop, x.shape):
        to, rows = rows_of(grad_x, first, last), rows_of(x, first, last)
        p, t = peak[first:last], total[first:last]
        probability_and_mark.compiled()(to, rows, p, t, classes[first:last], scale)


@cpu_host_kernel
def softmax_cross_entropy_forward(start, stop, loss, peak, total, x, y, factor):
    """loss[i] = factor * sum_j y[i, j] * (log total[i] - (x[i, j] - peak[i]))

    peak[i] = max_j x[i, j], total[i] = sum_j exp(x[i, j] - peak[i]); terms with y = 0 are left out;
    x, y [n, length, 1]
    """
    buffer = np.empty(x.shape[1], x.dtype)
    for first, last in row_blocks(start, stop, x.shape):
        rows, p, t = rows_of(x, first, last), peak[first:last], total[first:last]
        weigh_stable.compiled()(
            loss[first:last], p, t, buffer, rows, rows_of(y, first, last), factor
        )


@cpu_host_kernel
def softmax_cross_entropy_backward(start, stop, grad_x, grad_out, x, y, peak, total, factor):
    """grad_x[i, j] = factor * grad_out[0] * (p[i, j] * sum_k y[i, k] - y[i, j])

    p[i, j] = exp(x[i, j] - peak[i]) / total[i]; grad_x, x, y [n, length, 1]
    """
    scale = x.dtype.type(factor * grad_out[0])
    for first, last in row_blocks(start, stop, x.shape):
        to, rows, weights = (rows_of(a, first, last) for a in (grad_x, x, y))
        pull_to.compiled()(to, rows, peak[first:last], total[first:last], weights, scale)


@cpu_host_kernel
def categorical_cross_entropy_forward(start, stop, loss, peak, total, x, y, factor, epsilon):
    """loss[i] = -factor * sum_j y[i, j] * log(p[i, j] + epsilon), p = exp(x - peak[i]) / total[i]

    peak[i] = max_j x[i, j], total[i] = sum_j exp(x[i, j] - peak[i]); x, y [n, length, 1]
    """
    buffer = np.empty(x.shape[1], x.dtype)
    for first, last in row_blocks(start, stop, x.shape):
        rows, p, t = rows_of(x, first, last), peak[first:last], total[first:last]
        weigh.compiled()(
            loss[first:last], p, t, buffer, rows, rows_of(y, first, last), factor, epsilon
        )


@cpu_host_kernel
def categorical_cross_entropy_backward(
    start, stop, grad_x, grad_out, x, y, peak, total, factor, epsilon
):
    """grad_x[i, j] = factor * grad_out[0] * p[i, j] * (d[i, j] - sum_k d[i, k] * p[i, k])

    p[i, j] = exp(x[i, j] - peak[i]) / total[i], d[i, j] = -y[i, j] / (p[i, j] + epsilon);
    grad_x, x, y [n, length, 1]
    """
    scale = x.dtype.type(factor * grad_out[0])
    for first, last in row_blocks(start, stop, x.shape):
        to, rows, p = rows_of(grad_x, first, last), rows_of(x, first, last), peak[first:last]
        pull_softly.compiled()(
            to, rows, p, total[first:last], rows_of(y, first, last), scale, epsilon
        )


@cpu_kernel
def nll_loss_forward(start, stop, loss, x, classes, factor):
    """loss[k] = -factor * x[o, classes[k], c], k = o * inner + c; x [outer, length, inner]"""
    inner = x.shape[2]
    for k in range(start, stop):
        loss[k] = -factor * x[k // inner, classes[k], k % inner]


@cpu_kernel
def nll_loss_backward(start, stop, grad_x, grad_out, classes, factor):
    """grad_x[o, classes[k], c] = -factor * grad_out[0], k = o * inner + c; the rest is left"""
    inner = grad_x.shape[2]
    for k in range(start, stop):
        grad_x[k // inner, classes[k], k % inner] = -factor * grad_out[0]


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
    scale = grad_out[0] * factor
    xs, ys, grads = x[start:stop], y[start:stop], grad_x[start:stop]
    for k in range(stop - start):
        spread = xs[k] - xs[k] * xs[k]
        grads[k] = scale * (xs[k] - ys[k]) / (smallest if spread < smallest else spread)
