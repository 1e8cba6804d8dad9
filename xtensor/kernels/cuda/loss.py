"""Losses: each row or part of the batch gives its share of the mean, which the op then sums.

``loss`` and ``part_loss`` are float64, so that a mean over many rows keeps its digits. Backward
kernels get ``grad_out`` of shape [1] and ``factor``, the derivative of the mean.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from .._cuda import ROW_THREADS, block_sum, cuda, cuda_kernel, cuda_row_kernel
from .softmax import row_exp_sum, row_max


@cuda_row_kernel
def cross_entropy_forward(start, stop, loss, peak, total, x, classes, factor):
    """loss[k] = factor * (log total[k] - (x[o, classes[k], c] - peak[k])), k = o * inner + c

    peak[k] = max_j x[o, j, c], total[k] = sum_j exp(x[o, j, c] - peak[k]); x [outer, length, inner]
    """
    shared = cuda.shared.array(ROW_THREADS, np.float64)
    inner = x.shape[2]
    for k in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        o, c = k // inner, k % inner
        largest = row_max(x, o, c, shared)
        t = row_exp_sum(x, o, c, largest, shared)
        if cuda.threadIdx.x == 0:
            peak[k] = largest
            total[k] = t
            loss[k] = factor * (math.log(t) - (x[o, classes[k], c] - largest))


@cuda_row_kernel
def cross_entropy_backward(start, stop, grad_x, grad_out, x, classes, peak, total, factor):
    """grad_x[o, j, c] = factor * grad_out[0] * (p - 1 if j = classes[k] else p), k = o * inner + c

    p = exp(x[o, j, c] - peak[k]) / total[k]; grad_x, x [outer, length, inner]
    """
    inner = x.shape[2]
    scale = factor * grad_out[0]
    for k in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        o, c = k // inner, k % inner
        for j in range(cuda.threadIdx.x, x.shape[1], ROW_THREADS):
            p = math.exp(x[o, j, c] - peak[k]) / total[k]
            grad_x[o, j, c] = scale * (p - 1 if j == classes[k] else p)


@cuda_row_kernel
def softmax_cross_entropy_forward(start, stop, loss, peak, total, x, y, factor):
    """loss[i] = factor * sum_j y[i, j] * (log total[i] - (x[i, j] - peak[i]))

    peak[i] = max_j x[i, j], total[i] = sum_j exp(x[i, j] - peak[i]); terms with y = 0 are left out;
    x, y [n, length, 1]
    """
    shared = cuda.shared.array(ROW_THREADS, np.float64)
    for i in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        largest = row_max(x, i, 0, shared)
        t = row_exp_sum(x, i, 0, largest, shared)
        log_total = math.log(t)
        weighed = 0.0
        for j in range(cuda.threadIdx.x, x.shape[1], ROW_THREADS):
            if y[i, j, 0] != 0:
                weighed += y[i, j, 0] * (log_total - (x[i, j, 0] - largest))
        weighed = block_sum(weighed, shared)
        if cuda.threadIdx.x == 0:
            peak[i] = largest
            total[i] = t
            loss[i] = factor * weighed


@cuda_row_kernel
def softmax_cross_entropy_backward(start, stop, grad_x, grad_out, x, y, peak, total, factor):
    """grad_x[i, j] = factor * grad_out[0] * (p[i, j] * sum_k y[i, k] - y[i, j])

    p[i, j] = exp(x[i, j] - peak[i]) / total[i]; grad_x, x, y [n, length, 1]
    """
    shared = cuda.shared.array(ROW_THREADS, np.float64)
    scale = factor * grad_out[0]
    for i in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        weight = 0.0
        for j in range(cuda.threadIdx.x, x.shape[1], ROW_THREADS):
            weight += y[i, j, 0]
        weight = block_sum(weight, shared)
        for j in range(cuda.threadIdx.x, x.shape[1], ROW_THREADS):
            p = math.exp(x[i, j, 0] - peak[i]) / total[i]
            grad_x[i, j, 0] = scale * (p * weight - y[i, j, 0])


@cuda_row_kernel
def categorical_cross_entropy_forward(start, stop, loss, peak, total, x, y, factor, epsilon):
    """loss[i] = -factor * sum_j y[i, j] * log(p[i, j] + epsilon), p = exp(x - peak[i]) / total[i]

    peak[i] = max_j x[i, j], total[i] = sum_j exp(x[i, j] - peak[i]); x, y [n, length, 1]
    """
    shared = cuda.shared.array(ROW_THREADS, np.float64)
    for i in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        largest = row_max(x, i, 0, shared)
        t = row_exp_sum(x, i, 0, largest, shared)
        weighed = 0.0
        for j in range(cuda.threadIdx.x, x.shape[1], ROW_THREADS):
            if y[i, j, 0] != 0:
                weighed -= y[i, j, 0] * math.log(math.exp(x[i, j, 0] - largest) / t + epsilon)
        weighed = block_sum(weighed, shared)
        if cuda.threadIdx.x == 0:
            peak[i] = largest
            total[i] = t
            loss[i] = factor * weighed


@cuda_row_kernel
def categorical_cross_entropy_backward(
    start, stop, grad_x, grad_out, x, y, peak, total, factor, epsilon
):
    """grad_x[i, j] = factor * grad_out[0] * p[i, j] * (d[i, j] - sum_k d[i, k] * p[i, k])

    p[i, j] = exp(x[i, j] - peak[i]) / total[i], d[i, j] = -y[i, j] / (p[i, j] + epsilon);
    grad_x, x, y [n, length, 1]
    """
    shared = cuda.shared.array(ROW_THREADS, np.float64)
    scale = factor * grad_out[0]
    for i in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        t = 0.0
        for j in range(cuda.threadIdx.x, x.shape[1], ROW_THREADS):
            p = math.exp(x[i, j, 0] - peak[i]) / total[i]
            t -= y[i, j, 0] / (p + epsilon) * p
        t = block_sum(t, shared)
        for j in range(cuda.threadIdx.x, x.shape[1], ROW_THREADS):
            p = math.exp(x[i, j, 0] - peak[i]) / total[i]
            grad_x[i, j, 0] = scale * p * (-y[i, j, 0] / (p + epsilon) - t)


@cuda_kernel
def nll_loss_forward(start, stop, loss, x, classes, factor):
    """loss[k] = -factor * x[o, classes[k], c], k = o * inner + c; x [outer, length, inner]"""
    inner = x.shape[2]
    for k in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        loss[k] = -factor * x[k // inner, classes[k], k % inner]


@cuda_kernel
def nll_loss_backward(start, stop, grad_x, grad_out, classes, factor):
    """grad_x[o, classes[k], c] = -factor * grad_out[0], k = o * inner + c; the rest is left"""
    inner = grad_x.shape[2]
    for k in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        grad_x[k // inner, classes[k], k % inner] = -factor * grad_out[0]


@cuda_row_kernel
def mean_squared_error_forward(start, stop, part_loss, x, y, part, factor):
    """part_loss[p] = factor * sum_k (x[k] - y[k])**2 over k in part p of ``part`` elements"""
    shared = cuda.shared.array(ROW_THREADS, np.float64)
    for p in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        t = 0.0
        last = min(p * part + part, x.size)
        for k in range(p * part + cuda.threadIdx.x, last, ROW_THREADS):
            t += (x[k] - y[k]) * (x[k] - y[k])
        t = block_sum(t, shared)
        if cuda.threadIdx.x == 0:
            part_loss[p] = factor * t


@cuda_kernel
def mean_squared_error_backward(start, stop, grad_x, grad_out, x, y, factor):
    """grad_x[k] = factor * grad_out[0] * (x[k] - y[k])"""
    scale = grad_out[0] * factor
    for k in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        grad_x[k] = scale * (x[k] - y[k])


@cuda.jit(device=True)
def clamped_log(x):
    """max(log x, -100); NaN below 0, as log is"""
    if x == 0:
        return -100.0
    return max(math.log(x), -100.0) if x > 0 else math.nan


@cuda_row_kernel
def binary_cross_entropy_forward(start, stop, part_loss, x, y, part, factor):
    """part_loss[p] = -factor * sum_k y[k] * a[k] + (1 - y[k]) * b[k] over part p, elements [n]

    a[k] = max(log x[k], -100), b[k] = max(log(1 - x[k]), -100)
    """
    shared = cuda.shared.array(ROW_THREADS, np.float64)
    for p in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        t = 0.0
        last = min(p * part + part, x.size)
        for k in range(p * part + cuda.threadIdx.x, last, ROW_THREADS):
            t -= y[k] * clamped_log(x[k]) + (1 - y[k]) * clamped_log(1 - x[k])
        t = block_sum(t, shared)
        if cuda.threadIdx.x == 0:
            part_loss[p] = factor * t


@cuda_kernel
def binary_cross_entropy_backward(start, stop, grad_x, grad_out, x, y, factor, smallest):
    """grad_x[k] = factor * grad_out[0] * (x[k] - y[k]) / max(x[k] * (1 - x[k]), smallest)"""
    scale, one = grad_out[0] * factor, x.dtype.type(1)
    for k in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        spread = x[k] * (one - x[k])
        grad_x[k] = scale * (x[k] - y[k]) / (smallest if spread < smallest else spread)
