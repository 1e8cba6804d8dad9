"""Batch and layer normalisation. Statistics are float64: two passes, mean first, then variance.

``scale`` is 1 / sqrt(variance + epsilon); h = (x - mean) * scale is what gamma and beta act on.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from .._cuda import ROW_THREADS, block_sum, cuda, cuda_kernel, cuda_row_kernel


@cuda_row_kernel
def batch_norm_forward(start, stop, out, mean, scale, variance, x, gamma, beta, epsilon):
    """out[b, c, i] = (x[b, c, i] - mean[c]) * scale[c] * gamma[c] + beta[c]; x [B, C, inner]

    mean[c], variance[c] = mean and biased variance of x[:, c, :],
    scale[c] = 1 / sqrt(variance[c] + epsilon)
    """
    shared = cuda.shared.array(ROW_THREADS, np.float64)
    inner = x.shape[2]
    count = x.shape[0] * inner
    for c in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        t = 0.0
        for k in range(cuda.threadIdx.x, count, ROW_THREADS):
            t += x[k // inner, c, k % inner]
        m = block_sum(t, shared) / count
        t = 0.0
        for k in range(cuda.threadIdx.x, count, ROW_THREADS):
            d = x[k // inner, c, k % inner] - m
            t += d * d
        v = block_sum(t, shared) / count
        s = 1 / math.sqrt(v + epsilon)
        if cuda.threadIdx.x == 0:
            mean[c] = m
            variance[c] = v
            scale[c] = s
        factor = gamma[c] * s
        for k in range(cuda.threadIdx.x, count, ROW_THREADS):
            b, i = k // inner, k % inner
            out[b, c, i] = (x[b, c, i] - m) * factor + beta[c]


@cuda_row_kernel
def batch_norm_backward(
    start, stop, grad_x, grad_gamma, grad_beta, grad_out, x, gamma, mean, scale, training
):
    """grad_x[b, c, i] = gamma[c] * scale[c] * (g - training * (mean g + h * mean (g * h)))

    g = grad_out[b, c, i], h = (x[b, c, i] - mean[c]) * scale[c], means over b and i;
    grad_beta[c] = sum g, grad_gamma[c] = sum g * h, both float64; training 1 or 0;
    x [B, C, inner]
    """
    shared = cuda.shared.array(ROW_THREADS, np.float64)
    inner = x.shape[2]
    count = x.shape[0] * inner
    for c in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        t = 0.0
        u = 0.0
        for k in range(cuda.threadIdx.x, count, ROW_THREADS):
            b, i = k // inner, k % inner
            t += grad_out[b, c, i]
            u += grad_out[b, c, i] * (x[b, c, i] - mean[c])
        t = block_sum(t, shared)
        u = block_sum(u, shared) * scale[c]
        if cuda.threadIdx.x == 0:
            grad_beta[c] = t
            grad_gamma[c] = u
        share = training / max(count, 1)
        level = share * t
        slope = share * u * scale[c]
        factor = gamma[c] * scale[c]
        for k in range(cuda.threadIdx.x, count, ROW_THREADS):
            b, i = k // inner, k % inner
            h = slope * (x[b, c, i] - mean[c])
            grad_x[b, c, i] = factor * (grad_out[b, c, i] - level - h)


@cuda_kernel
def batch_norm_update(start, stop, new_mean, new_variance, mean, variance, old_mean, old_variance,
                      momentum, correction):  # fmt: skip
    """new_mean[c] = (1 - momentum) * old_mean[c] + momentum * mean[c]

    new_variance[c] = (1 - momentum) * old_variance[c] + momentum * correction * variance[c]
    """
    for c in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        new_mean[c] = (1 - momentum) * old_mean[c] + momentum * mean[c]
        new_variance[c] = (1 - momentum) * old_variance[c] + momentum * correction * variance[c]


@cuda_row_kernel
def batch_norm_evaluate(start, stop, out, scale, x, gamma, beta, mean, variance, epsilon):
    """out[b, c, i] = (x[b, c, i] - mean[c]) * scale[c] * gamma[c] + beta[c]; x [B, C, inner]

    scale[c] = 1 / sqrt(variance[c] + epsilon)
    """
    inner = x.shape[2]
    for c in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        s = 1 / math.sqrt(variance[c] + epsilon)
        if cuda.threadIdx.x == 0:
            scale[c] = s
        factor = gamma[c] * s
        for k in range(cuda.threadIdx.x, x.shape[0] * inner, ROW_THREADS):
            b, i = k // inner, k % inner
            out[b, c, i] = (x[b, c, i] - mean[c]) * factor + beta[c]


@cuda_row_kernel
def layer_norm_forward(start, stop, out, mean, scale, x, gamma, beta, epsilon):
    """out[r, j] = (x[r, j] - mean[r]) * scale[r] * gamma[j] + beta[j]; x [rows, length]

    mean[r] = mean_j x[r, j], scale[r] = 1 / sqrt(mean_j (x[r, j] - mean[r])**2 + epsilon)
    """
    shared = cuda.shared.array(ROW_THREADS, np.float64)
    length = x.shape[1]
    for r in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        t = 0.0
        for j in range(cuda.threadIdx.x, length, ROW_THREADS):
            t += x[r, j]
        m = block_sum(t, shared) / length
        t = 0.0
        for j in range(cuda.threadIdx.x, length, ROW_THREADS):
            t += (x[r, j] - m) * (x[r, j] - m)
        s = 1 / math.sqrt(block_sum(t, shared) / length + epsilon)
        if cuda.threadIdx.x == 0:
            mean[r] = m
            scale[r] = s
        for j in range(cuda.threadIdx.x, length, ROW_THREADS):
            out[r, j] = (x[r, j] - m) * s * gamma[j] + beta[j]


@cuda_row_kernel
def layer_norm_backward(start, stop, grad_x, slopes, levels, grad_out, x, gamma, mean, scale, part):
    """grad_x[r, j] = scale[r] * (g - mean_j g - h * mean_j (g * h)); x [rows, length]

    g = grad_out[r, j] * gamma[j], h = (x[r, j] - mean[r]) * scale[r]; and over the ``part`` rows of
    part p, unless these are empty, slopes[p, j] = sum_r grad_out[r, j] * h and
    levels[p, j] = sum_r grad_out[r, j], both float64; a block per part.
    """
    shared = cuda.shared.array(ROW_THREADS, np.float64)
    rows, length = x.shape
    for p in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        # Each column belongs to one thread, in every row.
        for j in range(cuda.threadIdx.x, slopes.shape[1], ROW_THREADS):
            slopes[p, j] = 0
            levels[p, j] = 0
        for r in range(p * part, min(p * part + part, rows)):
            t = 0.0
            u = 0.0
            for j in range(cuda.threadIdx.x, length, ROW_THREADS):
                g = grad_out[r, j] * gamma[j]
                t += g
                u += g * (x[r, j] - mean[r])
            level = block_sum(t, shared) / length
            slope = block_sum(u, shared) / length * scale[r] * scale[r]
            for j in range(cuda.threadIdx.x, length, ROW_THREADS):
                h = slope * (x[r, j] - mean[r])
                grad_x[r, j] = scale[r] * (grad_out[r, j] * gamma[j] - level - h)
            for j in range(cuda.threadIdx.x, slopes.shape[1], ROW_THREADS):
                slopes[p, j] += grad_out[r, j] * ((x[r, j] - mean[r]) * scale[r])
                levels[p, j] += grad_out[r, j]
