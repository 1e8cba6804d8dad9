"""Softmax along the middle axis of [outer, length, inner]: one block per (outer, inner) pair."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from .._cuda import ROW_THREADS, block_extreme, block_sum, cuda, cuda_row_kernel


@cuda.jit(device=True)
def row_max(x, o, c, shared):
    """max_j x[o, j, c], to every thread of the block; of a row with NaN whatever, its sum is NaN"""
    peak = x[o, 0, c]
    for j in range(cuda.threadIdx.x, x.shape[1], ROW_THREADS):
        peak = max(peak, x[o, j, c])
    return block_extreme(peak, shared, False)


@cuda.jit(device=True)
def row_exp_sum(x, o, c, peak, shared):
    """sum_j exp(x[o, j, c] - peak), to every thread of the block"""
    t = 0.0
    for j in range(cuda.threadIdx.x, x.shape[1], ROW_THREADS):
        t += math.exp(x[o, j, c] - peak)
    return block_sum(t, shared)


@cuda_row_kernel
def softmax_forward(start, stop, out, x):
    """out[o, j, c] = exp(x[o, j, c] - max_j x) / sum_j exp(x[o, j, c] - max_j x)"""
    shared = cuda.shared.array(ROW_THREADS, np.float64)
    length, inner = x.shape[1], x.shape[2]
    for k in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        o, c = k // inner, k % inner
        peak = row_max(x, o, c, shared)
        total = row_exp_sum(x, o, c, peak, shared)
        for j in range(cuda.threadIdx.x, length, ROW_THREADS):
            out[o, j, c] = math.exp(x[o, j, c] - peak) / total


@cuda_row_kernel
def softmax_backward(start, stop, grad_x, grad_out, out):
    """grad_x[o, j, c] = out[o, j, c] * (grad_out[o, j, c] - sum_j (grad_out * out)[o, j, c])"""
    shared = cuda.shared.array(ROW_THREADS, np.float64)
    length, inner = out.shape[1], out.shape[2]
    for k in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        o, c = k // inner, k % inner
        t = 0.0
        for j in range(cuda.threadIdx.x, length, ROW_THREADS):
            t += grad_out[o, j, c] * out[o, j, c]
        mean = block_sum(t, shared)
        for j in range(cuda.threadIdx.x, length, ROW_THREADS):
            grad_x[o, j, c] = out[o, j, c] * (grad_out[o, j, c] - mean)


@cuda_row_kernel
def log_softmax_forward(start, stop, out, x):
    """out[o, j, c] = x[o, j, c] - max_j x - log sum_j exp(x[o, j, c] - max_j x)"""
    shared = cuda.shared.array(ROW_THREADS, np.float64)
    length, inner = x.shape[1], x.shape[2]
    for k in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        o, c = k // inner, k % inner
        peak = row_max(x, o, c, shared)
        total = math.log(row_exp_sum(x, o, c, peak, shared))
        for j in range(cuda.threadIdx.x, length, ROW_THREADS):
            out[o, j, c] = x[o, j, c] - peak - total


@cuda_row_kernel
def log_softmax_backward(start, stop, grad_x, grad_out, out):
    """grad_x[o, j, c] = grad_out[o, j, c] - exp(out[o, j, c]) * sum_j grad_out[o, j, c]"""
    shared = cuda.shared.array(ROW_THREADS, np.float64)
    length, inner = out.shape[1], out.shape[2]
    for k in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        o, c = k // inner, k % inner
        t = 0.0
        for j in range(cuda.threadIdx.x, length, ROW_THREADS):
            t += grad_out[o, j, c]
        total = block_sum(t, shared)
        for j in range(cuda.threadIdx.x, length, ROW_THREADS):
            grad_x[o, j, c] = grad_out[o, j, c] - math.exp(out[o, j, c]) * total
